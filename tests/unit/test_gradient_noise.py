"""The variance of a zeroth-order estimate, held against the estimator itself."""

import pytest
import torch

from mazo.gradient_noise import relative_variance, sample_places, task_variances
from mazo.seeding import torch_generator


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch_generator(seed, "test"), dtype=torch.float64)


def test_without_batch_noise_the_variance_is_the_number_of_weights_plus_one():
    gradient = normal(5).expand(4, 5)
    assert relative_variance(gradient, num_weights=5) == pytest.approx(6)


def test_the_variance_is_that_of_estimates_drawn_one_by_one():
    batches = normal(3) + 0.3 * normal(50, 3, seed=1)
    which = torch.randint(50, (200_000,), generator=torch_generator(2, "test"))
    z = normal(200_000, 3, seed=3)
    estimates = (z * batches[which]).sum(1, keepdim=True) * z
    mean = batches.mean(0)
    drawn = float((estimates - mean).square().sum(1).mean() / mean.square().sum())
    assert relative_variance(batches, num_weights=3) == pytest.approx(drawn, rel=0.03)


def test_pooled_batches_are_the_mean_of_batches():
    batches = normal(7) + normal(4000, 7, seed=1)
    pairs = batches.view(2000, 2, 7).mean(1)
    pooled, direct = relative_variance(batches, num_weights=7, pooled=2), relative_variance(pairs, num_weights=7)
    assert pooled == pytest.approx(direct, rel=0.05)


def test_a_gradient_lost_in_noise_has_no_relative_variance():
    assert relative_variance(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), num_weights=2) is None


def test_tasks_that_cancel_raise_the_variance_of_their_mix_and_equal_tasks_do_not():
    noise = 0.01 * normal(2, 8, 4, seed=1)
    pull = torch.tensor([1.0, 2.0, 0.0, 0.0], dtype=torch.float64)
    push = torch.tensor([-1.0, -1.8, 0.0, 0.0], dtype=torch.float64)
    alone, opposed = task_variances(torch.stack([pull, push])[:, None] + noise, num_weights=4)
    _, equal = task_variances(torch.stack([pull, pull])[:, None] + noise, num_weights=4)
    assert opposed > 1.01 * max(alone)
    assert equal == pytest.approx(5, rel=0.01)


def test_few_weights_are_all_looked_at_and_of_many_as_many_as_the_limit_in_proportion():
    generator = torch_generator(0, "test")
    assert [p.tolist() for p in sample_places([2, 3], limit=5, generator=generator)] == [[0, 1], [0, 1, 2]]
    few = sample_places([400, 100], limit=50, generator=generator)
    assert [len(places) for places in few] == [40, 10]
    assert all((places.diff() > 0).all() for places in few)
