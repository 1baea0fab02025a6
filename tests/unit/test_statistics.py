from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap, chi2

from mazo.statistics import (
    bootstrap_means,
    critical_difference,
    estimate,
    holm,
    mcnemar,
    merge_p_values,
    rank_methods,
)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def one(differences, *, resamples=2000, seed=0):
    """The resampled means of one comparison on one task."""
    return bootstrap_means({"rte": differences[None]}, resamples=resamples, seed=seed)["rte"][0]


def test_the_resampled_means_have_the_distribution_of_all_possible_draws():
    differences = np.array([[1.0, 0.0, -1.0], [2.0, 1.0, 1.0]])
    every = sorted(
        np.mean([differences[s, i] for i in items]) for s in range(2) for items in product(range(3), repeat=3)
    )
    found = one(differences, resamples=20_000)
    for point in np.unique(np.round(every, 9)) + 1e-6:
        assert np.mean(found <= point) == pytest.approx(np.mean(np.array(every) <= point), abs=0.015)


def test_the_resampled_variance_is_that_of_the_parts_seeds_items_and_rest():
    seeds, items = 4, 50
    d = noise(seeds, 1) + noise(1, items, seed=1) + noise(seeds, items, seed=2)
    rows, columns = d.mean(1, keepdims=True), d.mean(0, keepdims=True)
    rest = d - rows - columns + d.mean()
    wanted = rows.var() / (seeds - 1) + columns.var() / items + rest.var() / ((seeds - 1) * items)
    assert one(d, resamples=20_000).var() == pytest.approx(wanted, rel=0.04)


def test_with_one_seed_only_items_are_drawn_as_scipy_draws_them():
    d = noise(1, 200)
    theirs = bootstrap((d[0],), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(0))
    ours = estimate(d.mean(), one(d, resamples=4000), confidence=0.95)
    spread = theirs.standard_error
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval), abs=0.15 * spread)


def test_every_comparison_sees_the_same_draws_and_every_task_the_same_seeds():
    d = noise(2, 3, 40)
    both = bootstrap_means({"rte": d, "copa": np.repeat(d[:, :, :1], 7, axis=2)}, resamples=100, seed=0)
    assert both["rte"][1] == pytest.approx(one(d[1], resamples=100))
    by_seed = {round(float(v), 9) for v in both["copa"][0]}
    pairs = {round(float(d[0, [a, b], 0].mean()), 9) for a in range(3) for b in range(3)}
    assert by_seed == pairs  # constant items leave the two seeds drawn of the three
    first = bootstrap_means({"copa": d[:, :, :5] * 0 + d[:, :, :1]}, resamples=100, seed=0)["copa"]
    assert both["copa"] == pytest.approx(first)


def test_the_draws_follow_the_seed_and_no_global_generator():
    d = noise(3, 20)
    state = np.random.get_state()[1].tolist()
    assert one(d).tolist() == one(d).tolist() != one(d, seed=1).tolist()
    assert np.random.get_state()[1].tolist() == state


def test_more_resamples_than_a_chunk_begin_with_the_same_seeds_drawn():
    d = np.repeat(noise(3, 1), 4, axis=1)
    assert one(d, resamples=700).shape == (700,)
    assert len(np.unique(np.round(one(d, resamples=700), 9))) == 6  # pairs of three seeds, in any order


@pytest.mark.parametrize(("seeds", "least"), [(3, 0.80), (5, 0.86), (10, 0.90)])
def test_intervals_cover_the_true_difference_about_as_often_as_they_say(seeds, least):
    rng, trials, hits = np.random.default_rng(seeds), 400, 0
    for trial in range(trials):
        d = 0.3 + 0.2 * rng.normal(size=(seeds, 1)) + rng.normal(size=(1, 60)) + rng.normal(size=(seeds, 60))
        found = estimate(d.mean(), one(d, resamples=300, seed=trial), confidence=0.95)
        hits += found.low <= 0.3 <= found.high
    assert least <= hits / trials <= 0.99


def test_p_values_of_equal_methods_are_small_no_oftener_than_they_say():
    rng, trials = np.random.default_rng(0), 400
    small = 0
    for trial in range(trials):
        right = rng.random((2, 5, 60)) < rng.random(60)  # items differ in how hard they are
        d = right[0].astype(float) - right[1]
        small += estimate(d.mean(), one(d, resamples=300, seed=trial), confidence=0.95).p <= 0.05
    assert small / trials <= 0.06


def test_the_interval_and_p_are_those_of_resamples_counted_by_hand():
    resampled = np.arange(-4, 96) / 100  # 5 at or below 0, 96 at or above
    found = estimate(0.455, resampled, confidence=0.9)
    assert (found.low, found.high) == pytest.approx((0.0095, 0.9005))
    assert found.p == pytest.approx(2 * 6 / 101)


def test_no_difference_at_all_has_p_one_in_spite_of_rounding():
    resampled = np.full(100, 1e-17)
    resampled[:50] *= -1
    assert estimate(0.0, resampled, confidence=0.95).p == 1.0


def test_mcnemar_is_the_binomial_test_worked_out_by_hand():
    assert mcnemar(1, 5) == pytest.approx(2 * (1 + 6) / 2**6)  # P(X <= 1) of six fair coins, twice
    assert mcnemar(5, 1) == mcnemar(1, 5)
    assert mcnemar(3, 3) == mcnemar(0, 0) == 1.0


def test_mcnemar_nears_the_chi_square_with_continuity_correction():
    assert mcnemar(180, 220) == pytest.approx(chi2.sf((40 - 1) ** 2 / 400, 1), rel=0.02)


def test_p_values_that_depend_are_merged_by_twice_their_mean():
    assert merge_p_values([0.01, 0.03]) == pytest.approx(0.04)
    assert merge_p_values([0.9, 0.8]) == 1.0
    assert merge_p_values([0.2]) == 0.2


def test_holm_is_the_series_worked_out_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0.001, 0.2))
def test_holm_rejects_what_the_step_down_procedure_rejects(p_values, level):
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    rejected = set()
    for place, index in enumerate(order):
        if p_values[index] * (len(order) - place) > level:
            break
        rejected.add(index)
    assert {i for i, p in enumerate(holm(p_values)) if p <= level} == rejected


def test_the_best_method_ranks_first_and_ties_share_the_mean_of_their_places():
    scores = np.array([[0.9, 0.1 + 0.2], [0.5, 0.3], [0.5, 0.8], [0.1, 0.0]])
    assert rank_methods(scores).tolist() == [[1, 2.5], [2.5, 2.5], [2.5, 1], [4, 4]]


@pytest.mark.parametrize(("methods", "q"), [(2, 1.960), (4, 2.569), (10, 3.164)])
def test_the_critical_difference_has_the_published_quantiles(methods, q):
    wanted = q * (methods * (methods + 1) / (6 * 8)) ** 0.5  # Demšar's table 5 (a), level 0.05
    assert critical_difference(methods, num_tasks=8) == pytest.approx(wanted, abs=2e-3)
