"""Every random stream of a run, made from (run seed, purpose) and nothing else.

No global generator is read or seeded anywhere in the package, so two streams never disturb each other and adding a
stream leaves the others as they were.
"""

import hashlib
import random
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def stream_key(run_seed: int, *purpose: str | int) -> int:
    """Hash (run seed, purpose) to the 128-bit key of a random stream.

    :param run_seed: The run's seed, any integer.
    :param purpose: What the stream is for, for example ``("batches", "rte")``; words and integers are told apart.
    """
    words = repr((int(run_seed), *purpose)).encode()
    return int.from_bytes(hashlib.blake2b(words, digest_size=16).digest(), "little")


def numpy_generator(run_seed: int, *purpose: str | int) -> np.random.Generator:
    """Return the stream as a numpy generator (Philox, counter-based)."""
    return np.random.Generator(np.random.Philox(key=stream_key(run_seed, *purpose)))


def python_random(run_seed: int, *purpose: str | int) -> random.Random:
    """Return the stream as a standard-library generator, the fastest for choosing words one at a time."""
    return random.Random(stream_key(run_seed, *purpose))  # noqa: S311 (not for cryptography)


def torch_generator(run_seed: int, *purpose: str | int) -> "torch.Generator":
    """Return the stream as a CPU torch generator."""
    import torch

    return torch.Generator().manual_seed(stream_key(run_seed, *purpose) % 2**63)
