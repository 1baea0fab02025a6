import torch
from torch import nn

from mazo.importance.zo_gradient import zo_gradient, zo_slopes


def test_forwards_alone_near_the_gradient_and_leave_the_weights():
    generator = torch.Generator().manual_seed(0)
    weights = {name: nn.Parameter(torch.randn(4, 5, generator=generator), requires_grad=False) for name in ("a", "b")}
    slopes = {name: torch.randn(4, 5, generator=generator) for name in weights}
    before = {name: weight.clone() for name, weight in weights.items()}

    def loss() -> torch.Tensor:
        return torch.stack([(slopes[name] * weight).sum() for name, weight in weights.items()]).sum()[None]

    measured = zo_slopes(weights, loss, num_directions=1000, eps=1e-2, seed=0)
    found = {name: zo_gradient(measured, weight, name=name, seed=0) for name, weight in weights.items()}
    found, wanted = (torch.cat([tensors[name].flatten() for name in weights]) for tensors in (found, slopes))
    assert torch.cosine_similarity(found, wanted, dim=0) > 0.95  # theory: sqrt(1000 / 1041) = 0.980
    assert all(torch.equal(weights[name], before[name]) for name in weights)
