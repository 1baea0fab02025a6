import pytest

from mazo.config import select_run
from mazo.configfile import parse_suite
from mazo.errors import ConfigError
from mazo.plan.cards import drawing_seconds, find_card, hours, known_cards
from mazo.plan.shape import model_shape
from mazo.plan.work import Work, run_work, task_lengths

NOTHING = {"backward_tokens": 0, "dev_tokens": 0, "score_tokens": 0, "test_tokens": 0, "written": 0}


@pytest.fixture(scope="module")
def run():
    content = {
        "suite": "s",
        "models": {"m": {"path": "meta-llama/Llama-2-7b-hf", "dtype": "bfloat16", "device": "cuda"}},
        "mixes": {"all": ["sst2"]},
        "methods": {"own": {"kind": "zeroth_order", "lr": 1e-6}},
        "seeds": [0],
        "data": {"source": "hub"},
    }
    return select_run(parse_suite(content, where="s"), model="m", mix="all", method="own", seed=0)


def test_every_card_names_its_source_and_ordinary_units():
    for card in known_cards().values():
        assert card.source.startswith("NVIDIA")
        assert 1e9 < card.memory < 1e12 < card.flops < 1e16
        assert 1e11 < card.bandwidth < 1e13


def test_an_unknown_card_names_the_known_ones():
    with pytest.raises(ConfigError, match=r"cards: wanted some of h100, .*; found 'tpu'"):
        find_card("tpu")


def test_a_forward_takes_two_operations_a_weight_and_token(run):
    work = Work(forwards=1, train_tokens=1e9, drawn=0, moved=0, **NOTHING)
    shape = model_shape(run.model)
    # 6.476e9 weights in the blocks, a billion tokens and a tenth of padding, 0.4 of 312e12 operations a second.
    assert shape.block_weights == 6_476_005_376
    wanted = 2 * 6_476_005_376 * 1e9 * 1.1 / (0.4 * 312e12) / 3600
    assert hours(work, run, shape, find_card("a100")) == pytest.approx(wanted)


def test_passes_over_weights_take_bandwidth_and_directions_of_low_rank_the_processor(run):
    shape = model_shape(run.model)
    passes = Work(forwards=1, train_tokens=0, drawn=0, moved=2.039e12 * 0.7 * 3600, **NOTHING)
    assert hours(passes, run, shape, find_card("a100")) == pytest.approx(1)
    draws = Work(forwards=1, train_tokens=0, drawn=1e9, moved=0, **NOTHING)
    assert hours(draws, run, shape, find_card("a100")) == drawing_seconds(draws, run) == 0
    run = run.model_copy(update={"method": run.method.model_copy(update={"direction": "low_rank"})})
    assert hours(draws, run, shape, find_card("a100")) == pytest.approx(drawing_seconds(draws, run) / 3600)
    assert drawing_seconds(draws, run) > 1


def test_a_direction_of_low_rank_takes_its_factors_numbers_alone(run):
    shape = model_shape(run.model)
    lengths = task_lengths(run, shape)
    whole = run_work(run, shape, lengths, trained=shape.weights)
    low = run.model_copy(update={"method": run.method.model_copy(update={"direction": "low_rank"})})
    # Two points and an update; 2 (rows + columns) of every matrix, and the norms.
    matrices = [sum(own) for own in shape.shapes.values() if len(own) == 2]
    norms = 65 * 4096
    assert whole.drawn == 1000 * 3 * shape.weights
    assert run_work(low, shape, lengths, trained=shape.weights).drawn == 1000 * 3 * (2 * sum(matrices) + norms)
