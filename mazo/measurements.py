"""What a suite's runs say about each claim: one function a measurement."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from mazo.claims import Claim, Finding, Group
from mazo.curve import read_curve
from mazo.evidence import Evidence, shown
from mazo.grid import Row, run_folder
from mazo.records import Record
from mazo.statistics import Estimate
from mazo.tables.convergence import dev_curve, steps_to


def _by_task(evidence: Evidence, claim: Claim, values: Sequence[Sequence[float | None]]) -> list[Finding]:
    """Turn a value a seed and task into a finding; a task without a value at some seed is left out at all."""
    tasks = [own for own in zip(*values, strict=True) if None not in own]
    if not tasks:
        return []
    return [
        evidence.finding(
            claim, np.array(tasks, dtype=float).T, items=f"{len(tasks)} task{'s' if len(tasks) != 1 else ''}"
        )
    ]


def mixing_noise(evidence: Evidence, claim: Claim) -> list[Finding]:
    """Compare the relative variance of the mix's estimate with each task's own; logarithms."""
    scopes = [probe["scopes"]["all"] for probe in evidence.probes]
    return _by_task(
        evidence, claim, [[_log_ratio(s["variance_mix"], alone) for alone in s["variance_alone"]] for s in scopes]
    )


def mask_noise(evidence: Evidence, claim: Claim) -> list[Finding]:
    """Compare each task's relative variance over all weights with that over the kept ones; logarithms."""
    pairs = [[probe["scopes"][name]["variance_alone"] for name in ("all", "kept")] for probe in evidence.probes]
    return _by_task(evidence, claim, [list(map(_log_ratio, everything, kept)) for everything, kept in pairs])


def _log_ratio(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else math.log(first / second)


def rank_gap(evidence: Evidence, claim: Claim) -> list[Finding]:
    """Take the effective rank of the first-order gradients minus that of the zeroth-order ones."""
    gaps = [[probe["rank"]["first_order"] - probe["rank"]["zeroth_order"]] for probe in evidence.probes]
    return [evidence.finding(claim, np.array(gaps))]


def conflict_cosine(evidence: Evidence, claim: Claim) -> list[Finding]:
    """Take each task's share of partners with a negative cosine over frozen weights, minus that over kept ones."""
    return _frozen_minus_kept(evidence, claim, key="cosines", count=lambda matrix: matrix < 0)


def conflict_sign(evidence: Evidence, claim: Claim) -> list[Finding]:
    """Take the share of opposed weights of each task and its partners, of the frozen weights minus of the kept ones."""
    return _frozen_minus_kept(evidence, claim, key="sign_disagreement", count=lambda matrix: matrix)


def _frozen_minus_kept(evidence: Evidence, claim: Claim, *, key: str, count: Callable) -> list[Finding]:
    if len(evidence.rows[evidence.method].tasks) < 2:
        return []
    values = [
        _partner_mean(count(_matrix(probe, "frozen", key))) - _partner_mean(count(_matrix(probe, "kept", key)))
        for probe in evidence.probes
    ]
    return _by_task(evidence, claim, [own.tolist() for own in values])


def _matrix(probe: dict, scope: str, key: str) -> Float[np.ndarray, "tasks tasks"]:
    return np.array(probe["scopes"][scope][key], dtype=float)


def _partner_mean(matrix: Float[np.ndarray, "tasks tasks"] | Bool[np.ndarray, "tasks tasks"]) -> np.ndarray:
    """Return each task's mean over the others."""
    return (matrix.sum(axis=1) - matrix.diagonal()) / (len(matrix) - 1)


def score(evidence: Evidence, claim: Claim) -> list[Finding]:
    """Take the masked method's mean test score minus each row's, paired by seed and test item."""
    items = sum(record.n for record in evidence.records[evidence.method][0].metrics.values())
    return [
        Finding(
            row.label,
            shown(_negative(evidence.comparisons[row.name].estimate), claim.unit),
            len(evidence.suite.seeds),
            f"{items:,} test items",
        )
        for row in evidence.against(_group(claim))
    ]


def _negative(found: Estimate) -> Estimate:
    return Estimate(value=0.0 - found.value, low=0.0 - found.high, high=0.0 - found.low, p=found.p)  # no minus zero


def _group(claim: Claim) -> Group:
    assert claim.against is not None
    return claim.against


def training_memory(evidence: Evidence, claim: Claim) -> list[Finding]:
    """Compare each row's peak memory in training with the masked method's; logarithms."""
    own = evidence.records[evidence.method]
    return [
        evidence.finding(
            claim,
            np.log(_peaks(evidence.records[row.name], "train") / _peaks(own, "train"))[:, None],
            against=row.label,
        )
        for row in evidence.against(_group(claim))
    ]


def inference_memory(evidence: Evidence, claim: Claim) -> list[Finding]:
    """Compare the masked method's peak memory in training with that of its evaluation; logarithms."""
    return _own_peaks(evidence, claim, "train", "evaluate")


def scoring_memory(evidence: Evidence, claim: Claim) -> list[Finding]:
    """Compare the masked method's peak memory in scoring with that in training; logarithms."""
    return _own_peaks(evidence, claim, "score", "train")


def _own_peaks(evidence: Evidence, claim: Claim, stage: str, other: str) -> list[Finding]:
    own = evidence.records[evidence.method]
    return [evidence.finding(claim, np.log(_peaks(own, stage) / _peaks(own, other))[:, None])]


def _peaks(records: Sequence[Record], stage: str) -> Float[np.ndarray, " seeds"]:
    return np.array([record.stages[stage].peak_memory for record in records], dtype=float)


def scoring_time(evidence: Evidence, claim: Claim) -> list[Finding]:
    """Take the seconds of scoring and masking as a share of training's."""
    stages = [record.stages for record in evidence.records[evidence.method]]
    shares = [[(own["score"].seconds + own["mask"].seconds) / own["train"].seconds] for own in stages]
    return [evidence.finding(claim, np.array(shares))]


def steps_saved(evidence: Evidence, claim: Claim) -> list[Finding]:
    """Take the steps to a dev loss that each row needs more than the masked method, as a share of the run's steps."""
    own = _dev_curves(evidence, evidence.rows[evidence.method])
    return [
        evidence.finding(claim, _saved(own, _dev_curves(evidence, row)), against=row.label)
        for row in evidence.against(_group(claim))
        if not row.is_shared
    ]


def _dev_curves(evidence: Evidence, row: Row) -> list[pd.Series]:
    return [dev_curve(read_curve(evidence.results / run_folder(run) / "curve.csv")) for (run,) in row.runs.values()]


def _saved(own: Sequence[pd.Series], other: Sequence[pd.Series]) -> Float[np.ndarray, "seeds 1"]:
    shares = []
    for mine, theirs in zip(own, other, strict=True):
        threshold = max(mine.min(), theirs.min())
        steps, fewer = steps_to(theirs, threshold), steps_to(mine, threshold)
        assert steps is not None and fewer is not None  # both come as low as the higher of their minima
        shares.append([(steps - fewer) / mine.index.max()])
    return np.array(shares, dtype=float)


MEASUREMENTS: Mapping[str, Callable[[Evidence, Claim], list[Finding]]] = {
    measure.__name__: measure
    for measure in (
        *(mixing_noise, mask_noise, rank_gap, conflict_cosine, conflict_sign, score),
        *(training_memory, inference_memory, steps_saved, scoring_time, scoring_memory),
    )
}
