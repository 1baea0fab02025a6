import subprocess
import sys

import pytest
import yaml
from hand_made import CONTENT

from mazo.cli import COMMANDS, main, parser
from mazo.forkserver import KILLED


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "suite.yaml"
    path.write_text(yaml.safe_dump(CONTENT, sort_keys=False))
    return str(path)


def test_help_loads_no_heavy_library():
    code = "import sys, mazo.cli; mazo.cli.parser().format_help(); print({'torch', 'pydantic'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_command_is_listed_with_what_it_does():
    text = " ".join(parser().format_help().split())
    for command, (meaning, _) in COMMANDS.items():
        assert f"{command} {meaning}" in text


def test_a_configuration_at_fault_is_one_line_and_status_2(tmp_path, capsys):
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(CONTENT | {"seeds": ["x"]}))
    assert main(["check", "--config", str(tmp_path / "bad.yaml")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("mazo: ")
    assert "seeds.0: Input should be a valid integer; found 'x'" in error
    assert error.count("\n") == 1


def test_a_run_that_is_not_in_the_grid_is_one_line_and_status_2(config, tmp_path, capsys):
    cell = ["--config", config, "--model", "m", "--mix", "two", "--method", "mezo", "--seed", "0"]
    assert main(["train", *cell, "--data", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "methods: wanted one of zero_shot, mtl_zo, mazo; found 'mezo'" in capsys.readouterr().err


def test_scoring_a_method_without_a_mask_is_one_line_and_status_2(config, tmp_path, capsys):
    cell = ["--config", config, "--model", "m", "--mix", "two", "--method", "mtl_zo", "--seed", "0"]
    assert main(["score", *cell, "--data", str(tmp_path), "--out", str(tmp_path / "s")]) == 2
    assert "methods.mtl_zo.mask: wanted the settings of a mask; found none" in capsys.readouterr().err


@pytest.mark.parametrize("seed", ["-1", "1.5", "two", str(2**31)])
def test_a_seed_out_of_range_is_refused(config, seed):
    cell = ["--config", config, "--model", "m", "--mix", "two", "--method", "mazo", f"--seed={seed}"]
    with pytest.raises(SystemExit) as caught:
        main(["train", *cell, "--data", ".", "--out", "."])
    assert caught.value.code == 2


def test_with_a_log_the_fault_is_in_the_log_too(tmp_path, config, capsys):
    log = tmp_path / "prepare.log"
    assert main(["prepare", "--config", config, "--task", "cola", "--out", str(tmp_path), "--log", str(log)]) == 2
    assert "--task: wanted one of sst2" in log.read_text()
    assert "--task: wanted one of sst2" in capsys.readouterr().err


def test_prepare_writes_the_rows_of_one_task(tmp_path, config):
    assert main(["prepare", "--config", config, "--task", "rte", "--out", str(tmp_path / "data")]) == 0
    names = sorted(file.name for file in (tmp_path / "data" / "rte").iterdir())
    assert names == ["dev.jsonl", "report.json", "test.jsonl", "train.jsonl"]


@pytest.mark.parametrize("command", ["schema", "keys"])
def test_generated_files_come_out_as_committed(command, tmp_path, request):
    name = {"schema": "workflow/schemas/config.schema.yaml", "keys": "config/README.md"}[command]
    committed = (request.config.rootpath / name).read_text()
    (tmp_path / "out").write_text(committed)
    assert main([command, "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out").read_text() == committed


def test_a_job_that_was_killed_says_what_may_be_the_matter(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["mazo", "train"])
    monkeypatch.setattr("mazo.cli.hand_over", lambda arguments: KILLED)
    assert main() == KILLED
    error = capsys.readouterr().err
    assert error.startswith("mazo: train: killed from outside: ") and "training.micro_batch" in error
