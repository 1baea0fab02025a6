import numpy as np

from mazo.zeroth_order.philox import random_words, split_words

MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
LOW = 2**64 - 1


def philox_block(key: int, number: int) -> list[int]:
    """Philox4x64-10 in plain integers, from the paper's definition."""
    x = [(number + 1) >> (64 * i) & LOW for i in range(4)]
    k = [key & LOW, key >> 64]
    for _ in range(10):
        first, second = MULTIPLIERS[0] * x[0], MULTIPLIERS[1] * x[2]
        x = [(second >> 64) ^ x[1] ^ k[0], second & LOW, (first >> 64) ^ x[3] ^ k[1], first & LOW]
        k = [(k[0] + WEYL[0]) & LOW, (k[1] + WEYL[1]) & LOW]
    return x


def test_words_are_those_of_the_cipher_written_out_in_plain_integers():
    key = 0x0123456789ABCDEF_FEDCBA9876543210
    wanted = [word for block in range(5) for word in philox_block(key, block)]
    assert random_words(key, 18).tolist() == wanted[:18]


def test_words_are_those_of_a_fresh_numpy_generator():
    key = 2**127 + 12345
    np.testing.assert_array_equal(random_words(key, 1001), np.random.Philox(key=key).random_raw(1001))


def test_a_longer_stream_begins_with_the_shorter_one():
    np.testing.assert_array_equal(random_words(5, 100)[:33], random_words(5, 33))


def test_a_stream_can_be_entered_at_any_block():
    np.testing.assert_array_equal(random_words(5, 1000)[4 * 77 :], random_words(5, 1000 - 4 * 77, first_block=77))


def test_words_are_cut_low_bits_first():
    words = np.array([0x0004000300020001], dtype=np.uint64)
    assert split_words(words, np.uint16).tolist() == [1, 2, 3, 4]
    assert split_words(words, np.uint8).tolist() == [1, 0, 2, 0, 3, 0, 4, 0]
