"""Stage: the cosines of a mix's task gradients at the untrained model."""

from pathlib import Path

from mazo.config import Suite, check_name
from mazo.conflict import conflicting_pairs, cosines, task_gradients
from mazo.files import write_json
from mazo.methods import ScoreSettings
from mazo.models import context_length, load_model
from mazo.stages.score import calibration_batches


def run(suite: Suite, *, model: str, mix: str, data: Path, out: Path) -> None:
    """Write the cosines and the number of pairs with a negative one, on training examples of the suite's first seed."""
    check_name("models", model, suite.models)
    check_name("mixes", mix, suite.mixes)
    network, tokenizer = load_model(suite.models[model])
    batches = calibration_batches(
        tokenizer,
        suite.mixes[mix],
        data=data,
        num_examples=(num_examples := ScoreSettings().calibration_examples),
        max_length=context_length(network),
        micro_batch=suite.training.micro_batch,
        seed=suite.seeds[0],
    )
    cosine = cosines(task_gradients(network, batches))
    write_json(
        out,
        {
            "tasks": list(batches),
            "cosines": [[round(value, 4) for value in row] for row in cosine.tolist()],
            "negative_pairs": conflicting_pairs(cosine),
            "pairs": len(batches) * (len(batches) - 1) // 2,
            "examples_per_task": num_examples,
            "weights": sum(weight.numel() for weight in network.parameters()),
        },
    )
