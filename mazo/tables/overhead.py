"""The table of overhead: what scoring and masking take beside the training they serve, as measured."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mazo.files import write_text
from mazo.records import Record
from mazo.tables.cost import Cost, make_costs
from mazo.tables.layout import heading, latex_file, latex_table, markdown_table

PHASES = ("scores", "training", "evaluation")
HEAD = ["Method", "s, scores", "s, training", "Scores / training, %", *(f"GiB, {phase}" for phase in PHASES)]
NOTE = (
    "Seconds of scores and mask, and of the training under the mask, as means over seeds; peak memory (the GPUs' where "
    "a run uses them, else the process's) as the most of any seed; as measured, and so different from run to run."
)


def make_overheads(records: Sequence[Record]) -> list[Cost]:
    """Return the costs of the methods whose mask takes a stage of its own."""
    return [cost for cost in make_costs(records) if cost.seconds["scores"] is not None]


def _share(cost: Cost) -> float:
    scores, training = cost.seconds["scores"], cost.seconds["training"]
    assert scores is not None
    return 100 * scores / training if training else 0.0


def to_csv(costs: Sequence[Cost]) -> str:
    """Write one line a model, mix and method."""
    lines = ["model,mix,method,seeds,scores_seconds,training_seconds,percent," + ",".join(f"{p}_bytes" for p in PHASES)]
    for cost in costs:
        peaks = [str(cost.peak_memory[phase] or "") for phase in PHASES]
        seconds = [f"{cost.seconds[phase]:.3f}" for phase in PHASES[:2]]
        names = [cost.model, cost.mix, cost.method, str(cost.num_seeds)]
        lines.append(",".join([*names, *seconds, f"{_share(cost):.4f}", *peaks]))
    return "\n".join(lines) + "\n"


def _sections(costs: Sequence[Cost]) -> Mapping[tuple[str, str], list[list[str]]]:
    sections: dict[tuple[str, str], list[list[str]]] = {}
    for cost in costs:
        peaks = [cost.peak_memory[phase] for phase in PHASES]
        line = [cost.label, *(f"{cost.seconds[phase]:.1f}" for phase in PHASES[:2]), f"{_share(cost):.1f}"]
        line += ["" if peak is None else f"{peak / 2**30:.2f}" for peak in peaks]
        sections.setdefault((cost.model, cost.mix), []).append(line)
    return sections


def write_overhead(records: Sequence[Record], out: Path) -> None:
    """Write ``overhead.csv``, ``overhead.md`` and ``overhead.tex``, where any method has a mask."""
    if not (costs := make_overheads(records)):
        return
    sections = _sections(costs)
    pages = [
        f"{heading(*names)}: overhead\n\n{markdown_table(HEAD, own)}\n\n{NOTE}\n" for names, own in sections.items()
    ]
    head = [title.replace("%", "\\%") for title in HEAD]
    tables = [latex_table(*names, "what masks take beside training", head, own) for names, own in sections.items()]
    write_text(out / "overhead.csv", to_csv(costs))
    write_text(out / "overhead.md", "\n".join(pages))
    write_text(out / "overhead.tex", latex_file(tables))
