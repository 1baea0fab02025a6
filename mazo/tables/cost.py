"""The table of costs beside the mean score: seconds and memory differ from run to run, so no other table has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from mazo.files import write_text
from mazo.records import Record, StageCost
from mazo.tables.layout import heading, latex_file, latex_table, markdown_table
from mazo.tables.main import Cell, summarize

PHASES = {"scores": ("score", "mask"), "training": ("train",), "evaluation": ("evaluate",)}
"""What a run's time goes to, by the stages it is made of."""
HEAD = ["Method", "Mean", "Forwards", "Trained weights", *(f"s, {p}" for p in PHASES), *(f"GiB, {p}" for p in PHASES)]


@dataclass(frozen=True)
class Cost:
    """One row: what a run of the method takes, as a mean over seeds."""

    model: str
    mix: str
    method: str
    label: str
    mean: Cell
    num_seeds: int
    optimizer: str
    forwards: float
    trained_weights: float
    seconds: Mapping[str, float | None]
    """By phase; none where a run has no such phase."""
    peak_memory: Mapping[str, int | None]
    """By phase, in bytes; the most of any seed."""


def make_costs(records: Sequence[Record]) -> list[Cost]:
    """Gather records by model, mix and method, in the order in which they come."""
    grouped: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        grouped.setdefault((record.run.model_name, record.run.mix, record.run.method_name), []).append(record)
    return [_make_cost(group) for group in grouped.values()]


def _make_cost(records: Sequence[Record]) -> Cost:
    run = records[0].run
    phases = {phase: [_in_phase(record, stages) for record in records] for phase, stages in PHASES.items()}
    return Cost(
        model=run.model_name,
        mix=run.mix,
        method=run.method_name,
        label=run.method.label or run.method_name,
        mean=summarize([record.mean for record in records]),
        num_seeds=len(records),
        optimizer=records[0].optimizer,
        forwards=fmean(record.forwards for record in records),
        trained_weights=fmean(record.trained_weights for record in records),
        seconds={
            p: fmean(sum(c.seconds for c in own) for own in costs) if costs[0] else None for p, costs in phases.items()
        },
        peak_memory={
            p: max((c.peak_memory for own in costs for c in own), default=None) for p, costs in phases.items()
        },
    )


def _in_phase(record: Record, stages: Sequence[str]) -> list[StageCost]:
    return [record.stages[stage] for stage in stages if stage in record.stages]


def to_csv(costs: Sequence[Cost]) -> str:
    """Write one line a model, mix and method; seconds and bytes."""
    measures = [*(f"{phase}_seconds" for phase in PHASES), *(f"{phase}_peak_bytes" for phase in PHASES)]
    lines = [f"model,mix,method,seeds,mean,standard_error,optimizer,forwards,trained_weights,{','.join(measures)}"]
    for cost in costs:
        error = "" if cost.mean.error is None else f"{cost.mean.error:.4f}"
        seconds = ["" if value is None else f"{value:.3f}" for value in cost.seconds.values()]
        peaks = ["" if value is None else str(value) for value in cost.peak_memory.values()]
        names = [cost.model, cost.mix, cost.method, str(cost.num_seeds), f"{cost.mean.mean:.4f}", error, cost.optimizer]
        lines.append(",".join([*names, f"{cost.forwards:g}", f"{cost.trained_weights:.0f}", *seconds, *peaks]))
    return "\n".join(lines) + "\n"


def _sections(costs: Sequence[Cost]) -> dict[tuple[str, str], list[Cost]]:
    sections: dict[tuple[str, str], list[Cost]] = {}
    for cost in costs:
        sections.setdefault((cost.model, cost.mix), []).append(cost)
    return sections


def _lines(costs: Sequence[Cost], *, none: str) -> list[list[str]]:
    return [
        [
            cost.label,
            f"{cost.mean.mean:.1f}",
            f"{cost.forwards:,.0f}",
            f"{cost.trained_weights:,.0f}",
            *(none if value is None else f"{value:.1f}" for value in cost.seconds.values()),
            *(none if value is None else f"{value / 2**30:.2f}" for value in cost.peak_memory.values()),
        ]
        for cost in costs
    ]


def to_markdown(costs: Sequence[Cost]) -> str:
    """Write one table a model and mix."""
    return "\n".join(
        "\n".join([f"{heading(*names)}: cost of a run", "", markdown_table(HEAD, _lines(own, none="")), "", NOTE, ""])
        for names, own in _sections(costs).items()
    )


NOTE = (
    "Mean score in percent; forwards of training batches (a first-order step goes backward too); seconds as means over "
    "seeds and peak memory (the GPUs' where a run uses them, else the process's) as the most of any seed, as measured: "
    "they differ from run to run. A "
    "single-task method's forwards and seconds are the sum over its models; its shared models are the same runs."
)


def to_latex(costs: Sequence[Cost]) -> str:
    """Write one ``booktabs`` table a model and mix."""
    caption = "cost of a run beside its mean score, percent; seconds and memory as measured"
    return latex_file(
        [latex_table(*names, caption, HEAD, _lines(own, none="--")) for names, own in _sections(costs).items()]
    )


def write_cost(records: Sequence[Record], out: Path) -> None:
    """Write ``cost.csv``, ``cost.md`` and ``cost.tex``."""
    costs = make_costs(records)
    write_text(out / "cost.csv", to_csv(costs))
    write_text(out / "cost.md", to_markdown(costs))
    write_text(out / "cost.tex", to_latex(costs))
