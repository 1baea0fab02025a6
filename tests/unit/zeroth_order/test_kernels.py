"""The kernels bit for bit against the plain path: the CPU's, and Triton's, without a GPU in its interpreter."""

import os
import subprocess
import sys
from math import prod

import numpy as np
import pytest
import torch
from torch import Tensor
from toy_problem import Weights, bits, mask_of

from mazo import ZerothOrderOptimizer
from mazo.gaps import DeviceGaps, Gaps
from mazo.zeroth_order import direction, trained, write
from mazo.zeroth_order.distributions import draw_, fill_gaussian_, fill_rademacher_
from mazo.zeroth_order.stream import Stream
from mazo.zeroth_order.targets import Factors, Stretch, Target
from mazo.zeroth_order.write import add_, in_memory, makes_numbers

HAS_GPU = torch.cuda.is_available()
FILLS = {False: fill_gaussian_, True: fill_rademacher_}
KEY = 0xFEDCBA9876543210_8123456789ABCDEF
TYPES = [torch.float32, torch.bfloat16, torch.float16]

RUNS = {
    "normal numbers": {},
    "signs, weight decay": {"direction": "rademacher", "weight_decay": 0.1},
    "sphere": {"direction": "sphere"},
    "low rank": {"direction": "low_rank"},
    "three directions": {"num_directions": 3},
    "one-sided, momentum": {"sides": "one", "step": "momentum"},
    "adam": {"step": "adam", "weight_decay": 0.1},
    "sign": {"step": "sign"},
    "16 bits": {"dtype": torch.bfloat16},
    "in place": {"precision": "in_place", "weight_decay": 0.1},
    "in place, bfloat16": {"precision": "in_place", "dtype": torch.bfloat16},
    "in place, float16": {"precision": "in_place", "dtype": torch.float16, "direction": "rademacher"},
    "masked": {"density": 0.4},
    "masked, 16 bits": {"density": 0.4, "dtype": torch.bfloat16, "weight_decay": 0.1},
    "masked, in place": {"density": 0.4, "precision": "in_place", "weight_decay": 0.1},
    "masked, in place, bfloat16": {"density": 0.4, "precision": "in_place", "dtype": torch.bfloat16},
    "masked update, in place": {"density": 0.4, "mask_mode": "update", "precision": "in_place"},
    "masked update": {"density": 0.4, "mask_mode": "update"},
    "a group": {"groups": {"norm": {"eps": 0.5, "lr": 2.0}}},
}


COMPILED = """
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource, compile
import triton.language as tl
from mazo.zeroth_order.gpu_kernels import PROGRAMS
from mazo.zeroth_order.gpu_program import write_

for signs in (False, True):
    types = dict.fromkeys(["rows", "befores", "keys"], "*i64") | dict(owners="*i32", alphas="*fp32", upper="*fp32")
    types |= dict.fromkeys(["scale", "coefficient", "decay", "back"], "fp32")
    fixed = dict(out_type=tl.bfloat16, base_type=tl.bfloat16, steps_type=tl.uint8, moves=True, even=True, wide=False)
    fixed |= dict(scaled=True, rounded=True, decays=True, returns=True, signs=signs)
    fixed |= dict(blocks=PROGRAMS[signs, True].blocks)
    source = ASTSource(write_, types | dict.fromkeys(fixed, "constexpr"), fixed)
    print(compile(source, target=GPUTarget("cuda", 80, 32), options={"enable_fp_fusion": False}).asm["ptx"])
"""


def import_triton():
    return pytest.importorskip(
        "triton",
        minversion=None if HAS_GPU else "3.9",
        reason="needs Triton (pip install 'mazo[gpu]'), 3.9 or later without a GPU: older interpreters round fma twice",
    )


