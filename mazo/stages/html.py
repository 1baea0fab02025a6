"""Stage: a suite's tables and figures to one page that reads offline."""

from pathlib import Path

from mazo.config import Suite
from mazo.files import write_text
from mazo.html.page import render_page
from mazo.outcomes import read_outcomes


def run(suite: Suite, *, results: Path, captions: Path, assumptions: Path) -> None:
    """Write ``report.html`` into the suite's folder."""
    records = read_outcomes(suite, results)
    page = render_page(suite, records, results=results, captions=captions, assumptions=assumptions)
    write_text(results / "report.html", page)
