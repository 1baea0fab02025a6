import pytest
import torch

from mazo.importance.combine import NORMALIZATIONS, task_score
from mazo.importance.global_score import global_score
from mazo.importance.greedy_score import greedy_score


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("sum", [[0.25, -0.25, 0.5], [0.0, 0.0, 0.0]]),
        ("max", [[0.5, -0.5, 1.0], [0.0, 0.0, 0.0]]),
        ("z-score", [[0.267261, -1.336306, 1.069045], [0.0, 0.0, 0.0]]),
        ("none", [[1.0, -1.0, 2.0], [0.0, 0.0, 0.0]]),
    ],
)
def test_rows_are_scaled_as_named_and_a_dead_row_stays_zero(name, wanted):
    scores = torch.tensor([[1.0, -1.0, 2.0], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(NORMALIZATIONS[name](scores), torch.tensor(wanted))


def random_layer() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Weight, gradient and Hessian of a layer of three rows."""
    generator = torch.Generator().manual_seed(0)
    weight, gradient = torch.randn(2, 3, 4, generator=generator)
    factor = torch.randn(4, 9, generator=generator)
    return weight, gradient, factor @ factor.T


@pytest.mark.parametrize("part_normalization", NORMALIZATIONS)
def test_a_tasks_score_is_global_plus_alpha_greedy_plus_beta_magnitude_each_scaled_first(part_normalization):
    weight, gradient, hessian = random_layer()
    settings = {"hessian": hessian, "greedy_lr": 0.1, "part_normalization": part_normalization}
    scale = NORMALIZATIONS[part_normalization]
    wanted = scale(global_score(gradient, hessian))
    torch.testing.assert_close(task_score(weight, gradient, alpha=0.0, beta=0.0, **settings), wanted)
    wanted = wanted + 3 * scale(greedy_score(gradient, hessian, lr=0.1)) + 0.5 * scale(weight.abs())
    torch.testing.assert_close(task_score(weight, gradient, alpha=3.0, beta=0.5, **settings), wanted)


@pytest.mark.parametrize(("part_normalization", "moves"), [("sum", False), ("max", False), ("none", True)])
def test_scaled_parts_give_the_same_score_whatever_the_losss_unit(part_normalization, moves):
    weight, gradient, hessian = random_layer()
    settings = {"hessian": hessian, "alpha": 1.0, "beta": 0.1, "greedy_lr": 0.1}
    settings["part_normalization"] = part_normalization
    score, other = (task_score(weight, unit * gradient, **settings) for unit in (1.0, 1000.0))
    assert torch.allclose(score / score.sum(1, keepdim=True), other / other.sum(1, keepdim=True)) is not moves
