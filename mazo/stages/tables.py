"""Stage: the records of a suite to its tables."""

from pathlib import Path

from mazo.config import Suite
from mazo.grid import run_folder, runs
from mazo.records import read_record
from mazo.tables.main import write_main


def run(suite: Suite, *, results: Path) -> None:
    """Write ``tables/main.{csv,md,tex}`` from the records below the suite's folder."""
    records = [read_record(results / run_folder(cell) / "record.json") for cell in runs(suite)]
    write_main(records, results / "tables")
