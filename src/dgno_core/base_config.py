"""The base of all settings, and the kinds of numbers that they are made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Self, TypeAlias, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)

from dgno_core.errors import DGNOError, SettingError
from dgno_core.wording import did_you_mean


class BaseConfig(BaseModel):
    """Settings that cannot change, and in which a misspelt key is an error.

    No number among them is infinite or NaN, and none is written as true or false.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _no_bool_as_number(cls, given: Any) -> Any:
        # Python takes True for 1; `steps: true` is a mistake, not 1 step.
        for name, field in cls.model_fields.items():
            value = given.get(name) if isinstance(given, dict) else None
            if _has_bool(value) and not _takes_bool(field.annotation):
                raise ValueError(f"true or false is no value of {name}")
        return given

    def changed(self, **updates: Any) -> Self:
        """The same settings with some changed, and checked again (`model_copy` checks nothing)."""
        known = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self).model_validate(known | updates)


class Options(BaseConfig):
    """Settings that are given one by one, as options or in a panel.

    One that cannot be is a `DGNOError` in one sentence.
    """

    @model_validator(mode="wrap")
    @classmethod
    def _complain_in_one_sentence(
        cls, values: Any, handler: ModelWrapValidatorHandler[Self]
    ) -> Self:
        try:
            return handler(values)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(map(str, first["loc"]))
            if first["type"] == "extra_forbidden":
                known = ", ".join(cls.model_fields)
                hint = did_you_mean(name, cls.model_fields)
                raise DGNOError(f"There is no setting {name}{hint}; there are {known}.") from error
            raise SettingError(name or "settings", dict(first)) from error


def _has_bool(value: Any) -> bool:
    """Whether a value is true or false, or a list with one of them."""
    if isinstance(value, list | tuple):
        return any(map(_has_bool, value))
    return isinstance(value, bool)


def _takes_bool(annotation: Any) -> bool:
    kinds: Iterable[Any] = get_args(annotation)
    return annotation in (bool, Any) or any(map(_takes_bool, kinds))


def _in_order(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] > pair[1]:
        raise ValueError(f"the smaller number comes first, not {list(pair)}")
    return pair


#: Two numbers between which one is drawn, the smaller one first.
Range: TypeAlias = Annotated[tuple[float, float], AfterValidator(_in_order)]
