"""The one exception that is meant for the user."""

from __future__ import annotations


class DGNOError(Exception):
    """A problem that the user can solve.

    Its text is one sentence that says what is wrong, with which file or layer, and what to do.
    The command line prints it and exits with status 2; napari shows it as a notification.
    """
