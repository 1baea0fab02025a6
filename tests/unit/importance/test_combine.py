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


def test_a_tasks_score_is_global_plus_alpha_greedy_plus_beta_magnitude():
    generator = torch.Generator().manual_seed(0)
    weight, gradient = torch.randn(2, 3, 4, generator=generator)
    factor = torch.randn(4, 9, generator=generator)
    hessian = factor @ factor.T
    score = task_score(weight, gradient, hessian=hessian, alpha=3.0, beta=0.5, greedy_lr=0.1)
    greedy = greedy_score(gradient, hessian, lr=0.1)
    torch.testing.assert_close(score, global_score(gradient, hessian) + 3 * greedy + 0.5 * weight.abs())
    alone = task_score(weight, gradient, hessian=hessian, alpha=0.0, beta=0.0, greedy_lr=0.1)
    torch.testing.assert_close(alone, global_score(gradient, hessian))
