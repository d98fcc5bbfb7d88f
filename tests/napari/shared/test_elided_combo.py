"""A choice that is longer than its list is wide ends in dots."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.gui

LONG = "my-cells – stopped, step 36 of 80, not validated"


def test_as_much_is_shown_as_fits(qtbot: Any) -> None:
    from napari_dgno.shared.elided_combo import ElidedCombo

    combo = ElidedCombo()
    qtbot.addWidget(combo)
    combo.addItem(LONG)
    needed = combo.fontMetrics().horizontalAdvance(LONG)
    combo.resize(needed // 2, 24)
    shown = combo.shown_text()
    assert shown.endswith("…")
    assert LONG.startswith(shown[:-1])
    assert 0.5 * needed / 2 < combo.fontMetrics().horizontalAdvance(shown) < needed / 2
    combo.resize(needed + 60, 24)
    assert combo.shown_text() == LONG


def test_what_is_drawn_is_what_is_shown(qtbot: Any) -> None:
    from napari_dgno.shared.elided_combo import ElidedCombo

    combo, other = ElidedCombo(), ElidedCombo()
    for widget, text in ((combo, LONG), (other, "")):
        qtbot.addWidget(widget)
        widget.addItem(text)
        widget.resize(150, 24)
    other.setItemText(0, combo.shown_text())
    assert other.shown_text() == combo.shown_text()
    assert combo.grab().toImage() == other.grab().toImage()


def test_a_run_tells_all_of_itself_where_its_entry_is_cut(open_train: Any) -> None:
    from pathlib import Path

    from qtpy.QtCore import Qt

    from dgno_core.training.runs.run import Run

    combo = open_train().run_combo
    run = Run(Path("my-cells"))
    combo.set_found([(run, LONG)], None)
    assert combo.itemData(1, int(Qt.ItemDataRole.ToolTipRole)) == LONG
    combo.say(run, "my-cells – finished")
    assert combo.itemData(1, int(Qt.ItemDataRole.ToolTipRole)) == "my-cells – finished"
