import copy
import json
from pathlib import Path

import pytest
from hand_made import CONTENT, suite

from mazo.config import select_run
from mazo.configfile import load_suite, parse_suite, read_content
from mazo.errors import ConfigError

FOLDER = Path(__file__).resolve().parents[2] / "config"
OTHERS = {"claims", "published", "real_small"}
"""No suites, and one that leaves two folders to its user."""
SHIPPED = [path for path in sorted(FOLDER.glob("*.yaml")) if path.stem not in OTHERS]


def changed(place: str, value: object) -> dict:
    """The hand-written suite with the key at a dotted place set to a value."""
    content = copy.deepcopy(CONTENT)
    *parents, last = place.split(".")
    node = content
    for part in parents:
        node = node.setdefault(part, {})
    node[last] = value
    return content


TAGGED = [("int", '""'), ("float", '""'), ("bool", "x"), ("timestamp", "x")]
GRID = {key: [0.1 * value for value in range(10)] for key in "abcdefg"}
FAULTS = [
    ("trainig", {}, ["trainig: unknown key", "accepted: suite, models", "did you mean training?"]),
    ("training.steps", 3, ["training.steps: unknown key", "num_steps"]),
    ("methods.mazo.mask.densty", 0.1, ["methods.mazo.mask.densty", "did you mean density?"]),
    ("methods.mazo.kind", "first_ordr", ["methods.mazo.kind", "zeroth_order", "first_order", "found 'first_ordr'"]),
    ("mixes.two", ["rte", "sst3"], ["mixes.two.1", "'sst2'", "found 'sst3'"]),
    ("mixes.two", ["rte", "rte"], ["mixes.two repeats"]),
    ("mixes.two", [], ["mixes.two", "at least 1"]),
    ("models", {}, ["models", "at least 1"]),
    ("models.m.path", None, ["models.m.path", "found None"]),
    ("models.m.dtype", "int8", ["models.m.dtype", "'bfloat16'", "found 'int8'"]),
    ("seeds", ["0"], ["seeds.0", "integer", "found '0'"]),
    ("seeds", 3, ["seeds", "list", "found 3"]),
    ("seeds", [-1], ["seeds.0", "greater than or equal to 0", "found -1"]),
    ("training.num_steps", 2.5, ["training.num_steps", "integer", "found 2.5"]),
    ("training.num_steps", True, ["training.num_steps", "integer", "found True"]),
    ("methods.mazo.lr", "3e-4", ["methods.mazo.lr", "3.0e-4"]),
    ("methods.mazo.lr", float("nan"), ["methods.mazo.lr", "finite"]),
    ("methods.mazo.lr", -1.0, ["methods.mazo.lr", "found -1.0"]),
    ("methods.mazo.eps", 0.0, ["methods.mazo.eps", "greater than 0", "found 0.0"]),
    ("methods.mazo.mask.density", 1.5, ["methods.mazo.mask.density", "less than or equal to 1", "found 1.5"]),
    ("methods.mazo.direction", "cauchy", ["methods.mazo.direction", "'rademacher'", "found 'cauchy'"]),
    ("methods.mazo.adapter", {"kind": "lora", "rank": 0}, ["methods.mazo.adapter.rank", "found 0"]),
    ("methods.mazo.adapter", {"kind": "lora", "rnk": 4}, ["methods.mazo.adapter.rnk", "did you mean rank?"]),
    ("methods.mazo.adapter", {"kind": "lora", "target": []}, ["methods.mazo.adapter.target", "at least 1"]),
    ("methods.mazo.adapter", {"kind": "loar"}, ["methods.mazo.adapter.kind", "lora, mtl_lora", "found 'loar'"]),
    ("methods.mazo.adapter", {"kind": "lora", "num_up": 3}, ["methods.mazo.adapter.num_up: unknown", "rank"]),
    ("methods.mazo.adapter", {"kind": "mtl_lora"}, ["methods.mazo", "adapter.kind lora; found mtl_lora"]),
    (
        "methods.mtl_zo",
        {"kind": "zeroth_order", "lr": 1.0, "scope": "single_task", "adapter": {"kind": "mtl_lora"}},
        ["methods.mtl_zo", "trained together; found scope single_task"],
    ),
    ("methods.mazo.weighting", "fammo", ["methods.mazo.weighting", "'famo'", "found 'fammo'"]),
    (
        "methods.mazo.coba",
        {"warm_up": 50, "history": 49},
        ["methods.mazo.coba: history must be at least warm_up, 50; found 49"],
    ),
    ("methods.mazo.coba.warm_up", 1, ["methods.mazo.coba.warm_up", "greater than or equal to 2", "found 1"]),
    ("methods.mazo.famo", {"lr": 0.1}, ["methods.mazo", "famo goes with weighting: famo; found weighting: uniform"]),
    (
        "methods.mazo",
        {"kind": "first_order", "lr": 1e-3, "weighting": "coba", "num_steps": 100},
        ["methods.mazo.coba.warm_up must be below the run's num_steps", "found warm_up 100, 100 steps"],
    ),
    ("methods.mazo.mask.rule", "magnitude", ["methods.mazo.mask.rule", "'wanda'", "found 'magnitude'"]),
    ("methods.mazo.direction", "low_rank", ["methods.mazo", "low_rank wants whole matrices", "found a mask"]),
    ("methods.mazo.direction", "subspace", ["methods.mazo", "subspace wants whole matrices", "found a mask"]),
    ("methods.mazo.normalization", "std", ["methods.mazo", "std wants num_directions of at least 2; found 1"]),
    (
        "methods.mazo",
        {"kind": "first_order", "lr": 1.0, "adapter": {"kind": "lora", "inner_lr": 2.0}},
        ["methods.mazo", "inner_eps and inner_lr go with kind zeroth_order; found first_order"],
    ),
    ("methods.mazo.normalization", "mean", ["methods.mazo.normalization", "'none' or 'std'", "found 'mean'"]),
    ("methods.mazo.mask.layer", 1, ["methods.mazo.mask", "layer goes with rule: layer; found rule: importance"]),
    ("methods.mazo.mask.layer", -1, ["methods.mazo.mask.layer", "greater than or equal to 0", "found -1"]),
    (
        "methods.mazo",
        {"kind": "zeroth_order", "lr": 1.0, "mask": {"rule": "wanda"}, "adapter": {"kind": "lora"}},
        ["methods.mazo", "importance or random where an adapter is trained; found wanda"],
    ),
    ("models.m.device", "meta", ["models.m.device", "cpu|cuda|mps|xpu", "found 'meta'"]),
    ("models.m.device", "abacus", ["models.m.device", "cpu|cuda|mps|xpu", "found 'abacus'"]),
    ("models.m.device", "cuda:", ["models.m.device", "found 'cuda:'"]),
    (
        "models.m.device_map",
        "auto",
        ["models.m: device_map spreads weights over GPUs", "found device_map: auto, device: cpu"],
    ),
    ("methods.a/b", {"kind": "zero_shot"}, ["methods.a/b", "found 'a/b'"]),
    ("suite", "../up", ["suite", "found '../up'"]),
    ("suite", "reference", ["suite: wanted any other name; found 'reference'"]),
    (
        "methods.mazo.label",
        "two\nlines",
        ["methods.mazo.label: wanted one line of text", "found 'two\\nlines'"],
    ),
    ("methods.mazo.label", "", ["methods.mazo.label: wanted one line of text, without control characters"]),
    ("methods.mazo.label", "\ud800", ["methods.mazo.label: wanted one line", "found '\\ud800'"]),
    ("models.m.revision", "\ud800", ["wanted text that UTF-8 can write"]),
    (
        "tune.grids",
        {"mtl_zo": GRID, "mazo": GRID},
        ["tune.grids.mtl_zo: wanted at most 10000 trials; found 10000000"],
    ),
    ("data.source", "folder", ["data", "data_dir"]),
    ("data.data_dir", "x", ["data", "source: folder"]),
    ("data.sources", {"wic": "folder"}, ["data", "data_dir"]),
    ("data.sources", {"cola": "hub"}, ["data.sources.cola", "'sst2'"]),
    ("data.split", "mezo", ["data", "source: mini generates each split"]),
    ("data.revisions.glue", "main", ["data.revisions.glue", "pattern", "found 'main'"]),
]


