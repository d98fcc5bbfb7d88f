"""What does not fit into memory is refused."""

from __future__ import annotations

import numpy as np
import pytest

from dgno_core.errors import DGNOError
from dgno_core.io import as_source
from napari_dgno.restore.work import check_fits


def test_a_result_larger_than_memory_is_refused_before_anything_is_done() -> None:
    source = as_source(np.zeros((4, 50, 50), np.uint16), name="cells")
    check_fits(source, free=40_000)
    with pytest.raises(DGNOError, match=r"'cells'.*Copy command"):
        check_fits(source, free=20_000)
