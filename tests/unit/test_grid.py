import pytest
from hand_made import suite

from mazo.config import select_run
from mazo.errors import ConfigError
from mazo.grid import STAGES, is_masked, is_scored, is_trained, rows, run_folder, runs, stage_digest


def run(method: str, **changes: object):
    return select_run(suite(**changes), model="m", mix="two", method=method, seed=1)


def test_a_method_without_randomness_runs_once_and_every_other_once_a_seed():
    methods = [cell.method_name for cell in runs(suite())]
    assert methods == ["zero_shot", "mtl_zo", "mtl_zo", "mtl_zo", "mazo", "mazo", "mazo"]


def test_every_choice_of_the_grid_is_in_the_path_so_no_two_runs_share_one():
    models = {"m": {"path": "embedded:llama"}, "n": {"path": "embedded:llama"}}
    mixes = {"two": ["rte", "squad"], "one": ["rte"]}
    folders = [run_folder(cell) for cell in runs(suite(models=models, mixes=mixes))]
    assert len(set(folders)) == len(folders) == 2 * 2 * 7
    assert "runs/n/one/mazo/seed_2" in folders


def test_only_masked_methods_are_masked_and_zero_shot_is_not_trained():
    assert [is_masked(run(m)) for m in ("zero_shot", "mtl_zo", "mazo")] == [False, False, True]
    assert [is_trained(run(m)) for m in ("zero_shot", "mtl_zo", "mazo")] == [False, True, True]


MAZO = {"kind": "zeroth_order", "lr": 1e-3, "mask": {"density": 0.1}}
STALE = [
    ({"evaluation": {"batch_size": 4}}, {"evaluate"}),
    ({"training": {"num_steps": 5}}, {"train"}),
    ({"training": {"micro_batch": 5}}, {"train"}),
    ({"scoring": {"micro_batch": 5}}, {"score"}),
    ({"scoring": {"layers_at_once": 1}}, set()),
    ({"data": {"train": 5}}, {"prepare", "score", "train", "evaluate"}),
    ({"methods": {"mazo": MAZO | {"lr": 0.5}}}, {"train", "evaluate"}),
    ({"methods": {"mazo": MAZO | {"mask": {"density": 0.5}}}}, {"mask", "train", "evaluate"}),
    ({"methods": {"mazo": MAZO | {"mask": {"scores": {"alpha": 2.0}}}}}, {"score", "mask", "train", "evaluate"}),
    ({"methods": {"mazo": MAZO | {"adapter": {"kind": "lora"}}}}, {"score", "train", "evaluate"}),
    ({"methods": {"mazo": MAZO | {"label": "Other"}}}, set()),
    ({"evaluation": {"max_new_tokens": 4}}, {"evaluate"}),
    ({"suite": "renamed"}, set()),
]


@pytest.mark.parametrize(("changes", "stale"), STALE, ids=[str(changes) for changes, _ in STALE])
def test_a_setting_makes_just_the_stages_that_read_it_stale(changes, stale):
    before = run("mazo", methods={"mazo": MAZO})
    after = run("mazo", **({"methods": {"mazo": MAZO}} | changes))
    assert {stage for stage in STAGES if stage_digest(before, stage) != stage_digest(after, stage)} == stale


def test_the_length_of_answers_matters_to_training_that_reads_them():
    methods = {"mazo": MAZO | {"objective": "metric"}}
    before, after = run("mazo", methods=methods), run("mazo", methods=methods, evaluation={"max_new_tokens": 4})
    stale = {stage for stage in STAGES if stage_digest(before, stage) != stage_digest(after, stage)}
    assert stale == {"train", "evaluate"}


RULES = {"importance": True, "wanda": True, "random": False, "smallest": False, "largest": False, "sparse_mezo": False}
RULES |= {"layer": False}


