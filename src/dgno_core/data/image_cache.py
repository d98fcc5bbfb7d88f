"""Images kept in memory up to a budget."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from dgno_core.data.pairs import Readable


class ImageCache:
    """Keeps the images that were read first, in their own type, until the budget is spent.

    What does not fit is read again each time. Nothing is thrown out for something else: crops are
    drawn at random from all images, so that any image is as likely to be needed next as any other.

    Parameters
    ----------
    budget
        Bytes of pixels.
    """

    def __init__(self, budget: int) -> None:
        self.budget, self.used = budget, 0
        self._images: dict[Readable, NDArray[Any]] = {}

    def read(self, source: Readable) -> NDArray[Any]:
        """Return the pixels of an image, which nobody may change.

        Raises
        ------
        DGNOError
            If it cannot be read.
        """
        if source in self._images:
            return self._images[source]
        pixels = source.read()
        if self.used + pixels.nbytes <= self.budget:
            self.used += pixels.nbytes
            self._images[source] = pixels
        return pixels
