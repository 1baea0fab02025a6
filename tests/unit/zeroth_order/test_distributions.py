import hashlib
from statistics import NormalDist

import numpy as np
import torch

from mazo.zeroth_order.distributions import gaussian, normal_quantiles, rademacher
from mazo.zeroth_order.philox import random_words


def test_the_table_has_the_same_bits_on_every_machine():
    digest = hashlib.sha256(normal_quantiles().numpy().astype("<f4").tobytes()).hexdigest()
    assert digest == "e8cfff23047b7e58f6ae180f798c0bd13cfa7a46c5e6db798596865662071226"


def test_the_table_is_symmetric_ascending_and_of_variance_one():
    table = normal_quantiles().double()
    assert torch.equal(table, -table.flip(0))
    assert (table.diff() > 0).all()
    assert abs(table.square().mean().item() - 1) < 1e-8
    assert abs(table.pow(4).mean().item() - 2.9992) < 1e-4


def test_the_table_holds_the_quantiles_of_the_normal_distribution():
    for index in (0, 1, 1000, 40_000, 65_535):
        exact = NormalDist().inv_cdf((index + 0.5) / 65_536)
        assert abs(normal_quantiles()[index].item() - exact) < 1e-4 * max(1, abs(exact))


def test_normal_numbers_are_the_table_at_the_streams_16_bit_integers():
    words = random_words(99, 2).tolist()
    wanted = [normal_quantiles()[(word >> 16 * part) & 0xFFFF].item() for word in words for part in range(4)]
    assert gaussian(99, 7).tolist() == wanted[:7]


def test_signs_are_the_streams_bits():
    (word,) = random_words(3, 1).tolist()
    assert rademacher(3, 64).tolist() == [1.0 if word >> bit & 1 else -1.0 for bit in range(64)]


def test_drawn_numbers_have_mean_zero_and_variance_one():
    for draw in (gaussian, rademacher):
        numbers = draw(11, 1_000_000).double()
        assert abs(numbers.mean().item()) < 4e-3  # four standard errors
        assert abs(numbers.var().item() - 1) < 6e-3


def test_every_count_of_numbers_can_be_drawn():
    for count in (0, 1, 3, 63, 65):
        assert len(gaussian(1, count)) == len(rademacher(1, count)) == count
        np.testing.assert_array_equal(gaussian(1, count), gaussian(1, 100)[:count])
