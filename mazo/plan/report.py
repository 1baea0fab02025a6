"""A plan as a page and as a table, and beside what records measured."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mazo.errors import DataError
from mazo.grid import run_folder
from mazo.plan.cards import Card
from mazo.plan.estimate import RowPlan
from mazo.records import read_record
from mazo.tables.layout import heading, markdown_table

GIB = 2**30
STAGES = ("score", "train", "evaluate")
NOTE = (
    "Forwards are those of training batches over all runs, as records count them. Tokens are all that forwards and "
    "backwards read, as tokens of forwards. Memory is a stage's peak: of the process on the CPU, else of the device. "
    "Hours are estimates over all runs on one card: peak speeds from the makers' documents, the share that a program "
    "gets of them assumed (mazo/plan/cards.yaml); * needs more memory than the card has. Drawing: of these hours, "
    "those in which the processor draws random directions."
)


def to_markdown(rows: Sequence[RowPlan], cards: Mapping[str, Card]) -> str:
    """Write a table a model and mix, a row a method, with the sums below."""
    head = ["Method", "Runs", "Forwards", "Tokens, M", "Trained weights", *(f"GiB, {stage}" for stage in STAGES)]
    head += ["Disk, GB", *(f"h, {name}" for name in cards), "h, drawing"]
    sections: dict[tuple[str, str], list[RowPlan]] = {}
    for row in rows:
        sections.setdefault((row.model, row.mix), []).append(row)
    pages = [
        "\n".join([f"{heading(*names)}: plan", "", markdown_table(head, _lines(own, cards)), ""])
        for names, own in sections.items()
    ]
    sources = [f"- {name}: {own.label}; {own.source}." for name, own in cards.items()]
    return "\n".join([*pages, NOTE, "", *sources, ""])


def _lines(rows: Sequence[RowPlan], cards: Mapping[str, Card]) -> list[list[str]]:
    lines = [
        [
            row.label,
            f"{len(row.plans):,}",
            f"{row.forwards:,}",
            f"{row.tokens / 1e6:,.1f}",
            f"{row.trained:,}",
            *("" if (peak := row.memory(stage)) is None else f"{peak / GIB:.2f}" for stage in STAGES),
            f"{row.disk / 1e9:.2f}",
            *(_hours(row.hours(name)) + ("*" if row.peak > own.memory else "") for name, own in cards.items()),
            _hours(row.drawing_hours),
        ]
        for row in rows
    ]
    total = ["All", f"{sum(len(row.plans) for row in rows):,}", f"{sum(row.forwards for row in rows):,}"]
    total += [f"{sum(row.tokens for row in rows) / 1e6:,.1f}", "", *("" for _ in STAGES)]
    total += [f"{sum(row.disk for row in rows) / 1e9:.2f}", *(_hours(sum(r.hours(n) for r in rows)) for n in cards)]
    lines.append([*total, _hours(sum(row.drawing_hours for row in rows))])
    return [*lines, _tuning(rows, cards)] if any(row.trials for row in rows) else lines


def _tuning(rows: Sequence[RowPlan], cards: Mapping[str, Card]) -> list[str]:
    """Write what the trials of all rows' settings take besides, each as the row's share of one seed."""
    forwards = sum(round(row.forwards * row.tuning_share) for row in rows)
    tokens = sum(row.tokens * row.tuning_share for row in rows) / 1e6
    line = ["Tuning, besides", f"{sum(row.trials for row in rows):,} trials", f"{forwards:,}", f"{tokens:,.1f}", ""]
    line += [*("" for _ in STAGES), "", *(_hours(sum(row.hours(n) * row.tuning_share for row in rows)) for n in cards)]
    return [*line, _hours(sum(row.drawing_hours * row.tuning_share for row in rows))]


def _hours(value: int | float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def to_csv(rows: Sequence[RowPlan], cards: Mapping[str, Card]) -> str:
    """Write one line a run; bytes and hours."""
    stages = [f"{stage}_peak_bytes" for stage in STAGES]
    head = ["model", "mix", "method", "seed", "forwards", "tokens", "trained_weights", *stages, "disk_bytes"]
    lines = [",".join([*head, *(f"hours_{name}" for name in cards), "hours_drawing"])]
    for row in rows:
        for plan in row.plans:
            own = [row.model, row.mix, plan.run.method_name, str(plan.run.seed), str(plan.work.forwards)]
            own += [f"{plan.work.tokens:.0f}", str(plan.trained), *(str(plan.memory.get(s, "")) for s in STAGES)]
            hours = [f"{plan.hours[name]:.6g}" for name in cards]
            lines.append(",".join([*own, str(plan.disk), *hours, f"{plan.drawing_hours:.6g}"]))
    return "\n".join(lines) + "\n"


def against_records(rows: Sequence[RowPlan], results: Path) -> str:
    """Write planned beside measured, for the runs that have a record; nothing where none has."""
    lines = []
    for row in rows:
        for plan in row.plans:
            try:
                record = read_record(results / run_folder(plan.run) / "record.json")
            except DataError:
                continue
            pairs = [(plan.memory.get(s), record.stages[s].peak_memory) for s in STAGES if s in record.stages]
            shown = " / ".join(f"{planned / GIB:.2f}, {found / GIB:.2f}" for planned, found in pairs if planned)
            name = f"{row.model}, {plan.run.method_name}, seed {plan.run.seed}"
            lines.append([name, f"{plan.work.forwards:,}", f"{record.forwards:,}", shown])
    head = ["Run", "Forwards planned", "recorded", "GiB planned, measured: stages in order"]
    return f"\n### Against the records\n\n{markdown_table(head, lines)}\n" if lines else ""
