"""Where a benchmark's table goes: printed, or written into a page between two markers."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mazo.files import write_text
from mazo.pages import with_block


def out_option(parser: argparse.ArgumentParser) -> None:
    """Give a command the option that names the page."""
    parser.add_argument("--out", type=Path, help="a page with the two markers")


def deliver(benchmark: str, text: str, *, page: Path | None) -> None:
    """Print a benchmark's text, or put it between its markers ``<!-- NAME: begin -->`` and ``<!-- NAME: end -->``."""
    if page is None:
        print(text)
        return
    begin, end = f"<!-- {benchmark}: begin -->", f"<!-- {benchmark}: end -->"
    write_text(page, with_block(page.read_text(encoding="utf-8"), f"{text.strip()}\n", begin=begin, end=end))


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, words: int) -> str:
    """Lay out a Markdown table, all but the first columns to the right.

    :param words: How many columns hold words.
    """
    rule = ["---" if column < words else "---:" for column in range(len(head))]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *rows))
