"""Every help text of the Train panel, in a biologist's words."""

from __future__ import annotations

RUN = (
    "A new training, or one of those in the folder of runs: to watch it, to stop it, to let it go "
    "on, or to restore with its model."
)
KIND = (
    "What shows the network what sharp means.\n"
    "Focal stack: its sharpest plane is the target, the other planes are the blurred inputs.\n"
    "Pairs: two images of the same place, one blurred and one sharp.\n"
    "Sharp images: the computer blurs them; for when you have no real pairs."
)
LAYER = "The layer to train on. It is not changed; a copy of it goes into the folder of the run."
SHARP_LAYER = "The sharp layer of the same place, with the same number of pixels."
AXES = (
    "What the dimensions of the layer are, one letter each:\n"
    "T time, P position, C channel, Z focus (plane of the stack), Y rows, X columns, S colour."
)
TARGET = (
    "The plane that is in focus, counted from 0. Automatic takes the one with the finest detail; "
    "look at it, and choose another one if it is not."
)
ALIGN = (
    "Planes of a stack are often shifted or magnified against each other. This lays them on top of "
    "each other first; what cannot be aligned is left out. Switch it off only if you know that the "
    "images fit."
)
FOLDER = "A folder with image files (TIFF, PNG, JPEG, BMP). They stay where they are."
SHARP_FOLDER = "The folder with the sharp images. The two images of a pair have the same file name."
START = (
    "Fine-tuning starts from weights that can restore already and adapts them to your images: "
    "it takes far fewer steps and far fewer images than starting from scratch."
)
PRESET = (
    "How long and how thoroughly to train. A step is timed on this computer, and as many are done "
    "as fit into the time. You can stop whenever you like and use the best model."
)
ADVANCED = "Other numbers than those of the preset."
STEPS = "How many steps to do, however long they take. As the preset: as many as fit into its time."
CROP = (
    "Side of the square pieces that are cut out of the images for each step, a multiple of 32 "
    "pixels. Smaller ones need less memory and time; they must be larger than the blur."
)
BATCH = (
    "How many pieces a step learns from. Fewer need less memory and time; more make it steadier."
)
RATE = (
    "How far a step may change the network. Choose less if a training has ended because its "
    "numbers were not finite any more, or if its curve jumps about."
)
NAME = "What the new model is called in the Restore panel: small letters, digits and hyphens."
RUNS = (
    "Each training gets a folder of its own in this folder, with the images, the curves and the "
    "models. File > Preferences > DGNO deblurring sets what it starts with."
)
DEVICE = (
    "Which part of the computer does the work. A graphics card is many times faster than the "
    "processor. Automatic takes the best that is there."
)
PAIRS = (
    "Show the pairs that will be trained on as two layers. Nothing starts yet. Go through them "
    "with the slider: both layers should show the same place, one sharp and one blurred."
)
TRAIN = "Start. The training is a process of its own: you can go on working, or close napari."
STOP = "Stop after the step in work. Nothing is lost: Resume goes on from there."
RESUME = "Go on exactly where the training has stopped."
RESTORE = "Open the Restore panel with this model chosen."
RENAME = "Give this run and its model another name."
DELETE = "Delete this run: its images, curves and checkpoints, and its model if you want."
FOLDER_LINK = "Show the folder of this run."
PLOT = (
    "Top: how far the network is from the sharp images, for each step (thin) and on average "
    "(thick). Bottom: how close whole images come that it has never trained on."
)
