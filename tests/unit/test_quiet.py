import logging
import random
import sys

import pytest
from tqdm import tqdm

from mazo.quiet import quiet


def test_bars_and_hints_begun_inside_are_hidden_and_errors_are_not(capsys, caplog):
    with quiet():
        list(tqdm(range(3)))
        logging.getLogger("lm_eval.tasks").warning("a hint")
        logging.getLogger("lm_eval.tasks").error("a fault")
    assert capsys.readouterr().err == ""
    assert [record.message for record in caplog.records] == ["a fault"]


def test_everything_comes_back_even_after_an_exception(capsys, caplog):
    state, stream = random.getstate(), sys.stderr
    with pytest.raises(ValueError, match="passes through"), quiet():
        random.random()
        raise ValueError("passes through")
    assert random.getstate() == state
    assert sys.stderr is stream
    logging.getLogger("transformers").warning("a hint")
    assert [record.message for record in caplog.records] == ["a hint"]
