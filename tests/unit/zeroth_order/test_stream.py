import ctypes.util
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mazo.seeding import stream_key
from mazo.zeroth_order import cpu_kernels, direction, write
from mazo.zeroth_order.direction import Direction
from mazo.zeroth_order.distributions import DEVICE_BLOCK
from mazo.zeroth_order.hold import hold
from mazo.zeroth_order.stream import Stream
from mazo.zeroth_order.write import in_memory, makes_numbers

GPU = torch.device("cuda:0")


def test_kernels_make_numbers_where_they_are_installed(monkeypatch):
    def answers() -> list[bool]:
        return [makes_numbers.__wrapped__(torch.device(device)) for device in ("cpu", "cuda", "cuda:1", "meta")]

    monkeypatch.setattr(cpu_kernels, "library", lambda: None)
    monkeypatch.setattr(write, "find_spec", {"triton": object()}.get)
    assert answers() == [False, True, True, False]
    monkeypatch.setattr(write, "find_spec", {}.get)
    assert answers() == [False, False, False, False]
    monkeypatch.setattr(cpu_kernels, "library", object)
    assert answers() == [True, False, False, False]


@pytest.mark.skipif(sys.platform != "linux", reason="finds a library where Linux lists them")
def test_a_library_that_is_damaged_or_of_another_state_of_the_source_is_done_without(monkeypatch, tmp_path):
    damaged, other = tmp_path / "damaged.so", ctypes.util.find_library("c")
    damaged.write_bytes(b"no library")
    monkeypatch.setattr(cpu_kernels, "LIBRARY_FILES", [tmp_path / "absent.so", damaged])
    assert cpu_kernels.library.__wrapped__() is None
    place = next(Path(line.split()[-1]) for line in Path("/proc/self/maps").read_text().splitlines() if other in line)
    monkeypatch.setattr(cpu_kernels, "LIBRARY_FILES", [place])  # a library without the functions
    assert cpu_kernels.library.__wrapped__() is None


@pytest.mark.parametrize("distribution", ["gaussian", "rademacher"])
def test_a_direction_leaves_its_numbers_to_a_device_that_makes_them(distribution, monkeypatch):
    monkeypatch.setattr(direction, "makes_numbers", lambda device: device == GPU)
    z = Direction(7, 3, 1, distribution, {"w": 2000})
    key = stream_key(7, "direction", 3, 1, "w")
    assert z.numbers("w", 512, 100, GPU) == Stream(distribution == "rademacher", key, 512, 100, GPU)
    assert isinstance(z.numbers("w", 512, 100, torch.device("cpu")), Tensor)


def test_a_product_of_factors_is_drawn_whatever_the_device_makes(monkeypatch):
    monkeypatch.setattr(direction, "makes_numbers", lambda device: True)
    factored = direction.FACTORED["low_rank"]({"w": (30, 20), "b": (30,)}, rank=2, period=1)
    z = Direction(0, 0, 0, "low_rank", {"w": 600, "b": 30}, factored)
    assert isinstance(z.numbers("w", 0, 600, torch.device("cpu")), Tensor)
    assert isinstance(z.numbers("b", 0, 30, torch.device("cpu")), Stream)


def test_a_stream_times_a_coefficient_keeps_what_it_was_scaled_by():
    z = Stream(False, 1, 0, 5, GPU, scale=0.5)
    assert z.times(3.0) == Stream(False, 1, 0, 5, GPU, scale=0.5, coefficient=3.0)


def test_numbers_in_memory_stay_where_they_are():
    numbers = torch.ones(3)
    assert in_memory(numbers) is numbers


def test_tensors_of_other_devices_are_worked_through_in_larger_blocks():
    model = nn.Linear(DEVICE_BLOCK // 4, 5, device="meta", dtype=torch.bfloat16)
    (weight, bias) = hold(dict(model.named_parameters()), mask=None, mask_mode="direction", precision="master").values()
    assert [(start, part.size) for start, part in weight.parts] == [
        (0, DEVICE_BLOCK),
        (DEVICE_BLOCK, DEVICE_BLOCK // 4),
    ]
    assert bias.parts == [(0, bias)]
