"""The cards of the packaged models as a page of Markdown, with their scores and failures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from cards.requirements import requirement_table, requirements_of
from dgno_core.evaluation.report import SUBJECTS, decibel, markdown_table
from dgno_core.evaluation.scores import ModelScores, group_means, groups
from dgno_core.models import ModelCard, architecture, model_names

_INTRO = (
    "What each packaged model was made of, what it was scored at, what it must not be used for, "
    "and where it fails. Made by `python scripts/model_cards.py` from the cards inside the "
    "weights and from the [evaluation](evaluation/evaluation.md), which tells how everything was "
    "measured."
)
_UNKNOWN = "not told"
_LARGER = (
    "The paper's networks (`dgno-cell`, `dgno-face`) are too large for the package. Their weights "
    "are offered as files of a release: `dgno models --fetch NAME` downloads one into your cache "
    "folder (or `--model-folder`), compares its SHA-256 with the published one, and loads it once; "
    "only then does it appear, and `--model NAME` and `load_model` find it. A download that was "
    "cut goes on where it stopped. `--from FILE` takes a file that you have, `--from URL` with "
    "`--sha256` another address."
)


def cards_page(
    cards: Mapping[str, ModelCard],
    evaluation: Sequence[ModelScores],
    pictures: Mapping[str, str],
    folder: str = "evaluation",
    offered: Sequence[str] = (),
) -> str:
    """Write the page.

    Parameters
    ----------
    cards
        By the name of the weights.
    evaluation
        Scores of models. Those of other weights than those of a card are left out.
    pictures
        Files of the evaluation by their titles, as ``evaluation.json`` has them.
    folder
        Where the evaluation lies, relative to the page.
    offered
        Names of the weights that can be fetched.
    """
    judged = {one.weights_sha256: one for one in evaluation}
    rows = [
        [f"[{name}](#{name})", _kind(card), _span(card.blur_px, "px"), card.title, card.version]
        for name, card in cards.items()
    ]
    parts = ["# Model cards", _INTRO]
    parts.append(
        markdown_table(["name", "images", "blur", "what it is", "version"], rows, words=True)
    )
    for name, card in cards.items():
        parts += [f"## {name}", card.summary or card.title, _facts(card)]
        parts += ["**Do not use it for** " + "; ".join(card.not_for or (_UNKNOWN,)) + "."]
        parts += ["### Data", _data(card), "### Recipe and budget", *_recipe(card), "### Scores"]
        found = judged.get(card.weights_sha256)
        if found is None:
            parts.append("The evaluation page has no scores of these weights.")
        else:
            parts += _scores(found)
            parts += _failures(found, pictures, folder)
    parts += ["## Larger models", _LARGER]
    names = ", ".join(f"`{name}`" for name in offered)
    parts.append(f"Offered are: {names}." if names else "So far none has been released.")
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts(card: ModelCard) -> str:
    rows = [
        ["images", _kind(card)],
        ["blur in training", _span(card.blur_px, "px")],
        ["pixel size", _span(card.pixel_size_um, "µm")],
        ["network", _network(card)],
        ["version", card.version],
        ["weights, start of SHA-256", f"`{card.weights_sha256[:12]}`"],
    ]
    return markdown_table(["", ""], rows, words=True)


def _network(card: ModelCard) -> str:
    same = (name for name in model_names() if architecture(name, card.channels) == card.config)
    return f"`{next(same, card.config.kind)}`"


def _data(card: ModelCard) -> str:
    lines = [f"- {one}" for one in card.data or (_UNKNOWN,)]
    return "\n".join([*lines, "", f"Licences: {', '.join(card.licences) or _UNKNOWN}."])


def _recipe(card: ModelCard) -> list[str]:
    """Budget, then the recipe: as indented JSON, or in the words of the card."""
    parts = [f"Budget: {card.budget or _UNKNOWN}."]
    if card.progress is not None:
        parts.append(f"Training: {card.progress.words()}.")
    if not card.recipe:
        return parts
    try:
        content = json.loads(card.recipe)
    except ValueError:
        return [*parts, card.recipe]
    text = json.dumps(content, indent=1)
    return [*parts, f"<details><summary>recipe</summary>\n\n```json\n{text}\n```\n\n</details>"]


def _scores(found: ModelScores) -> list[str]:
    means = [group_means(*group) for group in groups(found.results).items()]
    rows = [
        [
            SUBJECTS.get(one.group, one.group),
            str(one.count),
            *(f"{one.means[method][0]:.2f}" for method in ("blurred", "ours")),
            decibel(one.identity),
        ]
        for one in means
    ]
    header = ["images", "n", "blurred dB", "restored dB", "sharp input, restored dB"]
    parts = [markdown_table(header, rows)] if rows else []
    gains = [(plane.gain, plane.depth) for plane in found.planes if plane.gain is not None]
    if gains:
        (least, near), (most, far) = min(gains), max(gains)
        parts.append(
            f"On the real focal stack its planes gain {least:+.2f} dB (plane {near:+d}) to "
            f"{most:+.2f} dB (plane {far:+d})."
        )
    return [*parts, requirement_table(requirements_of(found))]


def _failures(found: ModelScores, pictures: Mapping[str, str], folder: str) -> Sequence[str]:
    picture = pictures.get(f"{found.model}/failures")
    if picture is None:
        return []
    spots = [
        f"{spot.image} ({spot.before:.1f} dB blurred, {spot.after:.1f} dB restored)"
        for spot in found.failures
    ]
    return [
        "### Failures",
        f"Where it is most wrong, in squares of 128 pixels: {', '.join(spots)}. From left to "
        "right: blurred, restored, sharp, error.",
        f"![Failures of {found.model}]({folder}/{picture})",
    ]


def _kind(card: ModelCard) -> str:
    return "colour" if card.channels == 3 else "grey"


def _span(span: tuple[float, float] | None, unit: str) -> str:
    return _UNKNOWN if span is None else f"{span[0]:g} to {span[1]:g} {unit}"
