"""Peak memory of a computation, from the life of its tensors' storages.

Works on the meta device too, where nothing is computed or allocated.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveBytes(TorchDispatchMode):
    """While active, follow every tensor that is made until its storage is freed.

    Views share a storage and count once; operations in place make nothing. Left out: what stood
    before (inputs, weights), what the kernels need while they run (convolutions unfold, matrix
    products pack), and what an allocator keeps for reuse. Use it under `torch.no_grad`: in
    inference mode PyTorch does not show the parts of composite operations.

    Attributes
    ----------
    current, peak : int
        Bytes of the live storages now, and at most so far.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.current = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run an operation and take note of what it returns."""
        result = func(*args, **(kwargs or {}))
        if not _is_in_place(func):
            # A result may be a view of an argument, or the argument itself.
            old = {_storage(t)._cdata for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)}
            for tensor in tree_leaves(result):
                if isinstance(tensor, Tensor):
                    self._follow(tensor, old)
        return result

    def _follow(self, tensor: Tensor, old: set[int]) -> None:
        storage = _storage(tensor)
        key = storage._cdata
        if key in old or key in self._known:
            return
        size = storage.nbytes()
        self._known.add(key)
        self.current += size
        self.peak = max(self.peak, self.current)
        weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.current -= size


@cache
def _is_in_place(func: Any) -> bool:
    """Whether an operation changes what it returns, as in place or with `out`."""
    returns = func._schema.returns
    return all(value.alias_info is not None and value.alias_info.is_write for value in returns)


def _storage(tensor: Tensor) -> torch.UntypedStorage:
    return tensor.untyped_storage()
