"""Gradient checkpointing: activations computed again in the backward pass in place of being kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from typing import Any

from torch import nn
from torch.utils.checkpoint import checkpoint
from transformers.modeling_layers import GradientCheckpointingLayer

from mazo.errors import ModelError


@contextmanager
def recomputed(model: nn.Module) -> Iterator[None]:
    """Keep only the inputs of a model's blocks for the backward passes inside, which compute the rest again.

    The gradients are the same. Transformers' own switch works in training mode alone, where a model with dropout would
    draw from torch's global stream; this one leaves the mode as it is.

    Raises :class:`mazo.errors.ModelError` for a model without blocks that transformers could checkpoint.
    """
    blocks = [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]
    if not blocks:
        raise ModelError("gradient_checkpointing: wanted a model that transformers can checkpoint; found no such block")
    own = [block.__dict__.get("forward") for block in blocks]
    try:
        for block in blocks:
            block.__dict__["forward"] = partial(_forward, block.forward)
        yield
    finally:
        for block, forward in zip(blocks, own, strict=True):
            del block.__dict__["forward"]
            if forward is not None:
                block.__dict__["forward"] = forward


def _forward(forward: Any, *inputs: Any, **named: Any) -> Any:
    # The second forward happens outside of the caller's `with` blocks; the copied context still holds what they set.
    context = copy_context()
    return checkpoint(partial(context.run, forward), *inputs, use_reentrant=False, preserve_rng_state=False, **named)
