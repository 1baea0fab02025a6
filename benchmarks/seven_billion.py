"""Training a random model of LLaMA-2-7B's shape, in bfloat16 on one GPU, beside two bare forwards.

    python benchmarks/seven_billion.py --out docs/benchmarks.md                              # one GPU, two minutes
    python benchmarks/seven_billion.py --device cpu --width 128 --depth 2 --mlp 256 --score  # a trial of the script

Random weights, tokens and masks: only sizes and times mean anything. Peaks are the device allocator's on a GPU and
resident memory on the CPU.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from clock import Ratio, ratios
from page import deliver, markdown_table, out_option
from scoring_memory import peak_above
from torch import Tensor
from tqdm import tqdm
from transformers import LlamaConfig, LlamaForCausalLM

from mazo import Mask, ZerothOrderOptimizer, mask_from_scores, score_tasks
from mazo.batches import Batch, collate, encode_example
from mazo.encoding import EncodedPair
from mazo.gaps import GapsByName
from mazo.losses import task_losses
from mazo.maskable import maskable_weights
from mazo.seeding import numpy_generator, torch_generator

GIB = 2**30
TASKS = 2
MEMORY_BOUND = 1.03
"""Peak memory that is wanted at most, in those of inference."""


@dataclass(frozen=True)
class Kind:
    """A way to step.

    :param bound: Time that is wanted at most, in two bare forwards.
    :param density: Of the mask; no mask if ``None``.
    """

    name: str
    bound: float
    density: float | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


MASKED = 1.05
"""Time that is wanted at most of a masked step."""
DENSE = [
    Kind("MTL-ZO in place", 1.15, settings={"precision": "in_place"}),
    Kind("MTL-ZO in place, rademacher", 1.15, settings={"precision": "in_place", "direction": "rademacher"}),
]


@dataclass(frozen=True)
class Cost:
    """What steps of a kind cost: time beside two forwards, and the peak above the model, in bytes."""

    kind: Kind
    trained: int
    ratio: Ratio
    peak: int


def random_model(options: argparse.Namespace) -> LlamaForCausalLM:
    """Build the model on its device, in bfloat16 from the start."""
    config = LlamaConfig(
        vocab_size=options.vocabulary,
        hidden_size=options.width,
        intermediate_size=options.mlp,
        num_hidden_layers=options.depth,
        num_attention_heads=options.width // min(128, options.width),
        dtype="bfloat16",
    )
    with torch.device(options.device):
        return LlamaForCausalLM._from_config(config, dtype=torch.bfloat16).eval().requires_grad_(False)


def random_batches(options: argparse.Namespace) -> dict[str, list[Batch]]:
    """Return each task's examples of random tokens with two candidates, in micro-batches on the device."""
    draw = numpy_generator(0, "benchmark")
    batches = {}
    for task in range(TASKS):
        examples = []
        for _ in range(options.examples):
            context = draw.integers(3, options.vocabulary, options.tokens).tolist()
            both = [EncodedPair(context, [3], 0), EncodedPair(context, [4], 0)]
            examples.append(encode_example(both, task=task, is_choice=True, gold=0))
        parts = collate(examples, pad_id=2, micro_batch=options.micro_batch)
        batches[str(task)] = [part.to(options.device) for part in parts]
    return batches


def cost(work: Callable[[], object], *, device: str) -> tuple[float, int]:
    """Return some work's seconds, and its peak memory above what was taken before, in bytes."""
    start = time.perf_counter()
    if device == "cpu":
        peak = peak_above(work)
    else:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        torch.cuda.synchronize()
        peak = torch.cuda.max_memory_allocated() - before
    return time.perf_counter() - start, peak


class Bench:
    """A random model, its batches, and what is measured on them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.device, self._steps, self._densities = options.device, options.steps, options.density
        self.model, self._batches = random_model(options), random_batches(options)
        self._masks: dict[float, Mask] = {}
        self.two_forwards()

    def score(self) -> None:
        """Score all tasks and make the masks."""
        scores = score_tasks(self.model, self._batches, layers_at_once=1)
        self._masks = {density: mask_from_scores(scores, density=density) for density in self._densities}

    def choose(self) -> None:
        """Make masks that keep some weights of every row at random, the same in all matrices of a shape."""
        shapes = {name: tuple(weight.shape) for name, weight in maskable_weights(self.model).items()}
        scores = {str(shape): random_scores(shape, device=self.device) for shape in set(shapes.values())}
        for density in self._densities:
            gaps = mask_from_scores(scores, density=density).gaps
            kept = GapsByName({name: gaps[str(shape)] for name, shape in shapes.items()})
            self._masks[density] = Mask(kept, shapes)

    def forward(self) -> Tensor:
        """Measure the tasks' losses."""
        both = [part for parts in self._batches.values() for part in parts]
        return task_losses(self.model, both, num_tasks=TASKS)

    @torch.no_grad()
    def two_forwards(self) -> None:
        """Do what no step can do without, and wait for it as a step does."""
        for _ in range(2):
            self.forward().cpu()

    def steps(self) -> list[Cost]:
        """Measure every kind."""
        masked = [
            Kind(f"MaZO{how}, density {100 * density:g} %", MASKED, density=density, settings=settings)
            for density in self._densities
            for how, settings in (("", {}), (" in place", {"precision": "in_place"}))
        ]
        return [self._measure(kind) for kind in tqdm([*masked, *DENSE], desc="steps", unit="kind")]

    def _measure(self, kind: Kind) -> Cost:
        mask = None if kind.density is None else self._masks[kind.density]
        made: list[ZerothOrderOptimizer] = []

        def begin() -> None:
            weights = self.model.named_parameters()
            made.append(ZerothOrderOptimizer(weights, lr=1e-6, run_seed=0, mask=mask, **kind.settings))
            made[0].step(self.forward)

        def step() -> None:
            made[0].step(self.forward, settle=False)
            if self.device != "cpu":
                torch.cuda.synchronize()

        _, peak = cost(begin, device=self.device)
        ratio = ratios({kind.name: step}, self.two_forwards, repeats=max(2, self._steps))[kind.name]
        return Cost(kind, made[0].num_trained, ratio, peak)


