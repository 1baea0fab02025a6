"""How large the pack of a full suite is, and what its tables and figures take to make from it.

    python benchmarks/regeneration.py --out docs/performance.md       # a few minutes on one core

The runs are made up, of the number and size of `config/mini_full.yaml`'s on both embedded models: what is measured does
not depend on what they scored.
"""

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from page import deliver, markdown_table, out_option

from mazo.config import Run, Suite
from mazo.configfile import load_suite
from mazo.data import SPLITS
from mazo.files import write_json, write_text
from mazo.grid import is_masked, is_scored, is_trained, masked_method, probe_file, run_folder, runs
from mazo.pack import CLAIMS, PACK, PUBLISHED
from mazo.records import Record, StageCost, make_record, write_record
from mazo.seeding import numpy_generator
from mazo.stages.regenerate import make_outputs

REPOSITORY = Path(__file__).resolve().parents[1]
DEV_EVERY = 20
"""Steps between the points of a made-up loss curve."""
COMMANDS = {
    "pack": "--config {config} --results {results} --claims {claims} --published {published} --out {pack}",
    "regenerate": "--records {pack} --reference {results} --out {fresh}",
}


@cache
def made_up_hash(text: str) -> str:
    """Return the hash of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def make_up_run(run: Run, results: Path, *, items: int) -> None:
    """Write the files of a run that never was."""
    folder, generator = results / run_folder(run), numpy_generator(run.seed, run.model_name, run.method_name)
    scores = {task: _scores(task, generator, items=items) for task in run.tested}
    prompt = f"{run.seed}" if run.evaluation.num_fewshot else ""
    lines = [
        {
            "doc_hash": made_up_hash(f"{task} {item}"),
            "doc_id": item,
            "prompt_hash": made_up_hash(f"{task} {item} prompt {prompt}"),
            "response": "an answer" if task == "squad" else [round(x, 6) for x in generator.normal(size=2).tolist()],
            "score": score,
            "target": 0,
            "task": task,
        }
        for task, own in scores.items()
        for item, score in enumerate(own.tolist())
    ]
    write_text(folder / "samples.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    write_record(
        _record(run, {task: float(own.mean()) for task, own in scores.items()}, items=items), folder / "record.json"
    )
    if is_trained(run):
        about = {"base_checksum": made_up_hash(run.model_name), "checksum": made_up_hash(run_folder(run))}
        write_json(folder / "train.json", about | {"run": run.model_dump(mode="json")})
        write_text(folder / "curve.csv", _curve(run, generator))


def _scores(task: str, generator: np.random.Generator, *, items: int) -> np.ndarray:
    """Draw scores that agree between runs: every item is as hard for one run as for the other."""
    hardness = numpy_generator(0, "hardness", task).random(items)
    right = (hardness < generator.normal(0.6, 0.1, size=items)).astype(float)
    return np.where(generator.random(items) < 0.2, 2 / 3, right) if task == "squad" else right


def _record(run: Run, means: dict[str, float], *, items: int) -> Record:
    stages = ["evaluate", *(["train"] if is_trained(run) else []), *(["mask"] if is_masked(run) else [])]
    stages += ["score"] if is_scored(run) else []
    generator = numpy_generator(run.seed, "costs", run.model_name, run.method_name)
    return make_record(
        run,
        metrics={
            task: {"score": mean, "stderr": (mean * (1 - mean) / items) ** 0.5, "n": items, "num_cut": 0}
            for task, mean in means.items()
        },
        optimizer="none",
        forwards=0,
        trained_weights=0,
        stages={
            stage: StageCost(seconds=round(100 * generator.random(), 3), peak_memory=int(generator.integers(1e9)))
            for stage in stages
        },
        mask={"rule": "random", "density": 0.1, "hash": made_up_hash(f"mask {run_folder(run)}")}
        if is_masked(run)
        else None,
    )


def _curve(run: Run, generator: np.random.Generator) -> str:
    steps = range(0, run.training.num_steps + 1, DEV_EVERY)
    lines = [
        f"{step},{task},{split},{2 * np.exp(-step / 200) + generator.random():.6f}"
        for step in steps
        for split in ("train", "dev")
        for task in run.tasks
    ]
    return "\n".join(["step,task,split,loss", *lines]) + "\n"


def _probe(run: Run) -> dict:
    generator, tasks = numpy_generator(run.seed, "probe", run.model_name), len(run.tasks)
    scopes = {
        name: {
            "cosines": generator.uniform(-1, 1, size=(tasks, tasks)).tolist(),
            "sign_disagreement": generator.random((tasks, tasks)).tolist(),
            "variance_alone": generator.uniform(1, 2, size=tasks).tolist(),
            "variance_mix": 1.0,
        }
        for name in ("all", "kept", "frozen")
    }
    return {
        "tasks": run.tasks,
        "scopes": scopes,
        "rank": {"first_order": 2.0 + generator.random(), "zeroth_order": 1.0},
    }


def make_up(suite: Suite, results: Path, *, items: int) -> None:
    """Write the results of a suite that never ran."""
    split = {"rows": items, "available": items, "wanted": items, "sha256": made_up_hash("rows")}
    read = {"rows": items, "cut": 0, "tokens_cut": 0, "mean_tokens": 40.0, "most_tokens": 60}
    about = {"origin": "made up", "source": "mini", "split": "generated", "seed": 0, "shared_contents": 0}
    for task in suite.tasks:
        write_json(
            results / "data" / task / "report.json", about | {"task": task, "splits": dict.fromkeys(SPLITS, split)}
        )
    for model in suite.models:
        lengths = {"context": 512, "tasks": {task: dict.fromkeys(SPLITS, read) for task in suite.tasks}}
        write_json(results / "data" / "lengths" / f"{model}.json", lengths)
    for run in runs(suite):
        make_up_run(run, results, items=items)
        if run.method_name == masked_method(suite):
            write_json(results / probe_file(run), _probe(run))
    write_text(results / "config.json", suite.model_dump_json(indent=1))


def both_models(suite: Suite) -> Suite:
    """Return the suite on every embedded model."""
    settings = next(iter(suite.models.values()))
    models = {f"mini-{name}": settings.model_copy(update={"path": f"embedded:{name}"}) for name in ("llama", "mistral")}
    return suite.model_copy(update={"models": models, "tuned": {}})


def processor_seconds(command: str, **places: Path) -> float:
    """Run a stage on one thread, and return its processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = COMMANDS[command].format(**places).split()
    subprocess.run(  # noqa: S603
        [Path(sys.executable).parent / "mazo", command, *words],
        check=True,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure; print the table or write it into a page."""
    parser = argparse.ArgumentParser(description="size of a pack, and the time that its tables take")
    parser.add_argument("--config", type=Path, default=REPOSITORY / "config" / "mini_full.yaml")
    parser.add_argument("--items", type=int, default=500, help="test rows of every task")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="a folder for the made-up results, which stay there")
    out_option(parser)
    options = parser.parse_args(arguments)
    suite = both_models(load_suite(options.config))
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        results = folder / "results"
        make_up(suite, results, items=options.items)
        places = {
            "config": results / "config.json",
            "results": results,
            "claims": REPOSITORY / "config" / "claims.yaml",
            "published": REPOSITORY / "config" / "published.yaml",
            "pack": folder / PACK,
            "fresh": folder / "fresh",
        }
        packing = processor_seconds("pack", **places)
        for name in (CLAIMS, PUBLISHED):
            shutil.copyfile(REPOSITORY / "config" / name, results / name)
        make_outputs(suite, results)
        again = processor_seconds("regenerate", **places)
        size = places["pack"].stat().st_size
    rows = [
        ["runs", f"{len(list(runs(suite))):,}"],
        ["samples", f"{len(list(runs(suite))) * len(suite.tasks) * options.items:,}"],
        ["pack, MB", f"{size / 1e6:.2f}"],
        ["packing, processor seconds", f"{packing:.1f}"],
        ["tables, figures and claims from the pack, processor seconds", f"{again:.1f}"],
    ]
    deliver("regeneration", markdown_table(["what", "measured"], rows, words=1), page=options.out)


if __name__ == "__main__":
    main()
