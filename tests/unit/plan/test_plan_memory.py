import pytest

from mazo.config import select_run
from mazo.configfile import parse_suite
from mazo.plan.memory import peak_memory
from mazo.plan.shape import model_shape, trained_sizes
from mazo.plan.work import task_lengths

GIB = 2**30
ZO = {"kind": "zeroth_order", "lr": 1e-6}
FIRST = {"kind": "first_order", "lr": 1e-5}


def peaks(method: dict, *, stage: str = "train", device: str = "cuda", **changes: dict) -> float:
    """GiB of a method on LLaMA-2-7B in bfloat16."""
    content = {
        "suite": "s",
        "models": {"m": {"path": "meta-llama/Llama-2-7b-hf", "dtype": "bfloat16", "device": device}},
        "mixes": {"all": ["sst2", "squad"]},
        "methods": {"own": method},
        "seeds": [0],
        "data": {"source": "hub"},
        "training": {"batch_per_task": 2},
        "scoring": {"micro_batch": 8},
        "evaluation": {"batch_size": 16},
    }
    run = select_run(parse_suite(content | changes, where="s"), model="m", mix="all", method="own", seed=0)
    shape = model_shape(run.model)
    trained = trained_sizes(run, shape)
    return peak_memory(run, shape, task_lengths(run, shape), trained=trained)[stage] / GIB


def test_a_masked_run_takes_little_above_inference_and_a_float32_copy_twice_the_model_more():
    weights = 2 * 6_738_415_616 / GIB
    masked = peaks(ZO | {"mask": {"density": 0.01}})
    assert weights < masked < weights + 2.5
    assert peaks(ZO | {"precision": "in_place"}) < weights + 2.5
    assert peaks(ZO) == pytest.approx(3 * weights, rel=0.1)


def test_what_a_step_rule_keeps_counts_by_trained_weight():
    plain, momentum, adam = (peaks(ZO | {"precision": "in_place", "step": s}) for s in ("sgd", "momentum", "adam"))
    copy = 4 * 6_738_415_616 / GIB
    assert (momentum - plain, adam - plain) == pytest.approx((copy, 2 * copy))


def test_backpropagation_takes_four_times_the_weights_and_checkpointing_saves_activations():
    weights = 2 * 6_738_415_616 / GIB
    full, checkpointed = peaks(FIRST), peaks(FIRST | {"gradient_checkpointing": True})
    assert 4 * weights < checkpointed < full
    assert peaks(FIRST | {"adapter": {"kind": "lora"}}) < 2 * weights


def test_scoring_takes_the_largest_layers_needs_and_activations():
    needs = 2.5  # GiB, the count of docs/benchmarks.md
    model = 2 * 6_738_415_616 / GIB
    found = peaks(ZO | {"mask": {"scores": {"calibration_examples": 1}}}, stage="score", scoring={"micro_batch": 1})
    assert model + needs < found < model + needs + 6


def test_rows_of_like_length_are_passed_together():
    # A task's two rows of 880 tokens alone, and with MultiRC's two of 900, which are not worth a forward of their own.
    lora = FIRST | {"adapter": {"kind": "lora"}}
    one, two = (peaks(lora, mixes={"all": tasks}) for tasks in (["sst2", "squad"], ["multirc", "squad"]))
    kept = 32 * (11 * 4096 + 4 * 11_008) * 2 / GIB
    assert two - one == pytest.approx((4 * 900 - 2 * 880) * kept, rel=1e-6)


def test_the_rows_count_on_the_cpu_alone():
    lora, few, many = FIRST | {"adapter": {"kind": "lora"}}, {"source": "hub", "train": 100}, {"source": "hub"}
    assert peaks(lora, device="cpu", data=few) < peaks(lora, device="cpu", data=many)
    assert peaks(lora, data=few) == peaks(lora, data=many)


@pytest.mark.parametrize(("device", "block"), [("cpu", 0), ("cuda", 2**24)])
def test_a_direction_takes_a_block_at_most_where_it_can_be_split(device, block):
    short = {"training": {"batch_per_task": 1}, "mixes": {"all": ["sst2"]}, "device": device}
    stepped_in_part = ZO | {"mask": {"density": 1.0}, "mask_mode": "update"}
    whole, split = peaks(stepped_in_part, **short), peaks(ZO, **short)
    assert whole - split == pytest.approx(8 * (32_000 * 4096 - block) / GIB, abs=0.01)


@pytest.mark.parametrize(
    ("settings", "more"),
    [
        ({"direction": "low_rank"}, 0),  # a product and the next one
        ({"direction": "low_rank", "num_directions": 2}, 4),  # and their total
        ({"direction": "subspace"}, 4),  # a float64 product and its float32
        ({"direction": "subspace", "num_directions": 2}, 8),
    ],
)
def test_products_of_factors_are_made_a_block_at_a_time(settings, more):
    short = {"training": {"batch_per_task": 1}, "mixes": {"all": ["sst2"]}, "device": "cuda"}
    assert peaks(ZO | settings, **short) - peaks(ZO, **short) == pytest.approx(more * 2**24 / GIB, abs=0.001)


def test_a_kept_weight_takes_six_bytes_of_a_gpu():
    tenth, hundredth = (peaks(ZO | {"mask": {"density": density}}) for density in (0.1, 0.01))
    maskable = 6_738_415_616 - 2 * 32_000 * 4096
    assert tenth - hundredth == pytest.approx(6 * 0.09 * maskable / GIB, rel=0.01)


def test_solved_examples_before_a_prompt_are_read_kept_and_held_with_it():
    def evaluating(shots, **changes):
        method = {"kind": "in_context", "shots": shots} if shots else {"kind": "zero_shot"}
        return peaks(method, stage="evaluate", mixes={"all": ["squad"]}, **changes)

    prompts = 16 * 880  # tokens of a batch of the longest
    passed, kept = (4 * 4096 + 3 * 11_008) * 2, 32 * 2 * 4096 * 2
    more = evaluating(1) - evaluating(0)
    assert more == pytest.approx(prompts * (passed + kept) / GIB)
    assert evaluating(3) - evaluating(1) == pytest.approx(2 * more)
    held = evaluating(1, device="cpu") - evaluating(0, device="cpu") - more
    assert held == pytest.approx(0.04, abs=0.02)
