import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch

import mazo
from mazo.zeroth_order import read_log

REPOSITORY = Path(__file__).resolve().parents[2]


def test_importing_the_package_loads_nothing_of_it_and_no_library():
    code = "import sys; before = set(sys.modules); import mazo; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['mazo']"


def test_every_public_name_is_that_of_its_module_and_of_the_stub():
    stub = ast.parse((REPOSITORY / "mazo" / "__init__.pyi").read_text())
    typed = {(n.module, a.name, a.asname) for n in stub.body if isinstance(n, ast.ImportFrom) for a in n.names}
    assert typed == {(module, name, name) for module, names in mazo.PUBLIC.items() for name in names}
    for module, names in mazo.PUBLIC.items():
        for name in names:
            assert getattr(mazo, name) is getattr(import_module(module), name)
    assert set(mazo.__all__) <= set(dir(mazo))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'mazo' has no attribute 'MaZO'"):
        _ = mazo.MaZO


def test_every_public_name_is_described():
    described = set(re.findall(r"`(\w+)", (REPOSITORY / "docs" / "api.md").read_text()))
    assert set(mazo.__all__) <= described


def readme_example() -> str:
    return re.search(r"^```python\n(.*?)^```", (REPOSITORY / "README.md").read_text(), re.MULTILINE | re.DOTALL)[1]


def test_the_readmes_example_is_short():
    assert len(readme_example().splitlines()) <= 25


def test_the_readmes_example_trains_only_what_its_mask_keeps_and_replays_to_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(readme_example(), names)
    assert len(read_log(tmp_path / "steps.log").coefficients) == 100
    assert mazo.load_mask(tmp_path / "mask.safetensors").hash() == names["mask"].hash()
    base = dict(names["AutoModelForCausalLM"].from_pretrained(names["path"]).named_parameters())
    trained, rebuilt = (dict(names[name].named_parameters()) for name in ("model", "rebuilt"))
    changed = sum(int((trained[name] != base[name]).sum()) for name in base)
    assert 0.9 * names["optimizer"].num_trained < changed <= names["optimizer"].num_trained
    assert all(torch.equal(trained[name], rebuilt[name]) for name in base)
    with torch.no_grad():
        after = names["mix"].losses(0)
        for name, weight in trained.items():
            weight.copy_(base[name])
        assert after.mean() < names["mix"].losses(0).mean()
