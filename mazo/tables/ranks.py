"""The table of ranks: every method's place on each task, and its average rank over tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from mazo.files import write_text
from mazo.records import Record
from mazo.statistics import critical_difference, rank_methods
from mazo.tables.layout import TITLES, heading, latex_file, latex_table, markdown_table
from mazo.tables.main import Section, make_sections


@dataclass(frozen=True)
class Ranking:
    """A section's methods, in its order, ranked by their mean score over seeds; 1 is the best."""

    section: Section
    tasks: Sequence[str]
    ranks: Float[np.ndarray, "methods tasks"]
    critical: float | None
    """How far two average ranks must lie apart (Nemenyi's test); none with one method or one task."""
    level: float

    @property
    def averages(self) -> Float[np.ndarray, " methods"]:
        """The methods' average ranks over tasks."""
        return self.ranks.mean(axis=1)

    @property
    def ties(self) -> dict[str, list[list[str]]]:
        """The labels of methods that tie, in groups, by task; tasks without a tie are left out."""
        groups: dict[str, dict[float, list[str]]] = {}
        for task, column in zip(self.tasks, self.ranks.T, strict=True):
            for row, rank in zip(self.section.rows, column, strict=True):
                groups.setdefault(task, {}).setdefault(float(rank), []).append(row.label)
        tied = {task: [labels for labels in ranks.values() if len(labels) > 1] for task, ranks in groups.items()}
        return {task: labels for task, labels in tied.items() if labels}


def rank_section(section: Section, *, level: float) -> Ranking:
    """Rank a section's methods on every task.

    :param level: Level of Nemenyi's test.
    """
    tasks = [column for column in section.columns if column != "mean"]
    scores = np.array([[row.cells[task].mean for task in tasks] for row in section.rows])
    enough = len(section.rows) > 1 and len(tasks) > 1
    critical = critical_difference(len(section.rows), num_tasks=len(tasks), level=level) if enough else None
    return Ranking(section, tasks, rank_methods(scores), critical, level)


def to_csv(rankings: Sequence[Ranking]) -> str:
    """Write one line a model, mix, method and task, and one for the average over tasks."""
    lines = ["model,mix,method,task,rank"]
    for ranking in rankings:
        for row, ranks, average in zip(ranking.section.rows, ranking.ranks, ranking.averages, strict=True):
            names = f"{ranking.section.model},{ranking.section.mix},{row.method}"
            lines += [f"{names},{task},{rank:g}" for task, rank in zip(ranking.tasks, ranks, strict=True)]
            lines.append(f"{names},average,{average:.4f}")
    return "\n".join(lines) + "\n"


def to_markdown(rankings: Sequence[Ranking]) -> str:
    """Write one table a model and mix, and below it what tied."""
    return "\n".join(_markdown_section(ranking) for ranking in rankings)


def _markdown_section(ranking: Ranking) -> str:
    title = f"{heading(ranking.section.model, ranking.section.mix)}: ranks"
    return "\n".join([title, "", markdown_table(_head(ranking), _lines(ranking)), "", _note(ranking), ""])


def _head(ranking: Ranking) -> list[str]:
    return ["Method", *(TITLES[task] for task in ranking.tasks), "Average"]


def _lines(ranking: Ranking) -> list[list[str]]:
    return [
        [row.label, *(f"{rank:g}" for rank in ranks), f"{average:.2f}"]
        for row, ranks, average in zip(ranking.section.rows, ranking.ranks, ranking.averages, strict=True)
    ]


def _note(ranking: Ranking) -> str:
    ties = [f"{TITLES[task]} {'; '.join(map(' = '.join, groups))}" for task, groups in ranking.ties.items()]
    said = (
        "Places by mean score over seeds, 1 the best; methods that tie share the mean of their places. "
        f"Ties: {', '.join(ties) or 'none'}."
    )
    if ranking.critical is None:
        return said
    return (
        f"{said} Average ranks more than {ranking.critical:.2f} apart differ at the {ranking.level:g} level "
        f"(Nemenyi's test, {len(ranking.tasks)} tasks as blocks)."
    )


def to_latex(rankings: Sequence[Ranking]) -> str:
    """Write one ``booktabs`` table a model and mix."""
    caption = "rank by mean score over seeds, 1 the best, and average rank over tasks"
    return latex_file([latex_table(r.section.model, r.section.mix, caption, _head(r), _lines(r)) for r in rankings])


def write_ranks(records: Sequence[Record], out: Path, *, level: float) -> None:
    """Write ``ranks.csv``, ``ranks.md`` and ``ranks.tex``."""
    rankings = [rank_section(section, level=level) for section in make_sections(records)]
    write_text(out / "ranks.csv", to_csv(rankings))
    write_text(out / "ranks.md", to_markdown(rankings))
    write_text(out / "ranks.tex", to_latex(rankings))
