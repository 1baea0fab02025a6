import copy
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file
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


def model_of(*weights):
    return nn.ParameterList([nn.Parameter(weight, requires_grad=False) for weight in weights])


def test_weights_move_together_with_their_values_and_ties(small_pages):
    model = toy_model()
    before, was = copy.deepcopy(model.state_dict()), addresses(model.parameters())
    assert move_to_huge_pages_(model)
    moved = addresses(model.parameters())
    assert not set(moved) & set(was)
    assert moved[0] % 4096 == 0
    assert all(address % 64 == 0 for address in moved)
    sizes = [weight.nbytes for weight in model.parameters()]
    assert max(moved) - min(moved) < sum(sizes) + 64 * len(sizes)
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    assert (model.lm_head.weight is model.model.embed_tokens.weight) == model.config.tie_word_embeddings


def test_no_moved_weight_reaches_into_another(small_pages):
    model = model_of(torch.zeros(3, dtype=torch.bfloat16), torch.zeros(999), torch.zeros(7, 300))
    assert move_to_huge_pages_(model)
    for place, weight in enumerate(model):
        weight.fill_(place)
    assert [weight.unique().tolist() for weight in model] == [[0], [1], [2]]


def test_a_weight_larger_than_what_is_copied_at_once_is_whole(small_pages, monkeypatch):
    monkeypatch.setattr(huge_pages, "AT_ONCE", 1000)
    numbers = torch.arange(5001.0).view(3, 1667)
    model = model_of(numbers.clone())
    assert move_to_huge_pages_(model)
    assert torch.equal(model[0], numbers)


def test_a_moved_model_is_copied_and_saved_as_any_other(small_pages, tmp_path):
    model = toy_model()
    move_to_huge_pages_(model)
    twin = copy.deepcopy(model)
    next(model.parameters()).data.add_(1)
    assert not torch.equal(next(twin.parameters()), next(model.parameters()))
    model.save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path)
    assert all(map(torch.equal, again.parameters(), model.parameters()))


def shared(kind):
    """A model with a weight that is alone, then those that share memory."""
    whole = torch.zeros(64, 64)
    model = model_of(torch.zeros(64, 64), whole if kind != "halves" else whole[:32])
    if kind == "buffer":
        model.register_buffer("view", whole[0])
        return model
    model.append(nn.Parameter(whole.T if kind == "transposed" else whole[32:], requires_grad=False))
    return model


@pytest.mark.parametrize("kind", ["halves", "transposed", "buffer"])
def test_weights_that_share_memory_stay_and_go_on_sharing(kind, small_pages):
    model = shared(kind)
    was = addresses(model.parameters())
    assert move_to_huge_pages_(model)
    stayed = [a == b for a, b in zip(was, addresses(model.parameters()), strict=True)]
    assert stayed == [False, True, True][: len(was)]


class Wrapped(torch.Tensor):
    """A tensor that is more than its numbers."""


def test_what_is_no_plain_weight_stays(small_pages):
    empty, transposed = torch.zeros(0, 4), torch.arange(6.0).view(2, 3).T
    integers = torch.arange(5000)
    wrapped, sparse = torch.zeros(4096).as_subclass(Wrapped), torch.eye(64).to_sparse()
    model = model_of(empty, transposed, integers, wrapped, sparse, torch.zeros(4096))
    was = addresses([*model[:4], model[5]])
    assert move_to_huge_pages_(model)
    now = addresses([*model[:4], model[5]])
    assert now[:4] == was[:4] and now[4] != was[4]
    assert model[1].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert torch.equal(model[4].to_dense(), torch.eye(64))


def test_what_lies_beside_a_moved_weight_in_its_file_is_left_alone(small_pages, tmp_path):
    """Dropped pages are read from the file again, so changes in them would be lost."""
    numbers = {"a": torch.zeros(1001), "b": torch.zeros(5003), "c": torch.zeros(1001)}
    save_file(numbers, tmp_path / "weights.safetensors")
    before, weight, after = load_file(tmp_path / "weights.safetensors").values()
    before.fill_(1)
    after.fill_(2)
    assert move_to_huge_pages_(model_of(weight))
    assert (before == 1).all() and (after == 2).all()


def refuse(*arguments, **settings):
    raise OSError(12, "Cannot allocate memory")


@pytest.mark.parametrize("fault", ["no such system", "never", "too little", "refused", "unreadable", "another library"])
def test_where_there_are_no_huge_pages_weights_stay(fault, monkeypatch, tmp_path):
    (tmp_path / "enabled").write_text("always madvise [never]" if fault == "never" else "always [madvise] never")
    (tmp_path / "hpage_pmd_size").write_text("65536\n" if fault == "too little" else "4096\n")
    monkeypatch.setattr(huge_pages, "SETTINGS", tmp_path / "absent" if fault == "no such system" else tmp_path)
    if fault == "refused":
        monkeypatch.setattr(huge_pages.mmap, "mmap", refuse)
    if fault == "unreadable":
        monkeypatch.setattr(huge_pages, "MAPPINGS", tmp_path / "absent")
    if fault == "another library":
        monkeypatch.setattr(huge_pages.ctypes, "CDLL", lambda name: object())
    model = model_of(torch.zeros(100, 100))
    was = addresses(model)
    assert not move_to_huge_pages_(model)
    assert addresses(model) == was


def test_files_of_any_name_may_be_mapped(monkeypatch, tmp_path):
    lines = [
        b"1000-3000 r--p 00000000 08:01 77 /models/caf\xe9 one\x0b two\r three",
        b"3000-4000 rw-p 00000000 00:00 0 ",
        b"4000-5000 rw-s 00000000 00:01 9 /dev/shm/shared",
        b"7f00-7fff r-xp 00000000 08:01 78 /models/\xe2\x80\xa8 (deleted)",
    ]
    (tmp_path / "maps").write_bytes(b"\n".join(lines) + b"\n")
    monkeypatch.setattr(huge_pages, "MAPPINGS", tmp_path / "maps")
    assert huge_pages._mapped_files() == [(0x1000, 0x3000), (0x7F00, 0x7FFF)]


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
weights = load_file(sys.argv[1]).values()
model = torch.nn.ParameterList([torch.nn.Parameter(weight, requires_grad=False) for weight in weights])
del weights
if sys.argv[2] == "converted":
    for weight in model:
        weight.data = weight.data.float()
before = peak_memory()
assert move_to_huge_pages_(model)
assert all(bool((weight == number).all()) for number, weight in enumerate(model))
print(before - start, peak_memory() - start, control, huge() - control)
"""


@needs_huge_pages
@pytest.mark.parametrize("how", ["mapped", "converted"])
def test_a_loaded_model_is_in_huge_pages_and_was_never_held_twice(how, tmp_path):
    """Weights that are a file's pages, and weights in another type than the file's."""
    held, file = 256 * MIB, tmp_path / "weights.safetensors"
    sizes = [held // 2, *[held // 64] * 32] if how == "mapped" else [held // 32] * 32
    dtype = torch.float32 if how == "mapped" else torch.float16
    save_file({f"{n:02}": torch.full((size // 4,), n, dtype=dtype) for n, size in enumerate(sizes)}, file)
    command = [sys.executable, "-c", LOADING, str(file), how]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    before, peak, control, huge = map(int, output.split())
    assert peak < max(before, held) + 2 * huge_pages.AT_ONCE
    if control == 0:
        pytest.skip("this system has no huge page left")
    assert huge > 0.5 * held
