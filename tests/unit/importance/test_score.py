import pytest
import torch
from safetensors.torch import save
from torch import nn
from toy import toy_model

import mazo.importance.score
from mazo.batches import collate, encode_example
from mazo.encoding import EncodedPair
from mazo.errors import ConfigError, MaskError
from mazo.importance.calibration import Recorder
from mazo.importance.combine import NORMALIZATIONS
from mazo.importance.global_score import global_score
from mazo.importance.score import layer_statistics, real_tokens, score_tasks, task_slopes
from mazo.losses import task_losses
from mazo.maskable import maskable_layers, maskable_weights
from mazo.methods import ScoreSettings


def examples(seed: int, *, count: int = 6):
    """Two-candidate examples of random tokens and unequal lengths; the second candidate has two tokens."""
    generator = torch.Generator().manual_seed(seed)

    def tokens(number: int) -> list[int]:
        return torch.randint(3, 300, (number,), generator=generator).tolist()

    pairs = [
        [EncodedPair(context, tokens(1), 0), EncodedPair(context, tokens(2), 0)]
        for context in map(tokens, range(3, 3 + count))
    ]
    return [encode_example(both, task=0, is_choice=True, gold=i % 2) for i, both in enumerate(pairs)]


def batches_of(seed: int, *, micro_batch: int = 4):
    return collate(examples(seed), pad_id=2, micro_batch=micro_batch)


TASKS = {"a": batches_of(0), "b": batches_of(1)}


def test_real_tokens_are_those_of_the_encoded_sequences():
    for batch in batches_of(0, micro_batch=100):
        lengths = [len(row) for example in sorted(examples(0), key=lambda e: e.length) for row in example.sequences]
        assert real_tokens(batch).sum(1).tolist() == lengths
        assert not real_tokens(batch).all()
        assert (batch.input_ids[~real_tokens(batch)] == 2).all()


def test_gradients_are_those_of_the_tasks_mean_loss():
    model = toy_model()
    found = layer_statistics(model, maskable_layers(model), batches=TASKS["a"], settings=ScoreSettings())
    model.requires_grad_(True)
    task_losses(model, TASKS["a"], num_tasks=1).sum().backward()
    for name, weight in maskable_weights(model).items():
        torch.testing.assert_close(found.gradients[name.removesuffix(".weight")], weight.grad, rtol=1e-4, atol=1e-6)


SETTINGS = [
    {},
    {"hessian": "diagonal"},
    {"hessian": "fisher"},
    {"normalization": "z-score"},
    {"alpha": 0.0, "beta": 0.0},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_micro_batches_do_not_change_the_scores_but_for_rounding(settings):
    model, settings = toy_model(), ScoreSettings(**settings)
    together = score_tasks(model, TASKS, settings=settings)
    apart = score_tasks(
        model, {"a": batches_of(0, micro_batch=2), "b": batches_of(1, micro_batch=2)}, settings=settings
    )
    assert set(together) == set(maskable_weights(model))
    for name, weight in maskable_weights(model).items():
        assert together[name].shape == weight.shape
        torch.testing.assert_close(
            together[name], apart[name], rtol=2e-3, atol=2e-3 * together[name].abs().max().item()
        )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("settings", [*SETTINGS, {"gradient": "zo", "gradient_directions": 3}], ids=str)
def test_scores_have_the_same_bytes_however_many_layers_are_held_at_once(settings, dtype):
    model, settings = toy_model(dtype=dtype), ScoreSettings(**settings)
    wanted = save(score_tasks(model, TASKS, settings=settings))
    for layers_at_once in (1, 3):
        assert save(score_tasks(model, TASKS, settings=settings, layers_at_once=layers_at_once)) == wanted


def test_no_more_weights_than_asked_want_a_gradient_or_hold_one_and_each_is_freed_as_it_arrives(monkeypatch):
    model, seen = toy_model().requires_grad_(True), []
    take = Recorder.take_gradient

    def watch(self, name, weight):
        wanting = [own for own, parameter in model.named_parameters() if parameter.requires_grad]
        holding = [own for own, parameter in model.named_parameters() if parameter.grad is not None]
        take(self, name, weight)
        seen.append((name, wanting, holding, len(self.gradients)))

    monkeypatch.setattr(Recorder, "take_gradient", watch)
    score_tasks(model, TASKS, settings=ScoreSettings(), layers_at_once=2)
    assert {name for name, *_ in seen} == set(maskable_layers(model))
    for name, wanting, holding, gradients in seen:
        assert f"{name}.weight" in wanting and len(wanting) == 2
        assert holding == [f"{name}.weight"] and gradients <= 2
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.parameters())


