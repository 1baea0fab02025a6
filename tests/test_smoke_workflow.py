"""The whole workflow, small: every file a suite promises, and nothing left to do afterwards."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from rows_by_hand import MULTIRC, WIC, write_official

from mazo.cli import main
from mazo.config import TASKS, Suite
from mazo.configfile import load_suite
from mazo.files import sha256
from mazo.grid import run_folder
from mazo.masks import load_mask
from mazo.plan.estimate import plan_suite
from mazo.records import read_record

REPOSITORY = Path(__file__).resolve().parents[1]
SNAKEMAKE = Path(sys.executable).parent / "snakemake"


def snakemake(folder: Path, *options: str | Path) -> str:
    """Run the workflow in a folder and return what it said."""
    command = [SNAKEMAKE, "--snakefile", REPOSITORY / "Snakefile", "--directory", folder, "--cores", "2"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, check=False, env=environment, timeout=1800
    )
    logs = sorted(folder.rglob("*.log")) if done.returncode else []
    assert done.returncode == 0, done.stdout + done.stderr + "".join(f"== {log}\n{log.read_text()}" for log in logs)
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def smoke(tmp_path_factory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("smoke")
    return folder, snakemake(folder, "--configfile", REPOSITORY / "config" / "smoke.yaml")


def records(results: Path) -> list[dict]:
    return [json.loads(file.read_text()) for file in sorted(results.rglob("record.json"))]


def table(results: Path) -> dict[tuple[str, str], dict]:
    with (results / "tables" / "main.csv").open() as file:
        return {(row["method"], row["task"]): row for row in csv.DictReader(file)}


def test_every_table_figure_and_record_is_there(smoke):
    results = smoke[0] / "results" / "smoke"
    tables = ("main", "comparison", "ranks", "cost", "data", "overhead", "convergence")
    figures = ("radar", "loss", "forest", "ranks")
    wanted = {f"tables/{name}.{suffix}" for name in tables for suffix in ("csv", "md", "tex")}
    wanted |= {f"figures/{name}.{suffix}" for name in figures for suffix in ("svg", "png")}
    assert wanted <= {file.relative_to(results).as_posix() for file in results.rglob("*")}
    found = [(record["run"]["method_name"], record["run"]["seed"]) for record in records(results)]
    assert found == [("mazo", 0), ("mazo", 1), ("mtl_zo", 0), ("mtl_zo", 1), ("zero_shot", 0)]


def test_the_closing_summary_shows_the_table_and_the_paths(smoke):
    folder, said = smoke
    assert (folder / "results" / "smoke" / "tables" / "main.md").read_text() in said
    assert "results/smoke/figures/{radar,loss,forest,ranks}.{svg,png}" in said


def test_the_tables_rows_stand_in_the_order_of_the_suite(smoke):
    methods = [method for method, task in table(smoke[0] / "results" / "smoke") if task == "mean"]
    assert methods == ["zero_shot", "mtl_zo", "mazo"]


def test_the_table_holds_the_means_of_the_records(smoke):
    results = smoke[0] / "results" / "smoke"
    for method, seeds in (("zero_shot", 1), ("mtl_zo", 2), ("mazo", 2)):
        mine = [record for record in records(results) if record["run"]["method_name"] == method]
        assert len(mine) == seeds
        for task in mine[0]["run"]["tasks"]:
            scores = [record["metrics"][task]["score"] for record in mine]
            assert float(table(results)[method, task]["mean"]) == pytest.approx(100 * sum(scores) / seeds, abs=1e-4)


def test_every_record_tells_cost_and_optimiser(smoke):
    for record in records(smoke[0] / "results" / "smoke"):
        stages = {"evaluate"} if record["run"]["method_name"] == "zero_shot" else {"train", "evaluate"}
        stages |= {"score", "mask"} if record["run"]["method_name"] == "mazo" else set()
        assert set(record["stages"]) == stages
        assert all(cost["seconds"] > 0 and cost["peak_memory"] > 0 for cost in record["stages"].values())
        assert (record["forwards"] > 0) == ("train" in stages)
        assert all(score["n"] == 16 for score in record["metrics"].values())


def test_tables_come_from_the_records_alone_byte_for_byte(smoke, tmp_path):
    """On a machine that ran nothing: records and loss curves, no rows, no logs of steps, no models."""
    source, copied = smoke[0] / "results" / "smoke", tmp_path / "results" / "smoke"
    for file in [*source.rglob("record.json"), *source.rglob("curve.csv")]:
        place = copied / file.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)
    targets = ("table_main", "table_convergence", "figure_radar")
    rules = ("tables", "convergence", "figures")
    smoke_suite = ("--configfile", REPOSITORY / "config" / "smoke.yaml")
    snakemake(tmp_path, *targets, *smoke_suite, "--allowed-rules", *targets, *rules)
    names = [
        f"tables/{n}.{f}" for n in ("main", "ranks", "cost", "overhead", "convergence") for f in ("csv", "md", "tex")
    ]
    for name in [*names, "figures/radar.svg", "figures/loss.svg"]:
        assert (copied / name).read_bytes() == (source / name).read_bytes(), name
    assert not (copied / "data").exists()


def test_tables_come_from_a_pack_of_real_runs_alone_byte_for_byte(smoke, tmp_path, capsys):
    results, packed = str(smoke[0] / "results" / "smoke"), str(tmp_path / "records.tar.xz")
    files = [f"--{name}={REPOSITORY / 'config' / name}.yaml" for name in ("claims", "published")]
    assert main(["pack", f"--config={results}/config.json", "--results", results, *files, "--out", packed]) == 0
    assert main(["regenerate", "--records", packed, "--reference", results, "--out", str(tmp_path / "fresh")]) == 0
    said = capsys.readouterr().out
    assert said.count(": equal, byte for byte\n") == len(list(Path(results, "tables").iterdir()))


def check_plan(suite: Suite, results: Path) -> None:
    """Hold the plan against what each run's record counted, exactly, and measured, within 30 percent."""
    plans = [plan for row in plan_suite(suite, cards={}, results=results) for plan in row.plans]
    for plan in plans:
        record = read_record(results / run_folder(plan.run) / "record.json")
        assert (plan.work.forwards, plan.trained) == (record.forwards, record.trained_weights)
        for stage, peak in plan.memory.items():
            assert peak == pytest.approx(record.stages[stage].peak_memory, rel=0.3), (plan.run.method_name, stage)


