"""The kernels bit for bit against the plain path: on a GPU where there is one, else in Triton's interpreter."""

import os
import subprocess
import sys
from math import prod

import pytest
import torch
from torch import Tensor
from toy_problem import Weights, bits, mask_of

from mazo import ZerothOrderOptimizer
from mazo.zeroth_order import direction
from mazo.zeroth_order.distributions import draw_, fill_gaussian_, fill_rademacher_
from mazo.zeroth_order.stream import Stream, add_, in_memory

HAS_GPU = torch.cuda.is_available()
DEVICE = torch.device("cuda:0" if HAS_GPU else "cpu")
triton = pytest.importorskip(
    "triton",
    minversion=None if HAS_GPU else "3.9",
    reason="needs Triton (pip install 'mazo[gpu]'), 3.9 or later without a GPU: older interpreters round an fma twice",
)

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
    "masked update": {"density": 0.4, "mask_mode": "update"},
    "a group": {"groups": {"norm": {"eps": 0.5, "lr": 2.0}}},
}


COMPILED = """
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource, compile
from mazo.zeroth_order.kernels import BLOCKS, _write

for signs in (False, True):
    types = dict(out="*bf16", base="*bf16", places="*i64", upper="*fp32")
    types |= dict.fromkeys(["key_low", "key_high", "first_block"], "u64") | {"size": "i64"}
    types |= dict.fromkeys(["scale", "coefficient", "alpha", "decay"], "fp32")
    fixed = dict(signs=signs, decays=True, rounded=True, blocks=BLOCKS[signs])
    source = ASTSource(_write, types | dict.fromkeys(fixed, "constexpr"), fixed)
    print(compile(source, target=GPUTarget("cuda", 80, 32), options={"enable_fp_fusion": False}).asm["ptx"])
"""


@pytest.fixture(autouse=True)
def to_nearest(monkeypatch):
    """Round to bfloat16 as a GPU does; the interpreter cuts the bits off."""
    if HAS_GPU:
        return
    from triton.runtime.interpreter import InterpreterBuilder, TensorHandle

    cast = InterpreterBuilder.cast_impl

    def cast_impl(self: InterpreterBuilder, source: TensorHandle, wanted: object) -> TensorHandle:
        if (source.dtype.scalar, wanted.scalar) != (triton.language.float32, triton.language.bfloat16):
            return cast(self, source, wanted)
        data = torch.from_numpy(source.data).bfloat16().view(torch.uint16).numpy()
        return TensorHandle(data, wanted.scalar)

    monkeypatch.setattr(InterpreterBuilder, "cast_impl", cast_impl)


def plain(z: Stream) -> Tensor:
    return draw_(torch.empty(z.size), FILLS[z.signs], z.key, start=z.start).to(DEVICE)


