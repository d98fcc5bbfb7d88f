"""The expected error: the parts in one number, calibrated on training images.

Inside the range that the model was made for,

    error = exp(constant) * spread^a * sensitivity^b * change^c * noise^d

with each part raised by `FLOOR` first. The exponents are not negative: more of a part never makes
the expected error smaller. They are fitted to the logarithm of the true error of blurred training
images, within each image, so that they rank pixels and not images; the constant then sets the
level. Two parts join without any fit. What contradicts the recording is added in full, in
quadrature. And where the blur is wider than the model has seen, what the restoration changed is
vouched for by nobody and is added in quadrature too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from dgno_core.interpretation.trust.parts import Parts
from dgno_core.models.card import ModelCard

Floats = NDArray[np.float32]

FLOOR = 5e-4  # of the range
TABLE = "expected_error.json"
PARTS = ("spread", "sensitivity", "change", "noise")


@dataclass(frozen=True)
class Recipe:
    """Exponents and constant of the formula above, and the weights that they were fitted with."""

    spread: float
    sensitivity: float
    change: float
    noise: float
    constant: float
    model: str = ""
    weights_sha256: str = ""

    @property
    def exponents(self) -> Mapping[str, float]:
        """The exponents by the name of their part."""
        return {name: getattr(self, name) for name in PARTS}

    def apply(self, parts: Parts) -> Floats:
        """Return the expected error inside the model's range, of the image's range."""
        logarithm = np.full(parts.spread.shape, self.constant, np.float32)
        for name, exponent in self.exponents.items():
            logarithm += np.float32(exponent) * np.log(getattr(parts, name) + np.float32(FLOOR))
        return np.exp(logarithm)


def load_recipe(channels: int) -> Recipe:
    """Read the packaged recipe for grey (1) or colour (3).

    ``docs/scripts/trust.py --fit`` writes the table, with what it was fitted on.
    """
    text = files(__package__).joinpath(TABLE).read_text(encoding="utf-8")
    entry = json.loads(text)[str(channels)]
    return Recipe(**{item.name: entry[item.name] for item in fields(Recipe)})


def calibration_warnings(card: ModelCard, recipe: Recipe) -> Iterator[str]:
    """Say so if the recipe was fitted with other weights than those that restored the image."""
    if card.weights_sha256 != recipe.weights_sha256:
        yield (
            f"The expected error was calibrated with other weights than those of {card.name} "
            f"({recipe.model} {recipe.weights_sha256[:8]}): take it as a ranking of the pixels, "
            "not as a measurement."
        )


def expected_error(parts: Parts, recipe: Recipe, beyond: NDArray[np.bool_]) -> Floats:
    """Put the parts into one number.

    Parameters
    ----------
    parts
        Of one image.
    recipe
        How they are weighed.
    beyond
        ``(Y, X)``: where the blur is wider than the model was trained on.

    Returns
    -------
    ``(Y, X)``: the expected absolute error, of the image's range.
    """
    unseen = np.where(beyond, parts.change, np.float32(0))
    return np.sqrt(recipe.apply(parts) ** 2 + parts.contradiction**2 + unseen**2)
