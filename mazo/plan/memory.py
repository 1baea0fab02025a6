"""The peak memory of each stage of a run, counted from the model's shape and the stage's settings."""

from collections.abc import Mapping

from torch import nn

from mazo.batches import FORWARD_COST
from mazo.config import Run
from mazo.grid import is_masked, is_scored, is_trained, mask_settings
from mazo.importance.groups import held_bytes, layer_groups, work_bytes
from mazo.methods import FirstOrder, ZerothOrder
from mazo.plan.shape import Shape, scored_layers
from mazo.plan.work import Lengths
from mazo.zeroth_order.direction import FACTORED
from mazo.zeroth_order.distributions import DEVICE_BLOCK

PROCESS = {"score": 430 * 2**20, "train": 420 * 2**20, "evaluate": 450 * 2**20}
"""Bytes of a stage's process on the CPU before model and rows: Python and the libraries, as forked by a local workflow
[measured]; a process that imports them itself passes through 110 MiB more."""
HELD_TOKEN = {"score": 0, "train": 140, "evaluate": 200}
"""Bytes of the processor's memory that a token of the rows takes: in training as encoded, in the evaluation with its
texts [measured]."""
CONTEXT = 500 * 2**20
"""Bytes that a GPU's own context and libraries take on it [assumed]."""
KEPT_FOR_BACKWARD = {"hidden": 11, "inner": 4}
"""Numbers of a token that a block keeps for its backward pass, in multiples of its widths [derived: LLaMA's block]."""


def peak_memory(run: Run, shape: Shape, lengths: Lengths, *, trained: Mapping[str, int]) -> dict[str, int]:
    """Return the peak memory of each stage, in bytes: of the process on the CPU, of the device elsewhere.

    :param lengths: Tokens of each task's rows.
    :param trained: How many numbers of each tensor the run trains.
    """
    on_cpu = run.model.device == "cpu"
    stages = {"evaluate": _evaluating(run, shape, lengths)}
    if is_trained(run):
        stages["train"] = _training(run, shape, lengths, trained=trained, on_cpu=on_cpu)
    if is_scored(run):
        stages["score"] = _scoring(run, shape, lengths)
    rows = {
        "score": 0,
        "train": run.data.train * sum(lengths[task].read for task in run.tasks),
        "evaluate": run.data.test * (1 + run.evaluation.num_fewshot) * sum(lengths[task].tested for task in run.tested),
    }
    return {
        stage: shape.weight_bytes
        + need
        + (PROCESS[stage] + round(HELD_TOKEN[stage] * rows[stage]) if on_cpu else CONTEXT)
        for stage, need in sorted(stages.items())
    }


def _training(run: Run, shape: Shape, lengths: Lengths, *, trained: Mapping[str, int], on_cpu: bool) -> int:
    tokens = _together(run, lengths)
    total, largest = sum(trained.values()), max(trained.values())
    if isinstance(run.method, FirstOrder):
        # Gradient and AdamW's two moments beside the weights; at the end a copy of the weights for their file.
        each = 4 if run.method.adapter is not None else shape.bytes_each
        saved = total * each if on_cpu else 0
        return 3 * total * each + max(saved, _kept(shape, tokens, checkpointed=run.method.gradient_checkpointing))
    assert isinstance(run.method, ZerothOrder)
    held = {"sgd": 0, "sign": 0, "momentum": 4, "adam": 8}[run.method.step] * total
    if run.method.mask is not None and run.method.mask_mode == "direction":
        held += 2 * total  # the steps between the kept numbers' places
    if run.method.precision == "master":
        held += 4 * total
    # A direction's numbers and the update or what they are made from: of a block, or of a tensor stepped in part.
    splits = run.method.mask is None or run.method.mask_mode == "direction"
    several = run.method.num_directions > 1 and run.method.direction in FACTORED
    each = 4 * (2 + (run.method.direction == "subspace") + several)
    moving = each * (min(largest, 0 if on_cpu else DEVICE_BLOCK) if splits else largest)
    return held + max(moving, _passing(shape, tokens))


def _scoring(run: Run, shape: Shape, lengths: Lengths) -> int:
    examples = min(run.scoring.micro_batch, mask_settings(run).scores.calibration_examples)
    tokens = max(examples * lengths[task].most for task in run.tasks)
    if mask_settings(run).rule == "wanda":
        return _passing(shape, tokens)
    layers = scored_layers(run, shape)
    groups = layer_groups(layers, at_once=run.scoring.layers_at_once)
    group = max(_group_bytes([layers[name] for name in names]) for names in groups)
    # Activations are kept from the group's first layer on: all of them where the group is the first.
    return group + _kept(shape, tokens, checkpointed=False)


def _group_bytes(layers: list[nn.Linear]) -> int:
    return sum(map(held_bytes, layers)) + max(map(work_bytes, layers))


def _evaluating(run: Run, shape: Shape, lengths: Lengths) -> int:
    most = {task: lengths[task].most for task in run.tested}
    if run.evaluation.num_fewshot:
        most = {task: min(shape.context, own * (1 + run.evaluation.num_fewshot)) for task, own in most.items()}
    rows = min(run.evaluation.batch_size, run.data.test)
    passing = _passing(shape, rows * max(most.values()))
    if "squad" in run.tested:
        # Keys and values of the prompts and of what is written.
        cached = rows * (most["squad"] + run.evaluation.max_new_tokens) * shape.blocks * shape.cached
        passing += cached * shape.bytes_each
    trained = 4 * shape.weights if is_masked(run) else 0
    return max(passing, trained if run.model.device == "cpu" else 0)


def _together(run: Run, lengths: Lengths) -> int:
    """Return the tokens of a step's largest micro-batch: the longest task's rows, and any as long or nearly."""
    batch = run.training.batch_per_task
    longest = max(lengths[task].most for task in run.tasks)
    near = sum(batch * (longest - lengths[task].most) <= FORWARD_COST for task in run.tasks)
    return min(run.training.micro_batch, batch * near) * longest


def _passing(shape: Shape, tokens: int) -> int:
    """Return what a forward without a backward holds at most: one block's activations, the logits apart."""
    return tokens * (4 * shape.hidden + 3 * shape.inner) * shape.bytes_each


def _kept(shape: Shape, tokens: int, *, checkpointed: bool) -> int:
    """Return the activations kept for a backward pass: all blocks', or, checkpointed, one block's and all inputs."""
    block = tokens * (KEPT_FOR_BACKWARD["hidden"] * shape.hidden + KEPT_FOR_BACKWARD["inner"] * shape.inner)
    if checkpointed:
        return (block + tokens * shape.hidden * shape.blocks) * shape.bytes_each
    return block * shape.blocks * shape.bytes_each
