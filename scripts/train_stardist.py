"""Train the packaged StarDist model of nuclei, ``src/dgno_core/weights/stardist-nuclei-small``.

It learns from sharp images only, the BBBC039 fields of ``configs/lists/grey.txt``: that list has
none of the evaluation set and nothing that resembles it (``choose_training_images.py``). No image
is blurred, sharpened or made noisy on the way, as the model is to judge restored images by what
sharp nuclei look like. On one CPU core it takes about 25 minutes, and is seeded: the same
versions on the same processor give the same weights.

    python scripts/train_stardist.py ../shared/data
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_DETERMINISTIC_OPS": "1"}

import numpy as np
from skimage.io import imread
from skimage.measure import label
from skimage.segmentation import relabel_sequential

CORE = Path(__file__).parents[1] / "src" / "dgno_core"
NAME = "stardist-nuclei-small"
HELD_OUT = 5  # every fifth field is for the choice of the weights and the thresholds
PERCENTILES = 1, 99.8
SEED = 20240

Image = np.ndarray


def fields(data: Path) -> list[tuple[str, Image, Image]]:
    """Read the fields with their labels: name, scaled as at inference, objects from 1."""
    listed = (CORE / "configs" / "lists" / "grey.txt").read_text().split()
    names = [name for name in listed if name.startswith("bbbc039/images/")]
    evaluated = (data / "EVAL.tsv").read_text()
    assert names, "the list of training images holds no BBBC039 field"
    assert not any(name in evaluated for name in names), "an evaluation field is in the list"
    read = []
    for name in names:
        image = imread(data / name).astype(np.float32)
        low, high = np.percentile(image, PERCENTILES)
        mask = imread(data / name.replace("/images/", "/labels/").replace(".tif", ".png"))
        read.append((name, (image - low) / (high - low), whole_objects(mask)))
    return read


def whole_objects(mask: Image) -> Image:
    """Number the objects from 1, drop crumbs of less than 10 pixels."""
    parts = label(mask, connectivity=1)
    sizes = np.bincount(parts.ravel())
    parts[sizes[parts] < 10] = 0
    return relabel_sequential(parts)[0].astype(np.int32)


def augmented(image: Image, labels: Image) -> tuple[Image, Image]:
    """Flip, turn, and change brightness and contrast.

    Drawn from numpy's global generator, which StarDist seeds and draws its patches from.
    """
    turns, flip = np.random.randint(4), np.random.randint(2)  # noqa: NPY002
    image, labels = np.rot90(image, turns), np.rot90(labels, turns)
    if flip:
        image, labels = image[:, ::-1], labels[:, ::-1]
    gain, offset = np.random.uniform(0.5, 1.7), np.random.uniform(-0.15, 0.15)  # noqa: NPY002
    return image * gain + offset, labels


def train(data: Path, folder: Path, epochs: int, steps: int) -> tuple[dict, list[str]]:
    """Train in `folder`; return the scores on the held-out fields and the names trained on."""
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    from stardist.matching import matching_dataset
    from stardist.models import Config2D, StarDist2D

    read = fields(data)
    held_out = read[HELD_OUT - 1 :: HELD_OUT]
    learnt = [field for field in read if field not in held_out]
    config = Config2D(
        n_rays=32,
        grid=(2, 2),
        unet_n_depth=3,
        unet_n_filter_base=16,
        net_conv_after_unet=64,
        train_patch_size=(192, 192),
        train_batch_size=4,
        train_epochs=epochs,
        train_steps_per_epoch=steps,
        train_learning_rate=1e-3,
        train_tensorboard=False,
        train_reduce_lr={"factor": 0.5, "patience": 5, "min_delta": 0},
    )
    model = StarDist2D(config, name=NAME, basedir=str(folder))
    images, labels = ([field[part] for field in held_out] for part in (1, 2))
    model.train(
        [field[1] for field in learnt],
        [field[2] for field in learnt],
        validation_data=(images, labels),
        augmenter=augmented,
        seed=SEED,
    )
    model.optimize_thresholds(images, labels)
    found = [model.predict_instances(image)[0] for image in images]
    scores = matching_dataset(labels, found, thresh=(0.5, 0.7, 0.9), show_progress=False)
    ap = {f"AP at IoU {one.thresh}": round(float(one.accuracy), 4) for one in scores}
    return ap, [field[0] for field in learnt]


def main() -> None:
    """Train, and put the model into the package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--steps", type=int, default=80)
    parser.add_argument("--out", type=Path, default=CORE / "weights" / NAME)
    arguments = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        scores, names = train(arguments.data, Path(place), arguments.epochs, arguments.steps)
        made = Path(place) / NAME
        arguments.out.mkdir(parents=True, exist_ok=True)
        for file in ("config.json", "thresholds.json", "weights_best.h5"):
            shutil.copyfile(made / file, arguments.out / file)
    digest = hashlib.sha256((arguments.out / "weights_best.h5").read_bytes()).hexdigest()
    card = {
        "name": NAME,
        "version": "1",
        "architecture": "StarDist 2D (Schmidt et al. 2018), 32 rays, grid 2, U-Net of depth 3 "
        "with 16 filters at first",
        "input": "grey, scaled so that percentiles 1 and 99.8 are 0 and 1",
        "trained_on": f"{len(names)} sharp fields of BBBC039v1 (U2OS, Hoechst, widefield 20x), "
        "none of the evaluation set and none that resembles it",
        "data_licence": "CC0",
        "licence": "BSD-3-Clause, as this package",
        "recipe": f"scripts/train_stardist.py: {arguments.epochs} epochs of {arguments.steps} "
        "batches of 4 patches of 192 px, Adam; flips, quarter turns, brightness and contrast; "
        "nothing blurred, sharpened or made noisy",
        "scores_on_the_fields_that_chose_weights_and_thresholds": scores,
        "for": "nuclei of cultured cells in fluorescence, about 10 to 40 px wide",
        "not_for": "tissue, touching nuclei in dense clusters, cytoplasm, bright field, H&E; not "
        "for counts that matter without looking at the labels",
        "weights_sha256": digest,
        "trained_on_files": names,
    }
    (arguments.out / "card.json").write_text(json.dumps(card, indent=2) + "\n")
    print(f"{(time.monotonic() - started) / 60:.1f} minutes; held-out fields: {scores}")


if __name__ == "__main__":
    main()
