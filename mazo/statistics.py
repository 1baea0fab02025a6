"""What a difference between methods is worth: paired bootstrap, exact McNemar test, Holm's correction, ranks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import binomtest, rankdata, studentized_range

from mazo.seeding import numpy_generator

CHUNK = 256
"""Resamples drawn at once: a few megabytes for a thousand items."""
DIGITS = 12
"""Decimals beyond which a mean is rounding, so that a tie is a tie on every machine."""


@dataclass(frozen=True)
class Estimate:
    """A difference with its interval and the p-value of no difference."""

    value: float
    low: float
    high: float
    p: float


def bootstrap_means(
    differences: Mapping[str, Float[np.ndarray, "comparisons seeds _items"]], *, resamples: int, seed: int
) -> dict[str, Float[np.ndarray, "comparisons resamples"]]:
    r"""Resample mean paired differences over seeds and test items, drawn with replacement and apart from each other.

    .. math:: \bar d^* = \frac{1}{(S - 1) N} \sum_{s, i} u_s v_i d_{si}

    - :math:`d_{si}` is A's score minus B's on item :math:`i`, both from runs of seed :math:`s`;
    - :math:`u` counts how often each of the :math:`S` seeds is drawn in :math:`S - 1` draws (a single seed: in one),
      :math:`v` how often each of the :math:`N` items in :math:`N`.

    This is the pigeonhole bootstrap (Owen, 2007) with one draw of seeds fewer than there are seeds (Rao and Wu, 1988):
    with as many draws, the part of the variance that comes from the seeds would be low by a factor of (S - 1) / S, by
    a third for three seeds. Where most of the variance is in single items at single seeds, intervals are too wide;
    where it is between few seeds, a percentile interval is still too narrow. Every comparison sees the same draws, and
    every task the same seeds, so means over tasks may be taken resample by resample.

    :param differences: By task; the tasks differ in their items alone.
    :param seed: Decides the draws.
    """
    num_seeds = next(iter(differences.values())).shape[1]
    draws = max(1, num_seeds - 1)
    seed_counts = _counts(
        numpy_generator(seed, "bootstrap", "seeds"), among=num_seeds, draws=draws, resamples=resamples
    )
    return {
        task: _resample_task(d, seed_counts, generator=numpy_generator(seed, "bootstrap", "items", task))
        / (draws * d.shape[2])
        for task, d in differences.items()
    }


def _resample_task(
    differences: Float[np.ndarray, "comparisons seeds items"],
    seed_counts: Int[np.ndarray, "resamples seeds"],
    *,
    generator: np.random.Generator,
) -> Float[np.ndarray, "comparisons resamples"]:
    comparisons, seeds, items = differences.shape
    flat, parts = differences.reshape(comparisons * seeds, items).T, []
    for start in range(0, len(seed_counts), CHUNK):
        chosen = seed_counts[start : start + CHUNK]
        item_counts = _counts(generator, among=items, draws=items, resamples=len(chosen)).astype(float)
        sums = (item_counts @ flat).reshape(len(chosen), comparisons, seeds)
        parts.append(np.einsum("rcs,rs->cr", sums, chosen))
    return np.concatenate(parts, axis=1)


def _counts(
    generator: np.random.Generator, *, among: int, draws: int, resamples: int
) -> Int[np.ndarray, "{resamples} {among}"]:
    """Count how often each thing is drawn in each resample."""
    drawn = generator.integers(among, size=(resamples, draws)) + among * np.arange(resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=resamples * among).reshape(resamples, among)


def estimate(value: float, resampled: Float[np.ndarray, " resamples"], *, confidence: float) -> Estimate:
    r"""Turn resampled values into a percentile interval and the two-sided p-value that goes with it.

    .. math:: p = \min\Bigl(1, \; 2 \, \frac{1 + \min(\#\{d^* \le 0\}, \#\{d^* \ge 0\})}{1 + R}\Bigr)

    The interval leaves out 0 exactly where p is below one minus the confidence, up to one resample in :math:`R`.

    :param confidence: Share of the resamples inside, for example 0.95.
    """
    rounded = np.round(resampled, DIGITS)
    low, high = np.quantile(rounded, [(1 - confidence) / 2, (1 + confidence) / 2])
    fewer = int(min(np.count_nonzero(rounded <= 0), np.count_nonzero(rounded >= 0)))
    p = min(1.0, 2 * (1 + fewer) / (1 + len(rounded)))
    return Estimate(value=round(value, DIGITS), low=float(low), high=float(high), p=p)


@cache
def mcnemar(only_first: int, only_second: int) -> float:
    """Return the p-value of the exact two-sided McNemar test: a binomial test of the items that one model gets right.

    :param only_first: Items that the first model gets right and the second wrong.
    :param only_second: Items that the second gets right and the first wrong.
    """
    discordant = only_first + only_second
    return float(binomtest(only_first, discordant, 0.5).pvalue) if discordant else 1.0


def merge_p_values(p_values: Sequence[float]) -> float:
    """Merge p-values, however they depend on each other: twice their mean (Vovk and Wang, 2020); one stays as it is."""
    return p_values[0] if len(p_values) == 1 else min(1.0, 2 * sum(p_values) / len(p_values))


def holm(p_values: Sequence[float]) -> list[float]:
    r"""Adjust a family's p-values by Holm's step-down procedure, in their order.

    .. math:: \tilde p_{(k)} = \max_{j \le k} \min(1, (m - j + 1) \, p_{(j)})
    """
    order = np.argsort(p_values, kind="stable")
    scaled = np.asarray(p_values)[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(scaled))
    return adjusted.tolist()


def rank_methods(scores: Float[np.ndarray, "methods tasks"]) -> Float[np.ndarray, "methods tasks"]:
    """Rank the methods on every task, 1 the best; methods with equal scores share the mean of their places."""
    return rankdata(-np.round(scores, DIGITS), axis=0, method="average")


def critical_difference(num_methods: int, *, num_tasks: int, level: float = 0.05) -> float:
    r"""Return how far two of the methods' average ranks must lie apart (Nemenyi's test, as in Demšar, 2006).

    .. math:: \mathrm{CD} = \frac{q}{\sqrt 2} \sqrt{\frac{k (k + 1)}{6 N}}

    - :math:`q` is the studentized range of :math:`k` methods with infinitely many degrees of freedom, at ``level``;
    - :math:`N` is the number of tasks.
    """
    q = studentized_range.ppf(1 - level, num_methods, math.inf)
    return float(q / math.sqrt(2) * math.sqrt(num_methods * (num_methods + 1) / (6 * num_tasks)))