@pytest.mark.parametrize(
    ("place", "value", "words"), FAULTS, ids=[f"{place}={value!r}"[:60] for place, value, _ in FAULTS]
)
def test_a_fault_is_one_line_that_names_key_wanted_and_found(place, value, words):
    with pytest.raises(ConfigError) as caught:
        parse_suite(changed(place, value), where="f.yaml")
    message = str(caught.value)
    assert message.startswith("f.yaml: ")
    assert "\n" not in message
    for word in words:
        assert word in message


def test_two_faults_are_two_lines():
    with pytest.raises(ConfigError) as caught:
        parse_suite(changed("methods.mazo.lrr", 1) | {"seeds": []}, where="f.yaml")
    assert len(str(caught.value).splitlines()) == 2


def test_an_accepted_suite_comes_back_from_json_as_it_was(tmp_path):
    resolved = tmp_path / "config.json"
    resolved.write_text(json.dumps(suite().model_dump(mode="json")))
    assert load_suite(resolved) == suite()  # 1e-05 among its numbers, which YAML would read as text


def test_a_file_that_is_absent_or_no_yaml_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"absent.yaml: cannot be read \(No such file"):
        load_suite(tmp_path / "absent.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("suite: [")
    with pytest.raises(ConfigError, match=r"broken.yaml: is not valid YAML"):
        load_suite(broken)
    broken.write_text("- a")
    with pytest.raises(ConfigError, match="wanted a mapping of keys to values, found list"):
        load_suite(broken)


def test_a_key_that_json_gives_twice_is_refused_too(tmp_path):
    (tmp_path / "a.json").write_text('{"suite": "a", "seeds": [{"x": 1, "x": 2}]}')
    with pytest.raises(ConfigError, match="wanted each key once; found x again"):
        load_suite(tmp_path / "a.json")


def test_a_label_may_hold_spaces_that_do_not_break():
    label = "MTL\u00a0LoRA"
    assert parse_suite(changed("methods.mazo.label", label), where="x").methods["mazo"].label == label


def test_yaml_cannot_make_objects(tmp_path):
    (tmp_path / "evil.yaml").write_text("suite: !!python/object/apply:os.getcwd []")
    with pytest.raises(ConfigError, match="is not valid YAML"):
        load_suite(tmp_path / "evil.yaml")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        *((f"tune: {{seed: !!{kind} {value}}}", "") for kind, value in TAGGED),
        ("suite: a\nseeds: [0]\nsuite: b", "wanted each key once; found suite again .*line 3, column 1"),
        ("methods:\n  mazo: {lr: 1.0, lr: 2.0}", "wanted each key once; found lr again"),
    ],
)
def test_text_that_a_value_cannot_be_made_of_and_keys_given_twice_are_told_in_a_line(text, told, tmp_path):
    (tmp_path / "odd.yaml").write_text(text)
    with pytest.raises(ConfigError, match=f"odd.yaml: is not valid YAML .*{told}") as caught:
        load_suite(tmp_path / "odd.yaml")
    assert "\n" not in str(caught.value)


