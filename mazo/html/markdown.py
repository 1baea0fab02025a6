"""The Markdown that the tables are written in, as HTML: headings, tables, lists and paragraphs, and no more."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup, escape

from mazo.claims import NOT_MEASURED, NOT_SUPPORTED, SUPPORTED, UNDECIDED

MARKS = {SUPPORTED: "supported", NOT_SUPPORTED: "refuted", UNDECIDED: "undecided", NOT_MEASURED: "absent"}
"""The class of a verdict's cell."""
MINUS = "\N{MINUS SIGN}"
WORDS = re.compile(r"\b(points|of|e)\b")
"""Words that may stand in a column of numbers."""


NOTHING = Markup()


@dataclass(frozen=True)
class Cell:
    """A table's cell."""

    text: str
    """As written."""
    html: Markup


@dataclass(frozen=True)
class Table:
    """A table: its head, its rows, and which of its columns hold numbers."""

    head: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    is_number: Sequence[bool]


@dataclass(frozen=True)
class Block:
    """A part of a page: ``heading``, ``paragraph``, ``items`` (of a list) or ``table``."""

    kind: str
    html: Markup = NOTHING
    items: Sequence[Markup] = ()
    table: Table | None = None


def parse(text: str) -> list[Block]:
    """Split a Markdown text into its blocks; raises ValueError for a table whose rows are not as wide as its head."""
    kinds = groupby(text.splitlines(), key=_kind)
    return [block for kind, lines in kinds if kind != "blank" for block in _blocks(kind, list(lines))]


def _kind(line: str) -> str:
    if not line.strip() or line.startswith("<!--"):
        return "blank"
    starts = {"#": "heading", "|": "table", "- ": "items", "    ": "code"}
    return next((kind for start, kind in starts.items() if line.startswith(start)), "paragraph")


def _blocks(kind: str, lines: Sequence[str]) -> Iterator[Block]:
    if kind == "heading":
        yield from (Block(kind, inline(line.lstrip("# "))) for line in lines)
    elif kind == "table":
        yield Block(kind, table=_table(lines))
    elif kind == "items":
        yield Block(kind, items=[inline(line[2:]) for line in lines])
    elif kind == "code":
        yield Block(kind, escape("\n".join(line[4:] for line in lines)))
    else:
        yield Block(kind, inline(" ".join(lines)))


def _table(lines: Sequence[str]) -> Table:
    head, _, *rows = ([_cell(text) for text in _split(line)] for line in lines)
    if found := [len(row) for row in rows if len(row) != len(head)]:
        raise ValueError(f"a table's rows: wanted {len(head)} cells each, found {found[0]}")
    columns = zip(*rows, strict=True)
    return Table(head, rows, [_holds_numbers(column) for column in columns] or [False] * len(head))


def _split(line: str) -> list[str]:
    cells = re.split(r"(?<!\\)\|", line.strip())[1:-1]
    return [cell.strip().replace("\\|", "|") for cell in cells]


def _holds_numbers(column: Sequence[Cell]) -> bool:
    filled = [WORDS.sub("", cell.text) for cell in column if cell.text]
    return bool(filled) and all(re.search(r"\d", text) and not re.search(r"[A-Za-z`]", text) for text in filled)


def _cell(text: str) -> Cell:
    if text in MARKS:
        return Cell(text, Markup('<span class="verdict {}">{}</span>').format(MARKS[text], text))
    html = str(inline(re.sub(r"(?<![\w.`-])-(?=\d)", MINUS, text)))
    html = re.sub(r"\[[^\]<>]*\d[^\]<>]*\]", r'<span class="interval">\g<0></span>', html)
    html = re.sub(r"± [\d.,]+", r'<span class="error">\g<0></span>', html)
    return Cell(text, Markup(html))  # noqa: S704 (escaped by inline)


def inline(text: str) -> Markup:
    """Return a line's HTML: code, bold, emphasis; of a link its text, since what it leads to is not in the page."""
    parts = re.split(r"(`[^`]+`)", text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part[1:-1].replace("\\|", "|")) if part.startswith("`") else _plain(part)
        for part in parts
    )


def _plain(text: str) -> Markup:
    html = str(escape(text))
    html = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", html)
    html = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", html)
    html = re.sub(r"(?<![\w*])\*(?=[A-Za-z])([^*]+)\*", r"<em>\1</em>", html)
    return Markup(html)  # noqa: S704 (escaped above)
