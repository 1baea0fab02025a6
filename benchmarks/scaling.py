"""How a step's time and memory grow with the model, the batch, the tasks and the density: measured exponents.

    python benchmarks/scaling.py --out docs/performance.md      # a few minutes on one core

One thing is varied at a time; the exponent is the slope of a straight line through the points' logarithms. Processor
time; memory is the peak above the model's own, of building the engine and doing a step.
"""

import argparse
import gc
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import linear_regression, median

import torch
from clock import timed
from llama import SHAPES, Shape, random_examples, random_llama
from page import deliver, markdown_table, out_option
from scoring_memory import peak_above
from tqdm import tqdm

from mazo import ZerothOrderOptimizer, mask_from_scores
from mazo.batches import collate
from mazo.losses import task_losses
from mazo.maskable import maskable_weights


@dataclass(frozen=True)
class Case:
    """A step to measure."""

    shape: Shape
    prompts: int = 16
    tasks: int = 2
    density: float | None = 0.1

    def measure(self, repeats: int) -> tuple[int, float, float, int]:
        """Return the model's weights, seconds of a step and of what it does beside its forwards, and peak bytes."""
        model = random_llama(self.shape)
        per_task = self.prompts // self.tasks
        examples = random_examples(tasks=self.tasks, per_task=per_task, tokens=64, vocabulary=self.shape.vocabulary)
        batches = collate(examples, pad_id=2, micro_batch=64)
        forward = partial(task_losses, model, batches, num_tasks=self.tasks)
        mask = None
        if self.density is not None:
            sizes = {name: weight.abs() for name, weight in maskable_weights(model).items()}
            mask = mask_from_scores(sizes, density=self.density)
            del sizes
        gc.collect()
        engines = []

        def start() -> None:
            engines.append(ZerothOrderOptimizer(model.named_parameters(), lr=1e-7, run_seed=0, mask=mask))
            engines[0].step(forward)

        peak = peak_above(start)
        step = [timed(partial(engines[0].step, forward)).processor for _ in range(repeats)]
        losses = forward()
        rest = [timed(partial(engines[0].step, lambda: losses)).processor for _ in range(3 * repeats)]
        weights = sum(weight.numel() for weight in model.parameters())
        return weights, median(step), median(rest), peak


SERIES: dict[str, tuple[list[Case], Callable[[Case, int], float]]] = {
    "weights of the model, density 10 %": (
        [Case(SHAPES[size]) for size in ("0.75M", "7M", "30M")],
        lambda case, weights: weights,
    ),
    "weights of the model, all trained": (
        [Case(SHAPES[size], density=None) for size in ("0.75M", "7M", "30M")],
        lambda case, weights: weights,
    ),
    "prompts in the batch": (
        [Case(SHAPES["7M"], prompts=prompts) for prompts in (4, 8, 16, 32)],
        lambda case, weights: case.prompts,
    ),
    "tasks, the batch as large": (
        [Case(SHAPES["7M"], tasks=tasks) for tasks in (1, 2, 4, 8)],
        lambda case, weights: case.tasks,
    ),
    "density": (
        [Case(SHAPES["7M"], density=density) for density in (0.01, 0.03, 0.1, 0.3)],
        lambda case, weights: case.density,
    ),
}


def exponent(places: Sequence[float], values: Sequence[float]) -> str:
    """Return the slope of the values' logarithms over the places'."""
    if min(values) <= 0:
        return "none"
    return f"{linear_regression(list(map(math.log, places)), list(map(math.log, values))).slope:.2f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all series; print the table or write it into a page."""
    parser = argparse.ArgumentParser(description="exponents of a step's cost")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--small", action="store_true", help="a trial of the script, on the smallest model alone")
    out_option(parser)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rows = []
    for name, (cases, place) in tqdm(SERIES.items()):
        if options.small:
            cases = [replace(case, shape=replace(case.shape, width=64, depth=2, mlp=128, heads=2)) for case in cases]
        measured = [case.measure(options.repeats) for case in cases]
        places = [place(case, found[0]) for case, found in zip(cases, measured, strict=True)]
        seconds, rest, peaks = ([found[column] for found in measured] for column in (1, 2, 3))
        span = f"{places[0]:,.6g} to {places[-1]:,.6g}"
        figures = [f"{exponent(places, values)}" for values in (seconds, rest, peaks)]
        rows.append(
            [name, span, figures[0], figures[1], f"{1000 * rest[-1]:.1f} ms of {1000 * seconds[-1]:.0f}", figures[2]]
        )
    head = [
        "what grows",
        "from, to",
        "time of a step",
        "time beside forwards",
        "that at the last point",
        "peak above the model",
    ]
    note = "Exponents. What is not varied: 7M weights, 16 prompts of 64 tokens, 2 tasks, density 10 %; medians of "
    note += f"{options.repeats} steps on one thread."
    deliver("scaling", f"{markdown_table(head, rows, words=2)}\n\n{note}", page=options.out)


if __name__ == "__main__":
    main()
