"""Memory and seconds of scoring and training a random model of LLaMA-2-7B's shape, in bfloat16 on one GPU.

    python benchmarks/seven_billion.py --out docs/benchmarks.md                      # one GPU
    python benchmarks/seven_billion.py --device cpu --width 128 --depth 2 --mlp 256  # a trial of the script

Random weights and random tokens: only sizes and times mean anything. Peaks are the device allocator's on a GPU and
resident memory on the CPU.
"""

import argparse
import time
from collections.abc import Callable, Sequence

import torch
from page import deliver, markdown_table, out_option
from scoring_memory import peak_above
from transformers import LlamaConfig, LlamaForCausalLM

from mazo import ZerothOrderOptimizer, mask_from_scores, score_tasks
from mazo.batches import Batch, collate, encode_example
from mazo.encoding import EncodedPair
from mazo.losses import task_losses
from mazo.seeding import numpy_generator

GIB = 2**30
TASKS = 2


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


def main(arguments: Sequence[str] | None = None) -> None:
    """Score, mask, and train; print a table or write it into a page."""
    parser = argparse.ArgumentParser(description="scoring and training at 7B")
    parser.add_argument("--device", default="cuda")
    sizes = {"width": 4096, "depth": 32, "mlp": 11008, "vocabulary": 32000}
    work = {"tokens": 256, "examples": 8, "micro-batch": 8, "steps": 20}
    for name, value in {**sizes, **work}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    out_option(parser)
    options = parser.parse_args(arguments)

    model, batches = random_model(options), random_batches(options)
    kept: dict = {}

    def score() -> None:
        kept["mask"] = mask_from_scores(score_tasks(model, batches, layers_at_once=1), density=0.1)

    def train() -> None:
        optimizer = ZerothOrderOptimizer(model.named_parameters(), lr=1e-6, run_seed=0, mask=kept["mask"])
        kept["trained"] = optimizer.num_trained
        both = [part for parts in batches.values() for part in parts]
        for _ in range(options.steps):
            optimizer.step(lambda: task_losses(model, both, num_tasks=TASKS))

    score_seconds, score_peak = cost(score, device=options.device)
    train_seconds, train_peak = cost(train, device=options.device)
    weights = sum(weight.numel() for weight in model.parameters())
    size = sum(weight.nbytes for weight in model.parameters()) / GIB
    name = "CPU" if options.device == "cpu" else torch.cuda.get_device_name()
    rows = [
        [f"scores of {TASKS} tasks and mask", f"{score_peak / GIB:.2f}", f"{score_seconds:.1f}"],
        [f"{options.steps} steps on {kept['trained']:,} weights", f"{train_peak / GIB:.2f}", f"{train_seconds:.1f}"],
    ]
    table = markdown_table(["what", "peak above the model, GiB", "seconds"], rows, words=1)
    note = f"{name}; {weights:,} weights in bfloat16, {size:.2f} GiB; {options.examples} examples a task of"
    note += f" {options.tokens} tokens with two answers each, micro-batches of {options.micro_batch} sequences at most."
    deliver("seven_billion", f"{table}\n\n{note}", page=options.out)


if __name__ == "__main__":
    main()
