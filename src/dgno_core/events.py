"""Events as lines of JSON, and back: what a log keeps, and what one process tells another."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, TypeAlias

from pydantic import BeforeValidator, TypeAdapter


def _plain(value: Any) -> Any:
    """A value that JSON has: it knows no infinity, which is the PSNR of equal images."""
    if isinstance(value, Path):
        return str(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _number(value: Any) -> Any:
    """A number that JSON may have had no word for."""
    return math.nan if value is None else value


#: A number that need not be finite; one that is not is NaN after it was read.
AnyFloat: TypeAlias = Annotated[float, BeforeValidator(_number)]


@dataclass(frozen=True)
class Event:
    """Base of the events that are told in JSON; each kind is a frozen dataclass."""

    #: Names that its kind had in earlier versions.
    former_names: ClassVar[tuple[str, ...]] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the event as plain JSON types, with its kind."""
        values = {key: _plain(value) for key, value in asdict(self).items()}
        return {"event": type(self).__name__, **values}

    def to_json(self) -> str:
        """Return the event as one line of JSON."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make the event of which `to_dict` has given the values; what is not known is left out.

        Parameters
        ----------
        values : mapping
            The name of the kind, this one or one that is derived from it, and its fields.

        Returns
        -------
        Event

        Raises
        ------
        ValueError
            If there is no such kind, or its fields are missing or of other types.
        """
        name = values.get("event")
        kind: Any
        for kind in cls._kinds():
            if name == kind.__name__ or name in kind.former_names:
                event: Self = _adapter(kind).validate_python(values)
                return event
        raise ValueError(f"there is no event {name!r}")

    @classmethod
    def from_json(cls, line: str | bytes) -> Self | None:
        """Make the event of a line; None if the line is none, or no whole one."""
        try:
            values = json.loads(line)
            return cls.from_dict(values) if isinstance(values, dict) else None
        except ValueError:
            return None

    @classmethod
    def _kinds(cls) -> Iterator[type[Any]]:
        yield cls
        for kind in cls.__subclasses__():
            yield from kind._kinds()


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


@dataclass(frozen=True)
class Refused(Event):
    """A process could not do its work; `message` says why, in a sentence for the user."""

    message: str
