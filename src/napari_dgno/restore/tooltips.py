"""Every help text of the Restore panel, in a biologist's words."""

from __future__ import annotations

LAYER = "The blurred image or stack to restore. It is not changed; the result is a new layer."
AXES = (
    "What the dimensions of the layer are, one letter each:\n"
    "T time, P position, C channel, Z depth (plane of the stack), Y rows, X columns, S colours of "
    "a pixel.\n"
    "Guessed from the layer; correct it if the guess is wrong. Every Y-X plane is restored "
    "by itself."
)
DEVICE = (
    "Which part of the computer does the work. A graphics card is many times faster than the "
    "processor. Automatic takes the best that is there."
)
TILE = (
    "A large image is restored in square pieces (tiles), which are blended so that no borders "
    "show. Automatic is right unless memory runs out; then try smaller tiles (side in pixels)."
)
NORMALISE = (
    "The network needs to know which brightness is dark and which is bright.\n"
    "Whole stack: measured once, so planes stay comparable (recommended).\n"
    "Each plane: measured plane by plane; can make noise in empty or very blurred planes stand out."
)
NONFINITE = (
    "What to do with an image that holds pixels without a number (NaN or infinite), such as the\n"
    "outside of a stitched field. Kept, they stay as they are and all others are restored."
)
PREVIEW = (
    "Restore only what you see now, as a quick test. Zoom in to choose a place. The preview is a "
    "layer of its own and goes away when you restore."
)
RESTORE = "Restore the whole layer. You can go on working meanwhile."
COPY = (
    "Copy the command that does exactly the same in a terminal, for instance on a faster computer "
    "or for many files."
)
CHECK_RESULT = (
    "Open the Inspect panel and see how far this result can be trusted: the same image and model, "
    "restored eight times, flipped and turned."
)
SAVE = (
    "Save the newest result as OME-TIFF or OME-Zarr, with its scale and units, and beside it the "
    "record of how it was made."
)
MORE = "All that is known about what the model is for, and what not."
ADVANCED = (
    "Settings that few images need. Those that are out of sight count all the same; Copy command "
    "shows them."
)
MODEL_FOLDER = (
    "Models (.safetensors) in this folder are offered in the list of models. Kept as a preference."
)
