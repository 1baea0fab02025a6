import json

import pytest
from rows_by_hand import write_official

from mazo.config import TASKS, DataSettings
from mazo.data import prepare_task, read_rows
from mazo.errors import DataError
from mazo.official import HUB, origin, read_official
from mazo.rows import FIELDS

WSC = [{"text": f"He {i}.", "span1_text": "Mark", "span2_text": "He", "label": 0} for i in range(4)]


def sentences(start):
    return [{"sentence": f"film {start + i}", "label": i % 2, "idx": i} for i in range(9)]


def test_hub_rows_go_the_same_way_at_their_pinned_commit_and_keep_their_official_fields(tmp_path, monkeypatch):
    asked = []

    def load_dataset(path, name, *, split, revision):
        asked.append((path, name, split, revision))
        return sentences(0 if split == "train" else 100)

    monkeypatch.setattr("datasets.load_dataset", load_dataset)
    settings = DataSettings(source="hub", train=3, dev=2, test=1)
    report = prepare_task("sst2", settings, out=tmp_path)
    commit = settings.revisions.glue
    assert sorted(asked) == [("nyu-mll/glue", "sst2", split, commit) for split in ("train", "validation")]
    assert report["origin"] == f"nyu-mll/glue sst2 at {commit}"
    assert [tuple(row) for row in read_rows(tmp_path, "sst2", split="test")] == [FIELDS["sst2"]]


def test_another_commit_is_asked_for_where_it_is_set(monkeypatch):
    asked = []
    monkeypatch.setattr("datasets.load_dataset", lambda *_, revision, **__: asked.append(revision) or WSC)
    settings = DataSettings.model_validate({"source": "hub", "revisions": {"super_glue": "0" * 40}})
    read_official("wsc", settings, split="train")
    assert asked == ["0" * 40]
    assert origin("wsc", settings) == f"aps/super_glue wsc.fixed at {'0' * 40}"


def test_a_hub_that_cannot_be_reached_gives_one_clear_message(monkeypatch):
    def load_dataset(*_, **__):
        raise ConnectionError("Couldn't reach it\nwith a long story")

    monkeypatch.setattr("datasets.load_dataset", load_dataset)
    words = (
        r"^rte: wanted aps/super_glue at 3de24cf\w+ from .* hub .*cannot be reached .*hf download aps/super_glue --repo"
    )
    with pytest.raises(DataError, match=words):
        read_official("rte", DataSettings(source="hub"), split="train")


def test_every_task_has_fields_and_a_place_on_the_hub():
    assert tuple(FIELDS) == tuple(HUB) == TASKS


@pytest.mark.parametrize("name", ["wsc", "wsc_fixed", "tasks/wsc", "tasks/wsc_fixed"])
def test_a_folder_is_found_under_either_name_and_below_tasks(tmp_path, name):
    write_official(tmp_path, {name: WSC})
    assert read_official("wsc", DataSettings(source="folder", data_dir=str(tmp_path)), split="train") == WSC


def test_a_folder_that_lacks_a_task_names_the_other_sources(tmp_path):
    (tmp_path / "rte").mkdir()
    with pytest.raises(DataError, match=r"wanted a folder wic for wic, or data\.sources\.wic: hub or mini; found rte"):
        read_official("wic", DataSettings(source="folder", data_dir=str(tmp_path)), split="train")


def test_rows_of_a_folder_and_of_the_hub_are_drawn_alike(tmp_path, monkeypatch):
    by_split = {"train": sentences(0), "validation": sentences(100)}
    for split, rows in by_split.items():
        file = tmp_path / "official" / "sst2" / f"{split}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setattr("datasets.load_dataset", lambda *_, split, revision: by_split[split])
    sizes = {"train": 4, "dev": 2, "test": 3}
    prepare_task("sst2", DataSettings(source="hub", **sizes), out=tmp_path / "hub")
    folder = DataSettings(source="folder", data_dir=str(tmp_path / "official"), **sizes)
    prepare_task("sst2", folder, out=tmp_path / "folder")
    for split in sizes:
        assert read_rows(tmp_path / "hub", "sst2", split=split) == read_rows(tmp_path / "folder", "sst2", split=split)
