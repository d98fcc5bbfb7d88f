"""Names of tensors: what the released networks call a module, and what ours do."""

from __future__ import annotations

from collections.abc import Mapping

Shapes = Mapping[str, tuple[int, ...]]


def translate(names: Mapping[str, str], key: str) -> str:
    """Our name of a tensor of one of the listed modules.

    Parameters
    ----------
    names : mapping
        Our name under each released one, of modules or of single tensors.
    key : str
        Released name of the tensor.

    Returns
    -------
    str

    Raises
    ------
    KeyError
        If it belongs to none of them.
    """
    for theirs, ours in names.items():
        if key == theirs or key.startswith(theirs + "."):
            return ours + key.removeprefix(theirs)
    raise KeyError(key)
