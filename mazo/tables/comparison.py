"""The table of differences from the reference method: intervals, Holm-adjusted p-values, McNemar counts."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from mazo.comparison import Comparison
from mazo.config import Suite
from mazo.files import write_text
from mazo.tables.layout import TITLES, escape_latex, heading, latex_file, latex_table, markdown_table

COLUMNS = (
    "model,mix,method,reference,task,difference,low,high,p,p_holm,only_method,only_reference,mcnemar_p,mcnemar_p_holm"
)


def to_csv(found: Sequence[Comparison]) -> str:
    """Write one line a model, mix, method and task or mean; differences in percent points."""
    lines = [COLUMNS]
    for c in found:
        percent = [f"{100 * value:.4f}" for value in (c.estimate.value, c.estimate.low, c.estimate.high)]
        exact = ["", "", "", ""]
        if c.mcnemar:
            counts = [str(c.mcnemar.only_method), str(c.mcnemar.only_reference)]
            exact = [*counts, f"{c.mcnemar.p:.6g}", f"{c.mcnemar.p_holm:.6g}"]
        names = [c.row.model, c.row.mix, c.row.name, c.reference.name, c.column]
        lines.append(",".join([*names, *percent, f"{c.estimate.p:.6g}", f"{c.p_holm:.6g}", *exact]))
    return "\n".join(lines) + "\n"


def by_section(found: Sequence[Comparison]) -> list[list[Comparison]]:
    """Group comparisons by model and mix."""
    return [list(group) for _, group in groupby(found, key=lambda c: (c.row.model, c.row.mix))]


def by_method(section: Sequence[Comparison]) -> list[tuple[str, dict[str, Comparison]]]:
    """Group a section's comparisons by method: its label, and its comparisons by column."""
    grouped: dict[str, dict[str, Comparison]] = {}
    for c in section:
        grouped.setdefault(c.row.name, {})[c.column] = c
    return [(next(iter(columns.values())).row.label, columns) for columns in grouped.values()]


def to_markdown(found: Sequence[Comparison], suite: Suite) -> str:
    """Write a table of differences and one of McNemar counts for each model and mix."""
    if not found:
        return "One method alone: there is nothing to compare.\n"
    return "\n".join(_markdown_section(section, suite) for section in by_section(found))


def _markdown_section(section: Sequence[Comparison], suite: Suite) -> str:
    first, methods, level = section[0], by_method(section), suite.statistics.level
    names = list(methods[0][1])
    title = heading(first.row.model, first.row.mix)
    head = ["Method", *(TITLES[name] for name in names), "p of the mean"]
    rows = [
        [label, *(_cell(columns[n], level) for n in names), f"{columns['mean'].p_holm:.2g}"]
        for label, columns in methods
    ]
    table, note = markdown_table(head, rows), _note(first, suite)
    parts = [f"{title}: difference from {first.reference.label}", "", table, "", note]
    exact = [name for name in names if any(columns[name].mcnemar for _, columns in methods)]
    counts = [[label, *(_counts(columns[n], level) for n in exact)] for label, columns in methods]
    if exact:
        parts += ["", markdown_table(["Method", *(TITLES[n] for n in exact)], counts), "", _mcnemar_note(first, level)]
    return "\n".join([*parts, ""])


def _cell(c: Comparison, level: float, *, math: str = "") -> str:
    numbers = (c.estimate.low, c.estimate.value, c.estimate.high)
    low, value, high = (f"{math}{100 * number:+.1f}{math}" for number in numbers)
    return f"{value}{'*' if c.p_holm < level else ''} [{low}, {high}]"


def _counts(c: Comparison, level: float) -> str:
    if c.mcnemar is None:
        return ""
    return f"{c.mcnemar.only_method} : {c.mcnemar.only_reference}{'*' if c.mcnemar.p_holm < level else ''}"


def _note(first: Comparison, suite: Suite) -> str:
    settings, seeds, label = suite.statistics, len(suite.seeds), first.reference.label
    over = f"{seeds} seeds and the test items" if seeds > 1 else "the test items of one seed"
    return (
        f"Percent points, method minus {label}: below zero {label} is better. {100 * settings.confidence:g} % "
        f"percentile intervals of a paired bootstrap over {over}, {settings.resamples} resamples. p-values are "
        f"two-sided and adjusted by Holm's procedure, those of the means over the methods, those of the tasks over "
        f"methods and tasks; *: below {settings.level:g}."
    )


def _mcnemar_note(first: Comparison, level: float) -> str:
    return (
        f"Test items that the method alone gets right : that {first.reference.label} alone gets right, summed over "
        f"seeds. *: exact McNemar test of each seed's two models, p merged over seeds by twice the mean and adjusted "
        f"by Holm's procedure over methods and tasks, below {level:g}."
    )


def to_latex(found: Sequence[Comparison], suite: Suite) -> str:
    """Write one ``booktabs`` table a model and mix: differences with their intervals, and the p-value of the mean."""
    return latex_file([_latex_section(section, suite) for section in by_section(found)])


def _latex_section(section: Sequence[Comparison], suite: Suite) -> str:
    methods, level = by_method(section), suite.statistics.level
    names = list(methods[0][1])
    rows = [
        [label, *(_cell(columns[n], level, math="$") for n in names), f"{columns['mean'].p_holm:.2g}"]
        for label, columns in methods
    ]
    caption = (
        f"difference from {escape_latex(section[0].reference.label)} in percent points with "
        f"{100 * suite.statistics.confidence:g}\\,\\% intervals; *: Holm-adjusted $p < {level:g}$"
    )
    head = ["Method", *(TITLES[name] for name in names), "$p$ of the mean"]
    return latex_table(section[0].row.model, section[0].row.mix, caption, head, rows)


def write_comparison(found: Sequence[Comparison], suite: Suite, out: Path) -> None:
    """Write ``comparison.csv``, ``comparison.md`` and ``comparison.tex``."""
    write_text(out / "comparison.csv", to_csv(found))
    write_text(out / "comparison.md", to_markdown(found, suite))
    write_text(out / "comparison.tex", to_latex(found, suite))
