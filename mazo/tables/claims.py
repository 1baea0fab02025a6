"""The table of the claims: a verdict each, with effect, interval and n."""

import csv
import io
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from mazo.claims import Finding, Judged, Unit
from mazo.files import write_text
from mazo.tables.layout import TIMES, heading, markdown_table

HEAD = ["Claim", "Against", "Verdict", "Effect", "Interval", "n"]
COLUMNS = ["model", "mix", "claim", "against", "verdict", "effect", "low", "high", "unit", "rule", "seeds", "items"]
UNITS: dict[Unit, str] = {
    "ratio": TIMES + "{:.3g}",
    "points": "{:+.1f} points",
    "percent": "{:.1f} %",
    "number": "{:.2f}",
}
"""How a number is shown."""


def show(value: float, unit: Unit) -> str:
    """Return a number with its unit; from ten thousand on, a ratio with commas."""
    return f"{TIMES}{value:,.0f}" if unit == "ratio" and value >= 1e4 else UNITS[unit].format(value)


def interval(finding: Finding, unit: Unit) -> str:
    """Return a finding's interval."""
    low, high = (show(value, unit).split(" ")[0] for value in (finding.estimate.low, finding.estimate.high))
    return f"[{low}, {high}]"


def by_section(judged: Sequence[Judged]) -> list[list[Judged]]:
    """Group verdicts by model and mix."""
    return [list(group) for _, group in groupby(judged, key=lambda own: (own.model, own.mix))]


def lines(judged: Judged) -> list[list[str]]:
    """Return a claim's lines: its verdict with the finding that says least for it; below, each one where several."""
    title, unit, weakest = judged.claim.title, judged.claim.unit, judged.weakest
    if weakest is None:
        return [[title, "", judged.verdict, "", "", ""]]
    if len(judged.findings) == 1:
        return [[title, weakest[0].against or "", judged.verdict, *_numbers(weakest[0], unit)]]
    first = [title, f"each of {len(judged.findings)}", judged.verdict, *_numbers(weakest[0], unit)]
    return [first, *(["", f.against or "", verdict, *_numbers(f, unit)] for f, verdict in judged.findings)]


def _numbers(finding: Finding, unit: Unit) -> list[str]:
    return [show(finding.estimate.value, unit), interval(finding, unit), finding.n]


def to_csv(judged: Sequence[Judged]) -> str:
    """Write a line a model, mix, claim and row that it is held against, with that line's own verdict."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for own in judged:
        names, rule = [own.model, own.mix, own.claim.id], own.claim.rule
        if not own.findings:
            writer.writerow([*names, "", own.verdict, "", "", "", own.claim.unit, rule, "", ""])
        for finding, verdict in own.findings:
            numbers = [f"{v:.6g}" for v in (finding.estimate.value, finding.estimate.low, finding.estimate.high)]
            about = [own.claim.unit, rule, finding.num_seeds, finding.items]
            writer.writerow([*names, finding.against or "", verdict, *numbers, *about])
    return text.getvalue()


def to_markdown(judged: Sequence[Judged]) -> str:
    """Write a table a model and mix, and below them what each claim says and how it is decided."""
    if not judged:
        return "This suite has no run of MaZO over the model's own weights: no claim can be measured.\n"
    tables = [
        f"{heading(section[0].model, section[0].mix)}: the paper's claims\n\n"
        f"{markdown_table(HEAD, [line for own in section for line in lines(own)])}\n"
        for section in by_section(judged)
    ]
    claims = [own.claim for own in by_section(judged)[0]]
    about = [f"- **{c.title}.** {c.claim} *Measured:* {c.measurement} *Rule:* {c.rule}." for c in claims]
    return "\n".join([*tables, NOTE, "", *about, ""])


NOTE = (
    "Intervals come from the suite's paired bootstrap over seeds and over the tasks or test items named. Held against "
    "several rows, a claim is supported where it is against each, not supported where it is not against any one, and "
    "its effect is the smallest. Claims of time and memory rest on measured seconds and bytes, which differ from run "
    "to run. Rules stand in `config/claims.yaml`, written down before the numbers."
)


def write_claims(judged: Sequence[Judged], out: Path) -> None:
    """Write ``claims.csv`` and ``claims.md``."""
    write_text(out / "claims.csv", to_csv(judged))
    write_text(out / "claims.md", to_markdown(judged))