def test_the_plan_foresaw_forwards_and_memory(smoke):
    results = smoke[0] / "results" / "smoke"
    check_plan(load_suite(results / "config.json"), results)


def test_a_cell_is_traced_and_the_tables_are_their_own_reference(smoke, capsys):
    results = smoke[0] / "results" / "smoke"
    assert main(["explain", "--config", str(results / "config.json"), "--results", str(results), "mazo/rte"]) == 0
    said = capsys.readouterr().out
    for seed in (0, 1):
        cell = results / "runs" / "mini-llama" / "all" / "mazo" / f"seed_{seed}"
        assert load_mask(cell / "mask.safetensors").hash() in said
        assert json.loads((cell / "train.json").read_text())["checksum"] in said
    assert sha256(results / "data" / "rte" / "test.jsonl") in said
    assert main(["verify", "--reference", str(results), "--results", str(results)]) == 0
    assert "27 of 27 cells are equal to the reference" in capsys.readouterr().out


def test_every_job_left_a_log(smoke):
    logs = smoke[0] / "results" / "smoke" / "logs"
    assert len(list((logs / "train").rglob("*.log"))) == 4
    assert "100%" in (logs / "train" / "mini-llama" / "all" / "mazo" / "seed_0.log").read_text()


def test_a_second_run_has_nothing_to_do(smoke):
    assert "Nothing to be done" in snakemake(smoke[0], "--configfile", REPOSITORY / "config" / "smoke.yaml")


def test_claims_and_the_page_take_one_more_job_a_seed(smoke):
    said = snakemake(smoke[0], "report_html", "--configfile", REPOSITORY / "config" / "smoke.yaml")
    assert said.count("(Rule: probe)") == 2
    assert said.count("(Rule: claims)") == 1
    results = smoke[0] / "results" / "smoke"
    with (results / "tables" / "claims.csv").open() as file:
        verdicts = {row["claim"]: row["verdict"] for row in csv.DictReader(file)}
    assert len(verdicts) == 13
    assert verdicts["collinear"] == "supported"
    assert verdicts["beats_first_order"] == "not measured in this suite"
    assert (results / "figures" / "claims.svg").exists()
    assert "Report:  results/smoke/report.html" in said
    page = (results / "report.html").read_text()
    assert page.count("<img ") == 5
    assert page.count("<table>") == 11


