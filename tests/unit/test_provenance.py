import pytest
import yaml
from hand_made import CONTENT, three_methods

from mazo.cli import main
from mazo.config import select_run
from mazo.configfile import parse_suite
from mazo.files import sha256, write_json
from mazo.grid import is_trained, run_folder
from mazo.records import read_record, write_record
from mazo.tables.main import write_main


@pytest.fixture
def results(tmp_path):
    """The folder of a suite's results, and beside it the suite."""
    (tmp_path / "suite.yaml").write_text(yaml.safe_dump(CONTENT, sort_keys=False))
    folder = tmp_path / "hand"
    for record in three_methods():
        place = folder / run_folder(record.run)
        write_record(record, place / "record.json")
        if is_trained(record.run):
            about = {"base_checksum": "base", "checksum": f"{record.run.method_name}-{record.run.seed}"}
            write_json(place / "train.json", about)
    write_main(three_methods(), folder / "tables")
    for task in ("rte", "squad"):
        splits = {name: {"rows": 4, "sha256": f"{task}-{name}"} for name in ("train", "dev", "test")}
        write_json(folder / "data" / task / "report.json", {"origin": "by hand", "seed": 0, "splits": splits})
    return folder


def explain(results, *cells):
    return main(["explain", "--config", str(results.parent / "suite.yaml"), "--results", str(results), *cells])


def test_a_cell_is_traced_to_all_that_it_was_made_of(results, capsys):
    assert explain(results, "mtl_zo/rte") == 0
    said = capsys.readouterr().out
    assert said.startswith("m/two/mtl_zo/rte: 70.0 ± 5.8 (percent, 3 seed(s))\n")
    for seed, score in enumerate((0.6, 0.7, 0.8)):
        record = results / f"runs/m/two/mtl_zo/seed_{seed}/record.json"
        assert f"seed {seed}: {record}, SHA-256 {sha256(record)}" in said
        assert f"score: {score} on 100 test rows" in said
        assert f"trained weights: mtl_zo-{seed}" in said
    assert "weights base" in said and "code: mazo 0, digest 0" in said and "'lr'" not in said
    assert "rows of rte: by hand, seed 0" in said and "test: 4 rows, SHA-256 rte-test" in said
    assert "squad" not in said


def test_the_mean_and_a_method_without_training_are_cells_too(results, capsys):
    assert explain(results, "m/two/zero_shot/mean", "mazo/squad") == 0
    first, second = capsys.readouterr().out.split("m/two/mazo/squad: ")
    assert first.startswith("m/two/zero_shot/mean: 30.0 (percent, 1 seed(s))")
    assert "trained weights" not in first and "rows of rte" in first and "rows of squad" in first
    assert second.startswith("25.0 ± 0.0")


def test_a_method_without_training_names_the_models_weights_too(results, capsys):
    place = results / "runs/m/two/zero_shot/seed_0/record.json"
    assert explain(results, "zero_shot/rte") == 0
    assert "model: embedded:llama, float32, cpu, weights base\n" in capsys.readouterr().out
    write_record(read_record(place).model_copy(update={"base_checksum": "its own"}), place)
    assert explain(results, "zero_shot/rte") == 0
    assert "cpu, weights its own\n" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["7", "007", "NA", "null", "nan"])
def test_a_name_stays_a_name_whatever_it_looks_like(tmp_path, name, capsys):
    content = CONTENT | {"models": {name: CONTENT["models"]["m"]}, "mixes": {name: ["rte", "squad"]}, "seeds": [0]}
    (tmp_path / "suite.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    run = select_run(parse_suite(content, where="test"), model=name, mix=name, method="zero_shot", seed=0)
    found = three_methods()[0].model_copy(update={"run": run, "base_checksum": "base"})
    write_record(found, tmp_path / "hand" / run_folder(run) / "record.json")
    write_main([found], tmp_path / "hand" / "tables")
    write_json(tmp_path / "hand" / "data" / "rte" / "report.json", {"origin": "by hand", "seed": 0, "splits": {}})
    assert explain(tmp_path / "hand", "zero_shot/rte") == 0
    assert capsys.readouterr().out.startswith(f"{name}/{name}/zero_shot/rte: 50.0 (percent, 1 seed(s))\n")


def test_a_number_that_the_records_do_not_give_is_a_fault(results, capsys):
    table = results / "tables" / "main.csv"
    table.write_text(table.read_text().replace("mtl_zo,3,rte,70.0000", "mtl_zo,3,rte,71.0000"))
    assert explain(results, "mtl_zo/rte") == 2
    assert "main.csv: wanted 70.0000 for mtl_zo on rte, as the records give; found 71.0000" in capsys.readouterr().err


@pytest.mark.parametrize("cell", ["mtl_zo", "mtl_zo/copa", "other/rte", "x/two/mtl_zo/rte", "a/b/c/d/e", "/"])
def test_a_cell_that_is_not_there_names_those_that_are(results, cell, capsys):
    assert explain(results, cell) == 2
    error = capsys.readouterr().err
    assert f"m/two/zero_shot, m/two/mtl_zo, m/two/mazo; found {cell!r}" in error
    assert error.count("\n") == 1


def test_what_is_missing_or_damaged_is_named(results, capsys):
    folder = results / "runs/m/two/mazo/seed_1"
    for file, content in (
        (results / "data/rte/report.json", "{}"),
        (folder / "train.json", "["),
        (folder / "record.json", ""),
    ):
        file.write_text(content)
        assert explain(results, "mazo/rte") == 2
        error = capsys.readouterr().err
        assert error.startswith(f"mazo: {file}: ") and error.count("\n") == 1
