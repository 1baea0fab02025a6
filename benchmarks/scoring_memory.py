"""Peak memory of scoring above the model's own, against model size: random models of LLaMA's shape on the CPU.

    python benchmarks/scoring_memory.py --out docs/benchmarks.md      # a minute or two on one CPU core

Every model has a process of its own. The figure is the kernel's: the peak resident memory while scores are computed
(set back before), less the resident memory just before. Allocations of 64 KiB and more are given back to the system
when they are freed, so the peak is of memory in use. Finished scores go to files, as in ``mazo score``.
"""

import argparse
import ctypes
import gc
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from page import deliver, markdown_table, out_option
from tqdm import tqdm
from transformers import LlamaConfig, LlamaForCausalLM

from mazo.batches import collate, encode_example
from mazo.encoding import EncodedPair
from mazo.importance.groups import needed_bytes
from mazo.importance.parts import PartFiles
from mazo.importance.score import score_into
from mazo.losses import example_losses
from mazo.maskable import maskable_layers
from mazo.memory import MMAP_THRESHOLD, TRIM_THRESHOLD, peak_memory
from mazo.methods import ScoreSettings
from mazo.seeding import numpy_generator

SIZES = [(width, depth) for width in (128, 256, 512) for depth in (2, 8)]
MIB = 2**20
TOKENS, EXAMPLES = 8, 1
HEAD = ["width", "blocks", "model", "largest layer needs", "activations", "one layer at a time", "all layers at once"]


def random_model(width: int, depth: int) -> LlamaForCausalLM:
    """Build a model of LLaMA's shape, float32, with a small vocabulary so that its layers are nearly all of it."""
    config = LlamaConfig(
        vocab_size=512,
        hidden_size=width,
        intermediate_size=width * 11 // 4,
        num_hidden_layers=depth,
        num_attention_heads=width // 64,
        max_position_embeddings=64,
    )
    return LlamaForCausalLM(config).eval().requires_grad_(False)


def random_batches() -> dict:
    """Return two tasks' examples of random tokens with two candidates, one micro-batch each."""
    draw = numpy_generator(0, "benchmark")
    batches = {}
    for task in ("a", "b"):
        contexts = [draw.integers(3, 500, TOKENS).tolist() for _ in range(EXAMPLES)]
        pairs = [[EncodedPair(context, [3], 0), EncodedPair(context, [4], 0)] for context in contexts]
        examples = [encode_example(both, task=0, is_choice=True, gold=0) for both in pairs]
        batches[task] = collate(examples, pad_id=2, micro_batch=EXAMPLES)
    return batches


def give_back_above(size: int) -> None:
    """Have glibc give blocks of memory above a size back when they are freed, so that a peak is of memory in use."""
    libc = ctypes.CDLL(None)
    for option in (MMAP_THRESHOLD, TRIM_THRESHOLD):
        libc.mallopt(option, size)


def peak_above(work: Callable[[], object]) -> int:
    """Return the peak resident memory during some work above that before it, in bytes."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to what is resident now
    before = int(re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
    work()
    return peak_memory() - before


def activations(model: LlamaForCausalLM, batches: dict) -> None:
    """Do one micro-batch's forward and backward over all blocks, with no weight's gradient."""
    with torch.enable_grad():
        hook = model.get_input_embeddings().register_forward_hook(lambda _, __, output: output.requires_grad_())
        example_losses(model, batches["a"][0]).sum().backward()
        hook.remove()


def score(model: LlamaForCausalLM, batches: dict, *, layers_at_once: int) -> None:
    """Score a model with the default settings, into files."""
    with tempfile.TemporaryDirectory() as folder:
        parts = PartFiles(Path(folder), key="benchmark")
        score_into(parts, model, batches, settings=ScoreSettings(), seed=0, layers_at_once=layers_at_once)


def measure(width: int, depth: int) -> dict[str, int]:
    """Measure one model in this process."""
    batches = random_batches()
    warm = random_model(64, 1)
    activations(warm, batches)
    score(warm, batches, layers_at_once=1)
    model = random_model(width, depth)
    layers = maskable_layers(model)
    return {
        "model": sum(weight.nbytes for weight in model.parameters()),
        "needs": max(map(needed_bytes, layers.values())),
        "activations": peak_above(lambda: activations(model, batches)),
        "one": peak_above(lambda: score(model, batches, layers_at_once=1)),
        "all": peak_above(lambda: score(model, batches, layers_at_once=len(layers))),
    }


def measure_apart(width: int, depth: int) -> dict[str, int]:
    """Measure one model in a process of its own."""
    limits = {"MALLOC_MMAP_THRESHOLD_": str(2**16), "MALLOC_TRIM_THRESHOLD_": str(2**16), "MALLOC_ARENA_MAX": "1"}
    command = [sys.executable, __file__, "--one", str(width), str(depth)]
    done = subprocess.run(command, env=os.environ | limits, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def main() -> None:
    """Measure all sizes for the table, or one size and print it as JSON."""
    parser = argparse.ArgumentParser(description="memory of scoring")
    parser.add_argument("--one", nargs=2, type=int, metavar=("WIDTH", "DEPTH"), help="measure this size alone")
    out_option(parser)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(*options.one)))
        return
    rows = []
    for width, depth in tqdm(SIZES):
        found = measure_apart(width, depth)
        figures = [f"{found[key] / MIB:.1f}" for key in ("model", "needs", "activations", "one", "all")]
        rows.append([str(width), str(depth), *figures])
    deliver("scoring_memory", markdown_table(HEAD, rows, words=0), page=options.out)


if __name__ == "__main__":
    main()
