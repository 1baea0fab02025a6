import json

import pytest
from rows_by_hand import MULTIRC, WIC, write_official

from mazo.config import TASKS, DataSettings
from mazo.data import HUB, SPLITS, check_data, prepare_task, read_rows, split_sizes
from mazo.errors import DataError
from mazo.files import sha256
from mazo.rows import FIELDS, content_key


def folder_settings(folder, **sizes):
    return DataSettings(source="folder", data_dir=str(folder), **sizes)


def sentences(count, start=0):
    return [{"sentence": f"film {start + i}", "label": i % 2, "idx": i} for i in range(count)]


def prepare_sst2(tmp_path, train_rows, validation_rows, **sizes):
    official = tmp_path / "official"
    write_official(official, {"sst2": train_rows}, splits=("train",))
    file = official / "sst2" / "validation.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in validation_rows))
    prepare_task("sst2", folder_settings(official, **sizes), out=tmp_path / "data")
    return {split: read_rows(tmp_path / "data", "sst2", split=split) for split in SPLITS}


@pytest.mark.parametrize(
    ("available", "train", "dev", "had"),
    [
        (554, 1000, 500, (370, 184)),  # WSC: never 54 and 500
        (400, 1000, 500, (267, 133)),  # COPA
        (1500, 1000, 500, (1000, 500)),
        (1499, 1000, 500, (1000, 499)),
        (100, 10, 500, (10, 50)),  # short rows: dev takes at most half
        (5000, 16, 32, (16, 32)),  # rows enough: as wanted
        (3, 1000, 500, (2, 1)),
    ],
)
def test_short_rows_are_shared_in_the_wanted_ratio_and_train_keeps_at_least_half(available, train, dev, had):
    assert split_sizes(available, train=train, dev=dev) == had


def test_test_rows_come_from_official_validation_and_the_rest_from_official_train(tmp_path):
    rows = prepare_sst2(tmp_path, sentences(30), sentences(20, 100), train=12, dev=6, test=9)
    assert {split: len(rows[split]) for split in SPLITS} == {"train": 12, "dev": 6, "test": 9}
    assert all(int(row["sentence"][5:]) >= 100 for row in rows["test"])
    assert all(int(row["sentence"][5:]) < 30 for row in rows["train"] + rows["dev"])


def test_no_content_stands_in_two_splits(tmp_path):
    # Ten of the thirty training sentences stand in validation too, with another label; five stand twice.
    train = sentences(30) + sentences(5)
    validation = [{**row, "label": 1 - row["label"]} for row in sentences(10)]
    rows = prepare_sst2(tmp_path, train, validation, train=100, dev=50, test=100)
    contents = [content_key(row) for split in SPLITS for row in rows[split]]
    assert len(contents) == len(set(contents)) == 30
    assert len(rows["test"]) == 10


def test_rows_keep_their_official_fields_alone(tmp_path):
    rows = prepare_sst2(tmp_path, sentences(4), sentences(4, 10), train=2, dev=1, test=2)
    assert all(tuple(row) == FIELDS["sst2"] for split in SPLITS for row in rows[split])