@pytest.fixture(params=["cpu", "gpu"])
def device(request, monkeypatch) -> torch.device:
    """Where the kernels work: the CPU's, or Triton's for a GPU."""
    if request.param == "cpu":
        if not makes_numbers(torch.device("cpu")):
            pytest.skip("needs a C compiler when the package is installed")
        return torch.device("cpu")
    triton = import_triton()
    if HAS_GPU:
        return torch.device("cuda:0")
    from triton.runtime.interpreter import InterpreterBuilder, TensorHandle

    from mazo.zeroth_order import gpu_kernels

    cast = InterpreterBuilder.cast_impl

    def cast_impl(self: InterpreterBuilder, source: TensorHandle, wanted: object) -> TensorHandle:
        """Round to bfloat16 as a GPU does; the interpreter cuts the bits off."""
        if (source.dtype.scalar, wanted.scalar) != (triton.language.float32, triton.language.bfloat16):
            return cast(self, source, wanted)
        data = torch.from_numpy(source.data).bfloat16().view(torch.uint16).numpy()
        return TensorHandle(data, wanted.scalar)

    monkeypatch.setattr(InterpreterBuilder, "cast_impl", cast_impl)

    for module in (write, trained):
        monkeypatch.setattr(module, "kernels", lambda target: gpu_kernels)
    return torch.device("cpu")


def plain(z: Stream) -> Tensor:
    return draw_(torch.empty(z.size), FILLS[z.signs], z.key, start=z.start).to(z.device)


