"""Peak memory of training beside inference's on the same batch: processes of their own, random models of 100M weights.

    python benchmarks/step_memory.py --out docs/performance.md      # some minutes on one core

The figure is the kernel's peak of resident memory of the whole process: interpreter, libraries, model, activations. It
differs by a hundredth or two between equal processes, so there are several, in turns, and the median of them counts.
Models and masks are read from files, as training reads them.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median

import torch
from llama import SHAPES, random_examples, random_llama
from page import deliver, markdown_table, out_option
from scoring_memory import MIB
from tqdm import tqdm

from mazo import ZerothOrderOptimizer, load_mask, mask_from_scores, save_mask
from mazo.batches import collate
from mazo.config import ModelSettings
from mazo.first_order import FirstOrderOptimizer
from mazo.losses import task_losses
from mazo.maskable import maskable_weights
from mazo.memory import keep_freed_memory, peak_memory
from mazo.models import load_model, load_tokenizer
from mazo.quiet import quiet

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
SIZES, PROCESSES = ("100M", "100M-32k"), 3


def measure(kind: str, *, size: str, folder: Path) -> int:
    """Do some steps in this process, which keeps what it frees as `mazo train` does, and return its peak, in bytes."""
    keep_freed_memory()
    with quiet():
        model, _ = load_model(ModelSettings(path=str(folder)))
    vocabulary = SHAPES[size].vocabulary
    examples = random_examples(tasks=NUM_TASKS, per_task=PER_TASK, tokens=TOKENS, vocabulary=vocabulary)
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
    return folder / f"mask-{density}.safetensors"


def measure_apart(kind: str, *, size: str, folder: Path) -> int:
    """Measure one kind in a process of its own."""
    command = [sys.executable, __file__, "--one", kind, "--sizes", size, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def peaks(size: str, *, processes: int) -> tuple[int, dict[str, float]]:
    """Return a model's weights, and the median of some processes' peaks of each kind, in bytes."""
    with tempfile.TemporaryDirectory() as name:
        folder, model = Path(name), random_llama(SHAPES[size])
        sizes = {name: weight.abs() for name, weight in maskable_weights(model).items()}
        for density in DENSITIES:
            save_mask(mask_from_scores(sizes, density=density), _mask_file(folder, density))
        with quiet():
            load_tokenizer(ModelSettings(path="embedded:llama")).save_pretrained(folder)
            model.save_pretrained(folder)
        weights = sum(weight.numel() for weight in model.parameters())
        del model, sizes
        turns = tqdm([kind for _ in range(processes) for kind in KINDS], desc=size)
        found = [(kind, measure_apart(kind, size=size, folder=folder)) for kind in turns]
    return weights, {kind: median(peak for own, peak in found if own == kind) for kind in KINDS}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all kinds for the table, or one kind and print it."""
    parser = argparse.ArgumentParser(description="memory of training")
    parser.add_argument("--sizes", nargs="+", choices=list(SHAPES), default=SIZES)
    parser.add_argument("--processes", type=int, default=PROCESSES, help="how many of each kind")
    parser.add_argument("--one", choices=list(KINDS), help="measure this kind alone, on the first size")
    parser.add_argument("--folder", type=Path, help="where the model and the masks of --one are")
    out_option(parser)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if options.one:
        print(measure(options.one, size=options.sizes[0], folder=options.folder))
        return
    found = {size: peaks(size, processes=options.processes) for size in options.sizes}
    head, rows = ["what"], [[kind] for kind in KINDS]
    for size, (_, own) in found.items():
        head += [f"{size}: peak of the process, MiB", f"{size}: times inference's"]
        for row, peak in zip(rows, own.values(), strict=True):
            row += [f"{peak / MIB:.0f}", f"{peak / own['inference']:.3f}"]
    models = [f"{size}: {weights:,} weights, {4 * weights / MIB:.0f} MiB" for size, (weights, _) in found.items()]
    batch = f"{NUM_TASKS * PER_TASK} prompts of {TOKENS} tokens"
    how = f"medians of {options.processes} processes of each kind in turns, one thread, torch {torch.__version__}"
    note = f"{'; '.join(models)} in float32. {batch}; {how}."
    deliver("step_memory", f"{markdown_table(head, rows, words=1)}\n\n{note}", page=options.out)


if __name__ == "__main__":
    main()
