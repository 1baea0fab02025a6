"""The transfer matrix of a single-task method: every task's model tested on every task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from mazo.config import TASKS, Suite
from mazo.files import write_text
from mazo.grid import Row, is_single_task, rows, run_folder
from mazo.records import read_record
from mazo.tables.layout import TITLES, escape_latex, heading, latex_file, latex_table, markdown_table
from mazo.tables.main import Cell, summarize

SHARED = "Shared model"


@dataclass(frozen=True)
class Transfer:
    """One single-task method on one model and mix, in percent over seeds."""

    row: Row
    cells: Mapping[str, Mapping[str, Cell]]
    """By the task trained on, then by the task tested on and ``mean``."""
    shared: Mapping[str, Cell]
    """The mean over the models trained, by the task tested on and ``mean``."""

    @property
    def columns(self) -> list[str]:
        """The tasks tested on, and ``mean``."""
        return list(self.shared)


def make_transfer(row: Row, scores: Mapping[str, Sequence[Mapping[str, float]]]) -> Transfer:
    """Average a method's scores over seeds, and over the models trained within a seed before that.

    :param scores: By the task trained on, for each seed the scores in [0, 1] by the task tested on.
    """
    tasks = [task for task in TASKS if task in row.tasks]
    full = {t: [{s: seed[s] for s in tasks} | {"mean": fmean(seed.values())} for seed in scores[t]] for t in tasks}
    seeds = range(len(full[tasks[0]]))
    columns = [*tasks, "mean"]
    return Transfer(
        row=row,
        cells={t: {c: summarize([seed[c] for seed in full[t]]) for c in columns} for t in tasks},
        shared={c: summarize([fmean(full[t][seed][c] for t in tasks) for seed in seeds]) for c in columns},
    )


def read_transfers(suite: Suite, results: Path) -> list[Transfer]:
    """Read the runs of every single-task method.

    :param results: The suite's folder.

    Raises :class:`mazo.errors.DataError` for a record that is absent or damaged.
    """
    found = []
    for row in rows(suite):
        if row.is_shared or not is_single_task(suite, row.name):
            continue
        scores: dict[str, list[dict[str, float]]] = {}
        for run in (run for group in row.runs.values() for run in group):
            metrics = read_record(results / run_folder(run) / "record.json").metrics
            scores.setdefault(run.tasks[0], []).append({task: score.score for task, score in metrics.items()})
        found.append(make_transfer(row, scores))
    return found


def to_csv(transfers: Sequence[Transfer]) -> str:
    """Write one line a model, mix, method, task trained on (``shared`` for the mean over models) and task tested on."""
    lines = ["model,mix,method,trained,tested,mean,standard_error"]
    for transfer in transfers:
        names = f"{transfer.row.model},{transfer.row.mix},{transfer.row.name}"
        for trained, cells in {**transfer.cells, "shared": transfer.shared}.items():
            for tested, cell in cells.items():
                error = "" if cell.error is None else f"{cell.error:.4f}"
                lines.append(f"{names},{trained},{tested},{cell.mean:.4f},{error}")
    return "\n".join(lines) + "\n"


def _head(transfer: Transfer) -> list[str]:
    return ["Trained on", *(TITLES[column] for column in transfer.columns)]


def _lines(transfer: Transfer, *, pm: str) -> list[list[str]]:
    labelled = {TITLES[task]: cells for task, cells in transfer.cells.items()} | {SHARED: transfer.shared}
    return [[label, *(cell.show(pm) for cell in cells.values())] for label, cells in labelled.items()]


def to_markdown(transfers: Sequence[Transfer]) -> str:
    """Write one table a model, mix and method."""
    note = (
        "Percent; mean ± standard error over seeds. A row is the models trained on one task, a column the task they "
        f"are tested on; {SHARED} is the mean over the models."
    )
    return "\n".join(
        f"{heading(t.row.model, t.row.mix)}: {t.row.label}\n\n{markdown_table(_head(t), _lines(t, pm='±'))}\n\n{note}\n"
        for t in transfers
    )


def to_latex(transfers: Sequence[Transfer]) -> str:
    """Write one ``booktabs`` table a model, mix and method."""
    return latex_file([_latex(transfer) for transfer in transfers])


def _latex(transfer: Transfer) -> str:
    caption = f"{escape_latex(transfer.row.label)}, tested on every task; mean and standard error over seeds, percent"
    row = transfer.row
    return latex_table(row.model, row.mix, caption, _head(transfer), _lines(transfer, pm="$\\pm$"))


def write_transfer(transfers: Sequence[Transfer], out: Path) -> None:
    """Write ``transfer.csv``, ``transfer.md`` and ``transfer.tex``."""
    write_text(out / "transfer.csv", to_csv(transfers))
    write_text(out / "transfer.md", to_markdown(transfers))
    write_text(out / "transfer.tex", to_latex(transfers))
