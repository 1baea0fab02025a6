"""What every table shares: titles, and rows of text as Markdown and LaTeX."""

from collections.abc import Sequence

TITLES = {
    "sst2": "SST-2",
    "boolq": "BoolQ",
    "rte": "RTE",
    "wsc": "WSC",
    "wic": "WiC",
    "multirc": "MultiRC",
    "copa": "COPA",
    "squad": "SQuAD",
    "mean": "Mean",
}


TIMES = "\N{MULTIPLICATION SIGN}"
"""Stands before a ratio."""


def heading(model: str, mix: str) -> str:
    """Return the Markdown heading of a model's and mix's table."""
    return f"### {model}, mix {mix}"


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table whose first column, a label, is aligned left and whose others are aligned right."""
    lines = [head, *([row[0].replace("|", "\\|"), *row[1:]] for row in rows)]
    first, *rest = (f"| {' | '.join(line)} |" for line in lines)
    return "\n".join([first, "|---|" + "---:|" * (len(head) - 1), *rest])


def latex_file(tables: Sequence[str]) -> str:
    """Put tables together, with what they need."""
    return "% needs \\usepackage{booktabs}\n" + "\n".join(tables)


def latex_table(model: str, mix: str, caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a ``booktabs`` table; only labels, the first column, are made safe for LaTeX."""
    lines = [" & ".join([escape_latex(row[0]), *row[1:]]) for row in rows]
    return "\n".join(
        [
            "\\begin{table}",
            "  \\centering",
            f"  \\caption{{{escape_latex(model)}, mix {escape_latex(mix)}: {caption}.}}",
            f"  \\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}",
            "    \\toprule",
            f"    {' & '.join(head)} \\\\",
            "    \\midrule",
            *(f"    {line} \\\\" for line in lines),
            "    \\bottomrule",
            "  \\end{tabular}",
            "\\end{table}",
            "",
        ]
    )


def escape_latex(text: str) -> str:
    """Make text safe for LaTeX."""
    named = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(named.get(char) or (f"\\{char}" if char in "&%$#_{}" else char) for char in text)
