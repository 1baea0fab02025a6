"""From a model and every task's calibration examples to one score a weight."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from tqdm import tqdm

from mazo.batches import Batch
from mazo.errors import ConfigError, MaskError
from mazo.importance.calibration import Recorder, calibrate, no_gradient_asked
from mazo.importance.combine import NORMALIZATIONS, task_score
from mazo.importance.groups import layer_groups
from mazo.importance.hessian import damped
from mazo.importance.parts import Parts
from mazo.importance.zo_gradient import zo_gradient, zo_slopes
from mazo.losses import example_losses
from mazo.maskable import maskable_layers, maskable_weights
from mazo.methods import ScoreSettings
from mazo.seeding import stream_key

Scores = dict[str, Float[Tensor, "..."]]


def score_tasks(
    model: nn.Module,
    batches_by_task: Mapping[str, Sequence[Batch]],
    *,
    settings: ScoreSettings | None = None,
    seed: int = 0,
    layers_at_once: int | None = None,
    parts: Parts | None = None,
) -> Scores:
    r"""Score every maskable weight of a model on some tasks (MaZO [paper]; the parts' forms are assumed).

    .. math:: S = \sum_t \mathrm{rownorm}(S_{\text{global},t} + \alpha S_{\text{greedy},t} + \beta |W|)

    Each of the three parts is scaled by row before they are added; see :func:`mazo.importance.combine.task_score`.

    :param batches_by_task: Calibration examples, collated a task at a time.
    :param settings: The score's settings, or their defaults when ``None``.
    :param seed: The run's seed; used where ``gradient`` is ``zo``.
    :param layers_at_once: Layers scored together; fewer take less memory and more passes. ``None``: as many as take no
        more memory than the largest one alone. The scores have the same bytes whatever it is.
    :param parts: What is done already is taken from here, and what gets done is put here, a weight at a time.
    :returns: A float32 matrix on the CPU for each maskable weight, by parameter name.

    Raises :class:`mazo.errors.ConfigError` for settings that exclude each other, and
    :class:`mazo.errors.MaskError` for a layer that no example passes, or whose Hessian or gradient is not finite.
    """
    settings = settings or ScoreSettings()
    parts = {} if parts is None else parts
    score_into(parts, model, batches_by_task, settings=settings, seed=seed, layers_at_once=layers_at_once)
    return {name: parts[name] for name in maskable_weights(model)}


def score_into(
    parts: Parts,
    model: nn.Module,
    batches_by_task: Mapping[str, Sequence[Batch]],
    *,
    settings: ScoreSettings,
    seed: int,
    layers_at_once: int | None,
) -> None:
    """Put the score of every maskable weight that is not among the parts there; see :func:`score_tasks`.

    Some layers at a time are scored on all tasks, each in one pass over the task's examples; then their gradients and
    Hessians are freed. Above the model itself this takes a micro-batch's activations and what
    :func:`mazo.importance.groups.needed_bytes` says of the largest layer (or 256 MiB, where that is more).
    """
    if settings.hessian == "fisher" and settings.gradient == "zo":
        raise ConfigError("scores.hessian: fisher needs gradient: backward; found gradient: zo")
    layers = maskable_layers(model)
    waiting = {name: layer for name, layer in layers.items() if f"{name}.weight" not in parts}
    total, done = len(layers) * len(batches_by_task), (len(layers) - len(waiting)) * len(batches_by_task)
    with no_gradient_asked(model), tqdm(total=total, initial=done, desc="score", unit="layer") as bar:
        for group in layer_groups(waiting, at_once=layers_at_once):
            sums: Scores = {}
            for task, batches in batches_by_task.items():
                statistics = layer_statistics(
                    model,
                    {name: layers[name] for name in group},
                    batches=batches,
                    settings=settings,
                    slopes=_slopes(model, task, batches, settings=settings, seed=seed, parts=parts),
                    seed=stream_key(seed, "scores", task),
                )
                for name in group:
                    score = layer_score(layers[name], name, statistics, batches=batches, settings=settings)
                    sums[name] = sums[name].add_(score) if name in sums else score
                    bar.update()
            for name in group:
                parts[f"{name}.weight"] = sums.pop(name)


def layer_score(
    layer: nn.Linear, name: str, statistics: Recorder, *, batches: Sequence[Batch], settings: ScoreSettings
) -> Float[Tensor, "out in"]:
    """Return one task's normalised score of a layer's weight, on the CPU; its statistics are taken out and freed."""
    if name not in statistics.gradients or name not in statistics.moments:
        raise MaskError(f"scores: {name}: wanted a layer that the examples pass; found one that none does")
    gradient, moment = statistics.gradients.pop(name), statistics.moments.pop(name)
    num_examples = sum(len(batch.task) for batch in batches)
    hessian = moment.fisher(num_examples) if settings.hessian == "fisher" else getattr(moment, settings.hessian)()
    del moment
    if not (gradient.isfinite().all() and hessian.isfinite().all()):
        raise MaskError(f"scores: {name}: wanted a finite gradient and Hessian, found some that are not")
    hessian = damped(hessian, damp=settings.damp)
    score = task_score(
        layer.weight,
        gradient,
        hessian=hessian,
        alpha=settings.alpha,
        beta=settings.beta,
        greedy_lr=settings.greedy_lr,
        part_normalization=settings.part_normalization,
    )
    return NORMALIZATIONS[settings.normalization](score).cpu()


def layer_statistics(
    model: nn.Module,
    layers: Mapping[str, nn.Linear],
    *,
    batches: Sequence[Batch],
    settings: ScoreSettings,
    slopes: Float[Tensor, " directions"] | None = None,
    seed: int = 0,
) -> Recorder:
    """Gather gradient and inputs of some layers over one task's calibration examples.

    :param slopes: The task's, where ``gradient`` is ``zo``; see :func:`task_slopes`.
    :param seed: Seed of the directions that belong to the slopes.
    """
    recorder = calibrate(layers, _parts(model, batches), gradients=slopes is None, hessian=settings.hessian)
    if slopes is not None:
        for name, layer in layers.items():
            recorder.gradients[name] = zo_gradient(slopes, layer.weight, name=name, seed=seed)
    return recorder


def task_slopes(
    model: nn.Module, batches: Sequence[Batch], *, settings: ScoreSettings, seed: int
) -> Float[Tensor, " directions"]:
    """Return the slopes of one task's mean loss along random directions over all maskable weights."""
    return zo_slopes(
        {name: layer.weight for name, layer in maskable_layers(model).items()},
        lambda: torch.stack([loss() for _, loss in _parts(model, batches)]).sum()[None],
        num_directions=settings.gradient_directions,
        eps=settings.gradient_eps,
        seed=seed,
    )


def _slopes(
    model: nn.Module, task: str, batches: Sequence[Batch], *, settings: ScoreSettings, seed: int, parts: Parts
) -> Float[Tensor, " directions"] | None:
    if settings.gradient == "backward":
        return None
    name = f"slopes/{task}"
    if name not in parts:
        parts[name] = task_slopes(model, batches, settings=settings, seed=stream_key(seed, "scores", task))
    return parts[name]


def real_tokens(batch: Batch) -> Bool[Tensor, "rows length"]:
    """Mark the tokens of a batch that are text: a sequence's last token predicts an answer, and padding follows it."""
    rows, length = batch.input_ids.shape
    ends = torch.zeros(rows, dtype=torch.int64, device=batch.places.device)
    ends.scatter_reduce_(0, batch.places // length, batch.places % length, reduce="amax")
    return torch.arange(length, device=ends.device) <= ends[:, None]


def _parts(
    model: nn.Module, batches: Sequence[Batch]
) -> Iterator[tuple[Bool[Tensor, "_ _"], Callable[[], Float[Tensor, ""]]]]:
    device = next(model.parameters()).device
    num_examples = sum(len(batch.task) for batch in batches)
    for batch in batches:
        here = batch.to(device)
        yield real_tokens(here), partial(_share, model, here, num_examples=num_examples)


def _share(model: nn.Module, batch: Batch, *, num_examples: int) -> Float[Tensor, ""]:
    return example_losses(model, batch).sum() / num_examples
