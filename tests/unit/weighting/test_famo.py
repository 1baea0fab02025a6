import pytest
import torch

from mazo.errors import TrainingError
from mazo.weighting.famo import Famo


def series(steps: int, *, tasks: int = 3, seed: int = 0) -> torch.Tensor:
    """Losses before and after each step: falling at unequal speeds, with noise."""
    generator = torch.Generator().manual_seed(seed)
    falls = torch.arange(2 * steps)[:, None] * torch.linspace(0.0, 0.02, tasks)
    noise = 0.1 * torch.randn(2 * steps, tasks, generator=generator)
    return torch.exp(noise - falls).view(steps, 2, tasks)


def by_hand(losses: torch.Tensor, *, lr: float, decay: float) -> torch.Tensor:
    """FAMO from its definition alone: both gradients by autograd, in float64, and Adam written out."""
    logits = torch.zeros(losses.shape[2], dtype=torch.float64)
    mean, square, weights = torch.zeros_like(logits), torch.zeros_like(logits), []
    for step, (before, after) in enumerate(losses.double(), start=1):
        present = before.clone().requires_grad_(True)
        shifted = present + 1e-8
        shares = logits.softmax(0)
        factor = (shares / shifted).sum().detach()
        weights.append(torch.autograd.grad((shares * shifted.log() / factor).sum(), present)[0])
        own = logits.clone().requires_grad_(True)
        speed = (before + 1e-8).log() - (after + 1e-8).log()
        gradient = torch.autograd.grad(own.softmax(0) @ speed, own)[0] + decay * logits
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        logits = logits - lr * (mean / (1 - 0.9**step)) / ((square / (1 - 0.999**step)).sqrt() + 1e-8)
    return torch.stack(weights)


@pytest.mark.parametrize(("lr", "decay"), [(0.025, 0.01), (0.2, 0.0)])
def test_fifty_steps_are_those_of_the_definition(lr, decay):
    famo, losses = Famo(lr=lr, weight_decay=decay), series(50)
    weights = []
    for before, after in losses:
        weights.append(famo.weights(before))
        famo.observe(after)
    torch.testing.assert_close(torch.stack(weights).double(), by_hand(losses, lr=lr, decay=decay), rtol=1e-4, atol=1e-6)
    without_logits = (1 / losses[-1, 0]) / (1 / losses[-1, 0]).sum()
    assert (weights[-1] - without_logits).abs().max() > 0.02


def test_weights_sum_to_one_and_start_inverse_to_the_losses():
    weights = Famo().weights(torch.tensor([1.0, 2.0, 4.0]))
    torch.testing.assert_close(weights, torch.tensor([4.0, 2.0, 1.0]) / 7)


def test_a_task_whose_loss_nears_0_takes_nearly_all_the_weight():
    famo = Famo()
    assert famo.weights(torch.tensor([0.001, 0.7, 0.7]))[0].item() == pytest.approx(0.997, abs=5e-4)
    famo.observe(torch.tensor([0.0, 0.7, 0.7]))
    famo.weights(torch.tensor([0.7, 0.7, 0.7]))
    assert famo.summary()["largest"][0] == pytest.approx(0.997, abs=5e-4)


def test_the_task_that_falls_slower_gains_weight():
    famo, losses = Famo(), torch.ones(2)
    for _ in range(20):
        famo.weights(losses)
        famo.observe(losses * torch.tensor([0.9, 1.0]))
    first, second = famo.weights(losses).tolist()
    assert first < 0.45 < 0.55 < second


def test_losses_below_the_floor_are_refused():
    with pytest.raises(TrainingError, match="famo wants losses of at least 0"):
        Famo().weights(torch.tensor([0.5, -0.1]))
