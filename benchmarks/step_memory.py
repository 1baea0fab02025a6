"""Peak memory of training beside inference's on the same batch: a process each, a random model of 100M weights.

    python benchmarks/step_memory.py --out docs/performance.md      # a few minutes on one core

The figure is the kernel's peak of resident memory of the whole process: interpreter, libraries, model, activations.
Masks are read from files, as training reads them.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from llama import SHAPES, random_examples, random_llama
from page import deliver, markdown_table, out_option
from scoring_memory import MIB
from tqdm import tqdm

from mazo import ZerothOrderOptimizer, load_mask, mask_from_scores, save_mask
from mazo.batches import collate
from mazo.first_order import FirstOrderOptimizer
from mazo.losses import task_losses
from mazo.maskable import maskable_weights
from mazo.memory import keep_freed_memory, peak_memory

DENSITIES = (0.01, 0.1)
KINDS = {
    "inference": None,
    **{f"MaZO, density {100 * density:g} %": {"density": density} for density in DENSITIES},
    "MaZO, density 10 %, in place": {"density": 0.1, "precision": "in_place"},
    "MTL-ZO, in place": {"precision": "in_place"},
    "MTL-ZO, with a float32 copy": {},
    "AdamW": None,
}
STEPS, NUM_TASKS, PER_TASK, TOKENS = 2, 8, 2, 64


def measure(kind: str, *, size: str, folder: Path) -> int:
    """Do some steps in this process, which keeps what it frees as `mazo train` does, and return its peak, in bytes."""
    keep_freed_memory()
    shape = SHAPES[size]
    model = random_llama(shape)
    examples = random_examples(tasks=NUM_TASKS, per_task=PER_TASK, tokens=TOKENS, vocabulary=shape.vocabulary)
    batches = collate(examples, pad_id=2, micro_batch=64)
    forward = partial(task_losses, model, batches, num_tasks=NUM_TASKS)
    if kind == "AdamW":
        weights = list(model.parameters())
        first = FirstOrderOptimizer(weights, lr=1e-7, schedule="constant", num_steps=STEPS, weight_decay=0.0)
        for _ in range(STEPS):
            first.step(model, batches, num_tasks=NUM_TASKS)
    elif (settings := KINDS[kind]) is None:
        with torch.no_grad():
            for _ in range(2 * STEPS):
                forward()
    else:
        settings = dict(settings)
        density = settings.pop("density", None)
        mask = None if density is None else load_mask(_mask_file(folder, density))
        engine = ZerothOrderOptimizer(model.named_parameters(), lr=1e-7, run_seed=0, mask=mask, **settings)
        for _ in range(STEPS):
            engine.step(forward)
    return peak_memory()


def _mask_file(folder: Path, density: float) -> Path:
    return folder / f"{density}.safetensors"


def measure_apart(kind: str, *, size: str, folder: Path) -> int:
    """Measure one kind in a process of its own."""
    command = [sys.executable, __file__, "--one", kind, "--size", size, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all kinds for the table, or one kind and print it."""
    parser = argparse.ArgumentParser(description="memory of training")
    parser.add_argument("--size", choices=list(SHAPES), default="100M")
    parser.add_argument("--one", choices=list(KINDS), help="measure this kind alone")
    parser.add_argument("--folder", type=Path, help="where the masks of --one are")
    out_option(parser)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if options.one:
        print(measure(options.one, size=options.size, folder=options.folder))
        return
    with tempfile.TemporaryDirectory() as name:
        folder, model = Path(name), random_llama(SHAPES[options.size])
        sizes = {name: weight.abs() for name, weight in maskable_weights(model).items()}
        for density in DENSITIES:
            save_mask(mask_from_scores(sizes, density=density), _mask_file(folder, density))
        weights = sum(weight.numel() for weight in model.parameters())
        peaks = {kind: measure_apart(kind, size=options.size, folder=folder) for kind in tqdm(KINDS)}
    unit = peaks["inference"]
    rows = [[kind, f"{peak / MIB:.0f}", f"{peak / unit:.3f}"] for kind, peak in peaks.items()]
    batch = f"{NUM_TASKS * PER_TASK} prompts of {TOKENS} tokens"
    note = (
        f"{weights:,} weights, {4 * weights / MIB:.0f} MiB in float32; {batch}; one thread, torch {torch.__version__}."
    )
    table = markdown_table(["what", "peak of the process, MiB", "times inference's"], rows, words=1)
    deliver("step_memory", f"{table}\n\n{note}", page=options.out)


if __name__ == "__main__":
    main()
