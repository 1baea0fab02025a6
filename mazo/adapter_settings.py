"""What an adapter may set; the line under a key is its meaning in ``config/README.md`` and its default's source."""

from typing import Annotated, Literal

from pydantic import Field

from mazo.settings import Count, NonNegative, Positive, Settings


class LowRank(Settings):
    """What the adapters share: trained factors of low rank beside frozen linear layers."""

    rank: Count = 8
    """Rank r of the factors [field: MeZO]; at most a layer's inputs and outputs."""
    alpha: Positive = 16.0
    """LoRA's alpha; the factors' product is scaled by alpha / r [field: MeZO]."""
    target: Annotated[list[str], Field(min_length=1)] | None = None
    """Last names of the linear layers beside which factors stand, as ``q_proj``; absent means all of the blocks'."""
    inner_eps: Positive = 1.0
    """Zeroth-order eps of all factors but B, as a multiple of the method's: the larger, the less noise in their
    estimate and the more in B's [assumed]."""
    inner_lr: NonNegative = 1.0
    """Zeroth-order step size of all factors but B, as a multiple of the method's [assumed]."""


class Lora(LowRank):
    """LoRA, h = W x + (alpha / r) B A x."""

    kind: Literal["lora"]


class MTLLora(LowRank):
    """MTL-LoRA: a matrix a task between A and B, and several B that each task weights its own way."""

    kind: Literal["mtl_lora"]
    num_up: Count = 3
    """Number of B matrices (the method's paper)."""
    temperature: Positive = 0.1
    """What a task's weights of the B matrices are divided by before the softmax (the method's released script)."""


Adapter = Annotated[Lora | MTLLora, Field(discriminator="kind")]

INNER_FACTORS = {"lora": ("lora_A",), "mtl_lora": ("lora_A", "lora_lambda", "lora_w")}
"""All factors but B, as they stand in the parameters' names."""


def factor_groups(adapter: Lora | MTLLora | None) -> dict[str, dict[str, float]]:
    """Return the factors with an eps and a step size of their own, as the zeroth-order optimiser takes such groups."""
    if adapter is None or (adapter.inner_eps, adapter.inner_lr) == (1.0, 1.0):
        return {}
    return {part: {"eps": adapter.inner_eps, "lr": adapter.inner_lr} for part in INNER_FACTORS[adapter.kind]}