@pytest.mark.parametrize(("rule", "scored"), RULES.items())
def test_only_rules_that_look_at_examples_are_scored_and_no_two_rules_share_a_mask(rule, scored):
    runs_of = {r: run("mazo", methods={"mazo": MAZO | {"mask": {"rule": r}}}) for r in RULES}
    assert is_scored(runs_of[rule]) == scored
    assert not is_scored(run("mtl_zo"))
    digests = [stage_digest(cell, "mask") for cell in runs_of.values()]
    assert len(set(digests)) == len(RULES)
    assert stage_digest(runs_of["importance"], "score") != stage_digest(runs_of["wanda"], "score")


def test_a_random_mask_depends_on_the_seed():
    of = suite(methods={"mazo": MAZO | {"mask": {"rule": "random"}}})
    first, second = (select_run(of, model="m", mix="two", method="mazo", seed=seed) for seed in (0, 1))
    assert stage_digest(first, "mask") != stage_digest(second, "mask")


def test_an_unknown_stage_is_refused():
    with pytest.raises(ValueError, match="wanted one of prepare"):
        stage_digest(run("mazo"), "trian")


SINGLE = {"kind": "zeroth_order", "lr": 1e-3, "scope": "single_task", "label": "Alone"}


def test_a_single_task_method_has_a_run_a_task_of_the_mix_at_the_cost_of_one_on_all_tasks():
    settings = suite(methods={"alone": SINGLE, "mtl_zo": {"kind": "zeroth_order", "lr": 1e-3}}, seeds=[0])
    rte, squad, both = runs(settings)
    assert [cell.method_name for cell in (rte, squad, both)] == ["alone@rte", "alone@squad", "mtl_zo"]
    assert ([rte.tasks, squad.tasks, both.tasks]) == ([["rte"], ["squad"], ["rte", "squad"]])
    assert rte.tested == squad.tested == both.tested == ["rte", "squad"]
    assert (rte.training.batch_per_task, both.training.batch_per_task) == (16, 8)
    assert run_folder(rte) == "runs/m/two/alone@rte/seed_0"
    assert rte.method.lr == 1e-3


def test_a_single_task_run_is_named_with_its_task_and_other_runs_without():
    settings = suite(methods={"alone": SINGLE, "mtl_zo": {"kind": "zeroth_order", "lr": 1e-3}})
    for name in ("alone", "alone@copa", "mtl_zo@rte"):
        with pytest.raises(ConfigError, match=f"wanted one of alone@rte, alone@squad, mtl_zo; found '{name}'"):
            select_run(settings, model="m", mix="two", method=name, seed=0)


def test_a_single_task_run_is_stale_in_evaluation_alone_when_the_mix_gains_a_task():
    before, after = (
        select_run(
            suite(methods={"alone": SINGLE}, mixes={"two": mix}), model="m", mix="two", method="alone@rte", seed=0
        )
        for mix in (["rte", "squad"], ["squad", "rte"])
    )
    assert {stage for stage in ("train", "evaluate") if stage_digest(before, stage) != stage_digest(after, stage)} == {
        "evaluate"
    }


def test_rows_gather_the_runs_of_a_method_by_seed_and_a_single_task_method_has_a_second_row():
    found = list(rows(suite(methods={"zero_shot": {"kind": "zero_shot"}, "alone": SINGLE}, seeds=[0, 1])))
    assert [(row.name, row.label) for row in found] == [
        ("zero_shot", "zero_shot"),
        ("alone", "Alone"),
        ("alone@shared", "Alone (shared model)"),
    ]
    zero_shot, alone, shared = found
    assert {seed: len(group) for seed, group in zero_shot.runs.items()} == {0: 1}
    assert {seed: len(group) for seed, group in alone.runs.items()} == {0: 2, 1: 2}
    assert [cell.method_name for cell in alone.runs_for(1, "squad")] == ["alone@squad"]
    assert [cell.method_name for cell in shared.runs_for(1, "squad")] == ["alone@rte", "alone@squad"]
