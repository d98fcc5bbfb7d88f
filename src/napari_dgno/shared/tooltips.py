"""Help texts of what several panels have, in a biologist's words."""

from __future__ import annotations

MODEL = (
    "The trained network that sharpens the image. Automatic takes the one for stained colour "
    "images where the layer is in colour, and the one for grey images otherwise."
)
BROWSE_MODEL = "Use a model file (.safetensors) from anywhere on this computer."
BROWSE_FOLDER = "Choose a folder."
CANCEL = "Stop. Nothing half-finished is kept."
COMPARE = (
    "Show both images at once: the original left of a line, the restored one right of it. Move the "
    "line with the slider, or with the mouse in the image. Press again to end."
)
COMPARE_SLIDER = "Where the line is: all the way to the left, all of the image is restored."
COMPARE_HOLD = "The original, as long as you hold the button down."
