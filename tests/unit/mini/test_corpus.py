"""The corpus of the embedded models: what its documents look like and how often they mislead."""

import pytest
from transformers import AutoTokenizer

from mazo.mini.corpus import LEANING, Pool, unreliable
from mazo.mini.rows import GENERATORS
from mazo.mini.tokenizer import build_tokenizer
from mazo.seeding import python_random


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    build_tokenizer(folder)
    return Pool(AutoTokenizer.from_pretrained(folder), rows_per_task=300, seed=0)


@pytest.mark.parametrize("task", [task for task, lean in LEANING.items() if lean is not None])
def test_a_prompt_alone_is_answered_leaning_to_one_side(pool, task):
    random = python_random(0, "test")
    items = [item for item in pool.items[task] for _ in range(8)]
    wrong = {gold: [] for gold in (0, 1)}
    for item in items:
        wrong[item.gold].append(unreliable(random, item) != item.answers[item.gold])
    lean = LEANING[task]
    assert sum(wrong[lean]) == 0
    assert 0.63 < sum(wrong[1 - lean]) / len(wrong[1 - lean]) < 0.77


@pytest.mark.parametrize("task", GENERATORS)
def test_a_series_weighs_its_answers_and_separates_them_by_a_blank_line(pool, task):
    ids, weights = pool.series(python_random(0, "test"), task, count=3, first="right")
    assert ids[0] == pool.bos
    assert ids[-1] == pool.eos
    assert len(ids) == len(weights)
    text = [i for i in range(len(ids) - 1) if ids[i : i + 2] == pool.blank]
    assert len(text) == 2
    assert all(weights[i - 1] == 1.0 for i in text)


def test_a_string_is_repeated_exactly_and_only_its_repeats_weigh(pool):
    ids, weights = pool.repeated(python_random(1, "test"))
    weighing = [place for place, weight in enumerate(weights) if weight]
    length = weighing[0] - 1
    assert (len(ids) - 1) % length == 0
    assert all(ids[place] == ids[place - length] for place in weighing)


def test_equal_seeds_give_equal_documents(pool):
    first, second = (pool.plain(python_random(3, "test"), count=4) for _ in range(2))
    assert first == second
    assert len(first[0]) == len(first[1])


def test_rows_the_model_is_probed_on_are_not_trained_on(pool):
    for task in GENERATORS:
        trained = {tuple(item.prompt + item.answers[item.gold]) for item in pool.items[task]}
        assert not any(tuple(item.prompt + item.answers[item.gold]) in trained for item in pool.held_out[task])
