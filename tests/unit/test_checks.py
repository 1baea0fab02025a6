from pathlib import Path

import pytest
import yaml
from bad_inputs import BAD_INPUTS, good_suite

from mazo.cli import main


def check(folder: Path, suite: dict) -> int:
    (folder / "suite.yaml").write_text(yaml.safe_dump(suite))
    return main(["check", "--config", str(folder / "suite.yaml")])


def test_a_suite_that_has_all_it_needs_passes_and_says_what_it_holds(tmp_path, capsys):
    assert check(tmp_path, good_suite(tmp_path)) == 0
    assert capsys.readouterr().out == "bad: 1 model(s) x 1 mix(es) x 1 method(s) x 1 seed(s), tasks rte: all there\n"


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=[bad.name for bad in BAD_INPUTS])
def test_a_bad_input_is_one_line_that_names_it_and_status_2(bad, tmp_path, capsys):
    suite = good_suite(tmp_path)
    assert check(tmp_path, suite | bad.changes(tmp_path)) == 2
    error = capsys.readouterr().err
    assert error.startswith("mazo: ")
    assert error.count("\n") == 1
    for word in bad.words:
        assert word in error
