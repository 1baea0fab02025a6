"""The size of a weight."""

from jaxtyping import Float
from torch import Tensor


def magnitude(weight: Float[Tensor, "out in"]) -> Float[Tensor, "out in"]:
    """Return |W| in float32 [paper]."""
    return weight.detach().float().abs()
