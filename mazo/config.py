"""A suite's configuration: what may be set, its types and ranges, and the run that each table cell stands for.

Every class is frozen and rejects unknown keys. :func:`load_suite` reads a YAML file and raises
:class:`~mazo.errors.ConfigError` with one line a fault: key, wanted, found.
"""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mazo.errors import ConfigError

TASKS = ("sst2", "boolq", "rte", "wsc", "wic", "multirc", "copa", "squad")

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
TaskName = Literal["sst2", "boolq", "rte", "wsc", "wic", "multirc", "copa", "squad"]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class Settings(BaseModel):
    """Base of every group of settings: frozen, strict, no unknown key."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class ModelSettings(Settings):
    """Where a model comes from and how it is held."""

    path: str
    """``embedded:llama`` (shipped in the package), a local folder, or a Hugging Face hub id."""
    revision: str | None = None
    """Commit of the hub repository; only for a hub id."""
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    device: str = "cpu"
    """A torch device: ``cpu``, ``cuda``, ``cuda:0``."""


class DataSettings(Settings):
    """Where the rows come from and how many each split takes."""

    source: Literal["mini", "folder", "hub"] = "mini"
    data_dir: str | None = None
    """For ``folder``: a folder with ``<task>/train.jsonl`` and ``<task>/validation.jsonl`` in the official field names."""
    seed: Seed = 0
    """Seed of the rows drawn (and, for ``mini``, generated); the same for every run of the suite."""
    train: Count = 1000
    dev: Count = 500
    test: Count = 1000

    @model_validator(mode="after")
    def _folder_named(self) -> "DataSettings":
        if (self.source == "folder") != (self.data_dir is not None):
            raise ValueError("data_dir goes with source: folder, and source: folder needs it")
        return self


class TrainingSettings(Settings):
    """What every trained method shares, so that their rows compare."""

    num_steps: Count = 1000
    batch_per_task: Count = 8
    """Examples of every task in each step's batch."""
    micro_batch: Count = 64
    """Most examples in one forward; the losses are the same whatever it is, up to rounding."""
    dev_every: Count = 100
    """Steps between measurements of the dev loss."""
    dev_examples: Count = 32
    """Dev examples of every task in one measurement."""


class ScoreSettings(Settings):
    """The importance score S = S_global + alpha S_greedy + beta |W| (MaZO; METHOD: scores)."""

    alpha: NonNegative = 1.0
    beta: NonNegative = 0.1
    normalization: Literal["sum", "max", "z-score", "none"] = "sum"
    hessian: Literal["gram", "diagonal", "fisher"] = "gram"
    gradient: Literal["backward", "zo"] = "backward"
    damp: Positive = 0.01
    """Share of the mean diagonal added to H (SparseGPT's convention)."""
    calibration_examples: Count = 64
    """Training examples of every task the scores are computed on."""
    greedy_lr: Positive = 1e-3
    """Step size inside the greedy score."""


class MaskSettings(Settings):
    """Which weights are trained."""

    rule: Literal["importance"] = "importance"
    density: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Share of the weights kept in every row, in (0, 1]."""
    scores: ScoreSettings = ScoreSettings()


class ZeroShot(Settings):
    """The prompts alone, no training."""

    kind: Literal["zero_shot"]
    label: str | None = None
    """Name in tables and figures; the method's key when absent."""


class ZerothOrder(Settings):
    """A zeroth-order run: direction, mask, weighting, step."""

    kind: Literal["zeroth_order"]
    label: str | None = None
    lr: NonNegative
    eps: Positive = 1e-3
    direction: Literal["gaussian", "rademacher", "sphere"] = "gaussian"
    num_directions: Count = 1
    sides: Literal["two", "one"] = "two"
    step: Literal["sgd", "momentum", "adam", "sign"] = "sgd"
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    weight_decay: NonNegative = 0.0
    weighting: Literal["uniform"] = "uniform"
    mask: MaskSettings | None = None
    mask_mode: Literal["direction", "update"] = "direction"
    precision: Literal["master", "in_place"] = "master"
    """How unmasked 16-bit weights are held; masked runs always keep a float32 buffer."""


