"""The recipes that come with the package, by name."""

from __future__ import annotations

from pathlib import Path

from dgno_core.errors import DGNOError

CONFIGS = Path(__file__).parents[1] / "configs"


def recipe_names() -> list[str]:
    """Names of the packaged recipes."""
    return sorted(path.stem for path in CONFIGS.glob("*.yaml"))


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
    packaged = CONFIGS / f"{name_or_path}.yaml"
    if packaged.parent != CONFIGS or not packaged.is_file():
        raise DGNOError(
            f"There is no recipe {name_or_path!r}; give a .yaml file, or one of "
            f"{', '.join(recipe_names())}."
        )
    return packaged
