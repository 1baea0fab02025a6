"""The corpus's prompts are those of training and evaluation."""

import pytest
from prepared import prepare_mini

from mazo.data import read_rows
from mazo.examples import build_examples
from mazo.mini.prompts import render
from mazo.mini.rows import GENERATORS
from mazo.tasks import load_tasks


@pytest.mark.parametrize("task", GENERATORS)
def test_rendered_rows_equal_those_that_lm_eval_renders(task, tmp_path):
    data = prepare_mini(tmp_path, train=60, tasks=[task])
    examples = build_examples(load_tasks([task], data)[task], task, split="train")
    rendered = [(e.context, e.delimiter, list(e.choices), e.gold) for e in examples]
    assert rendered == [render(task, row) for row in read_rows(data, task, split="train")]
