"""The recipes that come with the package, by name."""

from __future__ import annotations

from pathlib import Path

from dgno_core.errors import DGNOError
from dgno_core.wording import did_you_mean

LISTING = "dgno-train --recipes"  # the command that lists them
CONFIGS = Path(__file__).resolve().parents[1] / "configs"


def recipe_names() -> list[str]:
    """Names of the packaged recipes."""
    return sorted(path.stem for path in _files())


def _files() -> list[Path]:
    return [path for path in CONFIGS.rglob("*.yaml") if path.parent.name != "bases"]


def find_recipe(name_or_path: str) -> Path:
    """File of a recipe.

    Parameters
    ----------
    name_or_path : str
        A YAML file, or the name of a packaged recipe.

    Returns
    -------
    Path

    Raises
    ------
    DGNOError
        If there is neither.
    """
    path = Path(name_or_path)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        return path
    for packaged in _files():
        if packaged.stem == name_or_path:
            return packaged
    raise DGNOError(
        f"There is no recipe {name_or_path!r}{did_you_mean(name_or_path, recipe_names())}; "
        f"{LISTING} lists them. A file of your own ends in .yaml."
    )


def is_packaged(path: Path) -> bool:
    """Whether a config comes with the package."""
    return path.resolve().is_relative_to(CONFIGS)


def describe_recipes() -> list[str]:
    """A line for each packaged recipe: its name, and the sentence that its file begins with."""
    lines = []
    for path in sorted(_files(), key=lambda path: path.stem):
        comment = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        about = comment.partition(": dgno-train")[0].partition(". ")[0].rstrip(".:")
        lines.append(f"{path.stem:<32} {about}")
    return lines
