"""Where a suite's numbers come from, in the words of its records."""

from collections.abc import Iterable, Sequence

from mazo.html.markdown import Block, parse
from mazo.records import Record
from mazo.tables.layout import markdown_table


def describe_runs(records: Sequence[Record]) -> Block:
    """Return the table of runs: what each scored, its optimiser, and the digests of its settings and its mask."""
    head = ["Method", "Model", "Mix", "Seed", "Mean score", "Optimiser", "Settings", "Mask"]
    lines = [
        [
            record.run.method.label or record.run.method_name,
            record.run.model_name,
            record.run.mix,
            str(record.run.seed),
            f"{100 * record.mean:.1f}",
            record.optimizer,
            f"`{record.settings_digest}`",
            f"`{str(record.mask['hash'])[:12]}`" if record.mask else "",
        ]
        for record in records
    ]
    (block,) = parse(markdown_table(head, lines))
    return block


def environment_lines(records: Sequence[Record]) -> list[tuple[str, str]]:
    """Return what the runs ran with: code, libraries, hardware; where runs differ, all that there is."""
    libraries = sorted({name for record in records for name in record.libraries})
    return [
        ("mazo", _several(f"{record.version}, code {record.code_digest}" for record in records)),
        *((name, _several(record.libraries.get(name, "none") for record in records)) for name in libraries),
        ("hardware", _several(_machine(record) for record in records)),
    ]


def _several(values: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(values))


def _machine(record: Record) -> str:
    found = record.hardware
    parts = [str(found.get(key, "")) for key in ("processor", "machine")]
    if "cores" in found and "memory" in found:
        parts += [f"{found['cores']} cores", f"{int(found['memory']) / 2**30:.0f} GiB"]
    device = str(found.get("device", ""))
    return ", ".join(
        part for part in [*parts, str(found.get("accelerator", "")), f"on {device}" if device else ""] if part
    )
