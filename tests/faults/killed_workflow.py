"""The whole workflow killed at random moments, again and again, until it is done: its tables are as always.

python tests/faults/killed_workflow.py                     # 20 kills of a small suite
python tests/faults/killed_workflow.py --suite config/mini.yaml --cores 2 --after 0.03 0.25     # of the default suite
"""

import argparse
import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml
from test_slurm_workflow import SUITE
from test_smoke_workflow import REPOSITORY, SNAKEMAKE

METHODS = {"zero_shot": {"kind": "zero_shot"}, "fo": {"kind": "first_order", "lr": 1e-4, "num_steps": 6}}
SMALL = SUITE | {"methods": SUITE["methods"] | METHODS}
UNCOUNTED = ("cost", "overhead", "convergence")
"""Tables of seconds and memory."""


def start(folder: Path, *options: str, cores: int = 1) -> subprocess.Popen:
    """Start the workflow as a group of processes of its own."""
    command = [SNAKEMAKE, "--snakefile", REPOSITORY / "Snakefile", "--directory", folder]
    command += ["--cores", str(cores), *options]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    with (folder / "log").open("a") as log:
        return subprocess.Popen(
            [*command, "--configfile", folder / "suite.yaml"],
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=environment,
        )


def finish(folder: Path, *options: str, cores: int = 1) -> None:
    """Run the workflow to its end."""
    assert start(folder, *options, cores=cores).wait() == 0, (folder / "log").read_text()


def outcome(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every table without seconds, of every log of steps and of every answer."""
    results = folder / "results" / yaml.safe_load((folder / "suite.yaml").read_text())["suite"]
    tables = [file for file in results.glob("tables/*") if file.stem not in UNCOUNTED]
    left = [*tables, *results.rglob("steps.log"), *results.rglob("samples.jsonl"), *results.rglob("curve.csv")]
    assert len(tables) > 9 and not list(results.rglob("*.part"))
    return {file.relative_to(results).as_posix(): file.read_bytes() for file in left}


def prepare(folder: Path, suite: dict) -> Path:
    """Write the suite into a new folder."""
    folder.mkdir()
    (folder / "suite.yaml").write_text(yaml.safe_dump(suite, sort_keys=False))
    return folder


def kill_workflow(
    folder: Path,
    *,
    kills: int,
    suite: dict = SMALL,
    cores: int = 1,
    after: tuple[float, float] = (0.1, 0.5),
    seed: int = 0,
    say: Callable = print,
) -> None:
    """Kill the workflow that often, 7 times at most in one folder; raise ``AssertionError`` where a file differs.

    :param after: The least and the most that passes from a start to the kill, in times of the uninterrupted run's.
    """
    moments, done, runs = random.Random(seed), 0, 0
    began = time.monotonic()
    whole = prepare(folder / "whole", suite)
    finish(whole, cores=cores)
    seconds, wanted = time.monotonic() - began, outcome(whole)
    while done < kills:
        place, own, runs = prepare(folder / f"killed {runs}", suite), 0, runs + 1
        while done + own < kills and own < 7:
            workflow = start(place, cores=cores)
            time.sleep(seconds * moments.uniform(*after))
            if workflow.poll() is not None:
                break
            os.killpg(workflow.pid, signal.SIGKILL)
            workflow.wait()
            own += 1
            finish(place, "--unlock")
        finish(place, cores=cores)
        assert outcome(place) == wanted, f"{place} differs"
        done += own
        say(f"killed {own} times, then equal byte for byte; {seconds:.0f} s uninterrupted")


def main() -> None:
    """Kill 20 times, or as often as the command line says."""
    parser = argparse.ArgumentParser(description="the workflow, killed")
    parser.add_argument("kills", type=int, nargs="?", default=20)
    parser.add_argument("--suite", type=Path, help="its file; a small one of this folder's when absent")
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--after", type=float, nargs=2, default=(0.1, 0.5), help="share of its time before a kill")
    options = parser.parse_args()
    suite = yaml.safe_load(options.suite.read_text()) if options.suite else SMALL
    with tempfile.TemporaryDirectory() as folder:
        kill_workflow(Path(folder), kills=options.kills, suite=suite, cores=options.cores, after=options.after)


if __name__ == "__main__":
    main()
