from pathlib import Path

from hand_made import suite

from mazo.ablations import Ablation, find_ablations
from mazo.configfile import load_suite

CONFIG = Path(__file__).resolve().parents[2] / "config"
MAZO = {"kind": "zeroth_order", "lr": 1e-3, "mask": {"density": 0.1}}


def found(**methods):
    return find_ablations(suite(methods=methods))


def test_methods_that_differ_in_one_number_are_put_in_its_order_whatever_their_step_sizes():
    denser = MAZO | {"lr": 1e-4, "label": "Denser", "mask": {"density": 0.5}}
    sparser = MAZO | {"mask": {"density": 0.01}}
    assert found(mazo=MAZO, denser=denser, sparser=sparser) == [
        Ablation("mazo", "mask.density", {"sparser": 0.01, "mazo": 0.1, "denser": 0.5})
    ]


def test_methods_that_differ_in_a_name_or_in_two_numbers_are_none():
    rule = MAZO | {"mask": {"density": 0.1, "rule": "random"}}
    two = MAZO | {"eps": 1e-2, "mask": {"density": 0.2}}
    assert found(mazo=MAZO, rule=rule, two=two, zero={"kind": "zero_shot"}) == []


def test_a_variant_is_no_base_of_another():
    others = {f"a{i}": MAZO | {"mask": {"density": 0.1, "scores": {"alpha": a}}} for i, a in enumerate((0.0, 10.0))}
    (ablation,) = found(mazo=MAZO, **others)
    assert ablation.methods == {"a0": 0.0, "mazo": 1.0, "a1": 10.0}


def test_the_suite_of_ablations_has_the_four_that_the_paper_has():
    ablations = find_ablations(load_suite(CONFIG / "ablations.yaml"))
    assert [(ablation.base, ablation.key) for ablation in ablations] == [
        ("mazo", "mask.density"),
        ("mazo", "mask.scores.alpha"),
        ("mazo", "mask.scores.beta"),
        ("lora", "adapter.rank"),
    ]
    assert sum(len(ablation.methods) - 1 for ablation in ablations) == 9
