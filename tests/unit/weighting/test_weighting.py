import pytest
import torch

from mazo.methods import CobaSettings, FamoSettings
from mazo.weighting import WEIGHTINGS, make_weighting


@pytest.mark.parametrize("name", WEIGHTINGS)
@pytest.mark.parametrize("tasks", [1, 2, 8])
def test_weights_are_shares_of_one_and_summed_up(name, tasks):
    rule, seen = make_weighting(name, {"warm_up": 2, "history": 3} if name == "coba" else None), []
    generator = torch.Generator().manual_seed(0)
    for _ in range(6):
        losses = torch.rand(tasks, generator=generator) + 0.5
        seen.append(rule.weights(losses, lambda losses=losses: losses + 1))
        if rule.reads_outcome:
            rule.observe(losses * 0.9)
    weights = torch.stack(seen).double()
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(1), torch.ones(6).double(), rtol=1e-6, atol=1e-6)
    assert rule.summary()["mean"] == pytest.approx(weights.mean(0).tolist())
    assert rule.summary()["largest"] == pytest.approx(weights.amax(0).tolist())


def test_no_step_no_summary():
    assert make_weighting("uniform").summary() == {"mean": [], "largest": []}


@pytest.mark.parametrize(("name", "settings"), [("famo", FamoSettings()), ("coba", CobaSettings())])
def test_a_suites_defaults_are_the_rules_own(name, settings):
    given, own = make_weighting(name, settings.model_dump()), make_weighting(name)
    own_numbers = {key: value for key, value in vars(own).items() if isinstance(value, int | float)}
    assert own_numbers.items() <= vars(given).items()
    assert len(own_numbers) > len(settings.model_dump())


def test_only_what_a_rule_reads_is_measured():
    read = {name: (rule.reads_losses, rule.reads_validation, rule.reads_outcome) for name, rule in WEIGHTINGS.items()}
    assert read == {"uniform": (False, False, False), "famo": (True, False, True), "coba": (False, True, False)}

    def never():
        raise AssertionError("measured in vain")

    for name in ("uniform", "famo"):
        make_weighting(name).weights(torch.ones(2), never)
