"""A fresh LoRA's first step: where its A factors have a gradient that they can be scored by."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mazo.batches import Batch
from mazo.importance.parts import Parts
from mazo.importance.score import layer_statistics, task_slopes
from mazo.maskable import maskable_layers
from mazo.methods import ScoreSettings
from mazo.seeding import stream_key


@torch.no_grad()
def step_off_zero_(
    model: nn.Module,
    batches_by_task: Mapping[str, Sequence[Batch]],
    *,
    settings: ScoreSettings,
    seed: int = 0,
    parts: Parts | None = None,
) -> None:
    r"""Move LoRA's B factors from 0 by one step of gradient descent on the mean of the tasks' losses [assumed].

    .. math:: B = -\text{greedy\_lr} \cdot \frac1T \sum_t \frac{\partial L_t}{\partial B}

    At B = 0 the loss does not answer to A: with :math:`G = \partial L / \partial W`, A's gradient is
    :math:`(\alpha / r) B' G`. Its global and greedy scores would be 0, and its mask would follow |A|, which is random.
    After the step it is :math:`-\text{greedy\_lr} (\alpha / r)^2 A G' G` for one task [derived], so A keeps the inputs
    on which training acts first. B's own gradient is nearly that at 0.

    Where ``gradient`` is ``zo``, a slope is nearly all B's, so A's estimated gradient is mostly noise.

    :param model: A model with a fresh LoRA; one without an adapter is left as it is.
    :param batches_by_task: Calibration examples, collated a task at a time.
    :param settings: The scores' settings; the step is ``greedy_lr`` long.
    :param seed: The run's seed; used where ``gradient`` is ``zo``.
    :param parts: The factors are taken from here where they are there, and put here otherwise.
    """
    layers = {name: layer for name, layer in maskable_layers(model).items() if "lora_B" in name}
    parts = {} if parts is None else parts
    if any(f"ahead/{name}" not in parts for name in layers):
        for name, gradient in _mean_gradients(model, layers, batches_by_task, settings=settings, seed=seed).items():
            parts[f"ahead/{name}"] = -settings.greedy_lr * gradient
    for name, layer in layers.items():
        layer.weight.copy_(parts[f"ahead/{name}"])


def _mean_gradients(
    model: nn.Module,
    layers: Mapping[str, nn.Linear],
    batches_by_task: Mapping[str, Sequence[Batch]],
    *,
    settings: ScoreSettings,
    seed: int,
) -> dict[str, Tensor]:
    means = {name: torch.zeros_like(layer.weight) for name, layer in layers.items()}
    for task, batches in batches_by_task.items():
        own = stream_key(seed, "ahead", task)
        backward = settings.gradient == "backward"
        slopes = None if backward else task_slopes(model, batches, settings=settings, seed=own)
        found = layer_statistics(model, layers, batches=batches, settings=settings, slopes=slopes, seed=own)
        for name, mean in means.items():
            mean += found.gradients[name] / len(batches_by_task)
    return means
