"""A model's shape, from its configuration alone: no weight is loaded, all tensors lie on torch's meta device."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING

import torch
import yaml

from mazo.adapters import add_adapter_
from mazo.config import ModelSettings, Run
from mazo.controls import block_of
from mazo.grid import is_masked, mask_settings
from mazo.maskable import maskable_layers, maskable_weights
from mazo.methods import FirstOrder, MaskSettings, ZerothOrder
from mazo.models import context_length, load_config
from mazo.quiet import quiet

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Bytes a weight, by the setting ``dtype``."""


@dataclass(frozen=True)
class Shape:
    """What of a model decides memory and work."""

    settings: ModelSettings
    config: "PreTrainedConfig"

    def skeleton(self) -> "PreTrainedModel":
        """Build the model without its numbers."""
        from transformers import AutoModelForCausalLM

        with torch.device("meta"), quiet():
            return AutoModelForCausalLM.from_config(self.config).requires_grad_(False)

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every parameter, by name; a tied one once."""
        return {name: tuple(weight.shape) for name, weight in self.skeleton().named_parameters()}

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Numbers of every parameter, by name."""
        return {name: math.prod(shape) for name, shape in self.shapes.items()}

    @cached_property
    def layers(self) -> dict[str, torch.nn.Linear]:
        """The layers a mask may cover, without their numbers."""
        return maskable_layers(self.skeleton())

    @property
    def weights(self) -> int:
        """All the model's weights."""
        return sum(self.sizes.values())

    @property
    def weight_bytes(self) -> int:
        """Bytes of the weights as held."""
        return self.weights * self.bytes_each

    @property
    def bytes_each(self) -> int:
        """Bytes of one weight as held."""
        return BYTES[self.settings.dtype]

    @cached_property
    def block_weights(self) -> int:
        """Weights of the decoder's linear layers: what a token's forward multiplies with."""
        return sum(layer.weight.numel() for layer in self.layers.values())

    @property
    def context(self) -> int:
        """The most tokens the model takes."""
        return context_length(self.config)

    def width(self, *names: str) -> int:
        """Return the first of some of the configuration's numbers that it has."""
        config = self.config.get_text_config()
        return next(int(value) for name in names if (value := getattr(config, name, None)))

    @property
    def hidden(self) -> int:
        """Numbers of a token between blocks."""
        return self.width("hidden_size")

    @property
    def inner(self) -> int:
        """Numbers of a token inside a feed-forward layer."""
        return self.width("intermediate_size", "ffn_dim", "n_inner", "hidden_size")

    @property
    def blocks(self) -> int:
        """Decoder blocks."""
        return self.width("num_hidden_layers")

    @property
    def cached(self) -> int:
        """Numbers of a token that a block's cache keeps: keys and values."""
        heads = self.width("num_attention_heads")
        head = getattr(self.config.get_text_config(), "head_dim", None) or self.hidden // heads
        return 2 * self.width("num_key_value_heads", "num_attention_heads") * head


def model_shape(settings: ModelSettings) -> Shape:
    """Return a model's shape: of a hub model that the package knows without a network.

    Raises :class:`mazo.errors.ModelError` for a configuration that is absent or cannot be read.
    """
    from transformers import AutoConfig

    known = yaml.safe_load(files("mazo.plan").joinpath("shapes.yaml").read_text())
    if settings.path in known:
        return Shape(settings, AutoConfig.for_model(**known[settings.path]))
    return Shape(settings, load_config(settings))


def scored_layers(run: Run, shape: Shape) -> dict[str, torch.nn.Linear]:
    """Return the layers that a run's scores cover, without their numbers: the model's, or an adapter's factors."""
    if not isinstance(run.method, ZerothOrder) or run.method.adapter is None:
        return shape.layers
    skeleton = shape.skeleton()
    add_adapter_(skeleton, run.method.adapter, num_tasks=len(run.tasks), run_seed=run.seed)
    return maskable_layers(skeleton)


def trained_sizes(run: Run, shape: Shape) -> dict[str, int]:
    """Return how many numbers of each tensor a run trains, by name: what its record's ``trained_weights`` sums.

    A mask in ``mask_mode: update`` leaves the direction whole, and so counts every weight.
    """
    method = run.method
    if not isinstance(method, ZerothOrder | FirstOrder):
        return {}
    if method.adapter is None and not is_masked(run):
        return shape.sizes
    skeleton = shape.skeleton()
    sizes = shape.sizes
    if method.adapter is not None:
        factors = add_adapter_(skeleton, method.adapter, num_tasks=len(run.tasks), run_seed=run.seed)
        sizes = {name: weight.numel() for name, weight in factors.items()}
    if not is_masked(run) or (isinstance(method, ZerothOrder) and method.mask_mode == "update"):
        return sizes
    shapes = {name: tuple(weight.shape) for name, weight in maskable_weights(skeleton).items()}
    return _kept(shapes, mask_settings(run))


def _kept(shapes: Mapping[str, tuple[int, ...]], mask: MaskSettings) -> dict[str, int]:
    """Return how many weights a mask keeps of each matrix."""
    if mask.rule == "layer":
        numbers = sorted({block_of(name) for name in shapes})
        chosen = numbers[len(numbers) // 2] if mask.layer is None else mask.layer
        return {name: rows * columns for name, (rows, columns) in shapes.items() if block_of(name) == chosen}
    if mask.rule == "sparse_mezo":
        return {name: max(1, round(mask.density * rows * columns)) for name, (rows, columns) in shapes.items()}
    return {name: rows * max(1, round(mask.density * columns)) for name, (rows, columns) in shapes.items()}
