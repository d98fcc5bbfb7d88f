"""A run in two parts."""

from __future__ import annotations

from pathlib import Path

import yaml


def in_two_parts(config_file: Path, **changes: object) -> Path:
    """Config of a run that comes after the tiny one, of which three steps of six are taken."""
    first = yaml.safe_load(config_file.read_text())
    config_file.write_text(yaml.safe_dump(first | {"steps": 3, "horizon": 6}))
    own = config_file.with_name("second.yaml")
    settings = {
        "extends": "tiny.yaml",
        "name": "second",
        "out": "second",
        "after": "tiny.yaml",
        "horizon": None,
        "steps": 2,
        "seed": 5,
        "data": {"degrade": {"max_width": 3.0}},
    }
    own.write_text(yaml.safe_dump(settings | changes))
    return own
