"""Tables and figures from a pack alone, on a machine that ran nothing."""

import shutil

import pytest
from pack_by_hand import make_by_stages, pack, write_finished

from mazo.cli import main

TABLES = {"main", "ranks", "cost", "data", "comparison", "convergence", "overhead", "transfer", "claims", "tuning"}
FIGURES = {"radar", "loss", "forest", "ranks", "transfer", "claims"}


@pytest.fixture(scope="module")
def committed(tmp_path_factory):
    """A reference as it is committed: the tables that the stages wrote, the figures, and a pack."""
    folder, reference = tmp_path_factory.mktemp("ran"), tmp_path_factory.mktemp("committed")
    write_finished(folder)
    make_by_stages(folder)
    assert pack(folder, reference / "records.tar.xz") == 0
    for name in ("tables", "figures"):
        shutil.move(folder / name, reference / name)
    shutil.rmtree(folder)
    return reference


@pytest.fixture
def reference(committed, tmp_path):
    return shutil.copytree(committed, tmp_path / "reference")


def regenerate(reference):
    out = reference.parent / "fresh"
    options = {"records": reference / "records.tar.xz", "reference": reference, "out": out}
    return main(["regenerate", *(text for name, path in options.items() for text in (f"--{name}", str(path)))])


def test_every_table_and_figure_comes_out_as_the_stages_wrote_it(reference, capsys):
    assert regenerate(reference) == 0
    wanted = sorted(file.relative_to(reference) for file in reference.glob("*/*"))
    assert {file.stem for file in wanted if file.parts[0] == "tables"} - {"tuned", "lora"} == TABLES
    assert {file.stem for file in wanted if file.parts[0] == "figures"} == FIGURES
    for file in wanted:
        assert (reference.parent / "fresh" / file).read_bytes() == (reference / file).read_bytes(), file
    said = capsys.readouterr().out.splitlines()
    assert said == [f"{file.name}: equal, byte for byte" for file in wanted if file.parts[0] == "tables"]


def test_a_table_that_is_not_what_the_records_give_is_named_with_its_line(reference, capsys):
    table = reference / "tables" / "main.csv"
    table.write_text(table.read_text().replace("mtl_zo,3,rte,50.0000", "mtl_zo,3,rte,51.0000"))
    (reference / "tables" / "gone.csv").write_text("a table of old\n")
    assert regenerate(reference) == 2
    said = capsys.readouterr()
    assert "byte for byte; found gone.csv absent, main.csv differs in line 5\n" in said.err
    assert "main.csv: differs in line 5\nmain.md: equal, byte for byte\n" in said.out


def test_a_line_too_many_is_a_difference_too(reference, capsys):
    with (reference / "tables" / "ranks.md").open("a") as file:
        file.write("one line more\n")
    lines = (reference / "tables" / "ranks.md").read_text().count("\n")
    assert regenerate(reference) == 2
    assert f"found ranks.md differs in line {lines}\n" in capsys.readouterr().err


def test_a_folder_that_is_taken_and_a_reference_without_tables_are_refused(reference, capsys):
    taken = reference.parent / "fresh"
    taken.mkdir()
    (taken / "mine.txt").write_text("")
    assert regenerate(reference) == 2
    assert "fresh: wanted a new folder; found one that is taken" in capsys.readouterr().err
    assert [file.name for file in taken.iterdir()] == ["mine.txt"]
    (taken / "mine.txt").unlink()
    shutil.rmtree(reference / "tables")
    assert regenerate(reference) == 2
    assert "reference/tables: wanted a reference's tables; found none" in capsys.readouterr().err


def test_a_cell_of_the_committed_table_is_traced_from_the_pack(reference, capsys):
    assert regenerate(reference) == 0
    capsys.readouterr()
    config = ["--config", str(reference.parent / "fresh" / "config.json")]
    assert main(["explain", *config, "--results", str(reference), "mtl_zo/rte"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("m/two/mtl_zo/rte: 50.0 ± 0.0 (percent, 3 seed(s))\n")
    assert f"  seed 1: {reference}/records.tar.xz/runs/m/two/mtl_zo/seed_1/record.json, SHA-256 " in said
    assert "trained weights: mtl_zo-1" in said and "rows of rte: by hand, seed 0" in said
    table = reference / "tables" / "main.csv"
    table.write_text(table.read_text().replace("mtl_zo,3,rte,50.0000", "mtl_zo,3,rte,51.0000"))
    assert main(["explain", *config, "--results", str(reference), "mtl_zo/rte"]) == 2
    assert "wanted 50.0000 for mtl_zo on rte, as the records give; found 51.0000" in capsys.readouterr().err
