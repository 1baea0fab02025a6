"""Every row of the tables against the reference method, item by item and seed by seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from mazo.config import Suite
from mazo.grid import Row, rows
from mazo.samples import Items, average_items, check_paired
from mazo.statistics import Estimate, bootstrap_means, estimate, holm, mcnemar, merge_p_values
from mazo.suite_items import SuiteItems

RowItems = dict[int, dict[str, Items]]
"""A row's items by seed and task."""


@dataclass(frozen=True)
class McNemar:
    """Items that one of two methods alone gets right, summed over seeds, and the test of their numbers."""

    only_method: int
    only_reference: int
    p: float
    """Exact test of each seed's pair of models, merged over the seeds by twice the mean."""
    p_holm: float
    """Adjusted within the section's tests of this kind."""


@dataclass(frozen=True)
class Comparison:
    """A method minus the reference, on one task or in the mean over tasks."""

    row: Row
    reference: Row
    column: str
    """A task, or ``mean``."""
    estimate: Estimate
    """Of the difference of scores in [0, 1]; above zero the method is better."""
    p_holm: float
    """Adjusted within its family: a section's means, or all its methods on all tasks."""
    mcnemar: McNemar | None
    """Absent for the mean, for scores that are not right or wrong, and for an average of several models."""


def compare(suite: Suite, items: SuiteItems) -> list[Comparison]:
    """Compare the rows of each model and mix with the reference method's row; see :func:`compare_section`."""
    return [
        found
        for model in suite.models
        for mix in suite.mixes
        for found in compare_section(suite, items, model=model, mix=mix)
    ]


def compare_section(suite: Suite, items: SuiteItems, *, model: str, mix: str) -> list[Comparison]:
    """Compare the rows of one model and mix with the reference method's row.

    Raises :class:`mazo.errors.DataError` for samples that are absent or about other items.
    """
    section = [row for row in rows(suite) if (row.model, row.mix) == (model, mix)]
    (reference,) = [row for row in section if row.name == suite.reference_method]
    others = [row for row in section if row is not reference]
    if not others:
        return []
    base = read_row(reference, items)
    read = [read_row(row, items) for row in others]
    for row, own in zip(others, read, strict=True):
        _check_row(row, own, reference, base)
    differences: dict[str, np.ndarray] = {
        task: np.stack([_scores(own, task, suite.seeds) - _scores(base, task, suite.seeds) for own in read])
        for task in reference.tasks
    }
    resampled = bootstrap_means(differences, resamples=suite.statistics.resamples, seed=suite.data.seed)
    means = {task: d.mean(axis=(1, 2)) for task, d in differences.items()}
    resampled["mean"] = np.mean([resampled[task] for task in differences], axis=0)
    means["mean"] = np.mean([means[task] for task in differences], axis=0)
    found = [
        Comparison(
            row=row,
            reference=reference,
            column=column,
            estimate=estimate(float(values[k]), resampled[column][k], confidence=suite.statistics.confidence),
            p_holm=1.0,
            mcnemar=None if column == "mean" else _mcnemar(read[k], base, column),
        )
        for k, row in enumerate(others)
        for column, values in means.items()
    ]
    return _adjusted(found)


def read_row(row: Row, items: SuiteItems) -> RowItems:
    """Read a row's items; where a score is the mean over several runs, so is every item's."""
    return {
        seed: {task: average_items([items.of(run)[task] for run in row.runs_for(seed, task)]) for task in row.tasks}
        for seed in row.runs
    }


def _at(items: RowItems, seed: int) -> dict[str, Items]:
    """Return a seed's items; a method without randomness has one run, which stands beside every seed's."""
    return items[seed] if seed in items else next(iter(items.values()))


def _scores(items: RowItems, task: str, seeds: Sequence[int]) -> Float[np.ndarray, "seeds items"]:
    return np.stack([_at(items, seed)[task].scores for seed in seeds])


def _check_row(row: Row, own: RowItems, reference: Row, base: RowItems) -> None:
    """Insist that items are the same, and prompts too where neither demonstrations nor their seed set them apart."""
    shots, wanted = (next(iter(r.runs.values()))[0].evaluation.num_fewshot for r in (row, reference))
    for seed in own | base:
        same_prompts = shots == wanted and (shots == 0 or (seed in own and seed in base))
        for task in row.tasks:
            check_paired(_at(own, seed)[task], _at(base, seed)[task], same_prompts=same_prompts)


def _mcnemar(own: RowItems, base: RowItems, task: str) -> McNemar | None:
    pairs = [(_at(own, seed)[task], _at(base, seed)[task]) for seed in own | base]
    if not all(items.is_binary for pair in pairs for items in pair):
        return None
    counts = [_discordant(*pair) for pair in pairs]
    p = merge_p_values([mcnemar(*count) for count in counts])
    only_method, only_reference = map(sum, zip(*counts, strict=True))
    return McNemar(only_method=only_method, only_reference=only_reference, p=p, p_holm=1.0)


def _discordant(own: Items, base: Items) -> tuple[int, int]:
    return int(np.sum(own.scores > base.scores)), int(np.sum(own.scores < base.scores))


def _adjusted(found: Sequence[Comparison]) -> list[Comparison]:
    """Adjust p-values by Holm within three families: the means, the tasks, the McNemar tests."""
    means = _holm_by_index({i: c.estimate.p for i, c in enumerate(found) if c.column == "mean"})
    tasks = _holm_by_index({i: c.estimate.p for i, c in enumerate(found) if c.column != "mean"})
    exact = _holm_by_index({i: c.mcnemar.p for i, c in enumerate(found) if c.mcnemar})
    return [
        replace(c, p_holm=(means | tasks)[i], mcnemar=replace(c.mcnemar, p_holm=exact[i]) if c.mcnemar else None)
        for i, c in enumerate(found)
    ]


def _holm_by_index(p_values: Mapping[int, float]) -> dict[int, float]:
    return dict(zip(p_values, holm(list(p_values.values())), strict=True))
