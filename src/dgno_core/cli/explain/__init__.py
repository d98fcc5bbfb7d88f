"""`dgno explain`: maps of what a network does, and of where to trust it."""

from __future__ import annotations

from dgno_core.cli.explain.compare import compare
from dgno_core.cli.explain.lam import lam
from dgno_core.cli.explain.maps import maps
from dgno_core.cli.explain.rank import rank
from dgno_core.cli.explain.trust import trust
from dgno_core.cli.help_pages import epilog
from dgno_core.cli.running import new_app

app = new_app("See what a network does to an image, and where to trust it.", "dgno explain")

for _command in (maps, rank, compare, lam, trust):
    app.command(epilog=epilog(f"dgno explain {_command.__name__}"))(_command)
