import csv
import io
import math

import pytest
from hand_made import record, suite, three_methods

from mazo.tables.layout import escape_latex
from mazo.tables.main import Cell, make_sections, summarize, to_csv, to_latex, to_markdown, write_main


def test_the_mean_and_its_standard_error_are_those_worked_out_by_hand():
    cell = summarize([0.6, 0.7, 0.8])
    assert cell.mean == pytest.approx(70)
    assert cell.error == pytest.approx(10 / math.sqrt(3))  # deviations -10, 0, 10: variance 200 / 2


def test_one_seed_has_a_mean_and_no_error():
    assert summarize([0.5]) == Cell(mean=50.0, error=None)


def test_the_mean_column_averages_tasks_within_a_seed_before_seeds():
    (section,) = make_sections(three_methods())
    row = {row.method: row for row in section.rows}["mtl_zo"]
    assert row.cells["mean"].mean == pytest.approx((42.5 + 47.5 + 52.5) / 3)
    assert row.cells["mean"].error == pytest.approx(5 / math.sqrt(3))


def test_best_is_per_column_and_all_that_tie_as_shown_are_bold():
    (section,) = make_sections(three_methods())
    best = {(row.method, column) for row in section.rows for column in section.columns if section.is_best(row, column)}
    assert best == {("mazo", "rte"), ("mtl_zo", "squad"), ("mazo", "squad"), ("mazo", "mean")}


def test_markdown_reads_as_written_here():
    lines = to_markdown(make_sections(three_methods())).splitlines()
    assert lines[2] == "| Method | RTE | SQuAD | Mean | Seeds |"
    assert lines[4] == "| Zero-shot | 50.0 | 10.0 | 30.0 | 1 |"
    assert lines[5] == "| mtl_zo | 70.0 ± 5.8 | **25.0 ± 0.0** | 47.5 ± 2.9 | 3 |"
    assert lines[6] == "| Ma_ZO & co | **75.0 ± 0.0** | **25.0 ± 0.0** | **50.0 ± 0.0** | 3 |"


def test_csv_has_a_line_a_method_and_column_with_its_numbers():
    rows = list(csv.DictReader(io.StringIO(to_csv(make_sections(three_methods())))))
    assert len(rows) == 3 * 3
    (cell,) = [row for row in rows if row["method"] == "mtl_zo" and row["task"] == "rte"]
    assert (cell["mean"], cell["standard_error"], cell["seeds"], cell["best"]) == ("70.0000", "5.7735", "3", "0")


def test_rows_that_were_cut_are_counted_below_the_table_and_in_the_csv():
    records = three_methods()
    cut = records[-1].metrics["squad"].model_copy(update={"num_cut": 7})
    records[-1] = records[-1].model_copy(update={"metrics": records[-1].metrics | {"squad": cut}})
    sections = make_sections(records)
    assert "Test rows: RTE 100, SQuAD 100 (7 cut to the model's context)." in to_markdown(sections)
    assert "m,two,mazo,3,squad,25.0033,0.0088,1,100,7\n" in to_csv(sections)


def test_latex_escapes_labels_and_uses_booktabs():
    text = to_latex(make_sections(three_methods()))
    assert r"Ma\_ZO \& co & \textbf{75.0 $\pm$ 0.0} & " in text
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 1
    assert escape_latex("50% of {a}\\b~^") == r"50\% of \{a\}\textbackslash{}b\textasciitilde{}\textasciicircum{}"


def test_every_model_and_mix_has_its_own_section_with_its_own_best():
    both = suite(mixes={"two": ["rte", "squad"], "one": ["rte"]})
    records = [
        record("mazo", 0, {"rte": 0.9, "squad": 0.9}, of=both),
        record("mtl_zo", 0, {"rte": 0.4}, of=both, mix="one"),
    ]
    sections = make_sections(records)
    assert [(section.mix, list(section.columns)) for section in sections] == [
        ("two", ["rte", "squad", "mean"]),
        ("one", ["rte", "mean"]),
    ]
    assert sections[1].is_best(sections[1].rows[0], "rte")


def test_two_writes_give_the_same_bytes_and_leave_out_costs(tmp_path):
    records = three_methods()
    write_main(records, tmp_path / "a")
    slower = [r.model_copy(update={"stages": {}, "hardware": {"processor": "other"}}) for r in records]
    write_main(slower, tmp_path / "b")
    for name in ("main.csv", "main.md", "main.tex"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
