"""What the network does inside, what an output pixel was made from, and where to trust it."""

from __future__ import annotations
