"""Every file of a finished suite, damaged: whoever reads it says so in one line that names it, and writes nothing."""

import json
import re
import shutil
from pathlib import Path

import pytest
from prepared import prepare_mini

from mazo.cli import main
from mazo.configfile import load_suite
from mazo.files import sha256, write_json, write_text
from mazo.grid import is_scored, is_trained, run_folder, runs
from mazo.models import load_model
from mazo.reading import read_json
from mazo.stages import compare, evaluate, lengths, mask, score, sizes, tables, train
from mazo.zeroth_order.replay import weights_checksum

REPOSITORY = Path(__file__).resolve().parents[2]
SUITE = {
    "suite": "tiny",
    "models": {"m": {"path": "embedded:llama"}},
    "mixes": {"one": ["rte"]},
    "methods": {
        "zs": {"kind": "zero_shot"},
        "mazo": {"kind": "zeroth_order", "lr": 1e-3, "mask": {"scores": {"calibration_examples": 2}}},
    },
    "seeds": [0],
    "data": {"train": 16, "dev": 4, "test": 8},
    "training": {"num_steps": 4, "batch_per_task": 2, "dev_every": 2, "dev_examples": 4},
    "statistics": {"resamples": 100},
}
RUN = "runs/m/one/mazo/seed_0"
DAMAGES = {
    "empty": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "zeros": lambda data: bytes(len(data)),
    "not UTF-8": lambda data: b"\xff\xfe" + data,
    "a list": lambda data: b"[1]",
    "an empty object": lambda data: b"{}",
    "nested deeply": lambda data: b"[" * 100_000,
}
FLIPPED = {
    "a bit": lambda data: data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]
}
HUGE = {"a huge number": lambda data: re.sub(rb"\d+", b"9" * 400, data)}
CUT = {"cut at a line": lambda data: b"".join(data.splitlines(keepends=True)[:-1])}
MARKDOWN = {name: DAMAGES[name] for name in ("half", "not UTF-8")}
READERS = [
    ("record.json", DAMAGES, ["tables", "explain", "pack"]),
    ("train.json", DAMAGES, ["explain", "pack"]),
    ("train.json", {"half": DAMAGES["half"]}, ["convergence"]),
    ("samples.jsonl", DAMAGES | CUT | HUGE, ["compare", "pack"]),
    ("curve.csv", DAMAGES | CUT | FLIPPED | HUGE, ["convergence", "pack"]),
    ("scores.safetensors", DAMAGES | FLIPPED, ["mask"]),
    ("score.json", DAMAGES, ["evaluate"]),
    ("mask.json", {"a list": DAMAGES["a list"]}, ["evaluate"]),
    ("data/rte/report.json", DAMAGES, ["sizes", "explain", "train"]),
    ("data/lengths/m.json", DAMAGES, ["sizes", "plan"]),
    ("tables/main.csv", DAMAGES, ["verify", "explain"]),
    ("tables/comparison.csv", DAMAGES, ["verify"]),
    ("tables/main.md", MARKDOWN, ["html"]),
]
CASES = [(file, damage, stage) for file, damages, stages in READERS for damage in damages for stage in stages]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A suite's folder, all of whose stages have run, and beside it a reference with the same tables."""
    folder = tmp_path_factory.mktemp("results") / "tiny"
    write_text(folder / "config.json", json.dumps(SUITE))
    suite, data = load_suite(folder / "config.json"), folder / "data"
    prepare_mini(data, train=16, dev=4, test=8, tasks=("rte",))
    lengths.run(suite, model="m", data=data, out=data / "lengths" / "m.json")
    for run in runs(suite):
        out, kept = folder / run_folder(run), None
        if is_scored(run):
            kept = out / "mask.safetensors"
            score.run(run, data=data, out=out / "scores.safetensors")
            mask.run(run, scores=out / "scores.safetensors", out=kept)
        if is_trained(run):
            train.run(run, data=data, mask=kept, out=out)
        evaluate.run(run, data=data, mask=kept, out=out)
    for stage in (tables, compare, sizes):
        stage.run(suite, results=folder)
    shutil.copytree(folder / "tables", folder.parent / "reference" / "tables")
    return folder


