"""Stage: what a suite will take, before anything of it runs."""

from collections.abc import Sequence
from pathlib import Path

from mazo.config import Suite
from mazo.files import write_text
from mazo.plan.cards import find_card, known_cards
from mazo.plan.estimate import plan_suite
from mazo.plan.report import against_records, to_csv, to_markdown


def run(suite: Suite, *, cards: Sequence[str], results: Path | None, out: Path | None) -> None:
    """Print the plan, and write it as ``plan.md`` and ``plan.csv``.

    :param results: The suite's folder: measured lengths of rows are read there, and records to compare with.
    :param out: Folder of the two files.
    :param cards: Names of cards; all of them when empty.
    """
    chosen = {name: find_card(name) for name in cards} or known_cards()
    rows = plan_suite(suite, cards=chosen, results=results)
    page = to_markdown(rows, chosen) + ("" if results is None else against_records(rows, results))
    print(page)
    if out is not None:
        write_text(out / "plan.md", page)
        write_text(out / "plan.csv", to_csv(rows, chosen))
