"""One call for one image; for several, a `Restorer` loads the model once."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import NDArray

from dgno_core.inference.config import DEFAULTS, RestoreConfig
from dgno_core.inference.events import RestoreEvent
from dgno_core.inference.prepared import Source
from dgno_core.inference.restorer import Restorer, last_array

if TYPE_CHECKING:
    from torch import nn

    from dgno_core.io.sinks import ImageSink


def restore(
    image: Source,
    model: str | Path | nn.Module = "auto",
    *,
    axes: str | None = None,
    series: int = 0,
    device: str = "auto",
    tile: int | None = None,
    precision: Literal["fp32", "bf16"] = "fp32",
    normalise: Literal["stack", "plane"] = "stack",
    nonfinite: Literal["refuse", "keep"] = "refuse",
    memory_share: float = 0.5,
    model_folder: Path | None = None,
) -> NDArray[Any]:
    """Restore an image in memory.

    Parameters
    ----------
    image
        An array (numpy, dask, zarr), an image source, or a path.
    model
        A name from `dgno models`, a path, ``auto``, or a loaded model.
    axes
        One letter of ``TPCZYXS`` for each dimension; guessed if not given.
    series
        Which image of a file that holds several, counted from 0.
    device
        ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
    tile
        Edge of a tile in pixels; by default the model's own.
    precision
        ``bf16`` computes in bfloat16 where that is safe.
    normalise
        One intensity range for the whole ``stack``, or one for each ``plane``.
    nonfinite
        ``refuse`` an image with pixels that are NaN or infinite, or ``keep`` these as they are.
    memory_share
        Share of the free memory that a tile may need, above 0 and at most 1.
    model_folder
        Where else to look for models by name.

    Returns
    -------
    numpy.ndarray
        The restored image, of the shape and type of the input.

    Raises
    ------
    DGNOError
        If the image, the model, the device or a setting is at fault.

    Warns
    -----
    RestoreWarning
        What the user should know, such as that the image is outside of what the model is for.

    Examples
    --------
    >>> import dgno_core
    >>> from skimage.data import coins
    >>> restored = dgno_core.restore(coins()[:64, :64], "dgno-cell-small", device="cpu")
    >>> restored.shape, restored.dtype.name
    ((64, 64), 'uint8')
    """
    restorer = Restorer(
        model,
        axes=axes,
        series=series,
        device=device,
        tile=tile,
        precision=precision,
        normalise=normalise,
        nonfinite=nonfinite,
        memory_share=memory_share,
        model_folder=model_folder,
    )
    return last_array(restorer.events(image))


def restore_events(
    source: Source,
    config: RestoreConfig = DEFAULTS,
    *,
    sink: ImageSink | None = None,
    model: nn.Module | None = None,
) -> Generator[RestoreEvent, None, None]:
    """Restore an image, reporting on the way; see `Restorer.events`.

    Parameters
    ----------
    source, sink
        As for `Restorer.events`.
    config
        The settings.
    model
        A model with a card, in place of the one that the settings name.
    """
    return Restorer.of(config, model).events(source, sink)
