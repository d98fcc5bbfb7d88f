"""The base of all settings."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Settings that cannot change, and in which a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