def normal(*shape: int, device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
    numbers = torch.randn(prod(shape), generator=torch.Generator().manual_seed(4))
    return numbers.view(shape).to(device, dtype)


def placed(positions: Tensor, device: torch.device) -> Gaps | DeviceGaps:
    """Positions as the device's masks hold them."""
    gaps = Gaps.of(positions)
    return gaps if device.type == "cpu" else DeviceGaps(gaps, device)


def write_(z: Stream, target: Target, alpha: float, **settings: float) -> None:
    """Write one stretch as a pass does."""
    alone = write.kernels(target).Pass([Stretch(0, z.start, z.size, target)], signs=z.signs)
    keys = np.array([[z.key % 2**64, z.key >> 64]], np.uint64)
    alone.write_(keys, np.array([alpha], np.float32), Factors(z.scale, z.coefficient, **settings))


@pytest.mark.parametrize("signs", [False, True])
@pytest.mark.parametrize(("start", "size"), [(0, 0), (0, 1), (256, 255), (65_536, 4097), (256 * 2**33, 300)])
@pytest.mark.parametrize("key", [5, KEY])
def test_numbers_are_the_cpus_of_any_stretch(signs, start, size, key, device):
    z = Stream(signs, key, start, size, device)
    assert torch.equal(in_memory(z), plain(z))


def test_numbers_from_all_over_the_table_are_the_cpus(device):
    z = Stream(False, KEY, 0, 600_000 if HAS_GPU else 60_000, device)
    numbers = in_memory(z)
    assert torch.equal(numbers, plain(z))
    assert numbers.unique().numel() > (65_000 if HAS_GPU else 39_000)


@pytest.mark.parametrize("signs", [False, True])
def test_each_factor_is_rounded_for(signs, device):
    z = Stream(signs, KEY, 256, 700, device, scale=1.0003, coefficient=-0.7)
    assert torch.equal(in_memory(z), plain(z) * 1.0003 * -0.7)


@pytest.mark.parametrize("dtype", TYPES)
def test_a_base_is_added_in_float32_and_rounded_once(dtype, device):
    z, base = Stream(False, KEY, 0, 3000, device), normal(3000, device=device)
    out = torch.empty(3000, dtype=dtype, device=device)
    if not can_write(Target(out, base)):
        pytest.skip("the CPU's kernels write float32")
    write_(z, Target(out, base), 1e-3)
    assert torch.equal(out, torch.add(base, plain(z), alpha=1e-3).to(dtype))


@pytest.mark.parametrize("dtype", TYPES)
def test_weights_are_moved_in_their_own_type(dtype, device):
    # A power of two: the CPU's sums round alpha to the weights' type, a GPU's do not.
    z, theta = Stream(False, KEY, 0, 3000, device), normal(3000, device=device, dtype=dtype)
    if not can_write(Target(theta, theta)):
        pytest.skip("the CPU's kernels write float32")
    wanted = theta.clone().add_(plain(z).to(dtype), alpha=-(2**-9))
    write_(z, Target(theta, theta), -(2**-9), rounded=True)
    assert torch.equal(theta, wanted)


def can_write(target: Target) -> bool:
    return write.kernels(target) is not None


@pytest.mark.parametrize("held", ["uint8", "uint16", "uint32", "uint64"])
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("signs", [False, True])
def test_numbers_go_to_their_places_and_nothing_else_is_written(signs, dtype, held, device):
    z, base, out = (
        Stream(signs, KEY, 0, 500, device),
        normal(500, device=device),
        normal(90_000, device=device).to(dtype),
    )
    if not can_write(Target(out, base)):
        pytest.skip("the CPU's kernels write float32")
    order = torch.randperm(1900, generator=torch.Generator().manual_seed(1))[:500].sort().values
    order[250:] += {"uint8": 0, "uint16": 300}.get(held, 80_000)
    wanted = out.index_copy(0, order.to(device), torch.add(base, plain(z), alpha=0.3).to(dtype))
    places = Gaps.of(order)
    assert places.steps.dtype == ("uint32" if held == "uint64" else held)
    places.steps = places.steps.astype(held)
    if device.type != "cpu":
        places = DeviceGaps(places, device)
    write_(z, Target(out, base, places), 0.3)
    assert torch.equal(out, wanted)


@pytest.mark.parametrize("step", [1, 100])
def test_numbers_go_to_the_places_of_a_stretch(step, device):
    places = torch.arange(7, 7 + 300 * step, step)
    z = Stream(False, KEY, 0, 100, device)
    base, out = normal(100, device=device), torch.zeros(40_000, device=device)
    write_(z, Target(out, base, placed(places, device)[200:300]), 0.3, decay=0.1)
    wanted = torch.add(base, plain(z).add_(base, alpha=0.1), alpha=0.3)
    assert torch.equal(out[places[200:].to(device)], wanted)
    assert out.count_nonzero() == 100


@pytest.mark.parametrize("dtype", TYPES)
def test_numbers_are_added_to_what_lies_where_they_go(dtype, device):
    places = torch.arange(3, 30_003, 3)
    z, theta = Stream(False, KEY, 0, 10_000, device), normal(40_000, device=device, dtype=dtype)
    target = Target(theta, theta, placed(places, device))
    if not can_write(target):
        pytest.skip("the CPU's kernels write float32")
    moved = theta[places.to(device)].add_(plain(z).to(dtype), alpha=2**-9)
    wanted = theta.index_copy(0, places.to(device), moved)
    write_(z, target, 2**-9, rounded=True)
    assert torch.equal(theta, wanted)


@pytest.mark.parametrize("places", [None, torch.arange(5, 15_005, 5)], ids=["all", "some"])
@pytest.mark.parametrize("signs", [False, True])
@pytest.mark.parametrize("decay", [0.0, 0.01])
@pytest.mark.parametrize("dtype", TYPES)
def test_a_step_may_begin_with_a_move(dtype, decay, signs, places, device):
    z, theta = Stream(signs, KEY, 512, 3000, device), normal(16_000, device=device, dtype=dtype)
    target = Target(theta, theta, None if places is None else placed(places, device))
    if not can_write(target):
        pytest.skip("the CPU's kernels write float32")
    wanted = theta.clone()
    write_(z, target._replace(out=wanted, base=wanted), 1e-3, rounded=True)
    write_(z.times(0.7), target._replace(out=wanted, base=wanted), -0.1, decay=decay)
    write_(z.times(0.7), target, -0.1, decay=decay, back=1e-3)
    assert torch.equal(theta, wanted) and not torch.equal(theta, normal(16_000, device=device, dtype=dtype))


def test_a_call_writes_tensors_of_every_kind(device):
    """Of odd sizes and even ones, one after the other and scattered, a key and a factor each."""
    sizes = [5, 4096, 16, 9000, 333, 70_000]
    weights = [normal(3 * size, device=device) for size in sizes]
    bases = [normal(size, device=device) for size in sizes]
    scattered = [torch.arange(size) * (1 + i % 3) if i % 2 else None for i, size in enumerate(sizes)]
    keys = np.arange(1, 1 + 2 * len(sizes), dtype=np.uint64).reshape(-1, 2)
    alphas = np.linspace(0.1, 0.9, len(sizes), dtype=np.float32)
    stretches, wanted = [], []
    for i, (size, out, base, places) in enumerate(zip(sizes, weights, bases, scattered, strict=True)):
        key = int(keys[i, 0]) + (int(keys[i, 1]) << 64)
        values = torch.add(base, plain(Stream(False, key, 0, size, device)), alpha=float(alphas[i]))
        each = torch.arange(size) if places is None else places
        wanted.append(out.index_copy(0, each.to(device), values))
        there = out[:size] if places is None else out
        stretches.append(Stretch(i, 0, size, Target(there, base, None if places is None else placed(places, device))))
    write.kernels(stretches[0].target).Pass(stretches, signs=False).write_(keys, alphas, Factors())
    for found, expected in zip(weights, wanted, strict=True):
        assert torch.equal(found, expected)


def test_a_decay_is_added_before_the_step(device):
    z, theta = Stream(False, KEY, 0, 3000, device, coefficient=0.7), normal(3000, device=device)
    wanted = theta.clone().add_((plain(z) * 0.7).add_(theta, alpha=0.01), alpha=-1e-3)
    write_(z, Target(theta, theta), -1e-3, decay=0.01)
    assert torch.equal(theta, wanted)


def test_nothing_is_written_past_the_end(device):
    memory = torch.zeros(1000, device=device)
    part = memory[:700]
    write_(Stream(False, KEY, 0, 700, device), Target(part, part), 1.0)
    assert memory[:700].all() and not memory[700:].any()


def test_a_total_takes_a_direction_times_a_coefficient(device):
    z, total = Stream(False, KEY, 0, 100, device), normal(100, device=device)
    wanted = total.add(plain(z), alpha=0.3)
    add_(total, z, alpha=0.3)
    assert torch.equal(total, wanted)


@pytest.mark.parametrize("kind", RUNS)
def test_a_run_ends_with_the_plain_paths_weights(kind, monkeypatch, device):
    settings = {"eps": 2**-10, **RUNS[kind]}
    dtype, density = settings.pop("dtype", torch.float32), settings.pop("density", None)

    def ends(by_kernels: bool) -> dict[str, bytes]:
        asked = []
        monkeypatch.setattr(direction, "makes_numbers", lambda device: asked.append(device) or by_kernels)
        model = Weights(dtype, width=130).to(device)
        mask = None if density is None else mask_of(model, density=density)
        optimizer = ZerothOrderOptimizer(model.named_parameters(), lr=1e-3, run_seed=3, mask=mask, **settings)
        for _ in range(2):
            optimizer.step(lambda: torch.stack([model.first[0, :8].double().sum(), model.second[1].double().norm()]))
        assert set(asked) == {device}
        return bits(model.cpu())

    assert ends(True) == ends(False)


@pytest.mark.skipif(HAS_GPU, reason="the other tests compile the kernels")
def test_compiled_kernels_round_to_nearest_and_keep_the_smallest_numbers(tmp_path):
    import_triton()
    environment = os.environ | {"TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", COMPILED]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(".entry write_") == 2
    arithmetic = {word for word in done.stdout.split() if word.startswith(("fma.", "mul.", "add.")) and ".f32" in word}
    assert arithmetic <= {"fma.rn.f32", "mul.rn.f32", "add.rn.f32"}
    assert {"fma.rn.f32", "mul.rn.f32"} <= arithmetic
    assert "cvt.rn.bf16" in done.stdout and "cvt.rz" not in done.stdout
