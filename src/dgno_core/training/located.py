"""Paths in configs: the annotated type of a setting tells to which folder it is relative."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeAlias, get_args

from pydantic import BaseModel, BeforeValidator

from dgno_core.models.header import SUFFIX


class Located(str):
    """A text of a config that knows where it was written.

    Attributes
    ----------
    folder
        Of the config.
    home
        To which images and results are relative.
    """

    __slots__ = ("folder", "home")

    folder: Path
    home: Path

    @classmethod
    def at(cls, text: str, folder: Path, home: Path) -> Located:
        """Take a text as written there."""
        located = cls(text)
        located.folder, located.home = folder, home
        return located


def locate(tree: Any, folder: Path, home: Path) -> Any:
    """Return settings in which every text knows where it was written."""
    if isinstance(tree, dict):
        return {key: locate(value, folder, home) for key, value in tree.items()}
    if isinstance(tree, list):
        return [locate(value, folder, home) for value in tree]
    return Located.at(tree, folder, home) if type(tree) is str else tree


def from_home(value: Any) -> Any:
    """Resolve a path of images or results."""
    return value.home / value if isinstance(value, Located) else value


def from_folder(value: Any) -> Any:
    """Resolve a path of what comes with a config."""
    return value.folder / value if isinstance(value, Located) else value


def from_home_if_file(value: Any) -> Any:
    """Resolve weights; a name of packaged ones is no path."""
    is_file = isinstance(value, Located) and value.endswith(SUFFIX)
    return str(from_home(value)) if is_file else value


DataPath: TypeAlias = Annotated[Path, BeforeValidator(from_home)]
ListPath: TypeAlias = Annotated[Path, BeforeValidator(from_folder)]
Weights: TypeAlias = Annotated[str, BeforeValidator(from_home_if_file)]


def path_names(settings: type[BaseModel]) -> set[str]:
    """Return the names of all settings that are paths, at any depth."""
    found: set[str] = set()
    seen: set[Any] = set()

    def look(annotation: Any, name: str) -> None:
        if isinstance(annotation, BeforeValidator) and annotation.func in RESOLVERS:
            found.add(name)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            if annotation in seen:
                return
            seen.add(annotation)
            for key, field in annotation.model_fields.items():
                for part in (field.annotation, *field.metadata):
                    look(part, key)
        for part in get_args(annotation):
            look(part, name)

    look(settings, "")
    return found


RESOLVERS = (from_home, from_folder, from_home_if_file)
