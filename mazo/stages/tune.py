"""Stage: a method's trials on one model and mix."""

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

import mazo.stages.mask
import mazo.stages.score
from mazo.config import Run, Suite, check_name, num_steps, run_names, select_run
from mazo.digests import package_digest
from mazo.errors import TrainingError
from mazo.grid import is_masked, is_scored, stage_digest
from mazo.ledger import final_dev_loss
from mazo.models import load_model
from mazo.overrides import Overrides, replaced
from mazo.train import train
from mazo.tuning import Trial, Tuning, write_tuning
from mazo.zeroth_order.replay import weights_checksum


def run(suite: Suite, *, model: str, mix: str, method: str, data: Path, out: Path) -> None:
    """Train the method at every point of its grid, at the tuning's own seed, and write the trials.

    A trial whose loss stops being finite is a trial without a dev loss.
    """
    check_name("tune.grids", method, suite.tune.grids)
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out.parent, prefix=f"{method}.") as name:
        scratch = Path(name)
        trials = [
            _try(_runs(suite, settings, model=model, mix=mix, method=method), settings, data=data, folder=scratch)
            for settings in suite.tune.trials(method)
        ]
    network, _ = load_model(suite.models[model])
    write_tuning(
        Tuning(
            model=model,
            mix=mix,
            method=method,
            label=suite.methods[method].label or method,
            trials=trials,
            seed=suite.tune.seed,
            batch_per_task=suite.training.batch_per_task,
            dev_examples=suite.data.dev,
            dtype=suite.models[model].dtype,
            base_checksum=weights_checksum(network.named_parameters()),
            code=package_digest(),
        ),
        out,
    )


def _runs(suite: Suite, settings: Overrides, *, model: str, mix: str, method: str) -> list[Run]:
    """Make the runs of one trial: one, or one a task of a single-task method; dev loss once, on all dev rows."""
    methods = suite.methods | {method: replaced(suite.methods[method], settings)}
    tried = suite.model_copy(update={"methods": methods, "tuned": {}})
    names = [name for name, (key, _) in run_names(tried, mix).items() if key == method]
    runs = [select_run(tried, model=model, mix=mix, method=name, seed=suite.tune.seed) for name in names]
    return [
        run.model_copy(
            update={
                "training": run.training.model_copy(
                    update={"dev_every": num_steps(run.method, run.training), "dev_examples": suite.data.dev}
                )
            }
        )
        for run in runs
    ]


def _try(runs: Sequence[Run], settings: Overrides, *, data: Path, folder: Path) -> Trial:
    start, fault, losses = time.perf_counter(), None, []
    try:
        for run in runs:
            with TemporaryDirectory(dir=folder) as out:
                train(run, data=data, mask=_mask(run, data=data, folder=folder), out=Path(out))
                losses.append(final_dev_loss(Path(out) / "curve.csv"))
    except TrainingError as error:
        fault = str(error)
    return Trial(
        settings=settings,
        dev_loss=None if fault else fmean(losses),
        fault=fault,
        steps=num_steps(runs[0].method, runs[0].training),
        seconds=round(time.perf_counter() - start, 3),
    )


def _mask(run: Run, *, data: Path, folder: Path) -> Path | None:
    """Make the mask of a masked run, once for all trials that share it."""
    if not is_masked(run):
        return None
    scores = folder / f"{stage_digest(run, 'score')}.scores.safetensors"
    mask = folder / f"{stage_digest(run, 'score')}.{stage_digest(run, 'mask')}.mask.safetensors"
    if is_scored(run) and not scores.exists():
        mazo.stages.score.run(run, data=data, out=scores)
    if not mask.exists():
        mazo.stages.mask.run(run, scores=scores if is_scored(run) else None, out=mask)
    return mask
