"""The menu entry that restores with one click."""

from __future__ import annotations

from napari_dgno.shared.panel import open_panel


def restore_usual() -> None:
    """Restore the selected image with the usual settings, in the Restore panel.

    There one sees how far it is, cancels it, compares, and changes what is not right.
    """
    from napari import current_viewer

    from napari_dgno.restore.panel import RestorePanel

    viewer = current_viewer()
    panel = None if viewer is None else open_panel(viewer, "Restore")
    if isinstance(panel, RestorePanel):
        panel.restore_usual()
