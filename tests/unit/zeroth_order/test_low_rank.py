import pytest
import torch

from mazo.seeding import stream_key
from mazo.zeroth_order.direction import Direction
from mazo.zeroth_order.distributions import gaussian
from mazo.zeroth_order.low_rank import LowRank

SHAPES = {"w": (30, 20), "b": (30,)}
SIZES = {"w": 600, "b": 30}


def matrix(step: int, *, rank: int = 2, period: int = 5) -> torch.Tensor:
    z = Direction(0, step, 0, "low_rank", SIZES, LowRank(SHAPES, rank=rank, period=period))
    return z.draw("w").view(30, 20).double()


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_a_matrix_has_the_rank_asked_for_and_a_vector_is_normal(rank):
    assert torch.linalg.matrix_rank(matrix(0, rank=rank), rtol=1e-5) == rank
    z = Direction(0, 0, 0, "low_rank", SIZES, LowRank(SHAPES, rank=rank, period=5))
    assert torch.equal(z.draw("b"), gaussian(stream_key(0, "direction", 0, 0, "b"), 30))


def test_the_right_factor_stays_for_a_period_and_the_left_one_changes_in_every_step():
    assert torch.linalg.matrix_rank(torch.cat([matrix(0), matrix(4)]), rtol=1e-5) == 2
    assert torch.linalg.matrix_rank(torch.cat([matrix(4), matrix(5)]), rtol=1e-5) == 4
    assert torch.linalg.matrix_rank(torch.cat([matrix(0), matrix(4)], dim=1), rtol=1e-5) == 4


def test_entries_have_mean_square_one_and_do_not_correlate():
    draws = torch.stack([matrix(step, period=1)[:2, :2].flatten() for step in range(4000)])
    second = draws.T @ draws / len(draws)
    torch.testing.assert_close(second, torch.eye(4).double(), atol=0.15, rtol=0)


def test_the_estimate_is_lozos_at_its_own_eps():
    """LOZO: c U V' / r with c the slope along U V'; on a linear loss any eps gives that slope."""
    gradient = torch.randn(30, 20, generator=torch.Generator().manual_seed(0)).double()
    z, rank = matrix(0, rank=4), 4
    product = z * rank**0.5  # U V'
    lozo = (gradient * product).sum() * product / rank
    torch.testing.assert_close((gradient * z).sum() * z, lozo)
