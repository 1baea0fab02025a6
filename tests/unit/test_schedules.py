from itertools import pairwise

import pytest

from mazo.schedules import SCHEDULES, constant, cosine, linear


@pytest.mark.parametrize("schedule", SCHEDULES.values())
def test_every_schedule_starts_at_one_and_never_rises(schedule):
    shares = [schedule(step, 50) for step in range(50)]
    assert shares[0] == 1
    assert all(later <= earlier for earlier, later in pairwise(shares))


def test_each_schedule_is_where_its_formula_says_halfway_and_at_the_end():
    assert [constant(5, 10), linear(5, 10), cosine(5, 10)] == pytest.approx([1, 0.5, 0.5])
    assert [constant(10, 10), linear(10, 10), cosine(10, 10)] == pytest.approx([1, 0, 0])
