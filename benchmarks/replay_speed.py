"""How much faster a run is replayed than it was trained, how long its log is, and whether the bits are the same.

    python benchmarks/replay_speed.py --out docs/benchmarks.md

Training and replay are timed side by side in one process and one thread, on the mini suite's model, tasks and batch.
A timed training is two forwards, the update and the log's record at every step; its batches are made before. A timed
replay is all of ``replay_log_``: reading, steps, checksums of mask, base model and outcome.
"""

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from mazo.batches import Batch, batch_indices
from mazo.config import TASKS, DataSettings, ModelSettings
from mazo.data import prepare_task
from mazo.files import write_text
from mazo.losses import task_losses
from mazo.maskable import maskable_weights
from mazo.masks import Mask, mask_from_scores
from mazo.models import context_length, load_model
from mazo.pages import with_block
from mazo.quiet import quiet
from mazo.records import describe_hardware
from mazo.step_batches import encode_rows, to_batches
from mazo.tasks import load_tasks
from mazo.zeroth_order import StepLog, ZerothOrderOptimizer, replay_log_
from mazo.zeroth_order.direction import DISTRIBUTIONS, FACTORED
from mazo.zeroth_order.log import LogWriter
from mazo.zeroth_order.steps import STEPS

MODEL = ModelSettings(path="embedded:llama")
BEGIN = "<!-- replay: begin -->"
END = "<!-- replay: end -->"
DENSITIES = (0.1, 0.01, None)
VARIANTS: tuple[dict[str, Any], ...] = (
    *(
        # A direction of low rank covers whole matrices, so its mask acts on the update.
        {"step": step, "direction": direction} | ({"mask_mode": "update"} if direction in FACTORED else {})
        for step, direction in itertools.product(STEPS, DISTRIBUTIONS)
    ),
    *({"sides": "one"}, {"num_directions": 2}, {"schedule": "cosine"}, {"weight_decay": 0.1}),
    {"normalization": "std", "direction": "rademacher", "sides": "one", "num_directions": 3},
    *({"mask_mode": "update"}, {"precision": "in_place"}),
)
WANTED_RATIO, WANTED_BYTES, LONG_RUN = 20, 1_000_000, 20_000


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print, or write into a page with the two markers; fail where bits, speed or length fall short."""
    parser = argparse.ArgumentParser(description="speed, exactness and length of a run as a list of numbers")
    parser.add_argument("--steps", type=int, default=50, help="steps of a timed run")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs of each kind, of which medians are taken")
    parser.add_argument("--batch", type=int, default=8, help="examples of every task in a step")
    parser.add_argument("--out", type=Path, help="a page with the two markers")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), steps=options.steps, batch=options.batch)
        parts = [speed_table(bench, repeats=options.repeats), bits_report(bench), log_report(bench)]
    text = "\n\n".join(parts) + "\n"
    if options.out:
        write_text(options.out, with_block(options.out.read_text(encoding="utf-8"), text, begin=BEGIN, end=END))
    else:
        print(text)


class Bench:
    """A model as loaded, the batches of some steps, and masks of its largest weights."""

    def __init__(self, folder: Path, *, steps: int, batch: int) -> None:
        self.log, self.steps = folder / "steps.log", steps
        with quiet():
            model, tokenizer = load_model(MODEL)
        for task in TASKS:
            prepare_task(task, DataSettings(train=max(64, batch), dev=1, test=1), out=folder)
        with quiet():
            tasks = load_tasks(TASKS, folder)
        rows = encode_rows(tokenizer, tasks, split="train", max_length=context_length(model))

        def batches(step: int, count: int) -> list[Batch]:
            chosen = [
                rows[task][i]
                for task in TASKS
                for i in batch_indices(len(rows[task]), batch=count, step=step, seed=0, task=task)
            ]
            return to_batches(chosen, pad_id=tokenizer.pad_token_id, micro_batch=64, device="cpu")

        self.batches, self.small = [batches(step, batch) for step in range(steps)], [batches(0, 1)] * 3
        sizes = {name: weight.float().abs() for name, weight in maskable_weights(model).items()}
        self._masks = {density: mask_from_scores(sizes, density=density) for density in DENSITIES if density}

    def describe(self) -> str:
        """Tell the model's size, the batch, the machine and torch's version."""
        weights = sum(weight.numel() for weight in self.model().parameters())
        sequences = sum(len(batch.input_ids) for batch in self.batches[0])
        machine = describe_hardware("cpu")["processor"]
        return f"{weights:,} weights, {sequences} sequences a forward; {machine}, one thread, torch {torch.__version__}"

    def model(self) -> nn.Module:
        """Load the base model."""
        with quiet():
            return load_model(MODEL)[0]

    def mask(self, density: float | None) -> Mask | None:
        """Return the mask of a density."""
        return None if density is None else self._masks[density]

    def train(
        self, density: float | None, batches: Sequence[list[Batch]], **settings: Any
    ) -> tuple[nn.Module, "Clock"]:
        """Train a fresh model and leave its log; the clock has run over the steps."""
        model, mask = self.model(), self.mask(density)
        settings = {"lr": 1e-3 if mask else 1e-5, "run_seed": 0, "num_steps": len(batches)} | settings
        optimizer = ZerothOrderOptimizer(model.named_parameters(), mask=mask, **settings)
        with StepLog(self.log, optimizer, tasks=TASKS) as log:
            clock = Clock()
            for batch in batches:
                log.append(optimizer.step(partial(task_losses, model, batch, num_tasks=len(TASKS))))
            clock.stop()
        return model, clock

    def replay(self, density: float | None) -> tuple[nn.Module, "Clock"]:
        """Replay the log on a fresh model, with its checks."""
        model = self.model()
        with quiet():
            clock = Clock()
            replay_log_(model.named_parameters(), self.log, mask=self.mask(density))
            clock.stop()
        return model, clock


class Clock:
    """Wall and processor time from its making until it is stopped, in seconds."""

    def __init__(self) -> None:
        self.wall, self.processor = -time.perf_counter(), -time.process_time()

    def stop(self) -> None:
        """Stop it."""
        self.wall += time.perf_counter()
        self.processor += time.process_time()


def speed_table(bench: Bench, *, repeats: int) -> str:
    """Time training and replay in turn; raise where a masked replay is less than 20 times as fast."""
    lines = [
        "| run | training, ms a step | replay, ms a step | times faster | times faster, processor time |",
        "|---|---|---|---|---|",
    ]
    for density in DENSITIES:
        pairs = []
        for _ in range(repeats):
            trained, training = bench.train(density, bench.batches)
            rebuilt, replay = bench.replay(density)
            check_equal(trained, rebuilt, what=f"density {density}")
            pairs.append((training, replay))
        wall, processor = (_medians(pairs, attrgetter(kind)) for kind in ("wall", "processor"))
        ratio = processor[0] / processor[1]
        if density is not None and ratio < WANTED_RATIO:
            raise SystemExit(f"density {density}: wanted a replay {WANTED_RATIO} times as fast, found {ratio:.1f}")
        name = "all weights" if density is None else f"mask, density {100 * density:g} %"
        each = [1000 * seconds / bench.steps for seconds in wall]
        lines.append(f"| {name} | {each[0]:.1f} | {each[1]:.2f} | {wall[0] / wall[1]:.0f} | {ratio:.0f} |")
    return "\n".join([*lines, "", f"{bench.describe()}; medians of {repeats} runs of {bench.steps} steps."])


def _medians(pairs: Sequence[tuple[Clock, Clock]], read: Callable[[Clock], float]) -> list[float]:
    return [median(map(read, clocks)) for clocks in zip(*pairs, strict=True)]


def bits_report(bench: Bench) -> str:
    """Train and replay a few steps of every kind, masked and not; raise where a bit differs."""
    for settings, density in itertools.product(VARIANTS, (0.1, None)):
        trained, _ = bench.train(density, bench.small, **settings)
        rebuilt, _ = bench.replay(density)
        check_equal(trained, rebuilt, what=f"{settings}, density {density}")
    kinds = f"{', '.join(STEPS)} x {', '.join(DISTRIBUTIONS)}"
    return (
        f"Replay equals training bit for bit in {2 * len(VARIANTS)} kinds of runs, masked and not: {kinds}, and more."
    )


def check_equal(trained: nn.Module, rebuilt: nn.Module, *, what: str) -> None:
    """Raise unless two models have the same bits."""
    for (name, own), other in zip(trained.named_parameters(), rebuilt.parameters(), strict=True):
        if not torch.equal(_bits(own), _bits(other)):
            raise SystemExit(f"{what}: {name}: the replay's bits differ from the training's")


def _bits(weight: Tensor) -> Tensor:
    return weight.detach().contiguous().view(torch.uint8)


def log_report(bench: Bench) -> str:
    """Extrapolate the last log to 20,000 steps, and write one of that length; raise where it takes a megabyte."""
    bench.train(0.1, bench.batches)
    header, _, numbers = bench.log.read_bytes().partition(b"\n")
    extrapolated = len(header) + 1 + LONG_RUN * len(numbers) // len(bench.batches)
    path = bench.log.with_name("long.log")
    writer = LogWriter(path, {"tasks": list(TASKS), "num_directions": 1})
    for _ in range(LONG_RUN):
        writer.append(torch.ones(1, len(TASKS)), torch.ones(1))
    writer.finish({})
    written = path.stat().st_size
    if max(extrapolated, written) >= WANTED_BYTES:
        raise SystemExit(f"{LONG_RUN:,} steps: wanted a log below {WANTED_BYTES:,} bytes, found {written:,}")
    steps = f"{LONG_RUN:,} steps of {len(TASKS)} tasks"
    return f"A log of {steps}: {extrapolated:,} bytes by extrapolation, {written:,} as written."


if __name__ == "__main__":
    main()