def test_a_changed_setting_runs_again_just_what_it_touches(smoke, tmp_path):
    (tmp_path / "change.yaml").write_text(yaml.safe_dump({"evaluation": {"max_new_tokens": 4}}))
    said = snakemake(
        smoke[0], "--dry-run", "--configfile", REPOSITORY / "config" / "smoke.yaml", tmp_path / "change.yaml"
    )
    counts = dict(line.split() for line in said.partition("---")[2].splitlines() if len(line.split()) == 2)
    assert {name: int(n) for name, n in counts.items() if n.isdigit()} == {
        "lengths": 1,
        "sizes": 1,
        "evaluate": 5,
        "tables": 1,
        "compare": 1,
        "figures": 1,
        "all": 1,
        "total": 11,
    }


def test_a_run_in_another_folder_gives_the_same_bytes(smoke, tmp_path):
    cell = "results/smoke/runs/mini-llama/all/mazo/seed_1"
    snakemake(tmp_path, "--configfile", REPOSITORY / "config" / "smoke.yaml", "--", f"{cell}/record.json")
    for name in ("scores.safetensors", "mask.safetensors", "steps.log", "curve.csv", "results.json", "samples.jsonl"):
        assert (tmp_path / cell / name).read_bytes() == (smoke[0] / cell / name).read_bytes(), name


SMALL = {
    "methods": {"mazo": {"mask": {"scores": {"calibration_examples": 4}}}},
    "seeds": [0],
    "data": {"train": 16, "dev": 8, "test": 6},
    "training": {"num_steps": 3, "batch_per_task": 1, "dev_every": 3, "dev_examples": 2},
    "evaluation": {"max_new_tokens": 8},
}


def real_suite(folder: Path, shared: Path, **data: object) -> Path:
    """Write the changes that make ``config/real_small.yaml`` small and name its two folders."""
    own = {"data": {"data_dir": str(shared)} | data, "models": {"small": {"path": str(shared / "models/stories260K")}}}
    (folder / "small.yaml").write_text(yaml.safe_dump(SMALL | own | {"data": SMALL["data"] | own["data"]}))
    return folder / "small.yaml"


def test_real_rows_and_a_real_model_run_end_to_end_with_cut_inputs_counted(shared, tmp_path):
    changes = real_suite(tmp_path, shared)
    snakemake(tmp_path, "all", "report_html", "--configfile", REPOSITORY / "config" / "real_small.yaml", changes)
    results = tmp_path / "results" / "real_small"
    assert len(records(results)) == 3
    for record in records(results):
        assert list(record["metrics"]) == sorted(TASKS)
        assert all(score["n"] == 6 for score in record["metrics"].values())
        assert record["metrics"]["boolq"]["num_cut"] > 0  # passages longer than the model's 512 tokens
    assert "cut to the model's context" in (results / "tables" / "main.md").read_text()
    assert set(table(results)) >= {("mazo", "squad"), ("zero_shot", "mean")}
    assert "undecided at this scale" in (results / "report.html").read_text()  # of one seed
    sizes = (results / "tables" / "data.md").read_text()
    assert "WiC, MultiRC: generated by the package" in sizes
    assert "| BoolQ | 16 of 1,500 | 8 of 1,500 | 6 of 1,000 |" in sizes
    check_plan(load_suite(results / "config.json"), results)
    lengths = json.loads((results / "data" / "lengths" / "small.json").read_text())
    assert lengths["context"] == 512
    assert lengths["tasks"]["boolq"]["test"]["cut"] == records(results)[0]["metrics"]["boolq"]["num_cut"]


def test_a_folder_with_rows_of_all_eight_tasks_is_read_for_all(shared, tmp_path):
    rows = write_official(tmp_path / "rows", {"wic": WIC, "multirc": MULTIRC})
    for task in (shared / "tasks").iterdir():
        (rows / task.name).symlink_to(task)
    changes = real_suite(tmp_path, shared, data_dir=str(rows), sources={"wic": "folder", "multirc": "folder"})
    snakemake(tmp_path, "--configfile", REPOSITORY / "config" / "real_small.yaml", changes, "--", "sizes")
    page = (tmp_path / "results" / "real_small" / "tables" / "data.md").read_text()
    assert "generated" not in page
    assert "| WiC | 3 of 4* | 1 of 4* | 4 of 4* |" in page
