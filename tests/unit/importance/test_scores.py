import pytest
import torch
from torch import Tensor

from mazo.importance.global_score import global_score
from mazo.importance.greedy_score import greedy_score
from mazo.importance.magnitude import magnitude


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
            step = -0.3 * gradient
            without = step.clone()
            without[column] = 0
            wanted = local(without, gradient, hessian) - local(step, gradient, hessian)
            assert scores[row, column].item() == pytest.approx(wanted.item(), rel=1e-9)


def test_on_a_layer_with_squared_error_both_scores_use_autograds_full_hessian_of_the_row():
    generator = torch.Generator().manual_seed(3)
    inputs = torch.randn(50, 4, generator=generator, dtype=torch.float64)
    weight = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    targets = torch.randn(50, 3, generator=generator, dtype=torch.float64)

    def row_loss(row: Tensor, index: int) -> Tensor:
        return (inputs @ row - targets[:, index]).square().mean()

    gradient = torch.stack(
        [torch.autograd.functional.jacobian(lambda r, i=i: row_loss(r, i), weight[i]) for i in range(3)]
    )
    gram = 2 / 50 * inputs.T @ inputs
    for row in range(3):
        hessian = torch.autograd.functional.hessian(lambda r, i=row: row_loss(r, i), weight[row])
        torch.testing.assert_close(hessian, gram, rtol=1e-9, atol=0)
        wanted = torch.stack(
            [minimum(gradient[row], hessian, frozen=m) - minimum(gradient[row], hessian) for m in range(4)]
        )
        torch.testing.assert_close(global_score(gradient, gram)[row], wanted, rtol=1e-9, atol=0)
        wanted = (
            minimum_after_step(gradient[row], hessian, frozen=m) - minimum_after_step(gradient[row], hessian)
            for m in range(4)
        )
        torch.testing.assert_close(
            greedy_score(gradient, gram, lr=0.1)[row], torch.stack(list(wanted)), rtol=1e-9, atol=0
        )


def minimum_after_step(gradient: Tensor, hessian: Tensor, *, frozen: int | None = None) -> Tensor:
    step = -0.1 * gradient
    if frozen is not None:
        step[frozen] = 0
    return local(step, gradient, hessian)


def test_on_a_diagonal_hessian_the_global_score_is_g_squared_over_two_h():
    gradient, curvature = torch.tensor([[1.0, -2.0, 0.0]]), torch.tensor([1.0, 4.0, 2.0])
    torch.testing.assert_close(global_score(gradient, curvature.diag()), torch.tensor([[0.5, 0.5, 0.0]]))


def test_a_greedy_score_is_negative_where_the_step_overshoots():
    assert greedy_score(torch.ones(1, 1), torch.full((1, 1), 10.0), lr=1.0).item() < 0


def test_magnitude_is_the_absolute_weight_in_float32():
    weight = torch.tensor([[-1.5, 2.0]], dtype=torch.bfloat16)
    assert torch.equal(magnitude(weight), torch.tensor([[1.5, 2.0]]))
