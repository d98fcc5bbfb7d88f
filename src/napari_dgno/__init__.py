"""DGNO deblurring for napari: a thin face on `dgno_core`.

napari finds everything through `napari.yaml`. Importing this package imports neither torch nor Qt,
so that napari starts as fast with the plugin as without it.
"""

from __future__ import annotations
