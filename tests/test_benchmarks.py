"""The scripts of benchmarks/, one step long: they still run, and write into their pages."""

import runpy
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def test_the_precision_table_is_written_into_its_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text((REPOSITORY / "docs" / "benchmarks.md").read_text())
    main = runpy.run_path(str(REPOSITORY / "benchmarks" / "precision.py"))["main"]
    # A masked run, an unmasked one, and one that drifts.
    variants = [main.__globals__["VARIANTS"][i] for i in (0, 2, 4)]
    main.__globals__.update(VARIANTS=variants)
    main(["--num-steps", "2", "--seeds", "0", "--out", str(page)])
    table = page.read_text().partition("<!-- precision: begin -->")[2].partition("<!-- precision: end -->")[0]
    rows = [line.removesuffix(" |").split(" | ") for line in table.splitlines() if line.startswith(("| kept", "| all"))]
    assert [(row[1], row[2]) for row in rows] == [(v.dtype, v.held) for v in variants]
    assert [(row[5], row[6]) for row in rows[:2]] == [("0.00%", "+0.000")] * 2
    assert float(rows[2][5].rstrip("%")) > 0
    assert [row[7] == "1.000" for row in rows] == [True, True, False]


def test_the_replay_table_is_written_into_its_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text((REPOSITORY / "docs" / "benchmarks.md").read_text())
    main = runpy.run_path(str(REPOSITORY / "benchmarks" / "replay_speed.py"))["main"]
    # Two of the kinds of runs, and no bound on the speed: a test does not race the clock.
    main.__globals__.update(VARIANTS=main.__globals__["VARIANTS"][-2:], WANTED_RATIO=0)
    main(["--steps", "1", "--repeats", "1", "--batch", "1", "--out", str(page)])
    text = page.read_text().partition("<!-- replay: begin -->")[2].partition("<!-- replay: end -->")[0]
    rows = [line.split(" | ")[0] for line in text.splitlines() if line.startswith(("| mask", "| all weights"))]
    assert rows == ["| mask, density 10 %", "| mask, density 1 %", "| all weights"]
    assert "Replay equals training bit for bit in 4 kinds of runs" in text
    assert 700_000 < int(text.split(" bytes by extrapolation, ")[1].split()[0].replace(",", "")) < 1_000_000


def test_the_table_of_a_large_model_is_written_into_its_page(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    page = tmp_path / "page.md"
    page.write_text((REPOSITORY / "docs" / "benchmarks.md").read_text())
    main = runpy.run_path(str(REPOSITORY / "benchmarks" / "seven_billion.py"))["main"]
    sizes = {"width": 32, "depth": 2, "mlp": 64, "vocabulary": 100, "tokens": 8, "examples": 3, "steps": 2}
    options = [text for name, size in sizes.items() for text in (f"--{name}", str(size))]
    main(["--device", "cpu", *options, "--out", str(page)])
    table = page.read_text().partition("<!-- seven_billion: begin -->")[2].partition("<!-- seven_billion: end -->")[0]
    kept = 2 * (4 * 32 * 3 + 2 * 64 * 3 + 32 * 6)  # per block: q, k, v, o; gate, up; down; 10 % of each row
    assert "| scores of 2 tasks and mask |" in table
    assert f"| 2 steps on {kept:,} weights |" in table
