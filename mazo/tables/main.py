"""The main table: a row a method, a column a task and the mean, over seeds; the same bytes from the same records."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mazo.config import TASKS
from mazo.files import write_text
from mazo.records import Record, TaskScore
from mazo.tables.layout import TITLES, heading, latex_file, latex_table, markdown_table


@dataclass(frozen=True)
class Cell:
    """Mean and standard error of a score over seeds, in percent; no error from one seed."""

    mean: float
    error: float | None

    @property
    def shown(self) -> float:
        """The mean as a table shows it; two methods tie when these are equal."""
        return round(self.mean, 1)

    def show(self, pm: str = "±") -> str:
        """Return the mean and its error to one decimal."""
        return f"{self.mean:.1f}" if self.error is None else f"{self.mean:.1f} {pm} {self.error:.1f}"


@dataclass(frozen=True)
class Row:
    """One method: its name in tables, its number of seeds, and a cell for every column."""

    method: str
    label: str
    num_seeds: int
    cells: Mapping[str, Cell]
    test_rows: Mapping[str, int]
    """Test rows of each task."""
    cut_rows: Mapping[str, int]
    """Test rows of each task that were cut to the model's context; the most of any seed."""


@dataclass(frozen=True)
class Section:
    """The methods that compare with each other: one model, one mix."""

    model: str
    mix: str
    columns: Sequence[str]
    rows: Sequence[Row]

    def is_best(self, row: Row, column: str) -> bool:
        """Tell whether the row has the column's highest shown mean; all that tie have it."""
        return row.cells[column].shown == max(other.cells[column].shown for other in self.rows)


def summarize(scores: Sequence[float]) -> Cell:
    r"""Mean and standard error over seeds of scores in [0, 1], in percent.

    .. math:: m = \frac{100}{n} \sum_i s_i, \qquad e = \sqrt{\frac{1}{n (n - 1)} \sum_i (100 s_i - m)^2}
    """
    percent = [100 * score for score in scores]
    error = statistics.stdev(percent) / math.sqrt(len(percent)) if len(percent) > 1 else None
    return Cell(mean=statistics.fmean(percent), error=error)


def make_sections(records: Iterable[Record]) -> list[Section]:
    """Group records by model and mix, and by method within; all in the order in which they come."""
    grouped: dict[tuple[str, str], dict[str, list[Record]]] = {}
    for record in records:
        methods = grouped.setdefault((record.run.model_name, record.run.mix), {})
        methods.setdefault(record.run.method_name, []).append(record)
    return [_make_section(model, mix, methods=methods) for (model, mix), methods in grouped.items()]


def _make_section(model: str, mix: str, *, methods: Mapping[str, Sequence[Record]]) -> Section:
    tasks = next(iter(methods.values()))[0].metrics
    rows = [_make_row(records, tasks=[task for task in TASKS if task in tasks]) for records in methods.values()]
    return Section(model=model, mix=mix, columns=list(rows[0].cells), rows=rows)


def _make_row(records: Sequence[Record], *, tasks: Sequence[str]) -> Row:
    cells = {task: summarize([record.metrics[task].score for record in records]) for task in tasks}
    cells["mean"] = summarize([record.mean for record in records])
    run = records[0].run
    return Row(
        method=run.method_name,
        label=run.method.label or run.method_name,
        num_seeds=len(records),
        cells=cells,
        test_rows={task: max(record.metrics[task].n for record in records) for task in tasks},
        cut_rows={task: max(record.metrics[task].num_cut for record in records) for task in tasks},
    )


def to_csv(sections: Iterable[Section]) -> str:
    """Write one line a model, mix, method and column."""
    lines = ["model,mix,method,seeds,task,mean,standard_error,best,test_rows,cut_rows"]
    for section in sections:
        for row in section.rows:
            for column, cell in row.cells.items():
                error = "" if cell.error is None else f"{cell.error:.4f}"
                best = int(section.is_best(row, column))
                names = f"{section.model},{section.mix},{row.method},{row.num_seeds}"
                counts = f"{row.test_rows.get(column, '')},{row.cut_rows.get(column, '')}"
                lines.append(f"{names},{column},{cell.mean:.4f},{error},{best},{counts}")
    return "\n".join(lines) + "\n"


def to_markdown(sections: Sequence[Section]) -> str:
    """Write one Markdown table a model and mix."""
    return "\n".join(_markdown_section(section) for section in sections)


def _markdown_section(section: Section) -> str:
    head = ["Method", *(TITLES[column] for column in section.columns), "Seeds"]
    rows = [_shown(section, row, pm="±", marks=("**", "**")) for row in section.rows]
    note = "Percent; mean ± standard error over seeds; best mean of a column in bold."
    return "\n".join(
        [heading(section.model, section.mix), "", markdown_table(head, rows), "", note, _counts(section), ""]
    )


def _counts(section: Section) -> str:
    """Say how many test rows each task has, and how many were cut to the model's context under any method."""
    parts = []
    for task, rows in section.rows[0].test_rows.items():
        cut = max(row.cut_rows[task] for row in section.rows)
        parts.append(f"{TITLES[task]} {rows}" + (f" ({cut} cut to the model's context)" if cut else ""))
    return f"Test rows: {', '.join(parts)}."


def to_latex(sections: Sequence[Section]) -> str:
    """Write one ``booktabs`` table a model and mix."""
    return latex_file([_latex_section(section) for section in sections])


def _latex_section(section: Section) -> str:
    head = ["Method", *(TITLES[column] for column in section.columns), "Seeds"]
    rows = [_shown(section, row, pm="$\\pm$", marks=("\\textbf{", "}")) for row in section.rows]
    return latex_table(section.model, section.mix, "mean and standard error over seeds, percent", head, rows)


def _shown(section: Section, row: Row, *, pm: str, marks: tuple[str, str]) -> list[str]:
    cells = [_bold(row.cells[c].show(pm), best=section.is_best(row, c), marks=marks) for c in section.columns]
    return [row.label, *cells, str(row.num_seeds)]


def _bold(text: str, *, best: bool, marks: tuple[str, str]) -> str:
    return f"{marks[0]}{text}{marks[1]}" if best else text


def write_main(records: Sequence[Record], out: Path, *, name: str = "main") -> None:
    """Write ``main.csv``, ``main.md`` and ``main.tex``, or a table of the same form under another name."""
    sections = make_sections(records)
    write_text(out / f"{name}.csv", to_csv(sections))
    write_text(out / f"{name}.md", to_markdown(sections))
    write_text(out / f"{name}.tex", to_latex(sections))


def with_official_scores(records: Sequence[Record]) -> list[Record]:
    """Put the scores with lm-eval's own prompts in the place of those with MeZO's, for the tasks that have them."""
    return [
        record.model_copy(
            update={
                "metrics": {
                    task: TaskScore(**score.official.model_dump())
                    for task, score in record.metrics.items()
                    if score.official is not None
                }
            }
        )
        for record in records
    ]
