"""The table of published figures beside ours."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from mazo.config import Suite, TaskName
from mazo.errors import DataError
from mazo.files import write_text
from mazo.records import Record
from mazo.settings import Settings
from mazo.tables.layout import TITLES, escape_latex, heading, latex_file, latex_table, markdown_table
from mazo.tables.main import Section, make_sections

Percent = Annotated[float, Field(ge=0, le=100)]


class PublishedRow(Settings):
    """One method's published scores."""

    label: str
    source: Annotated[str, Field(min_length=1)]
    scores: Annotated[dict[TaskName, Percent], Field(min_length=1)]


Published = dict[str, list[PublishedRow]]
"""Rows by the model's path."""


def read_published(path: Path) -> Published:
    """Read the file of published figures.

    :raises DataError: a file that is absent, or a row that is at fault, named by its place.
    """
    try:
        return TypeAdapter(Published).validate_python(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except OSError as error:
        raise DataError(f"{path}: wanted published figures; found none ({error.strerror})") from None
    except (yaml.YAMLError, ValidationError) as error:
        fault = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
        raise DataError(f"{path}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}") from None


def has_published(suite: Suite, published: Published) -> bool:
    """Tell whether there are figures of one of the suite's models."""
    return not published.keys().isdisjoint(settings.path for settings in suite.models.values())


def write_published(records: Sequence[Record], published: Mapping[str, Sequence[PublishedRow]], out: Path) -> None:
    """Write ``published.csv``, ``published.md`` and ``published.tex``: our rows, then those that others published."""
    paths = {record.run.model_name: record.run.model.path for record in records}
    lines, pages, tables = ["model,mix,label,source,task,percent"], [], []
    for section in make_sections(records):
        others = published.get(paths[section.model], ())
        columns = [column for column in section.columns if column != "mean"]
        head = ["Method", *(TITLES[column] for column in columns), "From"]
        shown = [*_ours(section, columns), *_theirs(others, columns)]
        pages += [f"{heading(section.model, section.mix)}: beside published figures", "", markdown_table(head, shown)]
        pages += ["", *_notes(others), ""]
        safe = [[*row[:-1], escape_latex(row[-1])] for row in shown]
        tables.append(latex_table(section.model, section.mix, "percent, ours and published", head, safe))
        for row in others:
            names = f'{section.model},{section.mix},"{row.label}","{row.source}"'
            lines += [f"{names},{task},{score:g}" for task, score in row.scores.items()]
    write_text(out / "published.csv", "\n".join(lines) + "\n")
    write_text(out / "published.md", "\n".join(pages))
    write_text(out / "published.tex", latex_file(tables))


def _ours(section: Section, columns: Sequence[str]) -> list[list[str]]:
    return [[row.label, *(f"{row.cells[column].mean:.1f}" for column in columns), "this suite"] for row in section.rows]


def _theirs(rows: Sequence[PublishedRow], columns: Sequence[str]) -> list[list[str]]:
    scores = [{str(task): score for task, score in row.scores.items()} for row in rows]
    return [
        [row.label, *(f"{own[c]:.1f}" if c in own else "" for c in columns), f"[{number}]"]
        for number, (row, own) in enumerate(zip(rows, scores, strict=True), start=1)
    ]


def _notes(rows: Sequence[PublishedRow]) -> list[str]:
    """Name the sources, and what a reader must not conclude."""
    if not rows:
        return ["Percent. No published figures of this model are at hand."]
    note = "Percent. Other prompts, rows, splits and tuning lie behind published figures: they are no baseline of ours."
    return [note, *(f"[{number}] {row.source}." for number, row in enumerate(rows, start=1))]
