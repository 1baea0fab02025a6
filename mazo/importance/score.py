"""From a model and every task's calibration examples to one score a weight."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from tqdm import tqdm

from mazo.batches import Batch
from mazo.errors import ConfigError, MaskError
from mazo.importance.calibration import Recorder, calibrate
from mazo.importance.combine import NORMALIZATIONS, task_score
from mazo.importance.hessian import damped
from mazo.importance.zo_gradient import zo_gradients
from mazo.losses import example_losses
from mazo.maskable import maskable_layers
from mazo.methods import ScoreSettings
from mazo.seeding import stream_key

Scores = dict[str, Float[Tensor, "..."]]


def score_tasks(
    model: nn.Module,
    batches_by_task: Mapping[str, Sequence[Batch]],
    *,
    settings: ScoreSettings,
    seed: int = 0,
    layers_at_once: int | None = None,
) -> Scores:
    r"""Score every maskable weight of a model on some tasks (MaZO [paper]; the parts' forms are assumed).

    .. math:: S = \sum_t \mathrm{rownorm}(S_{\text{global},t} + \alpha S_{\text{greedy},t} + \beta |W|)

    :param batches_by_task: Calibration examples, collated a task at a time.
    :param settings: The score's settings; see :class:`mazo.methods.ScoreSettings`.
    :param seed: The run's seed; used where ``gradient`` is ``zo``.
    :param layers_at_once: Layers whose gradients and Hessians are held together; fewer take less memory and more
        passes. All of them when ``None``.
    :returns: A float32 matrix on the CPU for each maskable weight, by parameter name.

    Raises :class:`mazo.errors.ConfigError` for settings that exclude each other, and
    :class:`mazo.errors.MaskError` for a layer whose Hessian or gradient is not finite.
    """
    if settings.hessian == "fisher" and settings.gradient == "zo":
        raise ConfigError("scores.hessian: fisher needs gradient: backward; found gradient: zo")
    layers = maskable_layers(model)
    groups = _groups(list(layers), layers_at_once or len(layers))
    total = {f"{name}.weight": torch.zeros(layer.weight.shape) for name, layer in layers.items()}
    with tqdm(total=len(batches_by_task) * len(layers), desc="score", unit="layer") as bar:
        for task, batches in batches_by_task.items():
            task_seed = stream_key(seed, "scores", task)
            for group in groups:
                scores = score_layers(
                    model, {name: layers[name] for name in group}, batches=batches, settings=settings, seed=task_seed
                )
                for name, score in scores.items():
                    total[name] += score
                bar.update(len(group))
    return total


def score_layers(
    model: nn.Module,
    layers: Mapping[str, nn.Linear],
    *,
    batches: Sequence[Batch],
    settings: ScoreSettings,
    seed: int,
) -> Scores:
    """Return one task's normalised scores of some layers."""
    recorder = layer_statistics(model, layers, batches=batches, settings=settings, seed=seed)
    normalize = NORMALIZATIONS[settings.normalization]
    num_examples = sum(len(batch.task) for batch in batches)
    scores = {}
    for name, layer in layers.items():
        gradient, moment = recorder.gradients.pop(name), recorder.moments.pop(name)
        hessian = moment.fisher(num_examples) if settings.hessian == "fisher" else getattr(moment, settings.hessian)()
        if not (gradient.isfinite().all() and hessian.isfinite().all()):
            raise MaskError(f"scores: {name}: wanted a finite gradient and Hessian, found some that are not")
        score = task_score(
            layer.weight,
            gradient,
            hessian=damped(hessian, damp=settings.damp),
            alpha=settings.alpha,
            beta=settings.beta,
            greedy_lr=settings.greedy_lr,
        )
        scores[f"{name}.weight"] = normalize(score).cpu()
    return scores


def layer_statistics(
    model: nn.Module,
    layers: Mapping[str, nn.Linear],
    *,
    batches: Sequence[Batch],
    settings: ScoreSettings,
    seed: int,
) -> Recorder:
    """Gather gradient and inputs of some layers over one task's calibration examples."""
    backward = settings.gradient == "backward"
    recorder = calibrate(layers, _parts(model, batches), gradients=backward, hessian=settings.hessian)
    if not backward:
        weights = {name: layer.weight for name, layer in layers.items()}
        recorder.gradients = zo_gradients(
            weights,
            lambda: torch.stack([loss() for _, loss in _parts(model, batches)]).sum()[None],
            num_directions=settings.gradient_directions,
            eps=settings.gradient_eps,
            seed=seed,
        )
    return recorder


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


def _groups(names: Sequence[str], size: int) -> list[Sequence[str]]:
    return [names[start : start + size] for start in range(0, len(names), size)]
