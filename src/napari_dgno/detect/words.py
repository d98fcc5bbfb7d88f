"""What the Detect panel says and calls things; knows no Qt, StarDist or TensorFlow."""

from __future__ import annotations

PURPOSE = (
    "Detect objects with one and the same StarDist model before and after restoring, and see which "
    "ones were lost and which were gained."
)
BEFORE = "The image as it was recorded."
AFTER_KIND = "What to compare it with: the restored layer, or a restoration made on the way."
AFTER = "The restored image, pixel for pixel the same field."
MODEL = "The network that restores the image on the way."
PLANES = "Detect on the plane that you see, or on every plane of the stack."
DETECTOR = (
    "The packaged model works offline and is for fluorescent nuclei. The others are StarDist's own "
    "and are downloaded once; … takes a folder with a StarDist model that you trained."
)
FOLDER = "Use a folder with a trained StarDist model."
TRUTH = (
    "A Labels layer with the true objects, if you have one: then the panel says how well each "
    "detection agrees with it."
)
IOU = (
    "Two objects are the same if their shared area is at least this part of the area that they "
    "cover together (intersection over union). 0.5 is usual."
)
AXES = (
    "What the dimensions of the images are, one letter each: T time, P position, C channel, Z "
    "focus, Y rows, X columns, S colour. Guessed from the layer; correct it if the guess is wrong."
)
DETECT = "Detect the objects of both images. StarDist runs in a process of its own."
SAVE = "Save the table of objects as a file for a spreadsheet (CSV)."
TABLE = "Click on a row to go to the object. Click on a heading to sort."

#: What to compare with: value and title.
AFTER_KINDS = {"restore": "Restore it first", "layer": "Another layer", "none": "Nothing"}

STATUS_MEANING = (
    "Outlines of the objects: what the same detector found in the image before restoring and in "
    "the image after it."
)
KINDS = {
    "matched": "matched: found in both images",
    "lost": "lost: found before restoring only",
    "gained": "gained: found after restoring only",
}
NO_TRUTH = "None"


def counts_in_words(before: int, after: int | None, matched: int, lost: int, gained: int) -> str:
    """Say how many objects there are, as HTML."""
    if after is None:
        return f"<b>{before}</b> objects found."
    return (
        f"<b>{before}</b> objects before, <b>{after}</b> after: {matched} matched, {lost} lost, "
        f"{gained} gained."
    )
