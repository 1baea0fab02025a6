import shutil

import pytest
from hand_made import three_methods

from mazo.cli import main
from mazo.tables.main import write_main


@pytest.fixture
def folders(tmp_path):
    """A reference and a fresh run, equal."""
    for name in ("reference", "fresh"):
        write_main(three_methods(), tmp_path / name / "tables")
    return tmp_path / "reference", tmp_path / "fresh"


def verify(folders):
    reference, fresh = folders
    return main(["verify", "--reference", str(reference), "--results", str(fresh)])


def change(folder, old, new):
    table = folder / "tables" / "main.csv"
    text = table.read_text()
    assert text.count(old) == 1
    table.write_text(text.replace(old, new))


def test_equal_tables_pass(folders, capsys):
    assert verify(folders) == 0
    assert "9 of 9 cells are equal to the reference" in capsys.readouterr().out


def test_a_cell_that_moved_within_its_errors_is_told(folders, capsys):
    # MTL-ZO on RTE: 60, 70, 80, so 70 with a standard error of 5.7735.
    change(folders[1], "mtl_zo,3,rte,70.0000", "mtl_zo,3,rte,75.0000")
    assert verify(folders) == 0
    said = capsys.readouterr().out
    assert "8 of 9 cells are equal" in said
    assert "moved: m/two/mtl_zo/rte: 70.0000 -> 75.0000 (+5.0000, 0.61 standard errors)" in said


def test_an_altered_cell_of_the_reference_is_a_fault(folders, capsys):
    change(folders[0], "mtl_zo,3,rte,70.0000", "mtl_zo,3,rte,99.0000")
    assert verify(folders) == 2
    error = capsys.readouterr().err
    assert "m/two/mtl_zo/rte: 99.0000 -> 70.0000 (-29.0000, 3.55 standard errors)" in error
    assert error.count("\n") == 1


def test_a_cell_of_one_seed_is_measured_by_its_test_rows(folders, capsys):
    # 50 of 100 rows: 5 points, twice: 7.07.
    change(folders[1], "zero_shot,1,rte,50.0000", "zero_shot,1,rte,51.0000")
    assert verify(folders) == 0
    assert "(+1.0000, 0.14 standard errors)" in capsys.readouterr().out


def test_a_cell_without_error_may_not_move(folders, capsys):
    # MaZO's three seeds have 75 on RTE each.
    change(folders[1], "mazo,3,rte,75.0000,0.0000", "mazo,3,rte,75.0001,0.0000")
    assert verify(folders) == 2
    assert "(+0.0001, with no error to measure it by)" in capsys.readouterr().err


@pytest.mark.parametrize("cell", ["", "nan", "inf"])
def test_a_cell_without_a_number_may_not_move_and_equals_another_such(folders, cell, capsys):
    change(folders[1], "mtl_zo,3,rte,70.0000", f"mtl_zo,3,rte,{cell}")
    assert verify(folders) == 2
    assert f"m/two/mtl_zo/rte: 70.0000 -> {cell or 'nan'} (" in capsys.readouterr().err
    change(folders[0], "mtl_zo,3,rte,70.0000", f"mtl_zo,3,rte,{cell}")
    assert verify(folders) == 0
    assert "9 of 9 cells are equal" in capsys.readouterr().out


@pytest.mark.parametrize(("mean", "rows"), [("150.0000", "100"), ("-1.0000", "100"), ("51.0000", "0")])
def test_a_mean_or_a_number_of_rows_that_cannot_be_measures_nothing(folders, mean, rows, capsys):
    change(folders[1], "zero_shot,1,rte,50.0000,,0,100", f"zero_shot,1,rte,{mean},,0,{rows}")
    assert verify(folders) == 2
    assert f"m/two/zero_shot/rte: 50.0000 -> {mean}" in capsys.readouterr().err


