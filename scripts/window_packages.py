"""Install the system packages that a napari window needs on a machine without a screen.

`nox -s tests` runs this before it downloads anything; `python3 scripts/window_packages.py` does
the same by hand. Only on Linux without a display is there anything to do. Nothing but Python's
standard library is needed.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys

# A virtual screen, Mesa's software OpenGL, a font, and what Qt's xcb platform plugin links to.
PACKAGES = [
    *("xvfb", "xauth", "libegl1", "libgl1", "libgl1-mesa-dri"),
    *("fontconfig", "fonts-dejavu-core"),
    *("libdbus-1-3", "libglib2.0-0", "libx11-xcb1", "libxkbcommon-x11-0"),
    *("libxcb-cursor0", "libxcb-icccm4", "libxcb-image0", "libxcb-keysyms1", "libxcb-randr0"),
    *("libxcb-render-util0", "libxcb-shape0", "libxcb-sync1", "libxcb-xfixes0", "libxcb-xkb1"),
]
_PROVIDED = "${db:Status-Abbrev} ${Package} ${Provides}\n"


def main() -> int:
    """Install what is missing, or say in one line what to do; return the exit status."""
    if sys.platform != "linux" or os.environ.get("DISPLAY"):
        return 0
    if shutil.which("apt-get") is None:
        if shutil.which("xvfb-run"):
            return 0
        return _refuse(
            "there is no screen, and no apt-get to install a virtual one: install Xvfb (with "
            "xvfb-run), Mesa's OpenGL and Qt's xcb libraries with your system's package manager"
        )
    absent = missing(installed())
    if not absent:
        return 0
    by_hand = f"apt-get update && apt-get install -y --no-install-recommends {' '.join(absent)}"
    root = _root()
    if root is None:
        return _refuse(
            f"there is no screen, and only root may install a virtual one; as root, run: {by_hand}"
        )
    print(f"installing the system packages of a virtual screen: {' '.join(absent)}", flush=True)
    for words in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *absent],
    ):
        command = [*root, "env", "DEBIAN_FRONTEND=noninteractive", *words]
        if subprocess.run(command, check=False).returncode:
            return _refuse(
                f"'{shlex.join(words)}' failed, see above; mend that, or as root, run: {by_hand}"
            )
    return 0


def installed() -> set[str]:
    """Name the Debian packages that are installed, and what these provide.

    Newer releases rename some (libglib2.0-0t64), which then provide the old name.
    """
    listed = subprocess.run(
        ["dpkg-query", "-W", f"-f={_PROVIDED}"], capture_output=True, text=True, check=False
    )
    lines = (line.replace(",", " ").split() for line in listed.stdout.splitlines())
    return {name for status, *names in filter(None, lines) if status == "ii" for name in names}


def missing(present: set[str]) -> list[str]:
    """Name the packages that are not there."""
    return [package for package in PACKAGES if package not in present]


def _root() -> list[str] | None:
    """Return what stands before a command to run it as root; None if that cannot be."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    # Where nobody can type a password, sudo must not wait for one.
    words = ["sudo"] if sys.stdin.isatty() else ["sudo", "-n"]
    allowed = sys.stdin.isatty() or not subprocess.run([*words, "true"], check=False).returncode
    return words if allowed else None


def _refuse(problem: str) -> int:
    print(f"window_packages: {problem}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