def test_equal_seeds_draw_equal_rows_and_another_seed_others(tmp_path):
    drawn = [
        prepare_sst2(tmp_path / str(i), sentences(40), sentences(40, 100), train=5, dev=5, test=5, seed=seed)
        for i, seed in enumerate((3, 3, 4))
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_the_report_tells_sizes_origins_and_hashes(tmp_path):
    prepare_sst2(tmp_path, sentences(9), sentences(9, 100), train=100, dev=50, test=4)
    report = json.loads((tmp_path / "data" / "sst2" / "report.json").read_text())
    splits = report["splits"]
    assert {split: (splits[split]["rows"], splits[split]["wanted"]) for split in SPLITS} == {
        "train": (6, 100),
        "dev": (3, 50),
        "test": (4, 4),
    }
    assert {split: splits[split]["official_split"] for split in SPLITS} == {
        "train": "train",
        "dev": "train",
        "test": "validation",
    }
    for split in SPLITS:
        assert splits[split]["sha256"] == sha256(tmp_path / "data" / "sst2" / f"{split}.jsonl")


@pytest.mark.parametrize("name", ["wsc", "wsc_fixed"])
def test_wsc_is_found_under_either_name(tmp_path, name):
    rows = [{"text": f"He {i}.", "span1_text": "Mark", "span2_text": "He", "label": 0} for i in range(4)]
    write_official(tmp_path / "official", {name: rows})
    prepare_task("wsc", folder_settings(tmp_path / "official"), out=tmp_path / "data")
    assert len(read_rows(tmp_path / "data", "wsc", split="test")) == 4


@pytest.mark.parametrize(("task", "rows"), [("wic", WIC), ("multirc", MULTIRC)])
def test_wic_and_multirc_rows_in_the_official_format_are_read(tmp_path, task, rows):
    write_official(tmp_path / "official", {task: rows})
    prepare_task(task, folder_settings(tmp_path / "official"), out=tmp_path / "data")
    drawn = [row for split in ("train", "dev") for row in read_rows(tmp_path / "data", task, split=split)]
    assert sorted(map(content_key, drawn)) == sorted(map(content_key, rows))


def test_real_rows_are_read_and_split_sanely(tmp_path, shared):
    for task, sizes in {"wsc": (353, 176, 104), "copa": (267, 133, 100), "rte": (1000, 499, 277)}.items():
        prepare_task(task, folder_settings(shared / "tasks"), out=tmp_path)
        assert tuple(len(read_rows(tmp_path, task, split=split)) for split in SPLITS) == sizes


def test_mini_rows_are_asked_of_the_generator_split_by_split(tmp_path, monkeypatch):
    asked = []

    def generate(task, *, split, count, seed):
        asked.append((task, split, count, seed))
        return sentences(count)

    monkeypatch.setattr("mazo.mini.rows.generate_rows", generate)
    prepare_task("sst2", DataSettings(train=3, dev=2, test=1, seed=7), out=tmp_path)
    assert asked == [("sst2", "train", 3, 7), ("sst2", "dev", 2, 7), ("sst2", "test", 1, 7)]
    assert len(read_rows(tmp_path, "sst2", split="train")) == 3


def test_hub_rows_go_the_same_way_and_keep_their_official_fields(tmp_path, monkeypatch):
    asked = []

    def load_dataset(path, name, *, split):
        asked.append((path, name, split))
        return sentences(9, 0 if split == "train" else 100)

    monkeypatch.setattr("datasets.load_dataset", load_dataset)
    prepare_task("sst2", DataSettings(source="hub", train=3, dev=2, test=1), out=tmp_path)
    assert sorted(asked) == [("nyu-mll/glue", "sst2", "train"), ("nyu-mll/glue", "sst2", "validation")]
    assert [tuple(row) for row in read_rows(tmp_path, "sst2", split="test")] == [FIELDS["sst2"]]


def test_a_hub_that_cannot_be_reached_gives_one_clear_message(tmp_path, monkeypatch):
    def load_dataset(path, name, *, split):
        raise ConnectionError("Couldn't reach it\nwith a long story")

    monkeypatch.setattr("datasets.load_dataset", load_dataset)
    with pytest.raises(DataError, match=r"^rte: wanted aps/super_glue from the Hugging Face hub .*Couldn't reach it$"):
        prepare_task("rte", DataSettings(source="hub"), out=tmp_path)


def test_every_task_has_fields_and_a_place_on_the_hub():
    assert tuple(FIELDS) == tuple(HUB) == TASKS


GOOD = {
    "sst2": {"sentence": "good", "label": 1},
    "copa": {"premise": "a", "choice1": "b", "choice2": "c", "question": "cause", "label": 0},
    "squad": {"title": "t", "context": "c", "question": "q", "answers": {"text": ["c"], "answer_start": [0]}},
}


@pytest.mark.parametrize(
    ("task", "change", "message"),
    [
        ("sst2", {"sentence": None}, r"sst2/train\.jsonl:1: sentence: wanted text; found None"),
        ("sst2", {"sentence": " "}, "sentence: wanted text"),
        ("sst2", {"label": "1"}, "label: wanted 0 or 1; found '1'"),
        ("sst2", {"label": True}, "label: wanted 0 or 1; found True"),
        ("sst2", {"label": -1}, "label: wanted 0 or 1; found -1"),
        ("copa", {"question": "why"}, "question: wanted cause or effect; found 'why'"),
        ("squad", {"answers": ["c"]}, "answers: wanted an object whose text"),
        ("squad", {"answers": {"text": []}}, "answers: wanted an object whose text"),
    ],
)
def test_a_field_of_another_type_is_named_with_file_and_line(tmp_path, task, change, message):
    write_official(tmp_path, {task: [{**GOOD[task], **change}]}, splits=("train",))
    with pytest.raises(DataError, match=message):
        check_data(folder_settings(tmp_path), [task])


def test_a_missing_field_is_named_with_those_found(tmp_path):
    write_official(tmp_path, {"sst2": [GOOD["sst2"], {"text": "good", "label": 1}]}, splits=("train",))
    with pytest.raises(DataError, match=r"train\.jsonl:2: wanted field 'sentence'; found text, label"):
        check_data(folder_settings(tmp_path), ["sst2"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", r"train\.jsonl:1: wanted a JSON object"),
        (b"[1]", r"train\.jsonl:1: wanted an object with sentence, label; found \[1\]"),
        (b"", "wanted at least one row of sst2; found an empty file"),
        (b"\xff\xfe", "wanted rows of sst2 in JSONL"),
    ],
)
def test_a_file_that_is_no_jsonl_of_rows_is_named(tmp_path, content, message):
    (tmp_path / "sst2").mkdir()
    (tmp_path / "sst2" / "train.jsonl").write_bytes(content)
    with pytest.raises(DataError, match=message):
        check_data(folder_settings(tmp_path), ["sst2"])


def test_an_absent_folder_task_or_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"data\.data_dir: wanted a folder .*found no folder .*nowhere"):
        check_data(folder_settings(tmp_path / "nowhere"), ["sst2"])
    (tmp_path / "rte").mkdir()
    with pytest.raises(DataError, match=r"wanted a folder wsc or wsc_fixed or wsc.fixed; found rte"):
        check_data(folder_settings(tmp_path), ["wsc"])
    with pytest.raises(DataError, match=r"train\.jsonl: wanted rows of rte in JSONL; found no such file"):
        check_data(folder_settings(tmp_path), ["rte"])


def test_a_text_with_a_line_separator_inside_stays_one_row(tmp_path):
    row = {"sentence": "one\u2028two\x85three", "label": 1}
    (tmp_path / "sst2").mkdir()
    (tmp_path / "sst2" / "train.jsonl").write_text(json.dumps(row, ensure_ascii=False) + "\r\n", newline="")
    assert read_rows(tmp_path, "sst2", split="train") == [row]


def test_generated_rows_and_the_hub_need_no_check_before_a_job():
    check_data(DataSettings(), TASKS)
    check_data(DataSettings(source="hub"), TASKS)


def test_an_unknown_split_names_the_known_ones(tmp_path):
    with pytest.raises(DataError, match="split: wanted one of train, dev, test; found 'validation'"):
        read_rows(tmp_path, "sst2", split="validation")
