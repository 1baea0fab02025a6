from prepared import prepare_mini

from mazo.config import TASKS
from mazo.data import read_rows
from mazo.examples import build_examples
from mazo.tasks import load_tasks


def test_every_row_gives_an_example_in_the_rows_order(tmp_path):
    data = prepare_mini(tmp_path)
    for name, task in load_tasks(TASKS, data).items():
        for split in ("train", "dev"):
            rows = read_rows(data, name, split=split)
            examples = build_examples(task, name, split=split)
            assert len(examples) == len(rows)
            for row, example in zip(rows, examples, strict=True):
                assert example.task == name
                assert example.gold == row.get("label", 0)
                assert next(iter(row.values())).strip(" .") in example.context or name == "wic"


def test_copa_and_squad_are_taught_by_teacher_forcing_and_the_rest_by_comparison(tmp_path):
    tasks = load_tasks(TASKS, prepare_mini(tmp_path, train=2, dev=2, test=2))
    losses = {name: build_examples(task, name, split="dev")[0].loss for name, task in tasks.items()}
    assert losses == dict.fromkeys(TASKS, "choices") | {"copa": "target", "squad": "target"}
