import pytest
import torch
from torch import Tensor, nn

from mazo.importance.calibration import calibrate
from mazo.importance.global_score import global_score
from mazo.importance.greedy_score import greedy_score
from mazo.importance.magnitude import magnitude
from mazo.importance.score import layer_score
from mazo.methods import ScoreSettings


def random_quadratics(seed: int, *, rows: int = 3, size: int = 7) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    factor = torch.randn(size, 2 * size, generator=generator, dtype=torch.float64)
    return torch.randn(rows, size, generator=generator, dtype=torch.float64), factor @ factor.T / size


def local(change: Tensor, gradient: Tensor, hessian: Tensor) -> Tensor:
    """The local model of the loss in one row's change, without its constant."""
    return gradient @ change + change @ hessian @ change / 2


def minimum(gradient: Tensor, hessian: Tensor, *, frozen: int | None = None) -> Tensor:
    """The local model's least value where the frozen weight cannot change, found in the free weights alone."""
    free = [index for index in range(len(gradient)) if index != frozen]
    change = torch.zeros_like(gradient)
    change[free] = torch.linalg.solve(hessian[free][:, free], -gradient[free])
    return local(change, gradient, hessian)


def after_step(gradient: Tensor, hessian: Tensor, *, lr: float, frozen: int | None = None) -> Tensor:
    """The local model's value after one gradient step in which the frozen weight does not take part."""
    step = -lr * gradient
    if frozen is not None:
        step[frozen] = 0
    return local(step, gradient, hessian)


@pytest.mark.parametrize("seed", range(5))
def test_the_global_score_is_the_difference_of_the_constrained_and_the_free_minimum(seed):
    gradients, hessian = random_quadratics(seed)
    scores = global_score(gradients, hessian)
    for row, gradient in enumerate(gradients):
        for column in range(len(gradient)):
            wanted = minimum(gradient, hessian, frozen=column) - minimum(gradient, hessian)
            assert scores[row, column].item() == pytest.approx(wanted.item(), rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_the_greedy_score_is_the_difference_of_one_gradient_step_without_and_with_the_weight(seed):
    gradients, hessian = random_quadratics(seed)
    scores = greedy_score(gradients, hessian, lr=0.3)
    for row, gradient in enumerate(gradients):
        for column in range(len(gradient)):
            wanted = after_step(gradient, hessian, lr=0.3, frozen=column) - after_step(gradient, hessian, lr=0.3)
            assert scores[row, column].item() == pytest.approx(wanted.item(), rel=1e-9)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_on_a_3_x_4_layer_inside_a_network_the_scores_come_from_autograds_full_hessian_of_the_row(alpha):
    """The stated approximation: the layer's outputs meet a squared error, here through a rotation after the layer."""
    generator = torch.Generator().manual_seed(3)
    first, layer, last = (nn.Linear(*size, bias=False, dtype=torch.float64) for size in ((5, 4), (4, 3), (3, 3)))
    for weight in (first.weight, layer.weight, last.weight):
        weight.requires_grad_(False).copy_(torch.randn(weight.shape, generator=generator, dtype=torch.float64))
    last.weight.copy_(torch.linalg.qr(last.weight).Q)
    network = nn.Sequential(first, nn.Tanh(), layer, last)
    values, targets = (torch.randn(2, 25, size, generator=generator, dtype=torch.float64) for size in (5, 3))
    real = torch.ones(2, 25, dtype=torch.bool)

    found = calibrate(
        {"2": layer},
        [
            (real[i : i + 1], lambda i=i: (network(values[i : i + 1]) - targets[i : i + 1]).square().sum() / 50)
            for i in range(2)
        ],
        gradients=True,
        hessian="gram",
    )
    gram = found.moments["2"].gram()
    settings = ScoreSettings(alpha=alpha, beta=0.0, part_normalization="none", normalization="none", greedy_lr=0.1)
    scores = layer_score(layer, "2", found, batches=[], settings=settings)

    for index, row in enumerate(layer.weight):

        def loss_of_row(row: Tensor, index: int = index) -> Tensor:
            weight = layer.weight.clone().index_put((torch.tensor(index),), row)
            return (network[:2](values) @ weight.T @ last.weight.T - targets).square().sum(2).mean()

        gradient = torch.autograd.functional.jacobian(loss_of_row, row)
        hessian = torch.autograd.functional.hessian(loss_of_row, row)
        torch.testing.assert_close(gram, hessian, rtol=1e-9, atol=1e-12)
        hessian = hessian + 0.01 * hessian.diagonal().mean() * torch.eye(4, dtype=torch.float64)
        for column in range(4):
            wanted = minimum(gradient, hessian, frozen=column) - minimum(gradient, hessian)
            greedy = after_step(gradient, hessian, lr=0.1, frozen=column) - after_step(gradient, hessian, lr=0.1)
            assert scores[index, column].item() == pytest.approx((wanted + alpha * greedy).item(), rel=1e-9)


def test_on_a_diagonal_hessian_the_global_score_is_g_squared_over_two_h():
    gradient, curvature = torch.tensor([[1.0, -2.0, 0.0]]), torch.tensor([1.0, 4.0, 2.0])
    torch.testing.assert_close(global_score(gradient, curvature.diag()), torch.tensor([[0.5, 0.5, 0.0]]))


def test_a_greedy_score_is_negative_where_the_step_overshoots():
    assert greedy_score(torch.ones(1, 1), torch.full((1, 1), 10.0), lr=1.0).item() < 0


def test_magnitude_is_the_absolute_weight_in_float32():
    weight = torch.tensor([[-1.5, 2.0]], dtype=torch.bfloat16)
    assert torch.equal(magnitude(weight), torch.tensor([[1.5, 2.0]]))
