"""List the arithmetic of a network's forward pass: what each layer and matrix product does.

Shapes decide, so the meta device will do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

Kind = Literal["convolution", "linear", "product", "look-up", "norm", "pool", "activation"]


@dataclass(frozen=True)
class Operation:
    """One call of a function that the counting rules know.

    Parameters
    ----------
    kind : str
        What it is.
    layers : tuple of nn.Module
        The modules in which it happened, the network first.
    macs : int
        Multiply-accumulates; those of convolutions, linear maps, matrix products, and of the
        products that look-ups stand for.
    inputs, outputs : int
        Numbers in the first argument and in the result.
    bias : int
        Numbers of the bias, 0 without one.
    """

    kind: Kind
    layers: tuple[nn.Module, ...]
    macs: int
    inputs: int
    outputs: int
    bias: int


class OperationTrace(TorchFunctionMode):
    """While active, note the operations of a network.

    Parameters
    ----------
    model : nn.Module
        The network.

    Attributes
    ----------
    operations : list of Operation
        So far, in order.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.operations: list[Operation] = []
        self._model = model
        self._layers: list[nn.Module] = []
        self._hooks: list[torch.utils.hooks.RemovableHandle] = []

    def __enter__(self) -> OperationTrace:
        """Start."""

        def enter(layer: nn.Module, _inputs: Any) -> None:
            self._layers.append(layer)

        def leave(_layer: nn.Module, _inputs: Any, _output: Any) -> None:
            self._layers.pop()

        for layer in self._model.modules():
            self._hooks.append(layer.register_forward_pre_hook(enter))
            self._hooks.append(layer.register_forward_hook(leave))
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        """Stop."""
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        for hook in self._hooks:
            hook.remove()

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run a function and note it if it is one of the known."""
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if func in _KINDS:
            kind = _KINDS[func]
            bias = _bias(args, kwargs) if kind in ("convolution", "linear") else None
            self.operations.append(
                Operation(
                    kind=kind,
                    layers=tuple(self._layers),
                    macs=_macs(func, args, result),
                    inputs=args[0].numel(),
                    outputs=result.numel(),
                    bias=0 if bias is None else bias.numel(),
                )
            )
        return result


_KINDS: dict[Callable[..., Any], Kind] = {
    torch.conv2d: "convolution",
    F.linear: "linear",
    torch.matmul: "product",
    torch.bmm: "product",
    Tensor.matmul: "product",
    Tensor.__matmul__: "product",
    F.scaled_dot_product_attention: "product",
    F.embedding: "look-up",
    F.layer_norm: "norm",
    F.instance_norm: "norm",
    F.avg_pool2d: "pool",
    F.adaptive_avg_pool2d: "pool",
    F.gelu: "activation",
    F.relu: "activation",
}


def _bias(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    """Third argument of a convolution or linear map."""
    return args[2] if len(args) > 2 else kwargs.get("bias")


def _macs(func: Callable[..., Any], args: tuple[Any, ...], result: Tensor) -> int:
    """Multiply-accumulates: numbers of the result times the length of the sum behind each."""
    if func is F.scaled_dot_product_attention:
        query, key = args[:2]
        return key.shape[-2] * (query.numel() + result.numel())
    if func is F.embedding:
        # Taking rows of a table stands for the product with a matrix of zeros and ones.
        return result.numel() * int(args[1].shape[0])
    if func is torch.conv2d:
        return result.numel() * math.prod(args[1].shape[1:])
    if _KINDS[func] in ("linear", "product"):
        return result.numel() * int(args[0].shape[-1])
    return 0
