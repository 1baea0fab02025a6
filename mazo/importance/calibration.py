"""What the scores need of each layer, gathered by hooks while the calibration examples pass: gradient and Hessian."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mazo.importance.hessian import SecondMoment


def wide(dtype: torch.dtype) -> torch.dtype:
    """Return the type that statistics of numbers of a type are held in: float32, or float64 for float64."""
    return torch.promote_types(dtype, torch.float32)


def real_values(values: Float[Tensor, "... width"], real: Bool[Tensor, "sequences tokens"]) -> Float[Tensor, "_ width"]:
    """Return the rows of a layer's inputs or slopes that belong to real tokens; OPT flattens sequences and tokens."""
    return values.detach().reshape(*real.shape, -1)[real.to(values.device)]


@dataclass
class Recorder:
    """Gathers the layers' statistics; :func:`recording` connects it to the layers.

    :param real: Marks the tokens of the batch under way that are text and not padding; set before each forward.
    """

    real: Bool[Tensor, "sequences tokens"] | None = None
    gradients: dict[str, Tensor] = field(default_factory=dict)
    moments: dict[str, SecondMoment] = field(default_factory=dict)

    def take_inputs(self, name: str, inputs: Float[Tensor, "... in"]) -> None:
        """Add a layer's inputs to its Gram matrix."""
        self._moment(name, inputs).add(self._text(inputs))

    def take_weighted_inputs(
        self, name: str, inputs: Float[Tensor, "... in"], slopes: Float[Tensor, "... out"]
    ) -> None:
        """Add a layer's inputs, each weighted with the mean over the rows i of (dL/dy_i)^2, to its Fisher matrix."""
        weights = self._text(slopes).square().mean(dim=1)
        self._moment(name, inputs).add(self._text(inputs), weights)

    def take_gradient(self, name: str, weight: Tensor) -> None:
        """Add a weight's gradient, and free it."""
        assert weight.grad is not None
        if name in self.gradients:
            self.gradients[name] += weight.grad
        else:
            self.gradients[name] = weight.grad.to(wide(weight.dtype))
        weight.grad = None

    def _text(self, values: Tensor) -> Tensor:
        assert self.real is not None
        return real_values(values, self.real).to(wide(values.dtype))

    def _moment(self, name: str, inputs: Tensor) -> SecondMoment:
        if name not in self.moments:
            self.moments[name] = SecondMoment(inputs.shape[-1], device=inputs.device, dtype=wide(inputs.dtype))
        return self.moments[name]


@contextmanager
def no_gradient_asked(model: nn.Module) -> Iterator[None]:
    """Let no parameter of a model require a gradient inside, and put every one back as it was."""
    asked = [weight for weight in model.parameters() if weight.requires_grad]
    try:
        for weight in asked:
            weight.requires_grad_(False)
        yield
    finally:
        for weight in asked:
            weight.requires_grad_(True)


@contextmanager
def recording(layers: Mapping[str, nn.Linear], recorder: Recorder, *, gradients: bool, hessian: str) -> Iterator[None]:
    """Connect a recorder to some layers: inputs as they pass, and each weight's gradient, freed as it arrives.

    :param gradients: Whether a backward pass follows the forwards; only then do the layers' weights require gradients.
    :param hessian: ``gram``, ``diagonal`` or ``fisher``; the last needs the backward pass.
    """
    handles = []
    for name, layer in layers.items():
        hook = _fisher_hook(name, recorder) if hessian == "fisher" else _gram_hook(name, recorder)
        handles.append(layer.register_forward_hook(hook))
        if gradients:
            layer.weight.grad = None
            layer.weight.requires_grad_(True)
            handles.append(layer.weight.register_post_accumulate_grad_hook(_gradient_hook(name, recorder)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
        for layer in layers.values():
            layer.weight.requires_grad_(False)
            layer.weight.grad = None


def _gram_hook(name: str, recorder: Recorder) -> Callable[..., None]:
    def hook(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        recorder.take_inputs(name, inputs[0])

    return hook


def _fisher_hook(name: str, recorder: Recorder) -> Callable[..., None]:
    def hook(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        output.register_hook(lambda slopes: recorder.take_weighted_inputs(name, inputs[0], slopes))

    return hook


def _gradient_hook(name: str, recorder: Recorder) -> Callable[[Tensor], None]:
    return lambda weight: recorder.take_gradient(name, weight)


def calibrate(
    layers: Mapping[str, nn.Linear],
    parts: Iterable[tuple[Bool[Tensor, "_ _"], Callable[[], Float[Tensor, ""]]]],
    *,
    gradients: bool,
    hessian: str,
) -> Recorder:
    """Pass the calibration examples through the model, micro-batch by micro-batch, and gather the statistics.

    Only these layers' weights require gradients, so activations are kept from the first of them on and no further.

    :param parts: For each micro-batch its real tokens, and a function that runs the model and returns the part's share
        of the task's mean loss, so that the gradients of the parts add up to the mean loss's gradient.
    """
    recorder = Recorder()
    with recording(layers, recorder, gradients=gradients, hessian=hessian), torch.set_grad_enabled(gradients):
        for recorder.real, loss in parts:
            value = loss()
            if gradients:
                value.backward()
    return recorder
