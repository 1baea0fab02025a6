"""The page: its sections from a suite's tables and figures, and what the records say of where they come from."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mazo.config import Suite
from mazo.errors import DataError
from mazo.html import ASSETS, HERE
from mazo.html.markdown import MARKS, Block, parse
from mazo.html.provenance import describe_runs, environment_lines
from mazo.reading import reading
from mazo.records import Record

SECTIONS = (
    ("claims", "The paper's claims", ("claims",), (("claims", "claims_figure"),)),
    ("scores", "Test scores", ("main", "lora", "official", "published"), (("radar", "radar"),)),
    ("differences", "Differences from the reference method", ("comparison",), (("forest", "forest"),)),
    ("ranks", "Ranks", ("ranks",), (("ranks", "rank_plot"),)),
    ("training", "Training", ("convergence",), (("loss", "loss"),)),
    ("transfer", "Transfer between tasks", ("transfer",), (("transfer", "heat_map"),)),
    ("ablations", "Ablations", ("ablation",), ()),
    ("cost", "Cost", ("cost", "overhead"), ()),
    ("tuning", "Tuning", ("tuning",), ()),
    ("data", "Data", ("data",), ()),
)
"""Of each section: its name in links, its heading, its tables, and its figures with their captions."""


@dataclass(frozen=True)
class Picture:
    """A figure inside the page."""

    source: str
    """A data URI."""
    width: int
    """Of the drawing, in CSS pixels at its own size."""
    height: int
    caption: str


@dataclass(frozen=True)
class Section:
    """A section of the page."""

    name: str
    title: str
    blocks: Sequence[Block] = ()
    pictures: Sequence[Picture] = ()
    folded: Sequence[Block] = field(default=())
    """What stands below the figures and is folded away at first."""


def make_sections(results: Path, captions: Path) -> list[Section]:
    """Make the sections of the tables and figures that a suite has.

    :param results: The suite's folder.
    :param captions: The folder of the figures' captions, ``<name>.rst``.
    """
    found = []
    for name, title, tables, figures in SECTIONS:
        files = [results / "tables" / f"{table}.md" for table in tables]
        blocks = [block for file in files if file.exists() for block in _read(file)]
        pictures = [
            _picture(drawing, captions / f"{caption}.rst")
            for figure, caption in figures
            if (drawing := results / "figures" / f"{figure}.svg").exists()
        ]
        if blocks or pictures:
            folded = [block for block in blocks if block.kind == "items"]
            found.append(Section(name, title, [block for block in blocks if block not in folded], pictures, folded))
    return found


def _read(file: Path) -> list[Block]:
    with reading(file, "wanted a table in Markdown; found none that can be read"):
        return parse(file.read_text(encoding="utf-8"))


def _picture(drawing: Path, caption: Path) -> Picture:
    data = drawing.read_bytes()
    size = re.search(rb'<svg[^>]* width="([\d.]+)pt" height="([\d.]+)pt"', data)
    if size is None:
        raise DataError(f"{drawing}: wanted a drawing with width and height in points; found none")
    width, height = (round(float(number) * 96 / 72) for number in size.groups())
    source = f"data:image/svg+xml;base64,{base64.b64encode(data).decode()}"
    return Picture(source, width, height, " ".join(caption.read_text(encoding="utf-8").split()))


def count_verdicts(sections: Sequence[Section]) -> dict[str, int]:
    """Count the page's claims by verdict; in their table, a line without a name belongs to the claim above."""
    rows = [
        row
        for section in sections
        if section.name == "claims"
        for block in section.blocks
        if block.table
        for row in block.table.rows
        if row[0].text
    ]
    counts = {verdict: sum(any(cell.text == verdict for cell in row) for row in rows) for verdict in MARKS}
    return {verdict: count for verdict, count in counts.items() if count}


def render_page(suite: Suite, records: Sequence[Record], *, results: Path, captions: Path, assumptions: Path) -> str:
    """Write a suite's page as HTML.

    :param records: Those of the suite's rows, in the order of the tables.
    :param assumptions: ``docs/assumptions.md``.
    """
    sections = make_sections(results, captions)
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    content: Mapping[str, object] = {
        "suite": suite,
        "sections": sections,
        "has_published": (results / "tables" / "published.md").exists(),
        "verdicts": count_verdicts(sections),
        "marks": MARKS,
        "assumptions": parse(assumptions.read_text(encoding="utf-8"))[1:],
        "runs": describe_runs(records),
        "environment": environment_lines(records),
        "settings": suite.model_dump_json(indent=1),
        "style": Markup(ASSETS[1].read_text(encoding="utf-8")),  # noqa: S704 (the package's own)
        "script": Markup(ASSETS[2].read_text(encoding="utf-8")),  # noqa: S704 (the package's own)
    }
    return environment.get_template(ASSETS[0].name).render(content)
