"""A promise about the numeric fixtures: a test that opens one leaves no array of it aside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from numpy.typing import ArrayLike

from support.shared import FIXTURES, load_fixture

# What a test may only read. Everything else is a result, and to read a result is not enough.
GIVEN = re.compile(
    r"(?:^|/)(?:param\w*/.*|input\w*|x|embeddingA\.weight|qkv_row_permutation"
    r"|u|delta|A|B|C|D|gy|raw|bias|img|ref"
    r"|[gc]_(?:w_.*|image|sigma|fold|ksize|window_hw)|gini_in_\w+)$"
)
# Descriptions of a file in words.
WORDS = re.compile(r"_json$")


class Arrays(Mapping[str, np.ndarray]):
    """Arrays of a fixture file, or of one folder of it, that know which of them are still unused.

    Parameters
    ----------
    arrays : mapping
        All arrays of the file.
    unused : set of str
        Their names, less those of the words; shared by all folders of the file.
    path : str
        Folder that is shown; an array that lies in no folder is a folder with one array, called "".
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], unused: set[str], path: str = "") -> None:
        self._arrays, self._unused, self._path = arrays, unused, path

    def _name(self, key: str) -> str:
        return "/".join(filter(None, (self._path, key)))

    def __getitem__(self, key: str) -> np.ndarray:
        """Read an array; this uses up what is given, but no result."""
        name = self._name(key)
        if GIVEN.search(name):
            self._unused.discard(name)
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        """Names below this folder."""
        n = len(self._path) + bool(self._path)
        return (name[n:] for name in self._arrays if lies_in(name, self._path))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, key: object) -> bool:
        return self._name(str(key)) in self._arrays

    def folder(self, name: str) -> Arrays:
        """What lies below a folder, under the names that remain."""
        return Arrays(self._arrays, self._unused, self._name(name))

    def folders(self) -> list[str]:
        """Names of the folders at this level."""
        return list(dict.fromkeys(key.split("/", 1)[0] for key in self if "/" in key))

    def agree(self, key: str, ours: ArrayLike, *, atol: float = 0.0, rtol: float = 0.0) -> None:
        """Compare a result with what we computed: the shape, and every number within a tolerance.

        Parameters
        ----------
        key : str
            Name of the stored array.
        ours : array_like
            Numbers, or a tensor without a graph.
        atol, rtol : float
            Allowed distance, absolute and as a share of the stored number.
        """
        name, stored, found = self._name(key), self[key], np.asarray(ours)
        assert found.shape == stored.shape, f"{name}: {found.shape}, {stored.shape}"
        np.testing.assert_allclose(
            found.astype(np.float64),
            stored.astype(np.float64),
            atol=atol,
            rtol=rtol,
            equal_nan=False,
            err_msg=name,
        )
        self._unused.discard(name)


def lies_in(name: str, folder: str) -> bool:
    """Whether an array is the folder itself or below it; everything is below the empty one."""
    return not folder or name == folder or name.startswith(f"{folder}/")


@contextmanager
def every_array_of(name: str, folder: str = "") -> Iterator[Arrays]:
    """Open a fixture file, and fail at the end if an array was neither read nor compared.

    Parameters
    ----------
    name : str
        File without its suffix.
    folder : str, optional
        Only this part of the file; then compare the parts with `folders_of`.

    Yields
    ------
    Arrays
    """
    arrays = load_fixture(name)
    unused = {key for key in arrays if lies_in(key, folder) and not WORDS.search(key)}
    assert unused, f"{name} has no {folder!r}"
    yield Arrays(arrays, unused, folder)
    assert not unused, f"{name}: {len(unused)} arrays were left aside: {sorted(unused)[:8]}"


def folders_of(name: str) -> set[str]:
    """Names of the folders at the top of a fixture file."""
    with np.load(FIXTURES / f"{name}.npz", allow_pickle=False) as archive:
        return {key.split("/", 1)[0] for key in archive.files if "/" in key}
