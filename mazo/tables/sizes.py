"""The table of the data: where each task's rows come from, how many there are, and how many inputs are cut."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pydantic import TypeAdapter

from mazo.data import SPLITS
from mazo.files import write_text
from mazo.reading import read_json
from mazo.tables.layout import TITLES, escape_latex, latex_file, latex_table, markdown_table

HEAD = ["Task", *(split.capitalize() for split in SPLITS), *(f"Cut, {split}" for split in SPLITS), "Most tokens"]
UNREAD = "wanted a report of the rows; found none that can be read"
"""Of a file that is damaged."""


@dataclass(frozen=True)
class Drawn:
    """A split's rows: those taken, those there are, those asked for."""

    rows: int
    available: int
    wanted: int


@dataclass(frozen=True)
class Report:
    """What ``mazo prepare`` wrote of a task."""

    source: str
    origin: str
    split: str
    """How the rows were shared between train and dev."""
    shared_contents: int
    splits: Mapping[str, Drawn]


@dataclass(frozen=True)
class Lengths:
    """How long a split's rows are, in tokens, and how many are cut."""

    cut: int
    tokens_cut: int
    mean_tokens: float
    most_tokens: int


@dataclass(frozen=True)
class Measured:
    """What ``mazo lengths`` wrote for a model."""

    context: int
    tasks: Mapping[str, Mapping[str, Lengths]]
    """By task and split."""


@dataclass(frozen=True)
class Sizes:
    """One task's rows for one model."""

    model: str
    context: int
    """The most tokens the model takes."""
    task: str
    report: Report
    lengths: Mapping[str, Lengths]
    """By split."""


def read_sizes(data: Path, *, models: Sequence[str], tasks: Sequence[str]) -> list[Sizes]:
    """Read the reports below a suite's data folder.

    :raises DataError: a report that is absent or is not one.
    """
    found = []
    for model in models:
        measured = read_json(data / "lengths" / f"{model}.json", UNREAD, shape=partial(_measured, tasks=tasks))
        for task in tasks:
            report = read_json(data / task / "report.json", UNREAD, shape=_report)
            found.append(Sizes(model, measured.context, task, report, measured.tasks[task]))
    return found


def _report(content: object) -> Report:
    report = TypeAdapter(Report).validate_python(content)
    return replace(report, splits={split: report.splits[split] for split in SPLITS})


def _measured(content: object, *, tasks: Sequence[str]) -> Measured:
    measured = TypeAdapter(Measured).validate_python(content)
    return replace(measured, tasks={task: {split: measured.tasks[task][split] for split in SPLITS} for task in tasks})


def to_csv(sizes: Sequence[Sizes]) -> str:
    """Write one line a model, task and split."""
    lines = [
        "model,context,task,source,origin,share,split,rows,available,wanted,cut,tokens_cut,mean_tokens,most_tokens"
    ]
    for own in sizes:
        about = [own.model, str(own.context), own.task, own.report.source, own.report.origin, own.report.split]
        for split in SPLITS:
            drawn, read = own.report.splits[split], own.lengths[split]
            counts: list[int | float] = [drawn.rows, drawn.available, drawn.wanted]
            counts += [read.cut, read.tokens_cut, read.mean_tokens, read.most_tokens]
            lines.append(",".join([*about, split, *map(str, counts)]))
    return "\n".join(lines) + "\n"


def _cells(own: Sizes) -> list[str]:
    drawn = own.report.splits.values()
    return [
        TITLES[own.task],
        *(f"{d.rows:,} of {d.available:,}" + ("*" if d.rows < d.wanted else "") for d in drawn),
        *(f"{read.cut:,}" for read in own.lengths.values()),
        f"{max(read.most_tokens for read in own.lengths.values()):,}",
    ]


def _notes(own: Sequence[Sizes]) -> list[str]:
    """Say what the numbers are, and where the rows come from."""
    asked = ", ".join(f"{drawn.wanted:,} {split}" for split, drawn in own[0].report.splits.items())
    shared = [f"{TITLES[row.task]} {row.report.shared_contents}" for row in own if row.report.shared_contents]
    origins: dict[str, list[str]] = {}
    for row in own:
        origins.setdefault(row.report.origin, []).append(TITLES[row.task])
    return [
        f"Rows taken of those there are; asked for: {asked}, * marks fewer. Cut: rows that lose tokens from the left "
        f"to fit the model's context of {own[0].context:,} tokens. Most tokens: the longest row before the cut.",
        "Rows: " + "; ".join(f"{', '.join(tasks)}: {origin}" for origin, tasks in origins.items()) + ".",
        *([f"Contents that stand in two splits: {', '.join(shared)}."] if shared else []),
    ]


def _by_model(sizes: Sequence[Sizes]) -> dict[str, list[Sizes]]:
    grouped: dict[str, list[Sizes]] = {}
    for own in sizes:
        grouped.setdefault(own.model, []).append(own)
    return grouped


def to_markdown(sizes: Sequence[Sizes]) -> str:
    """Write one table a model."""
    sections = [
        "\n".join([f"### {model}: rows", "", markdown_table(HEAD, [_cells(row) for row in own]), "", *_notes(own), ""])
        for model, own in _by_model(sizes).items()
    ]
    return "\n".join(sections)


def to_latex(sizes: Sequence[Sizes]) -> str:
    """Write one ``booktabs`` table a model."""
    return latex_file(
        [
            latex_table(
                model, "all tasks", escape_latex(_notes(own)[0].rstrip(".")), HEAD, [_cells(row) for row in own]
            )
            for model, own in _by_model(sizes).items()
        ]
    )


def write_sizes(sizes: Sequence[Sizes], out: Path) -> None:
    """Write ``data.csv``, ``data.md`` and ``data.tex``."""
    write_text(out / "data.csv", to_csv(sizes))
    write_text(out / "data.md", to_markdown(sizes))
    write_text(out / "data.tex", to_latex(sizes))
