"""A run's log as its optimiser writes it, and the trained weights rebuilt from the base model and that log alone."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from torch import Tensor

from mazo.errors import MaskError, TrainingError
from mazo.masks import Mask
from mazo.zeroth_order.log import LogWriter, RunLog, read_log
from mazo.zeroth_order.optimizer import StepRecord, ZerothOrderOptimizer
from mazo.zeroth_order.replay import check_weights, replay_, weights_checksum


class StepLog:
    """The log of an optimiser's run, written step by step; as a context it is finished on leaving without an error.

    :param path: The log's place; until the run is finished, its steps are in ``<path>.part``.
    :param optimizer: The optimiser, before its first step.
    :param tasks: Names of the tasks, in the order of their losses.
    :param base: Checksum of the untrained parameters where the caller has it; taken here when ``None``.
    :param about: What else the header shall say; a replay does not read it.

    Raises :class:`mazo.errors.TrainingError` for an optimiser that has done steps already.
    """

    def __init__(
        self,
        path: str | Path,
        optimizer: ZerothOrderOptimizer,
        *,
        tasks: Sequence[str],
        base: str | None = None,
        about: Mapping[str, object] | None = None,
    ) -> None:
        if optimizer.steps_done:
            raise TrainingError(f"{path}: wanted an optimiser before its first step, found {optimizer.steps_done} done")
        self._optimizer = optimizer
        header = {
            "run_seed": optimizer.run_seed,
            "tasks": list(tasks),
            "num_steps": optimizer.num_steps,
            "num_directions": optimizer.settings["num_directions"],
            "settings": optimizer.settings,
            "mask": None if optimizer.mask is None else optimizer.mask.hash(),
            "base": base or weights_checksum(optimizer.parameters.items()),
            "dtype": str(next(iter(optimizer.parameters.values())).dtype).removeprefix("torch."),
            **(about or {}),
        }
        self._writer = LogWriter(Path(path), header)

    def append(self, record: StepRecord) -> None:
        """Write one step's numbers."""
        self._writer.append(record.projected_grads, record.coefficients)

    def finish(self) -> None:
        """Give the log its own name, with the number of steps and the checksum of the weights as they are now."""
        checksum = weights_checksum(self._optimizer.parameters.items())
        self._writer.finish({"steps": self._optimizer.steps_done, "checksum": checksum})

    def close(self) -> None:
        """Close the file."""
        self._writer.close()

    def __enter__(self) -> "StepLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish()
        self.close()


def replay_log_(named_parameters: Iterable[tuple[str, Tensor]], log: str | Path, *, mask: Mask | None = None) -> RunLog:
    """Turn a base model's parameters into those that a finished run ended with, with no forward pass.

    Seed and settings are the log's own. The base model, the mask and the outcome are held against its checksums.

    :param named_parameters: Names and parameters of the base model, as the run's optimiser was given them.
    :param log: The run's log.
    :param mask: The run's mask, for a masked run and no other.
    :returns: The log as read.

    Raises :class:`mazo.errors.MaskError` for another mask, and :class:`mazo.errors.TrainingError` for a log that is
    not that of a finished run, another base model, or an outcome that differs.
    """
    parameters, steps = dict(named_parameters), read_log(Path(log))
    header = steps.header
    if missing := {"run_seed", "num_steps", "settings", "mask", "base", "steps", "checksum"} - set(header):
        raise TrainingError(f"{log}: wanted the log of a finished run; its header lacks {', '.join(sorted(missing))}")
    if len(steps.coefficients) != header["steps"]:
        raise TrainingError(f"{log}: wanted {header['steps']} steps, found {len(steps.coefficients)}")
    _check_mask(mask, wanted=header["mask"], log=log)
    check_weights(parameters.items(), wanted=header["base"], what=f"{log}: base model ({header.get('dtype')})")
    replay_(_optimizer(parameters, header=header, mask=mask), steps)
    check_weights(parameters.items(), wanted=header["checksum"], what=f"{log}: replay")
    return steps


def _check_mask(mask: Mask | None, *, wanted: str | None, log: str | Path) -> None:
    found = None if mask is None else mask.hash()
    if found != wanted:
        raise MaskError(
            f"{log}: mask: wanted {'none' if wanted is None else f'hash {wanted}'}, found {found or 'no mask'}"
        )


def _optimizer(parameters: dict[str, Tensor], *, header: Mapping[str, Any], mask: Mask | None) -> ZerothOrderOptimizer:
    return ZerothOrderOptimizer(
        parameters.items(),
        **header["settings"],
        run_seed=header["run_seed"],
        num_steps=header["num_steps"],
        mask=mask,
    )
