import numpy as np
import pytest
import torch

from mazo.seeding import stream_key
from mazo.zeroth_order.direction import Direction
from mazo.zeroth_order.distributions import gaussian
from mazo.zeroth_order.subspace import Subspace, orthonormal

SHAPES = {"w": (30, 20), "b": (30,)}
SIZES = {"w": 600, "b": 30}


def matrix(step: int, *, rank: int = 2, period: int = 5, index: int = 0) -> torch.Tensor:
    z = Direction(0, step, index, "subspace", SIZES, Subspace(SHAPES, rank=rank, period=period))
    return z.draw("w").view(30, 20).double()


def draw(subspace: Subspace, name: str, **which: int) -> torch.Tensor:
    rows, columns = subspace.shapes[name]
    return subspace.numbers(subspace.draw(name, **which), 0, rows * columns)


def normal(rows: int, columns: int, *purpose: str | int) -> np.ndarray:
    return gaussian(stream_key(0, *purpose), rows * columns).double().numpy().reshape(rows, columns)


def q_factor(matrix: np.ndarray) -> np.ndarray:
    """Gram-Schmidt, column by column."""
    columns: list[np.ndarray] = []
    for column in matrix.T:
        rest = column - sum((q @ column) * q for q in columns)
        columns.append(rest / np.linalg.norm(rest))
    return np.stack(columns, axis=1)


@pytest.mark.parametrize(("step", "index"), [(0, 0), (7, 0), (12, 1)])
def test_a_matrix_is_subzeros_and_a_vector_is_normal(step, index):
    u = q_factor(normal(30, 4, "direction, left", step // 5, index, "w"))
    v = q_factor(normal(20, 4, "direction, right", step // 5, index, "w"))
    wanted = np.sqrt(30 * 20 / 4**2) * u @ normal(4, 4, "direction", step, index, "w") @ v.T
    np.testing.assert_allclose(matrix(step, rank=4, index=index).numpy(), wanted, atol=3e-5)
    z = Direction(0, step, index, "subspace", SIZES, Subspace(SHAPES, rank=4, period=5))
    assert torch.equal(z.draw("b"), gaussian(stream_key(0, "direction", step, index, "b"), 30))


def test_columns_are_orthonormal_and_point_everywhere_alike():
    draws = [orthonormal(stream_key(0, "q", draw), rows=8, columns=3).double() for draw in range(2000)]
    for q in draws[:10]:
        torch.testing.assert_close(q.T @ q, torch.eye(3).double(), atol=1e-5, rtol=0)
    mean = torch.stack(draws).mean(0)
    assert mean.abs().max() < 5 / (8 * 2000) ** 0.5
    projector = torch.stack([q @ q.T for q in draws]).mean(0)
    torch.testing.assert_close(projector, 3 / 8 * torch.eye(8).double(), atol=0.03, rtol=0)


def test_the_subspace_stays_for_a_period_and_the_direction_in_it_changes_in_every_step():
    assert not torch.equal(matrix(0), matrix(4))
    for axis in (0, 1):
        assert torch.linalg.matrix_rank(torch.cat([matrix(0), matrix(4)], dim=axis), rtol=1e-4) == 2
        assert torch.linalg.matrix_rank(torch.cat([matrix(4), matrix(5)], dim=axis), rtol=1e-4) == 4
        assert torch.linalg.matrix_rank(torch.cat([matrix(0), matrix(0, index=1)], dim=axis), rtol=1e-4) == 4


def test_entries_have_mean_square_one_and_do_not_correlate():
    draws = torch.stack([matrix(step, period=1)[:2, :2].flatten() for step in range(4000)])
    second = draws.T @ draws / len(draws)
    torch.testing.assert_close(second, torch.eye(4).double(), atol=0.2, rtol=0)


def test_within_a_period_the_estimate_averages_to_the_gradients_part_in_the_subspace():
    gradient = torch.randn(30, 20, generator=torch.Generator().manual_seed(0)).double()
    subspace, estimates = Subspace(SHAPES, rank=3, period=4000), []
    for step in range(4000):
        z = draw(subspace, "w", run_seed=0, step=step, index=0).double().view(30, 20)
        estimates.append((gradient * z).sum() * z)
    u, _, v = torch.linalg.svd(z)
    u, v = u[:, :3], v[:3].T
    wanted = 30 * 20 / 3**2 * u @ (u.T @ gradient @ v) @ v.T
    # Of nine numbers in the subspace, each estimate's error is about sqrt(10) times the part itself.
    error = (torch.stack(estimates).mean(0) - wanted).norm() / wanted.norm()
    assert error < 3 * (10 / 4000) ** 0.5


@pytest.mark.parametrize("rank", [25, 50])
def test_a_side_shorter_than_the_rank_is_spanned_whole(rank):
    z = matrix(0, rank=rank)
    assert torch.linalg.matrix_rank(z) == 20
    u, v = (
        q_factor(normal(30, min(rank, 30), "direction, left", 0, 0, "w")),
        q_factor(normal(20, 20, "direction, right", 0, 0, "w")),
    )
    wanted = np.sqrt(30 / min(rank, 30)) * u @ normal(min(rank, 30), 20, "direction", 0, 0, "w") @ v.T
    np.testing.assert_allclose(z.numpy(), wanted, atol=3e-5)


def test_the_numbers_do_not_hang_on_the_order_in_which_the_products_are_summed():
    subspace = Subspace(SHAPES, rank=7, period=5)
    drawn = draw(subspace, "w", run_seed=0, step=2, index=0)
    left, right = (side.double() for side in subspace._basis("w", run_seed=0, period=0, index=0))
    core = gaussian(stream_key(0, "direction", 2, 0, "w"), 49).double().view(7, 7)
    side = sum(torch.outer(left[:, i], core[i]) for i in reversed(range(7)))
    side = (side * 2**20).round() / 2**20
    product = sum(torch.outer(side[:, i], right[:, i]) for i in reversed(range(7)))
    assert torch.equal(drawn, (product * (600 / 49) ** 0.5).float().flatten())


def test_a_kept_subspace_is_never_taken_for_another():
    subspace = Subspace({"w": (6, 4), "v": (6, 4)}, rank=2, period=3)
    draws = [("w", 0, 0, 0), ("v", 0, 0, 0), ("w", 0, 3, 0), ("w", 1, 3, 0), ("w", 0, 3, 1), ("w", 0, 0, 0)]
    for name, seed, step, index in draws:
        fresh = Subspace({"w": (6, 4), "v": (6, 4)}, rank=2, period=3)
        for source in (subspace, subspace):
            assert torch.equal(
                draw(source, name, run_seed=seed, step=step, index=index),
                draw(fresh, name, run_seed=seed, step=step, index=index),
            )