def command(stage: str, results: Path) -> list[str]:
    """The command line of a stage that reads the results."""
    config = ["--config", str(results / "config.json")]
    cell = [*config, "--model", "m", "--mix", "one", "--method", "mazo", "--seed", "0"]
    data, kept = ["--data", str(results / "data")], ["--mask", str(results / RUN / "mask.safetensors")]
    made = str(results.parent / "made")
    files = ["claims", str(REPOSITORY / "config/claims.yaml"), "published", str(REPOSITORY / "config/published.yaml")]
    options = {
        "explain": ["mazo/rte", *config, "--results", str(results)],
        "pack": [*config, "--results", str(results), *(f"--{w}" if i % 2 == 0 else w for i, w in enumerate(files))],
        "mask": [*cell, "--scores", str(results / RUN / "scores.safetensors"), "--out", made],
        "evaluate": [*cell, *data, *kept, "--out", str(results / RUN)],
        "train": [*cell, *data, *kept, "--out", made],
        "plan": [*config, "--results", str(results)],
        "verify": ["--reference", str(results.parent / "reference"), "--results", str(results)],
        "html": [*config, "--results", str(results), "--captions", str(REPOSITORY / "workflow" / "report")],
    }
    options["pack"] += ["--out", made]
    options["html"] += ["--assumptions", str(REPOSITORY / "docs" / "assumptions.md")]
    return [stage, *options.get(stage, [*config, "--results", str(results)])]


def remove_made(results: Path) -> bool:
    """Remove what a stage made, and tell whether there was anything."""
    made = results.parent / "made"
    is_made = made.exists()
    shutil.rmtree(made) if made.is_dir() else made.unlink(missing_ok=True)
    return is_made


@pytest.mark.parametrize(("name", "damage", "stage"), CASES, ids=[", ".join(case) for case in CASES])
def test_a_damaged_file_is_refused_in_one_line_that_names_it(results, name, damage, stage, capsys):
    file = results / name if "/" in name else results / RUN / name
    whole = file.read_bytes()
    file.write_bytes((DAMAGES | CUT | FLIPPED | HUGE)[damage](whole))
    try:
        assert main(command(stage, results)) == 2
    finally:
        file.write_bytes(whole)
        is_made = remove_made(results)
    error = capsys.readouterr().err.splitlines()
    (told,) = [line for line in error if line.startswith("mazo: ")]
    assert str(file) in told and error[-1] == told
    assert not is_made


@pytest.mark.parametrize("stage", sorted({stage for _, _, stage in CASES}))
def test_whole_files_are_read(results, stage):
    assert main(command(stage, results)) == 0
    remove_made(results)


def test_a_curve_whose_training_left_no_hash_is_read_as_it_lies(results, capsys):
    file = results / RUN / "train.json"
    whole, about = file.read_bytes(), read_json(file, "")
    assert about.pop("curve_checksum") == sha256(results / RUN / "curve.csv")
    write_json(file, about)
    try:
        assert main(command("convergence", results)) == 0
    finally:
        file.write_bytes(whole)


def test_every_cell_names_the_models_weights(results, capsys):
    suite = load_suite(results / "config.json")
    model, _ = load_model(suite.models["m"])
    for method in suite.methods:
        assert main(["explain", f"{method}/rte", *command("tables", results)[1:]]) == 0
        assert f"weights {weights_checksum(model.named_parameters())}\n" in capsys.readouterr().out


def test_an_untrained_cell_of_a_record_without_its_models_hash_is_explained_before_any_training(results, capsys):
    record, training = results / "runs/m/one/zs/seed_0/record.json", results / RUN / "train.json"
    whole, moved = record.read_bytes(), training.rename(training.with_name("moved"))
    write_json(record, {**read_json(record, ""), "base_checksum": None})
    try:
        assert main(["explain", "zs/rte", *command("tables", results)[1:]]) == 0
    finally:
        record.write_bytes(whole)
        moved.rename(training)
    assert "weights not recorded" in capsys.readouterr().out