def random_scores(shape: tuple[int, int], *, device: str) -> Tensor:
    """Return a matrix of random scores."""
    generator = torch_generator(0, "benchmark", *shape)
    return torch.rand(shape, generator=generator).to(device)


@dataclass(frozen=True)
class Unit:
    """What steps are measured beside: bytes of the model, and two forwards' peak above it."""

    model: int
    forwards: int

    def times(self, peak: int) -> float:
        """Return how many times inference's a peak above the model is, the model counted in both."""
        return (self.model + peak) / (self.model + self.forwards)


def step_table(costs: Sequence[Cost], unit: Unit) -> str:
    """Lay out times and peaks."""
    head = ["step", "weights", "seconds", "times two forwards", "peak above the model, GiB", "peak, times inference's"]
    rows = []
    for found in costs:
        figures = [f"{found.trained:,}", f"{found.ratio.seconds:.3f}", f"{found.ratio.wall:.3f}"]
        rows.append([found.kind.name, *figures, f"{found.peak / GIB:.2f}", f"{unit.times(found.peak):.3f}"])
    return markdown_table(head, rows, words=1)


def findings(costs: Sequence[Cost], unit: Unit) -> str:
    """Say of every step whether it is within the bounds that are wanted."""
    lines = []
    for found in costs:
        duration = _verdict("time", found.ratio.wall, found.kind.bound)
        memory = _verdict("memory", unit.times(found.peak), MEMORY_BOUND)
        lines.append(f"- {found.kind.name}: {duration}; {memory}.")
    return "\n".join(lines)


def _verdict(what: str, found: float, bound: float) -> str:
    return f"{what} {found:.3f}, wanted at most {bound:g}: {'within' if found <= bound else 'not within'}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Score, mask, and train; print the tables or write them into a page."""
    parser = argparse.ArgumentParser(description="scoring and training at 7B")
    parser.add_argument("--device", default="cuda")
    sizes = {"width": 4096, "depth": 32, "mlp": 11008, "vocabulary": 32000}
    work = {"tokens": 256, "examples": 8, "micro-batch": 16, "steps": 20}
    for name, value in {**sizes, **work}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--density", type=float, nargs="+", default=[0.01, 0.1], help="of the masks")
    parser.add_argument("--score", action="store_true", help="score the tasks and make the masks of that")
    parser.add_argument("--mark", default="seven_billion", help="of the page's block")
    out_option(parser)
    options = parser.parse_args(arguments)

    bench = Bench(options)
    _, inference = cost(bench.two_forwards, device=options.device)
    seconds, peak = cost(bench.score if options.score else bench.choose, device=options.device)
    costs = bench.steps()
    weights = sum(weight.numel() for weight in bench.model.parameters())
    unit = Unit(sum(weight.nbytes for weight in bench.model.parameters()), inference)
    name = "CPU" if options.device == "cpu" else torch.cuda.get_device_name()
    note = f"{name}, torch {torch.__version__}; {weights:,} weights in bfloat16, {unit.model / GIB:.2f} GiB;"
    note += f" {options.examples} examples a task of {options.tokens} tokens with two answers each, micro-batches of"
    note += f" {options.micro_batch} sequences at most. Two forwards: {inference / GIB:.2f} GiB above the model. Times"
    note += (
        f" are medians of wall time over {max(2, options.steps)} steps, each beside two forwards just before and after."
    )
    if options.score:
        note += f" Scores of {TASKS} tasks and the masks: {seconds:.1f} s, {peak / GIB:.2f} GiB above the model."
    deliver(options.mark, "\n\n".join([step_table(costs, unit), note, findings(costs, unit)]), page=options.out)


if __name__ == "__main__":
    main()
