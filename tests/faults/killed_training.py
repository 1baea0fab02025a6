"""Training killed at random moments, again and again, until it is done: it leaves what it always leaves."""

import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

from prepared import prepare_with_toy_model
from test_train import COBA, FO, LORA, MASKED, MTL_LORA, ZO, make_run

import mazo.trainers
from mazo.maskable import maskable_weights
from mazo.masks import mask_from_scores, save_mask
from mazo.models import load_model
from mazo.train import train

STEPS = 40
METHODS = {
    "masked, FAMO, Adam": MASKED | {"weighting": "famo", "step": "adam"},
    "first order": FO | {"num_steps": STEPS},
    "all weights, CoBa": ZO | COBA,
    "MTL-LoRA, momentum": ZO | MTL_LORA | {"step": "momentum"},
    "first order, LoRA, FAMO": FO | LORA | {"num_steps": STEPS, "weighting": "famo"},
}
UNCOUNTED = ("seconds", "step_seconds", "peak_memory")


def make_house(folder: Path) -> Path:
    """Put a toy model, two tasks' rows and a mask into a folder."""
    prepare_with_toy_model(folder)
    weights = maskable_weights(load_model(make_run(folder, ZO).model)[0])
    save_mask(mask_from_scores({name: weight.abs() for name, weight in weights.items()}, density=0.1), folder / "mask")
    return folder


def start(action: Callable[[], object], *, log: Path) -> int:
    """Do something in a process of its own, which is returned.

    It is a fork, which costs no imports; so this process must have no other thread, and does none of the work itself.
    """
    assert threading.active_count() == 1
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        with log.open("a") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        action()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def wait(pid: int, *, seconds: float = 300) -> int:
    """Wait for a process and return its status; one that hangs is killed, and the test with it."""
    deadline = time.monotonic() + seconds
    while (ended := os.waitpid(pid, os.WNOHANG)) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            raise AssertionError(f"process {pid} hung for {seconds} s")
        time.sleep(0.01)
    return ended[1]


def go(house: Path, out: Path, method: dict) -> None:
    """Train; a first-order run keeps a checkpoint every tenth of a second."""
    mazo.trainers.SECONDS_BETWEEN_CHECKPOINTS, mazo.trainers.LEAST_REST = 0.1, 0.0
    run = make_run(house, method)
    run = run.model_copy(update={"training": run.training.model_copy(update={"num_steps": STEPS, "dev_every": 7})})
    train(run, data=house, mask=house / "mask" if "mask" in method else None, out=out)


def outcome(out: Path) -> tuple[dict[str, bytes], dict]:
    """Return the bytes of what a run left, and its record but for the time and memory that it took."""
    files = {file.name: file.read_bytes() for file in out.iterdir()}
    about = json.loads(files.pop("train.json"))
    return files, {key: value for key, value in about.items() if key not in UNCOUNTED}


def kill_training(house: Path, folder: Path, *, kills: int, seed: int = 0, say: Callable = print) -> int:
    """Kill runs of several methods until there were so many kills; return how many runs they fell on.

    Raises ``AssertionError`` where a run's files differ from those of a run that was left alone, or one of them stood
    there half-written.
    """
    moments, done, runs, wholes = random.Random(seed), 0, 0, {}
    while done < kills:
        name, method = list(METHODS.items())[runs % len(METHODS)]
        if name not in wholes:
            began = time.monotonic()
            whole = folder / f"whole {name}"
            pid = start(partial(go, house, whole, method), log=folder / "log")
            assert wait(pid) == 0, (folder / "log").read_text()
            wholes[name] = (outcome(whole), time.monotonic() - began)
        wanted, seconds = wholes[name]
        out, own = folder / f"run {runs}", 0
        while True:
            pid = start(partial(go, house, out, method), log=folder / "log")
            if own < 6:
                time.sleep(moments.uniform(0, 1.1 * seconds))
                os.kill(pid, signal.SIGKILL)
            status = wait(pid)
            if os.WIFSIGNALED(status):
                own += 1
                left = {file.name for file in out.iterdir()} if out.exists() else set()
                if "train.json" in left:
                    json.loads((out / "train.json").read_text())
                continue
            assert status == 0, (folder / "log").read_text()
            break
        assert outcome(out) == wanted, f"{name}: {out} differs"
        done, runs = done + own, runs + 1
        say(f"{name}: killed {own} times, then equal byte for byte")
    return runs


def main() -> None:
    """Kill 50 times, or as often as the command line says."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        assert wait(start(partial(make_house, folder / "house"), log=folder / "log")) == 0, (folder / "log").read_text()
        runs = kill_training(folder / "house", folder, kills=kills, say=partial(print, flush=True))
        print(f"{kills} kills or more, on {runs} runs: all equal byte for byte to runs that never stopped")


if __name__ == "__main__":
    main()
