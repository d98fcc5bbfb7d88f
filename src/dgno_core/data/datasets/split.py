"""Our rule for who trains and who tests, where the papers do not say.

Each group of images that show the same thing (a well, a scene, a video) goes to a split by a hash
of its name alone. So the split is the same on every machine and in every order, adding or losing
groups moves no other, and what shows the same thing is never on both sides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from itertools import accumulate


def hash_split(group: str, shares: Mapping[str, float], seed: str) -> str:
    """Split to which a group of images belongs.

    The first eight bytes of SHA-256 of ``"{seed}:{group}"``, as a fraction of 2^64, fall into one
    of the intervals that the shares cut [0, 1) into.

    Parameters
    ----------
    group
        Name of the group, in lower case if the file system may change case.
    shares
        Share of each split, in order; together 1.
    seed
        Distinguishes data sets.

    Raises
    ------
    ValueError
        If the shares are negative or do not sum to 1.
    """
    if any(share < 0 for share in shares.values()) or abs(sum(shares.values()) - 1) > 1e-9:
        raise ValueError(f"shares must be positive and sum to 1, not {dict(shares)}")
    digest = hashlib.sha256(f"{seed}:{group}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    bounds = zip(shares, accumulate(shares.values()), strict=True)
    return next((name for name, bound in bounds if place < bound), list(shares)[-1])
