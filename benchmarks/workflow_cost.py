"""Where `make reproduce` spends its processor time: the default suite as it runs, with fewer steps and one seed.

    python benchmarks/workflow_cost.py --out docs/performance.md      # some minutes on one core

Every job, and Snakemake itself, keeps an account of its own processor time. What a step takes is multiplied by the
suite's steps over those that were run, and what a job of a seed takes by the number of seeds.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import yaml
from page import deliver, markdown_table, out_option

REPOSITORY = Path(__file__).resolve().parents[1]
NAMES = {
    "steps: forwards": "forwards of training steps",
    "steps: backwards": "forwards of training steps",
    "forwards": "forwards and backwards of evaluation, dev losses and scores",
    "backwards": "forwards and backwards of evaluation, dev losses and scores",
    "steps": "the rest of the steps: directions, moves, updates, log",
}
"""How works are called in the table; the others keep their names."""
PASSES = ("forwards of training steps", "forwards and backwards of evaluation, dev losses and scores")


def run_suite(folder: Path, *, steps: int, suite: dict) -> list[dict]:
    """Run the suite's workflow, shortened, and return the processes' accounts."""
    training = suite["training"] | {"num_steps": steps, "dev_every": max(1, steps // 10)}
    short = suite | {"seeds": suite["seeds"][:1], "training": training}
    (folder / "suite.yaml").write_text(yaml.safe_dump(short, sort_keys=False))
    costs = folder / "costs"
    costs.mkdir()
    paths = [str(REPOSITORY / "benchmarks" / "probe"), str(REPOSITORY)]
    environment = os.environ | {"MAZO_COSTS": str(costs), "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    command = [Path(sys.executable).parent / "snakemake", "--snakefile", REPOSITORY / "Snakefile", "--cores", "1"]
    command += ["--directory", folder, "--configfile", folder / "suite.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return [json.loads(file.read_text()) for file in sorted(costs.glob("*.json"))]


def whole(accounts: Sequence[dict], *, step_factor: float, seeds: int, seedless: Sequence[str]) -> Counter[str]:
    """Add the accounts up to the whole suite's seconds by work.

    :param seedless: Methods that run with one seed alone.
    """
    total: Counter[str] = Counter()
    for account in accounts:
        command = account["command"]
        times = seeds if "--seed" in command and command[command.index("--method") + 1] not in seedless else 1
        for work, seconds in account["seconds"].items():
            factor = step_factor if work.startswith("steps") else 1.0
            total[NAMES.get(work, work)] += seconds * factor * times
    return total


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure; print the table or write it into a page."""
    parser = argparse.ArgumentParser(description="processor time of the default suite")
    parser.add_argument("--config", type=Path, default=REPOSITORY / "config" / "mini.yaml")
    parser.add_argument("--steps", type=int, default=20, help="training steps that are run")
    out_option(parser)
    options = parser.parse_args(arguments)
    suite = yaml.safe_load(options.config.read_text())
    seedless = [name for name, method in suite["methods"].items() if method["kind"] == "zero_shot"]
    with tempfile.TemporaryDirectory() as folder:
        accounts = run_suite(Path(folder), steps=options.steps, suite=suite)
    factor = suite["training"]["num_steps"] / options.steps
    seconds = whole(accounts, step_factor=factor, seeds=len(suite["seeds"]), seedless=seedless)
    everything = sum(seconds.values())
    rows = [[work, f"{spent:.0f}", f"{100 * spent / everything:.1f}"] for work, spent in seconds.most_common()]
    passes = sum(seconds[work] for work in PASSES)
    rows.append(["**all**", f"{everything:.0f}", "100.0"])
    note = f"Model forwards and backwards: {100 * passes / everything:.1f} % of {everything / 60:.0f} core-minutes."
    table = markdown_table(["what", "processor seconds", "%"], rows, words=1)
    deliver("workflow_cost", f"{table}\n\n{note}", page=options.out)


if __name__ == "__main__":
    main()
