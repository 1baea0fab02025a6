"""The table of ablations: the scores of methods that differ in one number, by that number."""

from collections.abc import Sequence
from pathlib import Path

from mazo.ablations import Ablation
from mazo.files import write_text
from mazo.records import Record
from mazo.tables.layout import TITLES, heading, latex_file, latex_table, markdown_table
from mazo.tables.main import Row, Section, make_sections

NOTE = "Percent; mean ± standard error over seeds. Step sizes may differ with the value; the base has *."


def _rows(section: Section, ablation: Ablation) -> list[tuple[float, Row]]:
    by_method = {row.method: row for row in section.rows}
    return [(value, by_method[name]) for name, value in ablation.methods.items() if name in by_method]


def to_csv(sections: Sequence[Section], ablations: Sequence[Ablation]) -> str:
    """Write one line a model, mix, ablation, method and column."""
    lines = ["model,mix,base,key,value,method,task,mean,standard_error"]
    for section in sections:
        for ablation in ablations:
            for value, row in _rows(section, ablation):
                for column, cell in row.cells.items():
                    error = "" if cell.error is None else f"{cell.error:.4f}"
                    names = [section.model, section.mix, ablation.base, ablation.key, f"{value:g}", row.method]
                    lines.append(",".join([*names, column, f"{cell.mean:.4f}", error]))
    return "\n".join(lines) + "\n"


def _lines(section: Section, ablation: Ablation, *, pm: str) -> list[list[str]]:
    return [
        [f"{value:g}{'*' if row.method == ablation.base else ''}", *(row.cells[c].show(pm) for c in section.columns)]
        for value, row in _rows(section, ablation)
    ]


def _label(section: Section, ablation: Ablation) -> str:
    return next(row.label for row in section.rows if row.method == ablation.base)


def write_ablation(records: Sequence[Record], ablations: Sequence[Ablation], out: Path) -> None:
    """Write ``ablation.csv``, ``ablation.md`` and ``ablation.tex``, where the suite has any."""
    if not ablations:
        return
    sections = make_sections(records)
    pages, tables = [], []
    for section in sections:
        titles = [TITLES[column] for column in section.columns]
        for ablation in ablations:
            about = f"{_label(section, ablation)}, {ablation.key}"
            table = markdown_table([ablation.key, *titles], _lines(section, ablation, pm="±"))
            pages.append(f"{heading(section.model, section.mix)}: {about}\n\n{table}\n\n{NOTE}\n")
            lines = _lines(section, ablation, pm="$\\pm$")
            head = [ablation.key.replace("_", "\\_"), *titles]
            tables.append(latex_table(section.model, section.mix, about.replace("_", "\\_"), head, lines))
    write_text(out / "ablation.csv", to_csv(sections, ablations))
    write_text(out / "ablation.md", "\n".join(pages))
    write_text(out / "ablation.tex", latex_file(tables))
