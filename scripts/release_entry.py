"""Check a weights file that is to be offered for download, and print its entry of releases.yaml.

    python scripts/release_entry.py dgno-cell.safetensors https://.../dgno-cell.safetensors

Upload the very same file, add the entry to src/dgno_core/models/releases.yaml, and try it:

    dgno models --fetch dgno-cell
"""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from dgno_core.io.download import file_sha256
from dgno_core.models import load_model
from dgno_core.models.release import Release


def main() -> None:
    """Print the entry."""
    path, url = Path(sys.argv[1]), sys.argv[2]
    card = load_model(path, "cpu").card  # complete, finite, and the network of its card
    assert card is not None
    size = path.stat().st_size
    entry = Release(name=card.name, url=url, sha256=file_sha256(path), size=size)
    print(yaml.safe_dump([entry.model_dump()], sort_keys=False), end="")


if __name__ == "__main__":
    main()