class Stopping(dict):
    """Parts that stop the scoring once so many are in."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def __setitem__(self, name, tensor):
        super().__setitem__(name, tensor)
        if len(self) == self.most:
            raise KeyboardInterrupt


@pytest.mark.parametrize("gradient", ["backward", "zo"])
def test_a_stopped_scoring_goes_on_where_it_stopped_to_the_same_bytes(gradient, monkeypatch):
    model, settings = toy_model(), ScoreSettings(gradient=gradient, gradient_directions=3)
    wanted = save(score_tasks(model, TASKS, settings=settings))
    parts = Stopping(5)
    with pytest.raises(KeyboardInterrupt):
        score_tasks(model, TASKS, settings=settings, layers_at_once=1, parts=parts)
    scored, done = [], set(parts)
    score = mazo.importance.score.layer_score

    def watch(layer, name, *args, **kwargs):
        scored.append(f"{name}.weight")
        return score(layer, name, *args, **kwargs)

    monkeypatch.setattr(mazo.importance.score, "layer_score", watch)
    monkeypatch.setattr(mazo.importance.score, "task_slopes", None)  # the slopes of both tasks are among the parts
    assert save(score_tasks(model, TASKS, settings=settings, layers_at_once=2, parts=parts)) == wanted
    assert len(done) == 5 and set(scored) == set(maskable_weights(model)) - done


def test_a_layer_that_no_example_passes_is_named():
    model = toy_model()
    model.model.layers[0].mlp.unused = nn.Linear(3, 3)
    with pytest.raises(MaskError, match=r"mlp\.unused: wanted a layer that the examples pass"):
        score_tasks(model, TASKS, settings=ScoreSettings())


def test_the_score_of_two_tasks_is_the_sum_of_the_normalised_scores_of_each():
    model = toy_model()
    settings = ScoreSettings(alpha=0.0, beta=0.0, normalization="max")
    wanted = {name: torch.zeros_like(weight) for name, weight in maskable_weights(model).items()}
    for batches in TASKS.values():
        found = layer_statistics(model, maskable_layers(model), batches=batches, settings=settings)
        for name in wanted:
            hessian = found.moments[name.removesuffix(".weight")].gram()
            hessian = hessian + 0.01 * hessian.diagonal().mean() * torch.eye(len(hessian))
            wanted[name] += NORMALIZATIONS["max"](global_score(found.gradients[name.removesuffix(".weight")], hessian))
    scores = score_tasks(model, TASKS, settings=settings)
    for name in wanted:
        torch.testing.assert_close(scores[name], wanted[name])


def test_gradients_from_forwards_alone_point_along_backward_ones_as_far_as_theory_says():
    model = toy_model(layers=1)
    layers, settings = maskable_layers(model), ScoreSettings(gradient="zo", gradient_directions=150)
    slopes = task_slopes(model, TASKS["a"], settings=settings, seed=0)
    forwards = layer_statistics(model, layers, batches=TASKS["a"], settings=settings, slopes=slopes, seed=0).gradients
    backward = layer_statistics(model, layers, batches=TASKS["a"], settings=ScoreSettings()).gradients
    assert list(forwards) == list(layers)
    forwards, backward = (torch.cat([found[name].flatten() for name in layers]) for found in (forwards, backward))
    theory = (150 / (150 + len(backward) + 1)) ** 0.5
    assert torch.cosine_similarity(backward, forwards, dim=0).item() == pytest.approx(theory, abs=0.06)


def test_scoring_leaves_the_model_as_it_was():
    model = toy_model()
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    score_tasks(model, TASKS, settings=ScoreSettings())
    for name, weight in model.named_parameters():
        assert torch.equal(weight, before[name])
        assert weight.grad is None and not weight.requires_grad


def test_a_fisher_hessian_without_a_backward_pass_is_refused():
    with pytest.raises(ConfigError, match="fisher needs gradient: backward"):
        score_tasks(toy_model(), TASKS, settings=ScoreSettings(hessian="fisher", gradient="zo"))
