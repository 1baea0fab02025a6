"""A model that is nothing but weights, with quadratic losses whose slopes are known."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from mazo.masks import Mask, mask_from_scores


class Weights(nn.Module):
    """Two matrices of one shape, and a vector that no mask covers."""

    def __init__(self, dtype: torch.dtype = torch.float32, *, width: int = 16) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.first = nn.Parameter(torch.randn(4, width, generator=generator).to(dtype), requires_grad=False)
        self.second = nn.Parameter(torch.randn(4, width, generator=generator).to(dtype), requires_grad=False)
        self.norm = nn.Parameter(torch.randn(width, generator=generator).to(dtype), requires_grad=False)
        self.first[0, 0] = -0.0  # a weight whose sign an idle step could lose

    def flat(self) -> Tensor:
        return torch.cat([weight.detach().flatten().double() for weight in self.parameters()])


def quadratic_losses(model: Weights, *, tasks: int = 3) -> Callable[[], Tensor]:
    """Return a closure of float64 losses |theta - target_t|^2 / 2."""
    generator = torch.Generator().manual_seed(1)
    targets = torch.randn(tasks, len(model.flat()), generator=generator, dtype=torch.float64)
    return lambda: (model.flat() - targets).square().sum(1) / 2


def mask_of(model: Weights, *, density: float = 0.25) -> Mask:
    generator = torch.Generator().manual_seed(2)
    scores = {
        name: torch.rand(weight.shape, generator=generator)
        for name, weight in model.named_parameters()
        if weight.ndim == 2
    }
    return mask_from_scores(scores, density=density)


def bits(model: nn.Module) -> dict[str, bytes]:
    """Return every weight's bytes, so that even -0.0 and 0.0 differ."""
    return {
        name: weight.detach().clone().view(torch.uint8).numpy().tobytes() for name, weight in model.named_parameters()
    }
