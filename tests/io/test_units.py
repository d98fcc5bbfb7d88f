from __future__ import annotations

import pytest

from dgno_core.io.units import micrometers, unit_name, unit_symbol


@pytest.mark.parametrize("text", ["µm", "μm", "um", "micron", "Microns", "\\u00B5m", "micrometer"])
def test_spellings_of_a_micrometer(text: str) -> None:
    assert unit_name(text) == "micrometer"


@pytest.mark.parametrize("text", [None, "", "pixel", "furlong"])
def test_words_that_are_no_unit(text: str | None) -> None:
    assert unit_name(text) is None
    assert unit_symbol(text) is None


@pytest.mark.parametrize("name", ["micrometer", "nanometer", "second", "angstrom", "hour"])
def test_a_symbol_stands_for_its_name(name: str) -> None:
    assert unit_name(unit_symbol(name)) == name


def test_lengths() -> None:
    assert micrometers(200, "nanometer") == pytest.approx(0.2)
    assert micrometers(1, "second") is None
    assert micrometers(1, None) is None
