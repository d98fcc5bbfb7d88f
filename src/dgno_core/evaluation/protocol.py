"""The protocol of the public evaluation set, as a generator of events.

Each blurred image is scored as it is, after two classical deconvolutions that are told the true
mean blur width, and after our restoration, which is told nothing. The sharp image is restored as
well: a restorer must leave alone what needs no help. Where the image takes several tiles it is
also restored in one piece, to see what the tiles cost; the first images of each group once more
with small tiles, of which they take many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from numpy.typing import NDArray

from dgno_core.evaluation.public_set import EvaluationImages, EvaluationRow
from dgno_core.evaluation.restorer import ImageRestorer, packaged_restorer
from dgno_core.evaluation.tile_cost import TileCost, costs_of_tiles
from dgno_core.metrics.fidelity import Score, score_pair
from dgno_core.optics.deconvolution import richardson_lucy, wiener
from dgno_core.optics.psf import make_psf

RICHARDSON_LUCY_ITERATIONS = 5
WIENER_BALANCE = 0.1
SMALL_TILE = 256  # px
SMALL_TILED = 2  # images of each group
METHODS = ("blurred", "wiener", "richardson_lucy", "ours")

Pictures: TypeAlias = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class ImageResult:
    """Scores of one image.

    Parameters
    ----------
    name, group, psf, map, mean_width
        The image and its blur (`mean_width` in pixels).
    model, weights_sha256, tile
        What restored it.
    scores
        Fidelity of each of `METHODS` to the sharp image.
    identity
        Fidelity of the restored SHARP image to the sharp image.
    tile_costs
        What tiles cost, by size of the tile; empty for an image of one tile, and where memory is
        too short for the image in one piece.
    """

    name: str
    group: str
    psf: str
    map: str
    mean_width: float
    model: str
    weights_sha256: str
    tile: int
    scores: Mapping[str, Score]
    identity: Score
    tile_costs: tuple[TileCost, ...]

    @property
    def gain(self) -> float:
        """PSNR won over the blurred input, in dB; negative where the image became worse."""
        return self.scores["ours"].psnr - self.scores["blurred"].psnr


@dataclass(frozen=True)
class EvaluationStarted:
    """The evaluation begins; `total` images will be scored."""

    total: int


@dataclass(frozen=True)
class ImageScored:
    """One image is done; `pictures` holds ``sharp`` and each of `METHODS`, in its own units."""

    result: ImageResult
    pictures: Pictures
    done: int
    total: int


EvaluationEvent: TypeAlias = EvaluationStarted | ImageScored


def evaluate_events(
    rows: Sequence[EvaluationRow],
    restorer: ImageRestorer | None = None,
    *,
    tile: int | None = None,
    small_tile: int = SMALL_TILE,
) -> Generator[EvaluationEvent, None, None]:
    """Score the classical methods and a restorer on each image.

    Parameters
    ----------
    rows
        Images of the public evaluation set.
    restorer
        What is to be judged; None takes the packaged models, grey or colour as the image is.
    tile
        Side of the tiles in pixels; None takes the model's own.
    small_tile
        Side of the tiles that the first `SMALL_TILED` images of each group get besides.

    Yields
    ------
    `EvaluationStarted` once, then an `ImageScored` for each row.

    Raises
    ------
    DGNOError
        If a file is missing or cannot be read.
    """
    judged = packaged_restorer() if restorer is None else restorer
    seen: Counter[str] = Counter()
    yield EvaluationStarted(len(rows))
    for done, row in enumerate(rows, start=1):
        seen[row.group] += 1
        also = small_tile if seen[row.group] <= SMALL_TILED else None
        result, pictures = evaluate_image(row, row.load(), judged, tile=tile, also_tile=also)
        yield ImageScored(result, pictures, done, len(rows))


def evaluate_image(
    row: EvaluationRow,
    images: EvaluationImages,
    restorer: ImageRestorer,
    *,
    tile: int | None = None,
    also_tile: int | None = None,
) -> tuple[ImageResult, dict[str, NDArray[Any]]]:
    """Score one image; return the scores and the pictures behind them.

    The cost of tiles is also measured with tiles of side `also_tile`.
    """
    sharp, blurred = images.sharp, images.blurred
    mean_width = float(images.width.mean())
    psf = make_psf(row.psf, mean_width)
    ours = restorer(blurred, tile=tile)
    pictures = {
        "sharp": sharp,
        "blurred": blurred,
        "wiener": wiener(blurred, psf, WIENER_BALANCE),
        "richardson_lucy": richardson_lucy(blurred, psf, RICHARDSON_LUCY_ITERATIONS),
        "ours": ours.data,
    }
    scores = {method: score_pair(sharp, pictures[method]) for method in METHODS}
    result = ImageResult(
        name=row.name,
        group=row.group,
        psf=row.psf,
        map=row.map,
        mean_width=mean_width,
        model=ours.model,
        weights_sha256=ours.weights_sha256,
        tile=ours.tile,
        scores=scores,
        identity=score_pair(sharp, restorer(sharp, tile=tile).data),
        tile_costs=costs_of_tiles(sharp, blurred, ours, restorer, also_tile),
    )
    return result, pictures
