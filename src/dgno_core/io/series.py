"""Files that hold several images: which one is read."""

from __future__ import annotations

from pathlib import Path

from dgno_core.errors import DGNOError


def check_series(path: Path, series: int, count: int) -> None:
    """Check that a file holds the image that is asked for.

    Parameters
    ----------
    path
        The file.
    series
        Number of the image, counted from 0.
    count
        How many images the file holds.

    Raises
    ------
    DGNOError
        If it does not.
    """
    if not 0 <= series < count:
        holds = "one image, number 0" if count == 1 else f"{count} images, 0 to {count - 1}"
        raise DGNOError(f"{path} holds {holds}; there is no series {series}.")


def which_image(path: Path, series: int, count: int) -> str | None:
    """Say which of several images is read; None if there is but one."""
    if count <= 1:
        return None
    return (
        f"{path.name} holds {count} images, 0 to {count - 1}; number {series} is read. "
        "Choose another one with --series."
    )
