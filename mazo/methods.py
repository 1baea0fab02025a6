"""The kinds of methods a suite may name, one class a kind, and what each may set.

The line under a key is its meaning in ``config/README.md`` and its default's source ([paper], [field], [assumed]).
"""

from typing import Annotated, Literal, TypeVar

from pydantic import Field, model_validator

from mazo.adapter_settings import Adapter, MTLLora, factor_groups
from mazo.settings import Count, Label, NonNegative, Positive, Settings


class ScoreSettings(Settings):
    """The importance score S = S_global + alpha S_greedy + beta |W| (MaZO; METHOD: scores)."""

    alpha: NonNegative = 1.0
    """Weight of the greedy score [assumed]."""
    beta: NonNegative = 0.1
    """Weight of the magnitude of W [assumed]."""
    part_normalization: Literal["sum", "max", "z-score", "none"] = "sum"
    """How each row of the three parts is scaled before they are added; ``none``: losses and weights as they are, where
    the magnitude decides nearly alone [assumed]."""
    normalization: Literal["sum", "max", "z-score", "none"] = "sum"
    """How each row of a task's scores is scaled before the tasks are summed [assumed]."""
    hessian: Literal["gram", "diagonal", "fisher"] = "gram"
    """The Hessian of a layer's row: the inputs' Gram matrix, its diagonal, or a Fisher estimate [assumed]."""
    gradient: Literal["backward", "zo"] = "backward"
    """The scores' gradient: one backward pass, or two-point estimates [assumed]."""
    gradient_directions: Count = 256
    """Directions averaged where ``gradient`` is ``zo``, two forwards each [assumed]."""
    gradient_eps: Positive = 1e-3
    """Distance of the two points where ``gradient`` is ``zo`` [field: MeZO]."""
    damp: Positive = 0.01
    """Share of the mean diagonal added to H (SparseGPT's convention)."""
    calibration_examples: Count = 64
    """Training examples of every task the scores are computed on, Wanda's too."""
    greedy_lr: Positive = 1e-3
    """Step size inside the greedy score."""


class MaskSettings(Settings):
    """Which weights are trained."""

    rule: Literal["importance", "random", "smallest", "largest", "wanda", "sparse_mezo", "layer"] = "importance"
    """What is kept in a row: the highest importance scores [paper]; as controls, weights drawn at random, the smallest
    or largest in size, the highest by Wanda (size times the input's norm); the smallest of a matrix (Sparse-MeZO); or
    all of one decoder block and no other."""
    density: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Share of the weights kept in every row, in (0, 1]; in every matrix for ``sparse_mezo``; ``layer`` has none."""
    layer: Annotated[int, Field(ge=0)] | None = None
    """Number of the decoder block, from 0, for ``rule: layer``; the middle one when absent [assumed]."""
    scores: ScoreSettings = ScoreSettings()

    @model_validator(mode="after")
    def _layer_is_read(self) -> "MaskSettings":
        if self.layer is not None and self.rule != "layer":
            raise ValueError(f"layer goes with rule: layer; found rule: {self.rule}")
        return self


class FamoSettings(Settings):
    """FAMO's own settings."""

    lr: Positive = 0.025
    """Step size of Adam on the tasks' logits (FAMO's paper)."""
    weight_decay: NonNegative = 0.01
    """Adam's L2 decay of the logits [assumed]."""


class CobaSettings(Settings):
    """CoBa's own settings."""

    warm_up: Annotated[int, Field(ge=2)] = 100
    """Steps with equal weights (CoBa's released code); fewer than ``training.num_steps``."""
    history: Count = 200
    """Validation losses that a slope is fitted to (CoBa's released code); at least ``warm_up``."""
    tau: Positive = 5.0
    """Temperature of the divergence factor (CoBa's paper)."""
    as_released: bool = False
    """Deviate from the paper as the released code does: divergence factor not capped, weights floored, window late."""

    @model_validator(mode="after")
    def _window_not_empty(self) -> "CobaSettings":
        if self.history < self.warm_up:
            raise ValueError(f"history must be at least warm_up, {self.warm_up}; found {self.history}")
        return self


Weighted = TypeVar("Weighted", "ZerothOrder", "FirstOrder")


def _options_are_read(method: Weighted) -> Weighted:
    for name, default in (("famo", FamoSettings()), ("coba", CobaSettings())):
        if getattr(method, name) != default and method.weighting != name:
            raise ValueError(f"{name} goes with weighting: {name}; found weighting: {method.weighting}")
    return method


class ZeroShot(Settings):
    """The prompts alone, no training."""

    kind: Literal["zero_shot"]
    label: Label | None = None
    """Name in tables and figures; the method's key when absent."""


class InContext(Settings):
    """In-context learning: solved training examples before each prompt, drawn once a seed; no training."""

    kind: Literal["in_context"]
    label: Label | None = None
    """Name in tables and figures; the method's key when absent."""
    shots: Count
    """Solved examples before each prompt, fewer where they do not fit the model's context."""


