"""The rows of MPT's ablation tables as the paper words them, and what is our own reading of it."""

from __future__ import annotations

from fractions import Fraction

import pytest

from dgno_core.encoders.mpt_config import ABLATIONS, SCALE_SETS, MPTBlocks, Reductions

HALF, QUARTER, EIGHTH, SIXTEENTH = (Fraction(1, n) for n in (2, 4, 8, 16))
BASELINE = {
    "attention": "cswa+isca",
    "fusion": "gated",
    "shortcut": "x1",
    "down_sampling": "average",
    "np_conv": True,
    "shift": True,
}
TABLE_3 = {
    "attention-v1": {"attention": "cswa+cswa"},  # CSWA x2
    "attention-v2": {"attention": "wa+wa"},  # WA x2
    "attention-v3": {"attention": "isca+isca"},  # ISCA x2
    "attention-v4": {"attention": "wa+isca"},  # WA+ISCA
}
TABLE_4 = {
    "fefn-v1": {"fusion": "concatenated"},  # "concatenation (V1)"
    "fefn-v2": {"fusion": "added"},  # "and adding (V2) followed by GELU activation"
    "fefn-v3": {"fusion": "reversed"},  # "uses the feature from CSWA for activation (V3)"
}
TABLE_9 = {
    "ds1": {"down_sampling": "no_shortcut"},  # "without shortcut connection"
    "ds2": {"down_sampling": "no_linear"},  # "without linear projection and shortcut connection"
    "ds3": {"down_sampling": "maximum"},  # "strided maximum pooling"
    "ds4": {"down_sampling": "convolution"},  # "strided convolution"
    "ds5": {"down_sampling": "bicubic"},  # "bicubic interpolation"
    "without-npconv": {"np_conv": False},
    "without-shift": {"shift": False},
    "fefn1": {"fusion": "reversed"},  # "the reversed structure (V3) shown in Tab. 4"
}
# Fig. 8 draws these; the paper's words tell only that they vary the "asymmetric activation
# mechanism and shortcut connection".
OUR_READING_OF_FIGURE_8 = {
    "fefn2": {"shortcut": "x2"},
    "fefn3": {"shortcut": "none"},
    "fefn4": {"fusion": "reversed", "shortcut": "x2"},
}
# Sec. 4.1 and the list before Table 10, word by word: some lists have seven scales.
SCALES = {
    "paper": (
        [EIGHTH, EIGHTH, QUARTER, QUARTER, 1, 1],
        [QUARTER, QUARTER, HALF, HALF, 1, 1],
        [HALF, HALF, HALF, HALF, HALF, 1, 1],
        [HALF, HALF, HALF, HALF, HALF, 1, 1],
    ),
    "flat": ([1, 1, 1, 1, 1, 1],) * 4,
    "smaller": (
        [SIXTEENTH, SIXTEENTH, EIGHTH, EIGHTH, 1, 1],
        [EIGHTH, EIGHTH, QUARTER, QUARTER, 1, 1],
        [QUARTER, QUARTER, HALF, HALF, 1, 1],
        [QUARTER, QUARTER, HALF, HALF, 1, 1],
    ),
    "larger": (
        [QUARTER, QUARTER, HALF, HALF, 1, 1],
        [HALF, HALF, HALF, HALF, 1, 1],
        [HALF, HALF, HALF, HALF, HALF, 1, 1],
        [HALF, HALF, HALF, HALF, HALF, 1, 1],
    ),
}
TABLE_10 = {"scales-v1": "flat", "scales-v2": "smaller", "scales-v3": "larger"}


def in_six_blocks(scales: list[Fraction | int]) -> list[Fraction | int]:
    """The six scales that a level's six blocks take: a seventh that is listed is a half."""
    if len(scales) == 7:
        scales = scales.copy()
        scales.remove(HALF)
    assert len(scales) == 6
    return scales


def reductions(name: str) -> Reductions:
    """1/s, as the package has it, of scales as the paper has them."""
    return tuple(tuple(int(1 / s) for s in in_six_blocks(level)) for level in SCALES[name])


def test_the_baseline_is_the_papers() -> None:
    assert MPTBlocks().model_dump(include=set(BASELINE)) == BASELINE
    assert MPTBlocks().reductions == reductions("paper")


@pytest.mark.parametrize("name", SCALES)
def test_scale_sets_are_those_of_section_4_1_and_table_10(name: str) -> None:
    assert SCALE_SETS[name] == reductions(name)


def test_there_are_no_other_scale_sets_and_no_other_rows() -> None:
    assert SCALE_SETS.keys() == SCALES.keys()
    rows = TABLE_3 | TABLE_4 | TABLE_9 | OUR_READING_OF_FIGURE_8 | TABLE_10
    assert ABLATIONS.keys() == rows.keys()


@pytest.mark.parametrize(("name", "changes"), (TABLE_3 | TABLE_4 | TABLE_9).items())
def test_rows_of_tables_3_4_and_9_are_as_the_paper_words_them(
    name: str, changes: dict[str, object]
) -> None:
    assert ABLATIONS[name] == changes


@pytest.mark.parametrize(("name", "scales"), TABLE_10.items())
def test_rows_of_table_10_change_the_scales_alone(name: str, scales: str) -> None:
    assert ABLATIONS[name] == {"reductions": reductions(scales)}


@pytest.mark.parametrize(("name", "changes"), OUR_READING_OF_FIGURE_8.items())
def test_our_reading_of_the_variants_that_are_only_drawn(
    name: str, changes: dict[str, object]
) -> None:
    assert ABLATIONS[name] == changes
