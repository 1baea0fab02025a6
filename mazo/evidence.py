"""What a suite left behind, as the claims take it: its rows, records, comparisons and measured gradients."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float

from mazo.claims import Claim, Finding, Group, Unit
from mazo.comparison import Comparison, compare_section
from mazo.config import Suite
from mazo.grid import Row, is_single_task, probe_file, rows
from mazo.methods import FirstOrder, ZerothOrder
from mazo.outcomes import read_outcomes
from mazo.reading import read_json
from mazo.records import Record
from mazo.statistics import Estimate, bootstrap_means, estimate
from mazo.suite_items import SuiteItems

SHOWN: dict[Unit, Callable[[float], float]] = {
    "ratio": math.exp,
    "points": lambda value: 100 * value,
    "percent": lambda value: 100 * value,
    "number": float,
}
"""From the scale that values are averaged on to the unit that a claim is stated in; ratios as natural logarithms."""


@dataclass(frozen=True)
class Evidence:
    """The files of one model and mix of a suite, read when they are asked for."""

    suite: Suite
    results: Path
    items: SuiteItems
    """Those below ``results``."""
    model: str
    mix: str
    method: str
    """Key of the masked method."""

    @cached_property
    def rows(self) -> dict[str, Row]:
        """The rows by name."""
        return {row.name: row for row in rows(self.suite) if (row.model, row.mix) == (self.model, self.mix)}

    @cached_property
    def records(self) -> dict[str, list[Record]]:
        """Each row's records, a seed after the other."""
        found: dict[str, list[Record]] = {}
        for record in read_outcomes(self.suite, self.results):
            if (record.run.model_name, record.run.mix) == (self.model, self.mix):
                found.setdefault(record.run.method_name, []).append(record)
        return found

    @cached_property
    def probes(self) -> list[dict]:
        """What was measured of the gradients, a seed after the other."""
        return [_read_probe(self.results / probe_file(run)) for (run,) in self.rows[self.method].runs.values()]

    @cached_property
    def comparisons(self) -> dict[str, Comparison]:
        """Each other row minus the masked method, in the mean over tasks."""
        suite = self.suite.model_copy(update={"reference": self.method})
        found = compare_section(suite, self.items, model=self.model, mix=self.mix)
        return {c.row.name: c for c in found if c.column == "mean"}

    def against(self, group: Group) -> list[Row]:
        """List the rows of a group; of a single-task method its shared models alone, which cost T times as much."""
        return [row for row in self.rows.values() if self._is_in(row, group)]

    def _is_in(self, row: Row, group: Group) -> bool:
        key = row.name.partition("@")[0]
        settings = self.suite.methods[key]
        if group == "first_order":
            return isinstance(settings, FirstOrder)
        if not isinstance(settings, ZerothOrder) or _is_masked_by_importance(row):
            return False
        if group == "weighted":
            is_mtl_lora = settings.adapter is not None and settings.adapter.kind == "mtl_lora"
            return settings.weighting != "uniform" or is_mtl_lora
        return row.is_shared or not is_single_task(self.suite, key)

    def finding(
        self, claim: Claim, values: Float[np.ndarray, "seeds items"], *, items: str = "", against: str | None = None
    ) -> Finding:
        """Return the mean of some values with the bootstrap's interval, in the claim's unit."""
        statistics = self.suite.statistics
        resampled = bootstrap_means({claim.id: values[None]}, resamples=statistics.resamples, seed=self.suite.data.seed)
        found = estimate(float(values.mean()), resampled[claim.id][0], confidence=statistics.confidence)
        return Finding(against, shown(found, claim.unit), len(values), items)


def shown(found: Estimate, unit: Unit) -> Estimate:
    """Return an estimate in a claim's unit."""
    scale = SHOWN[unit]
    return Estimate(value=scale(found.value), low=scale(found.low), high=scale(found.high), p=found.p)


def _is_masked_by_importance(row: Row) -> bool:
    method = next(iter(row.runs.values()))[0].method
    return isinstance(method, ZerothOrder) and method.mask is not None and method.mask.rule == "importance"


def _read_probe(path: Path) -> dict:
    return read_json(path, "what `mazo probe` wrote cannot be read", shape=dict)
