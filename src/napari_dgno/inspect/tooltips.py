"""Every help text of the Inspect panel, in a biologist's words."""

from __future__ import annotations

LAYER = "The image to look into: the blurred one, as you would restore it. It is not changed."
MODEL = (
    "The network to look into. Automatic takes the one for stained colour images where the layer "
    "is in colour, and the one for grey images otherwise."
)
SECOND = (
    "Another network to compare with: its attribution is shown beside the first one's, and Trust "
    "says where the two disagree."
)
AXES = (
    "What the dimensions of the layer are, one letter each: T time, P position, C channel, Z "
    "focus, Y rows, X columns, S colour. Guessed from the layer; correct it if the guess is wrong."
)
CHANNEL = "The network is for grey images: which colour of the image should it look at?"

OPERATOR = "What one operator of the network does to the image, as a coloured layer on it."
ATTRIBUTION = "Which pixels of the image the restored edges in a rectangle were made from."
TRUST = "Where the restored image is supported by the recorded one, and where not."

SCALE = (
    "The network works on the image at three sizes. At a quarter, an element covers more of the "
    "image and shows coarse structure; at full size it shows fine structure."
)
ITERATION = "The network has several operators at each size, one after the other."
SHOW = "Which part of the operator to show."
HEAD = (
    "The operator's channels are split into heads, which work separately. All: the size "
    "(root mean square) over all of them."
)
DIMENSION = (
    "One channel of a head, with its sign. All: the size (root mean square) over all of the head."
)
GRID = "Also draw the borders of the elements, the squares that the operator works in."
SHOW_MAP = "Compute this map of the current plane and lay it over the image."

DRAW = (
    "Make a layer to draw in. Drag a small rectangle, 16 to 32 pixels wide, around a detail whose "
    "restoration you want explained."
)
EFFORT = (
    "Quick takes 10 steps along the path from blurred to sharp, enough for a first look; full "
    "takes the 50 steps of the method, for figures and numbers."
)
ATTRIBUTE = "Find the pixels that the edges inside the rectangle were made from."

CHECK = (
    "Restore the current plane (what is on screen of a large one), flipped and turned eight times, "
    "blur the result again and compare with the recorded image."
)
MAP = "Which of the maps to see. The others are hidden layers."
