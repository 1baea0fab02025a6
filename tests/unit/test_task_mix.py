import pytest
import torch
from toy import toy_model, toy_tokenizer

from mazo.batches import batch_indices, collate, encode_examples
from mazo.errors import ConfigError, DataError
from mazo.examples import Example
from mazo.importance import score_tasks
from mazo.losses import task_losses
from mazo.maskable import maskable_weights
from mazo.task_mix import TaskMix

PAIRS = [(f"{n} and one is", str(n + 1)) for n in range(5)]
CHOICES = [Example("yes", "choices", f"Is {n} even?", " ", ("Yes", "No"), n % 2) for n in range(3)]


@pytest.fixture(scope="module")
def parts():
    return toy_model(), toy_tokenizer([" Yes", " No"])


def losses_by_hand(parts, rows: list[Example]) -> torch.Tensor:
    model, tokenizer = parts
    encoded = encode_examples(tokenizer, rows, task_index=0, max_length=512)
    return task_losses(model, collate(encoded, pad_id=0, micro_batch=100), num_tasks=1)[0]


def test_every_step_has_an_equal_share_of_every_task_and_every_row_comes_once_an_epoch(parts):
    mix = TaskMix(*parts, {"sum": PAIRS, "yes": CHOICES}, batch_per_task=2)
    for step in range(4):
        counts = torch.cat([batch.task for batch in mix.batches(step)]).bincount()
        assert counts.tolist() == [2, 2]
    seen = [row for step in range(5) for row in mix.rows(step, "sum")]
    assert sorted(seen) == sorted(PAIRS * 2)
    assert seen[:2] == [PAIRS[i] for i in batch_indices(5, batch=2, step=0, seed=0, task="sum")]


def test_losses_are_those_of_the_steps_rows_in_the_tasks_order(parts):
    mix = TaskMix(*parts, {"yes": CHOICES, "sum": PAIRS}, batch_per_task=2, seed=5)
    for step in (0, 3):
        pairs = [Example("sum", "target", prompt, " ", (answer,), 0) for prompt, answer in mix.rows(step, "sum")]
        wanted = [losses_by_hand(parts, mix.rows(step, "yes")), losses_by_hand(parts, pairs)]
        torch.testing.assert_close(mix.losses(step), torch.stack(wanted), rtol=1e-5, atol=1e-6)


def test_the_delimiter_stands_between_prompt_and_answer(parts):
    losses = [
        TaskMix(*parts, {"sum": rows}, delimiter=delimiter, batch_per_task=1).losses(0)
        for rows, delimiter in (([("1 +", "2")], " "), ([("1 +", " 2")], ""), ([("1 +", "2")], ""))
    ]
    assert torch.equal(losses[0], losses[1])
    assert not torch.equal(losses[0], losses[2])


def test_a_task_may_have_a_loss_of_its_own_over_rows_of_any_form(parts):
    calls = []

    def length(model, rows):
        calls.append(rows)
        return sum(map(len, rows)) / len(rows)

    mix = TaskMix(*parts, {"text": ["a", "bb", "ccc"], "sum": PAIRS}, batch_per_task=3, own_losses={"text": length})
    assert mix.losses(0)[0] == 2.0
    assert calls == [mix.rows(0, "text")]
    assert mix.losses(0)[1] == TaskMix(*parts, {"sum": PAIRS}, batch_per_task=3).losses(0)[0]
    assert set(mix.calibration()) == {"sum"}
    alone = TaskMix(*parts, {"text": ["a", "bb"]}, own_losses={"text": length})
    assert alone.losses(0).tolist() == [1.5]
    with pytest.raises(ConfigError, match="calibration: wanted a task without a loss of its own"):
        alone.calibration()


def test_calibration_rows_are_drawn_by_the_seed_and_can_be_scored(parts):
    mix = TaskMix(*parts, {"yes": CHOICES, "sum": PAIRS})
    drawn = mix.calibration(2)
    assert {name: sum(len(batch.task) for batch in batches) for name, batches in drawn.items()} == {"yes": 2, "sum": 2}
    ids = [torch.cat([batch.input_ids.flatten() for batch in mix.calibration(2)["sum"]]) for _ in range(2)]
    assert torch.equal(*ids)
    scores = score_tasks(parts[0], drawn)
    assert {name: matrix.shape for name, matrix in scores.items()} == {
        name: weight.shape for name, weight in maskable_weights(parts[0]).items()
    }


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ({}, "wanted rows for every task; found none for no task"),
        ({"sum": PAIRS, "void": []}, "wanted rows for every task; found none for void"),
        (
            {"sum": [PAIRS[0], "1 + 1 = 2"]},
            r"sum, row 1: wanted a pair \(prompt, answer\) of texts or an Example; found",
        ),
        ({"sum": [("1 +", "")]}, "sum, row 0: wanted a pair"),
        ({"sum": [("1 +", 2)]}, "sum, row 0: wanted a pair"),
    ],
)
def test_rows_of_another_form_are_refused(parts, tasks, message):
    with pytest.raises(DataError, match=message):
        TaskMix(*parts, tasks)


def test_a_loss_of_no_task_is_refused(parts):
    with pytest.raises(ConfigError, match=r"own_losses: wanted names of tasks \(sum\); found som"):
        TaskMix(*parts, {"sum": PAIRS}, own_losses={"som": lambda model, rows: 0.0})
