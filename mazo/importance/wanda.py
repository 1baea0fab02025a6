"""Wanda: the size of a weight times the size of what it is multiplied with."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mazo.batches import Batch
from mazo.importance.calibration import real_values, wide
from mazo.importance.magnitude import magnitude
from mazo.importance.score import Scores, real_tokens
from mazo.maskable import maskable_layers

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@torch.no_grad()
def wanda_scores(model: "PreTrainedModel", batches_by_task: Mapping[str, Sequence[Batch]]) -> Scores:
    r"""Score every maskable weight (Sun et al., "A Simple and Effective Pruning Approach for LLMs", ICLR 2024).

    .. math:: S_{ij} = |W_{ij}| \cdot \lVert X_j \rVert_2

    - :math:`X_j` is the layer's input j over all tokens of all tasks' calibration examples, padding apart.

    Wanda prunes the lowest scores of each row; as a mask for training it keeps the highest [assumed].

    :param batches_by_task: Calibration examples, collated a task at a time.
    :returns: A float32 matrix on the CPU for each maskable weight, by parameter name.
    """
    norms = input_norms(model, [batch for batches in batches_by_task.values() for batch in batches])
    layers = maskable_layers(model)
    return {f"{name}.weight": (magnitude(layer.weight) * norms[name]).cpu() for name, layer in layers.items()}


@torch.no_grad()
def input_norms(model: "PreTrainedModel", batches: Sequence[Batch]) -> dict[str, Float[Tensor, " in"]]:
    """Return the Euclidean norm of every input of every maskable layer over all tokens of some batches."""
    layers = maskable_layers(model)
    squares = {
        name: torch.zeros(layer.in_features, device=layer.weight.device, dtype=wide(layer.weight.dtype))
        for name, layer in layers.items()
    }
    real = torch.empty(0, dtype=torch.bool)

    def adding_to(total: Tensor) -> Callable[..., None]:
        def hook(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            total.add_(real_values(inputs[0], real).to(total.dtype).square().sum(0))

        return hook

    handles = [layer.register_forward_pre_hook(adding_to(squares[name])) for name, layer in layers.items()]
    try:
        for batch in batches:
            here = batch.to(next(model.parameters()).device)
            real = real_tokens(here)
            model.get_decoder()(input_ids=here.input_ids, use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    return {name: total.sqrt() for name, total in squares.items()}
