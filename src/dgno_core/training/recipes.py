"""The recipes that come with the package, by name."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from dgno_core.errors import DGNOError

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
    close = get_close_matches(name_or_path, recipe_names(), 3)
    hint = ", ".join(close) if close else "for example user-stack"
    raise DGNOError(
        f"There is no recipe {name_or_path!r} ({hint}?); give a .yaml file, or the name of one in "
        f"{CONFIGS}."
    )