class FirstOrder(Settings):
    """Fine-tuning by backpropagation with AdamW."""

    kind: Literal["first_order"]
    label: str | None = None
    lr: NonNegative
    weight_decay: NonNegative = 0.0
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    num_steps: Count | None = None
    """Steps of this row when they differ from the suite's."""


Method = Annotated[ZeroShot | ZerothOrder | FirstOrder, Field(discriminator="kind")]


class EvaluationSettings(Settings):
    """How lm-eval scores a model."""

    batch_size: Count = 128
    """Prompts in one forward; fixed, since scores move with it in the last digit."""
    num_fewshot: Annotated[int, Field(ge=0)] = 0
    max_new_tokens: Count = 50
    """Longest answer of a generative task, in tokens (MeZO: 50)."""


class Suite(Settings):
    """One suite: the grid models x mixes x methods x seeds, and the settings they share."""

    suite: Name
    models: Annotated[dict[Name, ModelSettings], Field(min_length=1)]
    mixes: Annotated[dict[Name, Annotated[list[TaskName], Field(min_length=1)]], Field(min_length=1)]
    methods: Annotated[dict[Name, Method], Field(min_length=1)]
    seeds: Annotated[list[Seed], Field(min_length=1)]
    data: DataSettings = DataSettings()
    training: TrainingSettings = TrainingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()

    @model_validator(mode="after")
    def _no_repeats(self) -> "Suite":
        for key, values in [("seeds", self.seeds), *((f"mixes.{name}", mix) for name, mix in self.mixes.items())]:
            if len(set(values)) != len(values):
                raise ValueError(f"{key} repeats a value: {values}")
        return self

    @property
    def tasks(self) -> list[str]:
        """Every task of any mix, in the suite's canonical order."""
        return [task for task in TASKS if any(task in mix for mix in self.mixes.values())]


class Run(Settings):
    """One cell's run: everything that decides its bytes."""

    suite: Name
    model_name: Name
    model: ModelSettings
    mix: Name
    tasks: list[TaskName]
    method_name: Name
    method: Method
    seed: Seed
    data: DataSettings
    training: TrainingSettings
    evaluation: EvaluationSettings


def select_run(suite: Suite, *, model: str, mix: str, method: str, seed: int) -> Run:
    """Pick one cell of the grid, or say which names exist."""
    for key, name, known in (
        ("models", model, suite.models),
        ("mixes", mix, suite.mixes),
        ("methods", method, suite.methods),
    ):
        if name not in known:
            raise ConfigError(f"{key}: wanted one of {', '.join(known)}; found {name!r}")
    return Run(
        suite=suite.suite,
        model_name=model,
        model=suite.models[model],
        mix=mix,
        tasks=suite.mixes[mix],
        method_name=method,
        method=suite.methods[method],
        seed=seed,
        data=suite.data,
        training=suite.training,
        evaluation=suite.evaluation,
    )


def load_suite(path: Path) -> Suite:
    """Read a suite from a YAML file.

    :raises ConfigError: one line a fault, naming file, key, what is wanted and what was found.
    """
    try:
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is not valid YAML ({' '.join(str(error).split())})") from None
    return parse_suite(content, where=str(path))


def parse_suite(content: object, *, where: str) -> Suite:
    """Check the content of a configuration file."""
    if not isinstance(content, dict):
        raise ConfigError(f"{where}: wanted a mapping of keys to values, found {type(content).__name__}")
    try:
        return Suite.model_validate(content)
    except ValidationError as error:
        raise ConfigError("\n".join(f"{where}: {_explain(fault)}" for fault in error.errors())) from None


def _explain(fault: dict) -> str:
    key = ".".join(str(part) for part in fault["loc"]) or "(top level)"
    found = "" if isinstance(fault["input"], dict) else f"; found {fault['input']!r}"
    return f"{key}: {fault['msg']}{found}"