def test_a_merged_key_may_be_given_anew(tmp_path):
    (tmp_path / "a.yaml").write_text("one: &one {a: 1, b: 2}\ntwo: {<<: *one, b: 3}")
    assert read_content(tmp_path / "a.yaml") == {"one": {"a": 1, "b": 2}, "two": {"a": 1, "b": 3}}
    # A mapping that merges one from deeper in the file is made before the one that this merges.
    (tmp_path / "a.yaml").write_text(
        "deep: {in: {one: &one {a: 1}, two: &two {<<: *one, a: 2}}}\ntop: {<<: *two, b: 3}"
    )
    assert read_content(tmp_path / "a.yaml") == {
        "deep": {"in": {"one": {"a": 1}, "two": {"a": 2}}},
        "top": {"a": 2, "b": 3},
    }


def test_of_a_value_that_anchors_make_huge_a_part_is_shown(tmp_path):
    lines = [
        "a0: &a0 [x, x, x, x, x, x, x, x]",
        *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 8)}]" for i in range(1, 12)),
    ]
    (tmp_path / "huge.yaml").write_text("\n".join([*lines, "mixes: {one: *a11}"]))
    with pytest.raises(ConfigError, match=r"mixes.one.0: .*; found \[") as caught:
        load_suite(tmp_path / "huge.yaml")
    assert len(str(caught.value)) < 100_000


def test_a_number_that_python_does_not_write_is_told_in_a_line():
    with pytest.raises(ConfigError, match=r"^f.yaml: seeds.0: .*; found a number too long to be written$"):
        parse_suite(changed("seeds", [16**6000]), where="f.yaml")


def test_a_run_that_is_not_in_the_grid_is_refused_with_the_names_that_are():
    with pytest.raises(ConfigError, match="methods: wanted one of zero_shot, mtl_zo, mazo; found 'mezo'"):
        select_run(suite(), model="m", mix="two", method="mezo", seed=0)


def test_tasks_are_listed_once_in_canonical_order():
    assert suite(mixes={"a": ["squad", "rte"], "b": ["sst2", "rte"]}).tasks == ["sst2", "rte", "squad"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_suite_is_accepted_as_it_stands_and_bears_its_files_name(path):
    assert load_suite(path).suite == path.stem


def test_the_reference_method_is_the_one_named_or_mazo_or_the_first():
    assert suite().reference_method == "mazo"
    assert suite(reference="mtl_zo").reference_method == "mtl_zo"
    assert suite(methods={"a": CONTENT["methods"]["zero_shot"]}).reference_method == "a"
    with pytest.raises(ConfigError, match="reference: wanted one of zero_shot, mtl_zo, mazo; found 'other'"):
        suite(reference="other")
