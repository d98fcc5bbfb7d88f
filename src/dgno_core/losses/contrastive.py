"""EFCR and the two forms of EFCR_ex (MPT paper, Sec. 3.2), on tensors and without beta.

`contrastive_terms` explains the symbols and the choice of the norm.
"""

from __future__ import annotations

from torch import Tensor

from dgno_core.losses.contrastive_terms import (
    Norm,
    contrastive_ratio,
    extended_term,
    negative_term,
    positive_term,
)


def efcr(
    output: Tensor,
    target: Tensor,
    blurred: Tensor,
    reblurred: Tensor | None = None,
    output_of_reblurred: Tensor | None = None,
    *,
    norm: Norm = "mean",
) -> Tensor:
    """Regularisation on labelled data: L_CR of Eq. 7 with the terms of Eqs. 4-6.

    Parameters
    ----------
    output, target, blurred : Tensor
        ``(B, C, Y, X)``: what the network makes of `blurred`, and what it should.
    reblurred, output_of_reblurred : Tensor, optional
        ``(B, C, Y, X)``: `blurred` after a further blur, and what the network makes of that.
        Without the two, L_ext is left out (V1 of the paper's ablation).
    norm : {"mean", "sum"}
        Of the absolute values.

    Returns
    -------
    Tensor
        Scalar.

    Raises
    ------
    ValueError
        If the shapes differ, the norm is unknown, or only one of `reblurred` and
        `output_of_reblurred` is given.
    """
    return contrastive_ratio(
        positive_term(output, target, norm=norm),
        negative_term(output, blurred, norm=norm),
        _extension(blurred, reblurred, output_of_reblurred),
    )


def efcr_ex(
    output: Tensor,
    target: Tensor,
    blurred: Tensor,
    reblurred: Tensor | None = None,
    output_of_reblurred: Tensor | None = None,
    *,
    norm: Norm = "mean",
) -> Tensor:
    """Regularisation on *labelled* extra data: L_CR of Eq. 7 with the terms of Eqs. 8-10.

    The positive is the ground truth of the extra data. Unlike in `efcr`, L+ leaves out the low
    band: what passes from one domain to another is detail, not brightness.

    Parameters
    ----------
    output, target, blurred : Tensor
        ``(B, C, Y, X)`` of the extra data.
    reblurred, output_of_reblurred : Tensor, optional
        ``(B, C, Y, X)`` of the extra data. Without the two, L_ext' is left out (V_ex1 of the
        paper's ablation).
    norm : {"mean", "sum"}
        Of the absolute values.

    Returns
    -------
    Tensor
        Scalar.

    Raises
    ------
    ValueError
        As `efcr`.
    """
    return contrastive_ratio(
        positive_term(output, target, low=False, norm=norm),
        negative_term(output, blurred, norm=norm),
        _extension(blurred, reblurred, output_of_reblurred),
    )


def efcr_ex_unlabelled(
    output: Tensor,
    target: Tensor,
    blurred: Tensor,
    extra_blurred: Tensor,
    extra_reblurred: Tensor,
    extra_output_of_reblurred: Tensor,
    *,
    norm: Norm = "mean",
) -> Tensor:
    """Regularisation on *unlabelled* extra data: L_CR of Eq. 7 with {L+, L-, L_ext'}.

    So the end of Sec. 3.2 puts it, with a prime for the extra data. Hence the positive is the
    ground truth of the *labelled* data, in both bands (Eq. 4), the negative the labelled blurred
    image (Eq. 5), and L_ext' alone looks at the extra images (Eq. 10). Sample i of the one batch
    shares its ratio with sample i of the other.

    Parameters
    ----------
    output, target, blurred : Tensor
        ``(B, C, Y, X)`` of the labelled data.
    extra_blurred, extra_reblurred, extra_output_of_reblurred : Tensor
        ``(B, C', Y', X')`` of the extra data: the images, their reblur, and what the network makes
        of that. L_ext' is a ratio, so the crops need not have the labelled data's size.
    norm : {"mean", "sum"}
        Of the absolute values.

    Returns
    -------
    Tensor
        Scalar.

    Raises
    ------
    ValueError
        If the shapes differ within either set, the norm is unknown, or the batches have not the
        same length.
    """
    return contrastive_ratio(
        positive_term(output, target, norm=norm),
        negative_term(output, blurred, norm=norm),
        extended_term(extra_blurred, extra_reblurred, extra_output_of_reblurred),
    )


def _extension(
    blurred: Tensor, reblurred: Tensor | None, output_of_reblurred: Tensor | None
) -> Tensor | None:
    if reblurred is None and output_of_reblurred is None:
        return None
    if reblurred is None or output_of_reblurred is None:
        raise ValueError("L_ext needs both: the reblurred images and the network's output on them")
    return extended_term(blurred, reblurred, output_of_reblurred)
