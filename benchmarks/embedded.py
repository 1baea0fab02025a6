"""The embedded model and calibration examples of generated tasks, as a scoring of the default suite sees them."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mazo.batches import Batch
from mazo.config import DataSettings, ModelSettings
from mazo.data import prepare_task
from mazo.models import context_length, load_model
from mazo.stages.score import calibration_batches

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def load(tasks: list[str], *, num_examples: int, seed: int = 0) -> "tuple[PreTrainedModel, dict[str, list[Batch]]]":
    """Return the embedded model, and each task's calibration examples, collated."""
    model, tokenizer = load_model(ModelSettings(path="embedded:llama"))
    with tempfile.TemporaryDirectory() as folder:
        for task in tasks:
            prepare_task(task, DataSettings(dev=1, test=1), out=Path(folder))
        shape = {"max_length": context_length(model), "micro_batch": 64, "num_examples": num_examples, "seed": seed}
        return model, calibration_batches(tokenizer, tasks, data=Path(folder), **shape)
