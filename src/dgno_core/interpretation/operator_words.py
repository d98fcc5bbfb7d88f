"""What the maps of an operator are called, and what their colours mean."""

from __future__ import annotations

from typing import Literal

MapName = Literal["basis", "latent", "flux", "output", "boundary", "ratio"]
MAPS: tuple[MapName, ...] = ("basis", "latent", "flux", "output", "boundary", "ratio")

UNIT = "arb. units"
TITLES: dict[MapName, str] = {
    "basis": "Dynamic basis functions Q",
    "latent": "Latent Q(KᵀV), the volume part",
    "flux": "Flux part",
    "output": "Latent and flux together",
    "boundary": "Boundary response",
    "ratio": "Flux over latent",
}
MEANINGS: dict[MapName, str] = {
    "basis": "how strongly the basis functions that the network makes for this image act here",
    "latent": "what each element computes from its own pixels alone",
    "flux": "what flows in from the neighbouring elements, through the faces",
    "output": "what the operator adds to the features, from the element and its neighbours",
    "boundary": "what flows in through the border of the part that the network sees; 0 inside",
    "ratio": "how much the neighbours contribute in an element; at 1, as much as its own pixels",
}

#: What the faces on the border of what the network sees show, by the boundary condition.
BORDERS: dict[str, str] = {
    "neumann": "zero stands for the neighbour that is missing there (Neumann condition), so the "
    "frame shows how large the operator itself is, and no difference in the image",
    "dirichlet": "the element's own operator stands for the neighbour that is missing there "
    "(Dirichlet condition), so nothing differs there, whatever the image shows",
    "periodic": "the element at the opposite border stands for the neighbour that is missing there "
    "(periodic condition), so the frame compares what does not touch",
}


def frame_note(boundary: str) -> str:
    """Say what the frame of a map of faces is, in one sentence."""
    return f"The outer frame is the border of what the network sees: {BORDERS[boundary]}."


def suffix(head: int | None, dimension: int | None) -> str:
    """What the name of a map says of its channels."""
    parts = [f"-{letter}{at}" for letter, at in (("h", head), ("d", dimension)) if at is not None]
    return "".join(parts)


def title(name: MapName, head: int | None, dimension: int | None) -> str:
    """Name a map for people."""
    parts = [
        f", {word} {at}"
        for word, at in (("head", head), ("dimension", dimension))
        if at is not None
    ]
    return TITLES[name] + "".join(parts)


def legend(name: MapName, head: int | None, dimension: int | None) -> str:
    """Say what the colour of a map means."""
    meaning = MEANINGS[name][0].upper() + MEANINGS[name][1:]
    if name == "ratio":
        return f"{meaning}."
    if dimension is not None:
        return f"{meaning}: red above, blue below zero."
    over = "all channels" if head is None else f"the dimensions of head {head}"
    return f"{meaning} (root mean square over {over})."
