import json
import pickle
from pathlib import Path

import pytest
import yaml
from bad_inputs import BAD_INPUTS, CANARY, Crafted, good_suite

from mazo.cli import main
from mazo.config import ModelSettings
from mazo.errors import ModelError
from mazo.models import load_model


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
    assert not list(tmp_path.rglob(CANARY))


def test_yaml_that_would_make_objects_is_refused(tmp_path, capsys):
    (tmp_path / "suite.yaml").write_text(f"suite: !!python/object/apply:os.system ['touch {tmp_path / CANARY}']\n")
    assert main(["check", "--config", str(tmp_path / "suite.yaml")]) == 2
    error = capsys.readouterr().err
    assert "suite.yaml: is not valid YAML (could not determine a constructor for the tag" in error
    assert error.count("\n") == 1 and not (tmp_path / CANARY).exists()


def test_a_pickle_beside_safetensors_is_left_alone(tmp_path):
    good_suite(tmp_path)
    (tmp_path / "model" / "pytorch_model.bin").write_bytes(pickle.dumps(Crafted(tmp_path)))
    load_model(ModelSettings(path=str(tmp_path / "model")))
    assert not (tmp_path / CANARY).exists()


def test_a_models_own_code_is_not_run(tmp_path):
    good_suite(tmp_path)
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    own = {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.OwnModel"}
    (tmp_path / "model" / "config.json").write_text(json.dumps(config | {"model_type": "own", "auto_map": own}))
    (tmp_path / "model" / "own.py").write_text(f"from pathlib import Path\nPath({str(tmp_path / CANARY)!r}).touch()\n")
    with pytest.raises(ModelError, match="wanted a causal language model") as caught:
        load_model(ModelSettings(path=str(tmp_path / "model")))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / CANARY).exists()
