"""The rule of a claim, and the file that states them."""

import pytest
import yaml

from mazo.claims import Claim, Finding, decide, load_claims
from mazo.errors import ConfigError
from mazo.statistics import Estimate

TEXTS = {"id": "a", "title": "A", "claim": "A.", "measurement": "M."}
ABOVE = TEXTS | {"measure": "rank_gap", "unit": "number", "above": 1}
BELOW = TEXTS | {"measure": "rank_gap", "unit": "number", "below": 1}


def verdict(claim, low, high, *, seeds=3):
    found = Finding(None, Estimate(value=(low + high) / 2, low=low, high=high, p=1.0), seeds, "")
    return decide(Claim.model_validate(claim), found, min_seeds=2)


@pytest.mark.parametrize(
    ("low", "high", "above", "below"),
    [
        (1.1, 2.0, "supported", "not supported"),
        (1.0, 2.0, "undecided at this scale", "not supported"),
        (0.5, 1.5, "undecided at this scale", "undecided at this scale"),
        (0.5, 1.0, "not supported", "undecided at this scale"),
        (0.2, 0.9, "not supported", "supported"),
    ],
)
def test_a_whole_interval_beyond_the_threshold_decides_and_any_other_does_not(low, high, above, below):
    assert verdict(ABOVE, low, high) == above
    assert verdict(BELOW, low, high) == below


def test_too_few_seeds_decide_nothing():
    assert verdict(ABOVE, 5.0, 6.0, seeds=1) == "undecided at this scale"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"above": None}, "wanted one of above and below; found none"),
        ({"below": 2}, "wanted one of above and below; found both"),
        ({"measure": "score"}, "against goes with score"),
        ({"against": "weighted"}, "against goes with score"),
        ({"unit": "litres"}, "Input should be 'ratio'"),
    ],
)
def test_a_claim_that_cannot_be_decided_is_refused(tmp_path, changes, fault):
    path = tmp_path / "claims.yaml"
    path.write_text(yaml.safe_dump({"min_seeds": 2, "claims": [ABOVE | changes]}))
    with pytest.raises(ConfigError, match=fault):
        load_claims(path)


def test_two_claims_of_one_name_are_refused(tmp_path):
    path = tmp_path / "claims.yaml"
    path.write_text(yaml.safe_dump({"min_seeds": 2, "claims": [ABOVE, ABOVE]}))
    with pytest.raises(ConfigError, match="ids repeat"):
        load_claims(path)
