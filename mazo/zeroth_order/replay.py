"""Rebuild a run's trained weights from the base model and the log, with no forward pass."""

import hashlib
from collections.abc import Iterable

import torch
from torch import Tensor
from tqdm import tqdm

from mazo.errors import TrainingError
from mazo.zeroth_order.log import RunLog
from mazo.zeroth_order.optimizer import ZerothOrderOptimizer


def replay_(optimizer: ZerothOrderOptimizer, log: RunLog) -> None:
    """Repeat every logged step: the same operations in the same order as training did, so the same bits.

    :param optimizer: Made as for the training: base model's weights, settings, mask and run seed.
    :param log: The run's numbers.
    """
    for coefficients in tqdm(log.coefficients, desc="replay", unit="step"):
        optimizer.repeat_(coefficients, settle=False)
    optimizer.settle_()


def weights_checksum(named_tensors: Iterable[tuple[str, Tensor]]) -> str:
    """Return the SHA-256 over names, types, shapes and bytes of tensors, in order."""
    digest = hashlib.sha256()
    for name, tensor in named_tensors:
        digest.update(repr((name, str(tensor.dtype), tuple(tensor.shape))).encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def check_weights(named_tensors: Iterable[tuple[str, Tensor]], *, wanted: str, what: str) -> None:
    """Raise :class:`mazo.errors.TrainingError` unless the tensors have the wanted checksum."""
    found = weights_checksum(named_tensors)
    if found != wanted:
        raise TrainingError(f"{what}: wanted weights with checksum {wanted}, found {found}")
