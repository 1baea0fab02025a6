"""The grid of a suite: which runs there are, where each leaves its files, and what each stage of a run depends on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mazo.config import Run, Suite, run_names, select_run
from mazo.digests import settings_digest
from mazo.errors import ConfigError
from mazo.methods import FirstOrder, InContext, MaskSettings, ZeroShot, ZerothOrder

STAGES = ("prepare", "score", "mask", "train", "evaluate")


def runs(suite: Suite) -> Iterator[Run]:
    """List a suite's runs in the order of the tables; a method without training has one, at the first seed."""
    for model in suite.models:
        for mix in suite.mixes:
            for name, (method, _) in run_names(suite, mix).items():
                for seed in suite.seeds[:1] if isinstance(suite.methods[method], ZeroShot) else suite.seeds:
                    yield select_run(suite, model=model, mix=mix, method=name, seed=seed)


@dataclass(frozen=True)
class Row:
    """A row of the tables: a method on one model and mix, and the runs that it is made of."""

    name: str
    label: str
    model: str
    mix: str
    tasks: Sequence[str]
    runs: Mapping[int, Sequence[Run]]
    """By seed: one run, or those of a single-task method, one a task."""
    is_shared: bool = False
    """Whether every task is scored by all the runs, on average, and not just by the one that trains on it."""

    def runs_for(self, seed: int, task: str) -> list[Run]:
        """Return the runs whose mean score on a task is the row's."""
        return [run for run in self.runs[seed] if self.is_shared or task in run.tasks]


def rows(suite: Suite) -> Iterator[Row]:
    """List the rows of a suite's tables in order; a single-task method has a second, that of its shared models."""
    grouped: dict[tuple[str, str, str], dict[int, list[Run]]] = {}
    for run in runs(suite):
        key = run.method_name.partition("@")[0]
        grouped.setdefault((run.model_name, run.mix, key), {}).setdefault(run.seed, []).append(run)
    for (model, mix, key), group in grouped.items():
        label, tasks = suite.methods[key].label or key, suite.mixes[mix]
        yield Row(key, label, model, mix, tasks, group)
        if is_single_task(suite, key):
            yield Row(f"{key}@shared", f"{label} (shared model)", model, mix, tasks, group, is_shared=True)


def is_single_task(suite: Suite, method: str) -> bool:
    """Tell whether a method trains a model a task."""
    settings = suite.methods[method]
    return isinstance(settings, ZerothOrder) and settings.scope == "single_task"


def masked_method(suite: Suite) -> str | None:
    """Return the key of the method that the claims are about: the reference if it is MaZO over the model's own weights.

    If it is not, the first such method; ``None`` in a suite without any.
    """
    fitting = [
        key
        for key, method in suite.methods.items()
        if isinstance(method, ZerothOrder)
        and method.mask is not None
        and method.mask.rule == "importance"
        and method.adapter is None
        and method.scope == "mix"
    ]
    return suite.reference_method if suite.reference_method in fitting else next(iter(fitting), None)


def run_folder(run: Run) -> str:
    """Return a run's folder below the suite's own: every choice of the grid is in the path."""
    return f"runs/{run.model_name}/{run.mix}/{run.method_name}/seed_{run.seed}"


def probe_file(run: Run) -> str:
    """Return the place, below the suite's folder, of what was measured of a masked run's gradients."""
    return run_folder(run).replace("runs/", "probe/", 1) + ".json"


def is_trained(run: Run) -> bool:
    """Tell whether the run changes the model's weights."""
    return not isinstance(run.method, ZeroShot | InContext)


def is_masked(run: Run) -> bool:
    """Tell whether the run trains under a mask."""
    return isinstance(run.method, ZerothOrder) and run.method.mask is not None


def is_adapted(run: Run) -> bool:
    """Tell whether the run trains an adapter in place of the model's own weights."""
    return isinstance(run.method, ZerothOrder | FirstOrder) and run.method.adapter is not None


def is_scored(run: Run) -> bool:
    """Tell whether the run's mask comes from scores, which take calibration examples."""
    return is_masked(run) and mask_settings(run).rule in ("importance", "wanda")


def stage_settings(run: Run, stage: str) -> dict:
    """Return the settings that decide the bytes a stage writes: no others, so that no others make them stale."""
    settings = run.model_dump(mode="json")
    method = settings["method"]
    method.pop("label")
    shared = {key: settings[key] for key in ("model", "tasks", "seed", "data")}
    match stage:
        case "prepare":
            return settings["data"]
        case "score":
            mask = method["mask"]
            parts = {"rule": mask["rule"], "scores": mask["scores"], "adapter": method["adapter"]}
            return shared | parts | {"micro_batch": settings["scoring"]["micro_batch"]}
        case "mask":
            if is_scored(run):
                return method["mask"]
            return method["mask"] | {"model": settings["model"], "adapter": method["adapter"], "seed": run.seed}
        case "train":
            # A written answer's length matters where training itself reads answers.
            written = settings["evaluation"]["max_new_tokens"] if method.get("objective") == "metric" else None
            return shared | {"method": method, "training": settings["training"], "written": written}
        case "evaluate":
            return shared | {"method": method, "tested": run.tested, "evaluation": settings["evaluation"]}
    raise ValueError(f"stage: wanted one of {', '.join(STAGES)}; found {stage!r}")


def stage_digest(run: Run, stage: str) -> str:
    """Return the digest of :func:`stage_settings`."""
    return settings_digest(stage_settings(run, stage))


def mask_settings(run: Run) -> MaskSettings:
    """Return a masked run's mask settings.

    :raises ConfigError: a run without a mask.
    """
    if isinstance(run.method, ZerothOrder) and run.method.mask is not None:
        return run.method.mask
    raise ConfigError(f"methods.{run.method_name}.mask: wanted the settings of a mask; found none")
