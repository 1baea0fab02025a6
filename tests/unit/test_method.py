import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "method.md").read_text()
NAMES = sorted(set(re.findall(r"`(mazo(?:\.\w+)+)`", PAGE)))
FILES = sorted(set(re.findall(r"`((?:tests|benchmarks|config|mazo)/[\w/.]+)`", PAGE)))


def exists(name: str) -> bool:
    """Whether a dotted name is a module, or an attribute or field in one."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            owner = import_module(".".join(parts[:end]))
        except ModuleNotFoundError as error:
            if not error.name.startswith("mazo"):
                return True  # it exists, and wants a package that only machines with a GPU have
            continue
        for part in parts[end:]:
            if not hasattr(owner, part):
                # Fields of settings and data classes, and attributes that a class sets on its instances.
                fields = {**getattr(owner, "model_fields", {}), **getattr(owner, "__annotations__", {})}
                return part in fields or (inspect.isclass(owner) and f"self.{part} =" in inspect.getsource(owner))
            owner = getattr(owner, part)
        return True
    return False


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_the_code_on_the_page_exists(name):
    assert exists(name)


@pytest.mark.parametrize("name", ["mazo.losses.absent", "mazo.absent", "mazo.masks.Mask.absent", "mazo.methods.Lora.r"])
def test_a_name_that_does_not_exist_is_found_out(name):
    assert not exists(name)


def test_every_file_on_the_page_exists():
    assert FILES
    assert [file for file in FILES if not (REPOSITORY / file).exists()] == []


def test_the_symbols_and_the_marks_are_there():
    assert len(NAMES) > 40
    assert {"[paper]", "[derived]", "[assumed]"} <= set(re.findall(r"\[\w+\]", PAGE))


def test_every_key_of_a_logs_header_is_told(tmp_path):
    import torch

    from mazo.zeroth_order import StepLog, ZerothOrderOptimizer, read_log

    optimizer = ZerothOrderOptimizer([("w", torch.zeros(2))], lr=1.0, run_seed=0)
    with StepLog(tmp_path / "log", optimizer, tasks=["a"]) as log:
        log.append(optimizer.step(lambda: torch.zeros(1)))
    told = set(re.findall(r"`(\w+)`", PAGE[PAGE.index("The header's keys") :]))
    assert set(read_log(tmp_path / "log").header) <= told
