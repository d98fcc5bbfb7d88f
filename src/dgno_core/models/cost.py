"""What a network costs: parameters, multiply-accumulates (MACs) and memory of a forward pass.

The papers print as "FLOPs" the MACs that the counter `ptflops` finds, which depend on its version
and on how a network is written, for it sees modules and some functions and nothing else. Both of
its rules are here, applied to our networks as their authors' code writes the same arithmetic:

"modules", ptflops up to 0.7.0, behind the figures of MPT's paper:

* a convolution: its MACs, and one more for every output number where it has a bias; a linear
  layer: its MACs, and one more for every feature (not: every output number) of the bias;
* a pooling: one for every input number; instance norm: two; a layer norm of PyTorch's: one (so
  that of the scan; those over channels are of the authors' own making, and not seen);
* a module that is an activation function: one for every number (in the router and the shallow
  branch of DGNO, and after the operators; elsewhere it is called as a function);
* nothing else: no matrix product, no activation called as a function.

"functions", ptflops from 0.7.1, behind the figures of DGNO's paper, differs in:

* the bias of a linear layer: one for every output number;
* an activation called as a function: one for every number;
* a module that calls a function which is counted too counts twice: poolings and activations;
* the matrix products written as ``torch.matmul``: those of the operators, and the choice of the
  prompts. Attention, in Restormer and in MPT, and the product that makes the prompts are
  written ``@`` and not seen; nor is a softmax, called as a method.

Neither sees the selective scan, nor the two maps to its parameters (written as ``einsum``).
Left out is the resizing of DGNO's input, a function in the released code and slicing here: it
would add 20,480 to the 50,118,871,040 by "functions" at 256 x 256 pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from dgno_core.encoders.attentive_scan import AttentiveScan
from dgno_core.layers.norms import ChannelNorm
from dgno_core.layers.operator import OperatorLayer
from dgno_core.models.build import build_model
from dgno_core.models.config import NetworkConfig
from dgno_core.models.device import place
from dgno_core.models.live_bytes import LiveBytes
from dgno_core.models.network import Network
from dgno_core.models.operations import Operation, OperationTrace

CounterRule = Literal["modules", "functions"]


@dataclass(frozen=True)
class Cost:
    """Cost of one forward pass of one image.

    Parameters
    ----------
    parameters : int
        Trainable numbers.
    macs_exact : int
        Of all convolutions, linear maps and matrix products, counted by hand from their shapes.
        The choice of the prompts counts as the product that the paper defines and that runs in
        training, though at inference it is a look-up. Without the selective scan.
    macs_scan : int
        Of the selective scans: three for every step, channel and state (decay, input, output).
    macs_modules, macs_functions : int
        By the two rules behind the papers' figures; see this module.
    peak_bytes : int
        Largest sum of the live tensors in a float32 forward pass without gradients, weights and
        image included. Left out is what `LiveBytes` leaves out: above all the kernels' own
        workspaces, which a CPU or GPU needs on top.
    """

    parameters: int
    macs_exact: int
    macs_scan: int
    macs_modules: int
    macs_functions: int
    peak_bytes: int


def cost(model_or_config: Network | NetworkConfig, side: int = 256) -> Cost:
    """Count what restoring one square image costs, without computing or allocating anything.

    Parameters
    ----------
    model_or_config : Network or NetworkConfig
        The network, of which only the configuration matters.
    side : int
        Side of the image in pixels.

    Returns
    -------
    Cost
    """
    config = model_or_config.config if isinstance(model_or_config, Network) else model_or_config
    meta = torch.device("meta")
    with meta:
        model = build_model(config)
        image = torch.empty(1, config.channels, side, side)
    place(model, meta)
    with torch.no_grad(), LiveBytes() as memory, OperationTrace(model) as traced:
        model(image)
    operations = traced.operations
    stood = sum(t.numel() * t.element_size() for t in (*model.state_dict().values(), image))
    return Cost(
        parameters=sum(p.numel() for p in model.parameters()),
        macs_exact=sum(operation.macs for operation in operations),
        macs_scan=sum(map(_scan_macs, operations)),
        macs_modules=sum(counted(operation, "modules") for operation in operations),
        macs_functions=sum(counted(operation, "functions") for operation in operations),
        peak_bytes=stood + memory.peak,
    )


def counted(operation: Operation, rule: CounterRule) -> int:
    """What a rule behind the papers' figures counts for one operation.

    Parameters
    ----------
    operation : Operation
        One operation.
    rule : {"modules", "functions"}
        See this module.

    Returns
    -------
    int
    """
    layer = operation.layers[-1]
    functions = rule == "functions"
    match operation.kind:
        case "convolution":
            return operation.macs + (operation.outputs if operation.bias else 0)
        case "linear":
            if _maps_to_the_scan(operation):
                return 0
            every = operation.outputs if operation.bias else 0
            return operation.macs + (every if functions else operation.bias)
        case "norm":
            return 0 if isinstance(layer, ChannelNorm) else operation.inputs * _per_number(layer)
        case "pool":
            return operation.inputs * (2 if functions else 1)
        case "activation":
            if isinstance(layer, nn.GELU | nn.ReLU | OperatorLayer):
                return operation.outputs * (2 if functions else 1)
            return operation.outputs if functions else 0
        case "product":
            return operation.macs if functions and isinstance(layer, OperatorLayer) else 0
        case "look-up":
            return operation.macs if functions else 0


def _per_number(norm: nn.Module) -> int:
    """The counter doubles what a norm costs if it finds an attribute `affine`; some have none."""
    return 2 if getattr(norm, "affine", False) else 1


def _scan(operation: Operation) -> AttentiveScan | None:
    """Attentive scan of which an operation is a direct part, if there is one."""
    parent = operation.layers[-2] if len(operation.layers) > 1 else None
    return parent if isinstance(parent, AttentiveScan) else None


def _maps_to_the_scan(operation: Operation) -> bool:
    scan = _scan(operation)
    return scan is not None and operation.layers[-1] in (scan.select, scan.step)


def _scan_macs(operation: Operation) -> int:
    """Cost of a block's scan, read off the map whose outputs are the scan's steps."""
    scan = _scan(operation)
    if scan is None or operation.layers[-1] is not scan.step:
        return 0
    return 3 * operation.outputs * scan.state