NAMES = ["7", "1", "007", "1e3", "NA", "null", "nan", "None", "True"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_stays_a_name_whatever_it_looks_like(folders, name, capsys):
    for folder in folders:
        table = folder / "tables" / "main.csv"
        table.write_text(table.read_text().replace("m,two,", f"{name},{name},"))
    assert verify(folders) == 0
    change(folders[1], "mazo,3,rte,75.0000,0.0000", "mazo,3,rte,76.0000,0.0000")
    assert verify(folders) == 2
    assert f"{name}/{name}/mazo/rte: 75.0000 -> 76.0000" in capsys.readouterr().err


def test_a_table_with_a_cell_twice_is_refused(folders, capsys):
    table = folders[1] / "tables" / "main.csv"
    table.write_text(table.read_text() + "m,two,mazo,3,rte,75.0000,0.0000,1,100,0\n")
    assert verify(folders) == 2
    assert "fresh/tables/main.csv: wanted a suite's main table; found none that can be read (a cell stands twice)" in (
        capsys.readouterr().err
    )


def test_tables_of_other_cells_and_absent_ones_are_faults(folders, capsys):
    table = folders[1] / "tables" / "main.csv"
    lines = table.read_text().splitlines(keepends=True)
    table.write_text("".join(line for line in lines if ",squad," not in line))
    assert verify(folders) == 2
    assert "it lacks m/two/zero_shot/squad, m/two/mtl_zo/squad, m/two/mazo/squad" in capsys.readouterr().err
    shutil.rmtree(folders[0])
    assert verify(folders) == 2
    assert "reference/tables/main.csv: wanted a suite's main table" in capsys.readouterr().err


COMPARISON = "model,mix,method,reference,task,difference,low,high\nm,two,mtl_zo,mazo,rte,-5.0000,-9.0000,-1.0000\n"
RANKS = "model,mix,method,task,rank\nm,two,mtl_zo,rte,2\nm,two,mazo,rte,1\n"


@pytest.fixture
def three_tables(folders):
    for folder in folders:
        (folder / "tables" / "comparison.csv").write_text(COMPARISON)
        (folder / "tables" / "ranks.csv").write_text(RANKS)
    return folders


def test_differences_and_ranks_are_compared_where_the_reference_has_them(three_tables, capsys):
    assert verify(three_tables) == 0
    said = capsys.readouterr().out
    for told in ("main: 9 of 9", "comparison: 1 of 1", "ranks: 2 of 2"):
        assert f"{told} cells are equal to the reference" in said
    (three_tables[1] / "tables" / "ranks.csv").unlink()
    assert verify(three_tables) == 2
    assert "ranks.csv: wanted a suite's ranks table" in capsys.readouterr().err


@pytest.mark.parametrize(("moved", "errors", "status"), [("-2.0000", "1.06", 0), ("1.0000", "2.12", 2)])
def test_a_difference_is_measured_by_its_intervals(three_tables, moved, errors, status, capsys):
    # Intervals of 8 points are 2 standard errors to either side: 2 each, and the hypotenuse of both.
    table = three_tables[1] / "tables" / "comparison.csv"
    table.write_text(COMPARISON.replace("-5.0000", moved))
    assert verify(three_tables) == status
    said = capsys.readouterr()
    assert f"m/two/mtl_zo/rte: -5.0000 -> {moved}" in said.out and f"{errors} standard errors" in said.out
    assert ("found comparison m/two/mtl_zo/rte" in said.err) == (status == 2)


def test_a_rank_moves_with_the_scores_alone(three_tables, capsys):
    table = three_tables[1] / "tables" / "ranks.csv"
    table.write_text(RANKS.replace("rte,2", "rte,1.5"))
    assert verify(three_tables) == 2
    assert "found ranks m/two/mtl_zo/rte: 2.0000 -> 1.5000" in capsys.readouterr().err
    change(three_tables[1], "mtl_zo,3,rte,70.0000", "mtl_zo,3,rte,75.0000")
    assert verify(three_tables) == 0
    assert "ranks: 1 of 2 cells are equal" in capsys.readouterr().out
