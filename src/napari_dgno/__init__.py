"""DGNO deblurring for napari: a thin face on `dgno_core`.

napari finds everything through `napari.yaml`. Importing this package imports neither torch nor Qt,
so that napari starts as fast with the plugin as without it; `save_layer` is loaded on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_dgno._writer import save_layer as save_layer

__all__ = ["save_layer"]


def __getattr__(name: str) -> Any:
    """Import the public name on first use (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from napari_dgno import _writer

    return getattr(_writer, name)
