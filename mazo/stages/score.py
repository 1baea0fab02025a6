"""Stage: the importance of every weight a mask may cover, from each task's calibration examples."""

from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import save
from transformers import PreTrainedTokenizerBase

from mazo.batches import Batch, collate, encode_examples
from mazo.config import Run
from mazo.examples import build_examples
from mazo.files import write_bytes
from mazo.grid import mask_settings
from mazo.importance import score_tasks
from mazo.models import context_length, load_model
from mazo.records import measured
from mazo.seeding import numpy_generator
from mazo.tasks import load_tasks


def run(run: Run, *, data: Path, out: Path) -> None:
    """Write the summed scores, a matrix a weight, and what it took as ``score.json`` beside them."""
    settings = mask_settings(run).scores
    with measured(out.with_name("score.json")):
        model, tokenizer = load_model(run.model)
        batches = calibration_batches(
            tokenizer,
            run.tasks,
            data=data,
            num_examples=settings.calibration_examples,
            max_length=context_length(model),
            micro_batch=run.training.micro_batch,
            seed=run.seed,
        )
        scores = score_tasks(model, batches, settings=settings, seed=run.seed)
        write_bytes(out, save({name: matrix.contiguous() for name, matrix in scores.items()}))


def calibration_batches(
    tokenizer: PreTrainedTokenizerBase,
    tasks: Sequence[str],
    *,
    data: Path,
    num_examples: int,
    max_length: int,
    micro_batch: int,
    seed: int,
) -> dict[str, list[Batch]]:
    """Draw each task's calibration examples from its training rows and collate them, a task at a time.

    :param num_examples: Examples a task, or all its training rows where there are fewer.
    :param seed: The run's seed; decides which rows.
    """
    batches = {}
    for name, task in load_tasks(tasks, data).items():
        examples = build_examples(task, name, split="train")
        order = numpy_generator(seed, "calibration", name).permutation(len(examples))[:num_examples]
        chosen = [examples[i] for i in sorted(order)]
        encoded = encode_examples(tokenizer, chosen, task_index=0, max_length=max_length)
        batches[name] = collate(encoded, pad_id=tokenizer.pad_token_id, micro_batch=micro_batch)
    return batches
