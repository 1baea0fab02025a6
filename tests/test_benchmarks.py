"""The scripts of benchmarks/, one step long: they still run, and write into their pages."""

import runpy
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def test_the_precision_table_is_written_into_its_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text((REPOSITORY / "docs" / "benchmarks.md").read_text())
    script = runpy.run_path(str(REPOSITORY / "benchmarks" / "precision.py"))
    script["main"](["--num-steps", "2", "--seeds", "0", "--out", str(page)])
    rows = [line.split(" | ") for line in page.read_text().splitlines() if line.startswith(("| kept", "| all"))]
    assert [(row[1], row[2]) for row in rows] == [(v.dtype, v.held) for v in script["VARIANTS"]]
    drift = [float(row[5].rstrip("%")) for row in rows]
    assert drift[:4] == [0, 0, 0, 0] and min(drift[4:]) > 0
    assert float(rows[0][6].rstrip(" |")) == 1.0
