"""The base of all settings."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Settings that cannot change, and in which a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def changed(self, **updates: Any) -> Self:
        """The same settings with some changed, and checked again (`model_copy` checks nothing)."""
        known = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self).model_validate(known | updates)
