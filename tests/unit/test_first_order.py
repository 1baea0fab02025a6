import pytest
import torch
from toy import toy_model

from mazo.batches import collate, encode_example
from mazo.encoding import EncodedPair
from mazo.errors import TrainingError
from mazo.first_order import FirstOrderOptimizer
from mazo.losses import task_losses
from mazo.weighting import make_weighting


def batches(*, micro_batch: int):
    """Five examples of task 0 and three of task 1, of unequal lengths."""
    generator = torch.Generator().manual_seed(0)
    pairs = [EncodedPair(torch.randint(3, 300, (3 + i,), generator=generator).tolist(), [10 + i], 0) for i in range(8)]
    examples = [encode_example([pair], task=int(i > 4), is_choice=False, gold=0) for i, pair in enumerate(pairs)]
    return collate(examples, pad_id=2, micro_batch=micro_batch)


def optimizer(model, *, lr: float = 1e-2, schedule: str = "constant") -> FirstOrderOptimizer:
    return FirstOrderOptimizer(model.parameters(), lr=lr, schedule=schedule, num_steps=4, weight_decay=0.1)


@pytest.mark.parametrize("micro_batch", [1, 3, 100])
def test_a_step_is_torchs_adamw_on_the_mean_of_the_task_losses_whatever_the_micro_batch(micro_batch):
    model, reference = toy_model(), toy_model().requires_grad_(True)
    ours, adamw = optimizer(model), torch.optim.AdamW(reference.parameters(), lr=1e-2, weight_decay=0.1, eps=1e-8)
    for _ in range(2):
        losses = ours.step(model, batches(micro_batch=micro_batch), num_tasks=2)
        wanted = task_losses(reference, batches(micro_batch=100), num_tasks=2)
        torch.testing.assert_close(losses, wanted.detach())
        adamw.zero_grad()
        wanted.mean().backward()
        adamw.step()
    for own, other in zip(model.parameters(), reference.parameters(), strict=True):
        # Adam divides by the root of the gradient: where that is all rounding, the steps differ by up to lr.
        assert ((own - other).abs() < 1e-4).float().mean() > 0.99


def test_the_step_size_follows_the_schedule():
    model = toy_model()
    ours = optimizer(model, schedule="linear")
    sizes = []
    for _ in range(4):
        ours.step(model, batches(micro_batch=100), num_tasks=2)
        sizes.append(ours.adamw.param_groups[0]["lr"])
    assert sizes == pytest.approx([0.01, 0.0075, 0.005, 0.0025])


def test_weights_hold_no_gradient_between_steps():
    model = toy_model()
    optimizer(model).step(model, batches(micro_batch=3), num_tasks=2)
    assert all(weight.grad is None and not weight.requires_grad for weight in model.parameters())


def test_a_loss_that_is_not_finite_stops_the_run_before_any_weight_changes():
    model = toy_model()
    next(model.parameters())[10] = float("inf")
    before = [weight.clone() for weight in model.parameters()]
    with pytest.raises(TrainingError, match=r"step 0: wanted finite task losses.*lr \(now 0.01\)"):
        optimizer(model).step(model, batches(micro_batch=3), num_tasks=2)
    assert all(torch.equal(weight, old) for weight, old in zip(model.parameters(), before, strict=True))


@pytest.mark.parametrize("micro_batch", [1, 100])
@pytest.mark.parametrize(("weighting", "forwards"), [("famo", 3), ("coba", 2)])
def test_a_weighted_step_is_adamw_on_the_weighted_sum_of_the_task_losses(weighting, forwards, micro_batch):
    options = {"warm_up": 2, "history": 2} if weighting == "coba" else {}
    model, reference = toy_model(), toy_model().requires_grad_(True)
    ours = FirstOrderOptimizer(
        model.parameters(),
        lr=1e-2,
        schedule="constant",
        num_steps=4,
        weight_decay=0.1,
        weighting=weighting,
        weighting_options=options,
    )
    adamw = torch.optim.AdamW(reference.parameters(), lr=1e-2, weight_decay=0.1, eps=1e-8)
    rule = make_weighting(weighting, options)
    both = batches(micro_batch=100)
    for _ in range(4):
        with torch.no_grad():
            weights = rule.weights(
                task_losses(reference, both, num_tasks=2), lambda: task_losses(reference, both, num_tasks=2)
            )
        measure = lambda: task_losses(model, both, num_tasks=2).detach()  # noqa: E731
        ours.step(model, batches(micro_batch=micro_batch), num_tasks=2, validation=measure)
        adamw.zero_grad()
        (weights.float() @ task_losses(reference, both, num_tasks=2)).backward()
        adamw.step()
        if rule.reads_outcome:
            rule.observe(task_losses(reference, both, num_tasks=2).detach())
    assert ours.forwards_per_step == forwards
    assert ours.weighting.summary()["largest"] == pytest.approx(rule.summary()["largest"], abs=1e-3)
    assert max(ours.weighting.summary()["largest"]) > 0.51
    for own, other in zip(model.parameters(), reference.parameters(), strict=True):
        assert ((own - other).abs() < 1e-3).float().mean() > 0.98
