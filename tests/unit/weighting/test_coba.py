from math import exp

import numpy as np
import pytest
import torch

from mazo.errors import ConfigError, TrainingError
from mazo.weighting.coba import Coba, slopes

UNREAD = torch.full((2,), torch.nan)


def run(series, **settings) -> torch.Tensor:
    coba = Coba(**settings)
    losses = torch.as_tensor(np.asarray(series), dtype=torch.float64)
    return torch.stack([coba.weights(torch.full((losses.shape[1],), torch.nan), lambda row=row: row) for row in losses])


def test_four_steps_worked_by_hand():
    weights = run([[2.0, 4.0], [1.8, 4.0], [1.6, 4.0], [1.8, 4.4]], warm_up=2, history=3)
    assert weights[:2].tolist() == [[0.5, 0.5]] * 2
    # Step 2: ratios 0.9, 0.8 and 1, 1: slopes -0.1 and 0. RCS = softmax(-2, 0). One slope of the worst: DF = 1.
    slow = 1 / (1 + exp(-2))
    assert weights[2, 1].item() == pytest.approx(1 / (1 + exp(-2 * (2 * slow - 1))))
    # Step 3: ratios 0.9, 0.8, 0.9 and 1, 1, 1.1: slopes 0 and 0.05. RCS = softmax(0, 2).
    # ACS: two slopes each, (-0.1, 0) and (0, 0.05): softmax(0, -2). The worst task's: 0, 0.05: DF = 2 softmax(0, -10).
    factor = 2 * exp(-10) / (1 + exp(-10))
    relative, absolute = (1 / (1 + exp(2)), 1 / (1 + exp(-2))), (1 / (1 + exp(-2)), 1 / (1 + exp(2)))
    first, second = (exp(2 * (factor * relative[i] + (1 - factor) * absolute[i])) for i in (0, 1))
    assert weights[3].tolist() == pytest.approx([first / (first + second), second / (first + second)])
    assert weights[3, 0] > 0.8  # the task that has begun to diverge loses its weight


def softmax(values):
    return np.exp(values - values.max()) / np.exp(values - values.max()).sum()


def by_definition(losses, *, warm_up, history, tau, as_released=False):
    """Every step from the whole series anew, slopes by numpy's polyfit."""
    ratios, tasks = losses / losses[0], losses.shape[1]

    def fit(t, values):
        size = min(t, history)
        return np.polyfit(range(size), values[t + 1 - size : t + 1], 1)[0]

    rows = [np.full(tasks, 1 / tasks)] * warm_up
    for t in range(warm_up, len(losses)):
        slope = {s: np.array([fit(s, ratios[:, i]) for i in range(tasks)]) for s in range(warm_up, t + 1)}
        worst = np.array([fit(s, ratios.max(1)) for s in range(warm_up, t + 1)])
        begin = warm_up + max(0, t - history) if as_released else max(warm_up, t + 1 - history)
        window = np.array([slope[s] for s in range(begin, t + 1)])
        relative = softmax(tasks * slope[t] / np.abs(slope[t]).sum())
        absolute = softmax(-len(window) * slope[t] / np.abs(window).sum(0))
        factor = len(worst) * softmax(-tau * len(worst) * worst / np.abs(worst).sum())[-1]
        factor = factor if as_released else min(1, factor)
        weights = softmax(tasks * (factor * relative + (1 - factor) * absolute))
        if as_released and weights.min() < 1 / (10 * tasks):
            weights = 0.9 * weights + 1 / (10 * tasks)
        rows.append(weights)
    return np.array(rows)


@pytest.mark.parametrize("as_released", [False, True])
@pytest.mark.parametrize(("warm_up", "history"), [(2, 2), (3, 5), (4, 100)])
def test_forty_steps_are_those_of_the_definition(warm_up, history, as_released):
    rng = np.random.default_rng(0)
    falls = np.exp(-np.arange(40)[:, None] * np.array([0.03, 0.01, -0.02]))
    losses = falls * (1 + 0.05 * rng.standard_normal((40, 3)))
    settings = {"warm_up": warm_up, "history": history, "tau": 5.0, "as_released": as_released}
    found = run(losses, **settings)
    np.testing.assert_allclose(found.numpy(), by_definition(losses, **settings), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.sum(1).numpy(), 1.0)


def test_the_released_code_lets_the_divergence_factor_pass_one_and_the_paper_does_not():
    losses = np.array([[1.0, 1.0], [1.0, 1.0], [1.01, 1.0], [0.5, 0.9]])
    capped, released = (run(losses, warm_up=2, history=3, as_released=as_released)[3] for as_released in (False, True))
    # The worst task's slope turns from up to down: the uncapped factor is nearly 2.
    assert released[0].item() == pytest.approx(
        by_definition(losses, warm_up=2, history=3, tau=5.0, as_released=True)[3, 0]
    )
    assert released[0] < capped[0] < 0.5


def test_the_released_code_keeps_every_weight_above_a_tenth_of_an_equal_share():
    losses = np.ones((3, 8))
    losses[2, 0] = 1.1  # the one slope that is not 0
    paper, released = (run(losses, warm_up=2, history=5, as_released=way).min().item() for way in (False, True))
    assert paper < 1 / 80 < released


def test_flat_losses_weigh_alike():
    torch.testing.assert_close(run(np.ones((5, 3)), warm_up=2, history=2), torch.full((5, 3), 1 / 3).double())


def test_slopes_are_exact_on_straight_lines():
    lines = torch.arange(7.0).double()[:, None] * torch.tensor([2.0, -0.5]).double() + 3
    torch.testing.assert_close(slopes(lines), torch.tensor([2.0, -0.5]).double())


@pytest.mark.parametrize(("warm_up", "history"), [(5, 4), (1, 4)])
def test_a_window_without_slopes_is_refused(warm_up, history):
    with pytest.raises(ConfigError, match=f"found warm_up {warm_up}, history {history}"):
        Coba(warm_up=warm_up, history=history)


def test_validation_losses_are_wanted_and_must_be_finite():
    with pytest.raises(ConfigError, match="coba wants validation losses"):
        Coba().weights(UNREAD)
    coba = Coba(warm_up=2, history=2)
    with pytest.raises(TrainingError, match="wanted finite task weights"):
        for value in (1.0, 1.0, float("nan")):
            coba.weights(UNREAD, lambda value=value: torch.tensor([value, 1.0]))
