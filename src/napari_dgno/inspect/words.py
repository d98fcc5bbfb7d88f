"""What the Inspect panel calls things, and says about them; knows no Qt and no torch."""

from __future__ import annotations

#: Sizes at which operators work: the core's name and the panel's.
SCALES = {"half": "Half", "quarter": "Quarter", "full": "Full"}

#: What can be shown of an operator: the core's name, the panel's, and what it is.
SHOWN = {
    "flux": (
        "Flux part",
        "What each element receives through its borders from its neighbours. This is what a method "
        "without fluxes lacks; it is largest where elements disagree.",
    ),
    "latent": ("Volume part", "What each element computes from its own pixels alone."),
    "output": ("Volume + flux", "The sum of the two, which the network goes on with."),
    "ratio": (
        "Flux : volume",
        "How much the borders add to what an element computes by itself, one value an element.",
    ),
    "basis": (
        "Basis functions",
        "The shapes from which the operator builds its result; they adapt to the image.",
    ),
    "boundary": (
        "Boundary response",
        "What comes in through the outer border of the image, where there is no neighbour.",
    ),
    "face_flux": ("Faces: flux", "How much passes through each border between two elements."),
    "face_jump": (
        "Faces: jump",
        "How strongly two neighbouring elements disagree at their common border.",
    ),
}

NO_FACES = (
    "{name} has no operators with faces between elements, so there is no flux to show. Choose a "
    "DGNO model such as dgno-cell-small; attribution and trust work with this one too."
)

#: Of a verdict's level; colours that readers with any colour vision tell apart.
VERDICT_COLOURS = {"good": "#009e73", "care": "#f0e442", "bad": "#d55e00"}

DIFFUSION = (
    "The diffusion index is 0 if a single pixel decides and 100 if all pixels of the neighbourhood "
    "count alike. A larger one means that the network draws on a wider surrounding."
)
EFFORTS = {"quick": "Quick (10 steps)", "full": "Full (50 steps)"}

ATTRIBUTION_MEANING = (
    "How much each pixel contributed to the restored edges inside the rectangle, as a share of the "
    "pixel that contributed most. Transparent: next to nothing. Single pixels are above the scale."
)


def ordinal(number: int) -> str:
    """Write 1, 2, 3 as 1st, 2nd, 3rd."""
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 // 10 != 1 else 0, "th")
    return f"{number}{suffix}"
