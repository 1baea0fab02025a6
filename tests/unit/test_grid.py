import pytest
from hand_made import suite

from mazo.config import select_run
from mazo.grid import STAGES, is_masked, is_trained, run_folder, runs, stage_digest


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


def test_an_unknown_stage_is_refused():
    with pytest.raises(ValueError, match="wanted one of prepare"):
        stage_digest(run("mazo"), "trian")
