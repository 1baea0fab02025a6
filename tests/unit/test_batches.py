import random
from itertools import chain

import pytest
import torch
from toy import toy_tokenizer

from mazo.batches import batch_indices, collate, encode_example, encode_examples
from mazo.encoding import EncodedPair
from mazo.examples import Example


def example(context, choices=("Yes", "No"), *, loss="choices", gold=0, delimiter="\n"):
    return Example("rte", loss, context, delimiter, choices, gold)


def encoded(contexts, **kwargs):
    tokenizer = toy_tokenizer(["Yes", "No"])
    return encode_examples(tokenizer, [example(c, **kwargs) for c in contexts], task_index=3, max_length=64)


def test_answers_of_one_token_share_one_sequence_without_the_answer():
    [found] = encoded(["ab"])
    assert [len(sequence) for sequence in found.sequences] == [4]  # BOS a b newline
    assert [(choice.sequence, choice.start, len(choice.tokens)) for choice in found.choices] == [(0, 3, 1)] * 2
    assert (found.task, found.is_choice, found.gold) == (3, True, 0)


def test_an_answer_whose_input_begins_another_shares_its_sequence():
    found = encode_example(
        [EncodedPair([1, 5], [7], 0), EncodedPair([1, 5], [8, 9], 0), EncodedPair([1, 5], [6, 9], 2)],
        task=0,
        is_choice=True,
        gold=1,
    )
    assert found.sequences == ((1, 5, 8), (1, 5, 6))
    assert [(choice.sequence, choice.start) for choice in found.choices] == [(0, 1), (0, 1), (1, 1)]
    assert found.num_cut == 2


def test_teacher_forcing_encodes_the_right_answer_alone():
    [found] = encoded(["ab"], loss="target", gold=1, choices=("cd", "efg"), delimiter=" ")
    assert len(found.choices) == 1
    assert len(found.choices[0].tokens) == 4  # space e f g
    assert (found.gold, found.is_choice) == (0, False)


def test_examples_stand_in_the_batches_by_length_and_equal_ones_in_order():
    examples = encoded(["a" * n for n in (9, 2, 5, 2)])
    batches = collate(examples, pad_id=0, micro_batch=2)
    assert [tuple(batch.input_ids.shape) for batch in batches] == [(2, 4), (2, 11)]
    assert [batch.input_ids.ne(0).sum(1).tolist() for batch in batches] == [[4, 4], [7, 11]]


@pytest.mark.parametrize("micro_batch", [1, 3, 7, 64])
def test_no_micro_batch_holds_more_sequences_than_allowed_and_none_is_lost(micro_batch):
    examples = encoded(["a" * n for n in range(1, 30)], choices=("Yes", "No"))
    batches = collate(examples, pad_id=0, micro_batch=micro_batch)
    assert max(len(batch.input_ids) for batch in batches) <= micro_batch
    assert sum(len(batch.gold) for batch in batches) == 29


def test_an_example_of_more_sequences_than_allowed_stands_alone():
    examples = encoded(["ab", "cd"], choices=("xx", "yy", "zz"))
    assert [len(batch.input_ids) for batch in collate(examples, pad_id=0, micro_batch=2)] == [3, 3]


def test_a_batch_is_split_where_padding_would_cost_more_than_a_forward():
    short, long = ["a" * 3] * 20, ["a" * 50] * 2
    shapes = [tuple(b.input_ids.shape) for b in collate(encoded(short + long), pad_id=0, micro_batch=64)]
    assert shapes == [(20, 5), (2, 52)]
    shapes = [tuple(b.input_ids.shape) for b in collate(encoded(short[:2] + long), pad_id=0, micro_batch=64)]
    assert shapes == [(4, 52)]


def test_places_point_at_the_tokens_before_each_answer_token():
    [batch] = collate(encoded(["ab", "abcd"], choices=("Yes", "pq")), pad_id=0, micro_batch=8)
    flat = batch.input_ids.reshape(-1)
    newline, p = 3 + ord("\n"), 3 + ord("p")
    # Both rows: "Yes" and "p" are predicted at the newline, "q" at the "p".
    assert flat[batch.places].tolist() == [newline, p, newline, p]
    assert batch.places[batch.token_place].tolist() == [[4 - 1, 4 - 1], [3, 4], [7 + 5, 7 + 5], [12, 13]]
    assert batch.token_weight.tolist() == [[1, 0], [0.5, 0.5], [1, 0], [0.5, 0.5]]
    assert batch.example_choices.tolist() == [[0, 1], [2, 3]]


def test_collating_is_deterministic():
    examples = encoded(["a" * random.Random(i).randrange(30) + "b" for i in range(20)])
    first, second = (collate(examples, pad_id=0, micro_batch=8) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert all(torch.equal(getattr(one, name), getattr(other, name)) for name in vars(one))


def test_an_epoch_shows_every_row_once_and_the_next_in_another_order():
    steps = [batch_indices(12, batch=4, step=step, seed=0, task="rte") for step in range(6)]
    epochs = [[*chain(*steps[:3])], [*chain(*steps[3:])]]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(12))
    assert epochs[0] != epochs[1]


def test_a_batch_that_crosses_the_epochs_takes_the_end_of_one_and_the_start_of_the_next():
    rows = [*chain(*(batch_indices(5, batch=3, step=step, seed=0, task="rte") for step in range(5)))]
    assert [sorted(rows[i : i + 5]) for i in (0, 5, 10)] == [list(range(5))] * 3


def test_a_batch_larger_than_the_data_repeats_rows():
    assert sorted(batch_indices(2, batch=6, step=0, seed=0, task="rte")) == [0, 0, 0, 1, 1, 1]


def test_the_order_depends_on_seed_task_and_step_alone():
    def rows(**changes):
        return batch_indices(100, **({"batch": 8, "step": 5, "seed": 1, "task": "rte"} | changes))

    assert rows() == rows()
    assert all(rows() != rows(**change) for change in ({"step": 6}, {"seed": 2}, {"task": "wsc"}))
    assert all(type(index) is int for index in rows())
