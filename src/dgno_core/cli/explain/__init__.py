"""`dgno explain`: maps of what a network does, and of where to trust it."""

from __future__ import annotations

from dgno_core.cli.explain.maps import maps
from dgno_core.cli.running import new_app

app = new_app("See what a network does to an image, and where to trust it.")

for _command in (maps,):
    app.command()(_command)
