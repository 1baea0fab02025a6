"""The random integers behind every direction: Philox4x64-10, counter-based, equal on every machine."""

import threading

import numpy as np

_local = threading.local()


def random_words(key: int, num_words: int, *, first_block: int = 0) -> np.ndarray:
    """Return 64-bit integers of a Philox4x64-10 stream, from the first on or from a later block of four.

    Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011. Block number b (from 0) of four integers is
    the cipher of counter b + 1, as numpy increments the counter before it draws; word w is integer w % 4 of block
    w // 4. So any block can be computed alone, and on any device.

    :param key: 128-bit key, for example from :func:`mazo.seeding.stream_key`.
    :param num_words: How many integers.
    :param first_block: Number of the block to begin with, below 2^64.
    """
    # Setting a generator's state takes a tenth of making one, which asks the system for entropy that the key replaces.
    if not hasattr(_local, "generator"):
        _local.generator = np.random.Philox(key=0)
    counter, unread = np.array([first_block, 0, 0, 0], dtype=np.uint64), np.zeros(4, dtype=np.uint64)
    halves = np.array([key & (2**64 - 1), key >> 64], dtype=np.uint64)
    _local.generator.state = {
        "bit_generator": "Philox",
        "state": {"counter": counter, "key": halves},
        "buffer": unread,
        "buffer_pos": 4,
        "has_uint32": 0,
        "uinteger": 0,
    }
    return _local.generator.random_raw(num_words)


def split_words(words: np.ndarray, dtype: type[np.unsignedinteger]) -> np.ndarray:
    """Cut 64-bit integers into shorter ones, the low bits of each first, whatever the machine's byte order."""
    return words.astype("<u8", copy=False).view(np.dtype(dtype).newbyteorder("<"))
