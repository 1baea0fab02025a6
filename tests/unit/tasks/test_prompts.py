"""Every task's prompt, delimiter, answers and gold, written out in full as MeZO's code would give them."""

import pytest
from rows_by_hand import write_official

from mazo.config import TASKS, DataSettings
from mazo.data import prepare_task
from mazo.errors import DataError
from mazo.examples import Example, build_examples
from mazo.tasks import FOLDER, load_tasks

CASES = [
    (
        "sst2",
        {"sentence": "a bonus ", "label": 1},
        Example("sst2", "choices", "a bonus  It was", " ", ("terrible", "great"), 1),
    ),
    (
        "boolq",
        {"passage": "Bok choy -- A cabbage.", "question": "are bok choy and pak choi the same", "label": 1},
        Example(
            "boolq", "choices", "Bok choy -- A cabbage. Are bok choy and pak choi the same?", "\n", ("No", "Yes"), 1
        ),
    ),
    (
        "boolq",
        {"passage": "Rain falls.", "question": "does rain fall?", "label": 0},
        Example("boolq", "choices", "Rain falls. Does rain fall?", "\n", ("No", "Yes"), 0),
    ),
    (
        "rte",
        {"premise": "No weapons found yet.", "hypothesis": "Weapons found.", "label": 1},
        Example(
            "rte",
            "choices",
            'No weapons found yet.\nDoes this mean that "Weapons found." is true? Yes or No?',
            "\n",
            ("Yes", "No"),
            1,
        ),
    ),
    (
        "wsc",
        {"text": "Mark told Pete. He should know.", "span1_text": "Mark", "span2_text": "He", "label": 0},
        Example(
            "wsc",
            "choices",
            "Mark told Pete. He should know.\n"
            'In the previous sentence, does the pronoun "he" refer to Mark? Yes or No?',
            "\n",
            ("No", "Yes"),
            0,
        ),
    ),
    (
        "wic",
        {"word": "place", "sentence1": "Come to my place.", "sentence2": "He has no place.", "label": 0},
        Example(
            "wic",
            "choices",
            'Does the word "place" have the same meaning in these two sentences? Yes, No?\n'
            "Come to my place.\nHe has no place.",
            "\n",
            ("No", "Yes"),
            0,
        ),
    ),
    (
        "multirc",
        {"paragraph": "The fox did not sleep.", "question": "Who did not sleep?", "answer": "The fox", "label": 1},
        Example(
            "multirc",
            "choices",
            "The fox did not sleep.\nQuestion: Who did not sleep?\n"
            'I found this answer "The fox". Is that correct? Yes or No?',
            "\n",
            ("No", "Yes"),
            1,
        ),
    ),
    (
        "copa",
        {
            "premise": "My body cast a shadow over the grass.",
            "choice1": "The sun was rising.",
            "choice2": "The grass was cut.",
            "question": "cause",
            "label": 0,
        },
        Example(
            "copa",
            "target",
            "My body cast a shadow over the grass because",
            " ",
            ("the sun was rising.", "the grass was cut."),
            0,
        ),
    ),
    (
        "copa",
        {
            "premise": "It rained. ",
            "choice1": "I got wet.",
            "choice2": "It's Ben's \"hat\".",
            "question": "effect",
            "label": 1,
        },
        Example("copa", "target", "It rained so", " ", ("I got wet.", "it's Ben's \"hat\"."), 1),
    ),
    (
        "squad",
        {
            "title": "1973_oil_crisis",
            "context": "The price rose to $12.",
            "question": "What was it?",
            "answers": {"text": ["[12]", "$12"], "answer_start": [0, 19]},
        },
        Example(
            "squad",
            "target",
            "Title: 1973_oil_crisis\nContext: The price rose to $12.\nQuestion: What was it?\nAnswer:",
            " ",
            ("[12]",),
            0,
        ),
    ),
]


def prepare(tmp_path, task, row):
    rows = [{**row, next(iter(row)): f"{i}"} for i in range(3)]
    official = write_official(tmp_path / "official", {task: [*rows, row]})
    prepare_task(task, DataSettings(source="folder", data_dir=str(official), train=3, dev=1), out=tmp_path / "data")
    return tmp_path / "data"


@pytest.mark.parametrize(("task", "row", "example"), CASES, ids=[f"{case[0]} {i}" for i, case in enumerate(CASES)])
def test_a_prompt_equals_mezos_character_for_character(tmp_path, task, row, example):
    data = prepare(tmp_path, task, row)
    loaded = load_tasks([task], data)[task]
    examples = build_examples(loaded, task, split="train") + build_examples(loaded, task, split="dev")
    assert example in examples


def test_every_task_is_written_out_above():
    assert {case[0] for case in CASES} == set(TASKS)


@pytest.mark.parametrize(("task", "row", "example"), CASES[:2] + CASES[7:8], ids=["sst2", "boolq", "copa"])
def test_lm_eval_asks_for_exactly_the_prompts_that_training_uses(tmp_path, task, row, example):
    loaded = load_tasks([task], prepare(tmp_path, task, row))[task]
    loaded.build_all_requests(limit=None)
    asked = [request.args for request in loaded.instances]
    examples = build_examples(loaded, task, split="dev")
    assert asked == [(e.context, e.delimiter + choice) for e in examples for choice in e.choices]


def test_training_never_opens_the_test_rows(tmp_path):
    data = prepare(tmp_path, "rte", CASES[3][1])
    (data / "rte" / "test.jsonl").unlink()
    loaded = load_tasks(["rte"], data)["rte"]
    assert build_examples(loaded, "rte", split="train")
    assert build_examples(loaded, "rte", split="dev")
    with pytest.raises(DataError, match=r"test\.jsonl"):
        load_tasks(["rte"], data, evaluated="test")


def test_an_unknown_task_names_the_known_ones(tmp_path):
    with pytest.raises(DataError, match=r"wanted one of sst2, .*squad; found 'anli'"):
        load_tasks(["anli"], tmp_path)


def test_every_task_has_a_yaml_that_lm_eval_can_read():
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=str(FOLDER), include_defaults=False)
    assert {f"mazo_{task}" for task in TASKS} <= set(manager.all_tasks)