class ZerothOrder(Settings):
    """A zeroth-order run: direction, mask, weighting, step."""

    kind: Literal["zeroth_order"]
    label: Label | None = None
    """Name in tables and figures; the method's key when absent."""
    scope: Literal["mix", "single_task"] = "mix"
    """``mix``: one model for its tasks; ``single_task``: one a task, each at the same cost and tested on all tasks."""
    lr: NonNegative
    """Step size; means the same for every direction and mask, no hidden factor."""
    objective: Literal["loss", "metric"] = "loss"
    """What is minimised: the losses, or one minus the scores (accuracy, F1 of written answers) [field: MeZO]."""
    eps: Positive = 1e-3
    """Distance of the two points from the weights, in units of the direction [field: MeZO]."""
    direction: Literal["gaussian", "rademacher", "sphere", "low_rank", "subspace"] = "gaussian"
    """Distribution of the random direction z [paper: gaussian]; ``low_rank`` (LOZO's) and ``subspace`` (SubZero's) go
    with no mask on the direction."""
    direction_rank: Count = 2
    """Rank of a matrix's direction, for ``direction: low_rank`` and ``subspace`` [assumed]."""
    direction_period: Count = 50
    """Steps for which its right factor (``low_rank``) or its subspace stays [assumed]."""
    num_directions: Count = 1
    """Directions averaged in one step [field: MeZO]."""
    sides: Literal["two", "one"] = "two"
    """Two-point (+eps, -eps) or one-sided (+eps, 0) difference [paper: two]."""
    normalization: Literal["none", "std"] = "none"
    """What the slopes are divided by: nothing [paper], or their standard deviation over the directions (FZOO, with
    ``rademacher``, ``sides: one`` and several directions)."""
    step: Literal["sgd", "momentum", "adam", "sign"] = "sgd"
    """What turns the estimate into an update [field: MeZO]."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Share of the last update kept; for ``step: momentum`` [field]."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How lr falls over the run [field: MeZO]."""
    weight_decay: NonNegative = 0.0
    """Decoupled decay of the trained weights, per step and unit of lr [field]."""
    weighting: Literal["uniform", "famo", "coba"] = "uniform"
    """How the tasks' losses are weighted: alike [assumed], or by FAMO or CoBa."""
    famo: FamoSettings = FamoSettings()
    coba: CobaSettings = CobaSettings()
    adapter: Adapter | None = None
    """What is trained in place of the model's own weights; absent means those."""
    mask: MaskSettings | None = None
    """Which weights are trained; absent means all, and with an adapter all of its factors."""
    mask_mode: Literal["direction", "update"] = "direction"
    """Where the mask acts: on the direction, and so on the update too, or on the update alone [assumed]."""
    precision: Literal["master", "in_place"] = "master"
    """How trained weights are held: with a float32 copy, or without, where 16-bit weights lose small updates."""
    num_steps: Count | None = None
    """Steps of this row when they differ from the suite's, as where a step takes more forwards than another row's."""

    _check_options = model_validator(mode="after")(_options_are_read)

    @model_validator(mode="after")
    def _adapter_fits(self) -> "ZerothOrder":
        if self.mask is not None and isinstance(self.adapter, MTLLora):
            raise ValueError("mask goes with no adapter or with adapter.kind lora; found mtl_lora")
        if self.mask is not None and self.adapter is not None and self.mask.rule not in ("importance", "random"):
            raise ValueError(f"mask.rule is importance or random where an adapter is trained; found {self.mask.rule}")
        if self.direction in ("low_rank", "subspace") and self.mask is not None and self.mask_mode == "direction":
            raise ValueError(
                f"direction {self.direction} wants whole matrices: no mask, or mask_mode update; found a mask"
            )
        if self.normalization != "none" and self.num_directions < 2:
            raise ValueError(f"normalization {self.normalization} wants num_directions of at least 2; found 1")
        if self.scope == "single_task" and isinstance(self.adapter, MTLLora):
            raise ValueError("adapter.kind mtl_lora has factors for tasks trained together; found scope single_task")
        return self


class FirstOrder(Settings):
    """Fine-tuning by backpropagation with AdamW."""

    kind: Literal["first_order"]
    label: Label | None = None
    """Name in tables and figures; the method's key when absent."""
    lr: NonNegative
    """Step size of AdamW."""
    weight_decay: NonNegative = 0.0
    """Decoupled decay of the trained weights, per step and unit of lr [field]."""
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    """How lr falls over the run [field]."""
    weighting: Literal["uniform", "famo", "coba"] = "uniform"
    """How the tasks' losses are weighted: alike [assumed], or by FAMO or CoBa."""
    famo: FamoSettings = FamoSettings()
    coba: CobaSettings = CobaSettings()
    adapter: Adapter | None = None
    """What is trained in place of the model's own weights; absent means those."""
    num_steps: Count | None = None
    """Steps of this row when they differ from the suite's."""
    gradient_checkpointing: bool = False
    """Whether blocks' activations are computed again in the backward pass, which takes less memory and more time."""

    _check_options = model_validator(mode="after")(_options_are_read)

    @model_validator(mode="after")
    def _groups_are_read(self) -> "FirstOrder":
        if factor_groups(self.adapter):
            raise ValueError("adapter.inner_eps and inner_lr go with kind zeroth_order; found first_order")
        return self


Method = Annotated[ZeroShot | InContext | ZerothOrder | FirstOrder, Field(discriminator="kind")]
