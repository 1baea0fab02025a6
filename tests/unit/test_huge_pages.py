import copy
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from toy import toy_model

from mazo import huge_pages
from mazo.huge_pages import move_to_huge_pages_

MIB = 2**20
needs_huge_pages = pytest.mark.skipif(huge_pages._huge_page() is None, reason="this system gives no huge pages")


@pytest.fixture
def small_pages(monkeypatch):
    """Pages that a toy's weights fill."""
    if huge_pages._huge_page() is None:
        pytest.skip("this system gives no huge pages")
    monkeypatch.setattr(huge_pages, "_huge_page", lambda: 4096)


def addresses(weights):
    return [weight.data_ptr() for weight in weights]


def test_weights_move_together_with_their_values_and_ties(small_pages):
    model = toy_model()
    before, was = copy.deepcopy(model.state_dict()), addresses(model.parameters())
    assert move_to_huge_pages_(model.parameters())
    moved = addresses(model.parameters())
    assert not set(moved) & set(was)
    assert moved[0] % 4096 == 0
    assert all(address % 64 == 0 for address in moved)
    sizes = [weight.nbytes for weight in model.parameters()]
    assert max(moved) - min(moved) < sum(sizes) + 64 * len(sizes)
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    assert (model.lm_head.weight is model.model.embed_tokens.weight) == model.config.tie_word_embeddings


def test_no_moved_weight_reaches_into_another(small_pages):
    weights = [torch.zeros(3, dtype=torch.bfloat16), torch.zeros(999), torch.zeros(7, 300)]
    assert move_to_huge_pages_(weights)
    for place, weight in enumerate(weights):
        weight.fill_(place)
    assert [weight.unique().tolist() for weight in weights] == [[0], [1], [2]]


def test_a_moved_model_is_copied_and_saved_as_any_other(small_pages, tmp_path):
    model = toy_model()
    move_to_huge_pages_(model.parameters())
    twin = copy.deepcopy(model)
    next(model.parameters()).data.add_(1)
    assert not torch.equal(next(twin.parameters()), next(model.parameters()))
    model.save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path)
    assert all(map(torch.equal, again.parameters(), model.parameters()))


def test_weights_that_share_memory_stay_and_go_on_sharing(small_pages):
    whole = torch.zeros(64, 64)
    alone, top, bottom = torch.zeros(64, 64), nn.Parameter(whole[:32]), nn.Parameter(whole[32:])
    was = addresses([alone, top, bottom])
    assert move_to_huge_pages_([alone, top, bottom])
    assert [a == b for a, b in zip(was, addresses([alone, top, bottom]), strict=True)] == [False, True, True]


def test_empty_and_transposed_weights_stay(small_pages):
    weights = [torch.zeros(0, 4), torch.arange(6.0).view(2, 3).T, torch.zeros(4096)]
    was = addresses(weights)
    assert move_to_huge_pages_(weights)
    assert addresses(weights)[:2] == was[:2]
    assert weights[1].tolist() == [[0, 3], [1, 4], [2, 5]]


def refuse(*arguments, **settings):
    raise OSError(12, "Cannot allocate memory")


@pytest.mark.parametrize("fault", ["no such system", "never", "too little", "refused"])
def test_where_there_are_no_huge_pages_weights_stay(fault, monkeypatch, tmp_path):
    (tmp_path / "enabled").write_text("always madvise [never]" if fault == "never" else "always [madvise] never")
    (tmp_path / "hpage_pmd_size").write_text("65536\n" if fault == "too little" else "4096\n")
    monkeypatch.setattr(huge_pages, "SETTINGS", tmp_path / "absent" if fault == "no such system" else tmp_path)
    if fault == "refused":
        monkeypatch.setattr(huge_pages.mmap, "mmap", refuse)
    weights = [torch.zeros(100, 100)]
    was = addresses(weights)
    assert not move_to_huge_pages_(weights)
    assert addresses(weights) == was


LOADING = r"""
import mmap
import re
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from mazo.huge_pages import move_to_huge_pages_
from mazo.memory import keep_freed_memory, peak_memory

def huge():
    return 1024 * int(re.search(r"AnonHugePages: +(\d+)", Path("/proc/self/smaps_rollup").read_text())[1])

keep_freed_memory()
control = mmap.mmap(-1, 2**24, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
control.madvise(mmap.MADV_HUGEPAGE)
control.write(bytes(2**24))
control = huge()
start = peak_memory()
weights = list(load_file(sys.argv[1]).values())
if sys.argv[2] == "converted":
    for weight in weights:
        weight.data = weight.data.float()
before = peak_memory()
assert move_to_huge_pages_(weights)
assert all(bool((weight == number).all()) for number, weight in enumerate(weights))
print(before - start, peak_memory() - start, control, huge() - control)
"""


@needs_huge_pages
@pytest.mark.parametrize("how", ["mapped", "converted"])
def test_a_loaded_model_is_in_huge_pages_and_was_never_held_twice(how, tmp_path):
    """Weights that are a file's pages, and weights in another type than the file's."""
    held, parts, file = 256 * MIB, 32, tmp_path / "weights.safetensors"
    dtype = torch.float32 if how == "mapped" else torch.float16
    save_file({f"{n:02}": torch.full((held // 4 // parts,), n, dtype=dtype) for n in range(parts)}, file)
    command = [sys.executable, "-c", LOADING, str(file), how]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    before, peak, control, huge = map(int, output.split())
    assert peak < max(before, held) + 2 * huge_pages.HELD_TWICE
    if control == 0:
        pytest.skip("this system has no huge page left")
    assert huge > 0.5 * held
