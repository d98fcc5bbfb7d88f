"""The models that a panel has loaded: each once, until its file changes; knows no Qt."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, TypeAlias

from dgno_core.errors import DGNOError
from napari_dgno.shared.models import AUTOMATIC

if TYPE_CHECKING:
    from dgno_core.inference import RestoreConfig, Restorer

#: Path, size in bytes and time of the last change in nanoseconds of each file; None if it is gone.
Stamp: TypeAlias = tuple[tuple[str, int, int] | None, ...]


def weights_stamp(config: RestoreConfig) -> Stamp:
    """Tell by path, size and time whether the files of a model are the same; reads none of them.

    ``"auto"`` stands for two files, that for grey and that for colour images.
    """
    from dgno_core.models import default_weights, find_weights

    if config.model == AUTOMATIC:
        paths = [find_weights(default_weights(colour)) for colour in (False, True)]
    else:
        try:
            paths = [find_weights(config.model, config.model_folder)]
        except DGNOError:
            return (None,)  # loading it says what is wrong
    stats = [(path, path.stat()) for path in paths]
    return tuple((str(path), stat.st_size, stat.st_mtime_ns) for path, stat in stats)


class LoadedModels:
    """Restorers whose models stay in memory from one run of a panel to the next.

    An analysis of a network puts hooks on its module, so that nothing else may compute with the
    module meanwhile: each panel has its own, and one worker at a time.

    Parameters
    ----------
    limit : int
        How many models may stay in memory.
    """

    def __init__(self, limit: int = 1) -> None:
        self._limit = limit
        self._kept: OrderedDict[Stamp, Restorer] = OrderedDict()

    def restorer(self, config: RestoreConfig) -> Restorer:
        """Return what restores with these settings; for worker threads, as it imports torch.

        Its model is loaded when it is first used, or again after its file or the device changed.
        """
        from dgno_core.inference import Restorer

        stamp = weights_stamp(config)
        kept = self._kept.pop(stamp, None)
        restorer = Restorer.of(config) if kept is None else kept.adjusted(config)
        self._kept[stamp] = restorer
        while len(self._kept) > self._limit:
            self._kept.popitem(last=False)
        return restorer

    def clear(self) -> None:
        """Keep no model any longer."""
        self._kept.clear()
