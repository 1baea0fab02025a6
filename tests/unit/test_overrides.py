import pytest
from hand_made import suite

from mazo.overrides import replaced

MAZO = suite().methods["mazo"]


def test_a_key_with_dots_replaces_one_setting_inside_its_group():
    changed = replaced(MAZO, {"lr": 0.5, "mask.density": 0.2, "mask.scores.alpha": 3.0})
    assert (changed.lr, changed.mask.density, changed.mask.scores.alpha) == (0.5, 0.2, 3.0)
    assert changed.mask.scores.beta == MAZO.mask.scores.beta
    assert MAZO.lr == 1e-3


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"lrr": 1.0}, "lrr: wanted a setting of that name"),
        ({"mask.densty": 0.1}, r"mask\.densty: wanted a setting"),
        ({"adapter.rank": 2}, r"adapter\.rank: wanted a setting"),
        ({"lr": -1.0}, "lr: .*greater than or equal to 0; found -1.0"),
        ({"normalization": "std"}, "num_directions"),
    ],
)
def test_what_a_file_could_not_say_is_refused(overrides, message):
    with pytest.raises(ValueError, match=message):
        replaced(MAZO, overrides)