def normal(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    numbers = torch.randn(prod(shape), generator=torch.Generator().manual_seed(4))
    return numbers.view(shape).to(DEVICE, dtype)


@pytest.mark.parametrize("signs", [False, True])
@pytest.mark.parametrize(("start", "size"), [(0, 0), (0, 1), (256, 255), (65_536, 4097), (256 * 2**33, 300)])
@pytest.mark.parametrize("key", [5, KEY])
def test_numbers_are_the_cpus_of_any_stretch(signs, start, size, key):
    z = Stream(signs, key, start, size, DEVICE)
    assert torch.equal(in_memory(z), plain(z))


def test_numbers_from_all_over_the_table_are_the_cpus():
    z = Stream(False, KEY, 0, 600_000 if HAS_GPU else 60_000, DEVICE)
    numbers = in_memory(z)
    assert torch.equal(numbers, plain(z))
    assert numbers.unique().numel() > (65_000 if HAS_GPU else 39_000)


@pytest.mark.parametrize("signs", [False, True])
def test_each_factor_is_rounded_for(signs):
    z = Stream(signs, KEY, 256, 700, DEVICE, scale=1.0003, coefficient=-0.7)
    assert torch.equal(in_memory(z), plain(z) * 1.0003 * -0.7)


@pytest.mark.parametrize("dtype", TYPES)
def test_a_base_is_added_in_float32_and_rounded_once(dtype):
    z, base = Stream(False, KEY, 0, 3000, DEVICE), normal(3000)
    out = torch.empty(3000, dtype=dtype, device=DEVICE)
    z.write_(out, base=base, alpha=1e-3)
    assert torch.equal(out, torch.add(base, plain(z), alpha=1e-3).to(dtype))


@pytest.mark.parametrize("dtype", TYPES)
def test_weights_are_moved_in_their_own_type(dtype):
    # A power of two: the CPU's sums round alpha to the weights' type, a GPU's do not.
    z, theta = Stream(False, KEY, 0, 3000, DEVICE), normal(3000, dtype=dtype)
    wanted = theta.clone().add_(plain(z).to(dtype), alpha=-(2**-9))
    z.write_(theta, base=theta, alpha=-(2**-9), rounded=True)
    assert torch.equal(theta, wanted)


@pytest.mark.parametrize("integers", [torch.int32, torch.int64])
def test_numbers_go_to_their_places_and_nothing_else_is_written(integers):
    z, base, out = Stream(True, KEY, 0, 500, DEVICE), normal(500), normal(2000, dtype=torch.bfloat16)
    places = torch.randperm(2000, generator=torch.Generator().manual_seed(1))[:500].to(DEVICE)
    wanted = out.index_copy(0, places, torch.add(base, plain(z), alpha=0.3).bfloat16())
    z.write_(out, base=base, alpha=0.3, places=places.to(integers))
    assert torch.equal(out, wanted)


def test_a_decay_is_added_before_the_step():
    z, theta = Stream(False, KEY, 0, 3000, DEVICE, coefficient=0.7), normal(3000)
    wanted = theta.clone().add_((plain(z) * 0.7).add_(theta, alpha=0.01), alpha=-1e-3)
    z.write_(theta, base=theta, alpha=-1e-3, decay=0.01)
    assert torch.equal(theta, wanted)


def test_nothing_is_written_past_the_end():
    memory = torch.zeros(1000, device=DEVICE)
    Stream(False, KEY, 0, 700, DEVICE).write_(memory[:700])
    assert memory[:700].all() and not memory[700:].any()


def test_a_total_takes_a_direction_times_a_coefficient():
    z, total = Stream(False, KEY, 0, 100, DEVICE), normal(100)
    wanted = total.add(plain(z), alpha=0.3)
    add_(total, z, alpha=0.3)
    assert torch.equal(total, wanted)


@pytest.mark.parametrize("kind", RUNS)
def test_a_run_ends_with_the_plain_paths_weights(kind, monkeypatch):
    settings = {"eps": 2**-10, **RUNS[kind]}
    dtype, density = settings.pop("dtype", torch.float32), settings.pop("density", None)

    def trained(by_kernels: bool) -> dict[str, bytes]:
        asked = []
        monkeypatch.setattr(direction, "makes_numbers", lambda device: asked.append(device) or by_kernels)
        model = Weights(dtype, width=130).to(DEVICE)
        mask = None if density is None else mask_of(model, density=density)
        optimizer = ZerothOrderOptimizer(model.named_parameters(), lr=1e-3, run_seed=3, mask=mask, **settings)
        for _ in range(2):
            optimizer.step(lambda: torch.stack([model.first[0, :8].double().sum(), model.second[1].double().norm()]))
        assert set(asked) == {DEVICE}
        return bits(model.cpu())

    assert trained(True) == trained(False)


@pytest.mark.skipif(HAS_GPU, reason="the other tests compile the kernels")
def test_compiled_kernels_round_to_nearest_and_keep_the_smallest_numbers(tmp_path):
    environment = os.environ | {"TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", COMPILED]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(".entry _write") == 2
    arithmetic = {word for word in done.stdout.split() if word.startswith(("fma.", "mul.", "add.")) and ".f32" in word}
    assert arithmetic <= {"fma.rn.f32", "mul.rn.f32", "add.rn.f32"}
    assert {"fma.rn.f32", "mul.rn.f32"} <= arithmetic
    assert "cvt.rn.bf16" in done.stdout and "cvt.rz" not in done.stdout
