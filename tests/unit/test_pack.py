import tarfile

import pytest
from pack_by_hand import answers, pack, write_finished

from mazo.errors import DataError
from mazo.pack import records_below, unpack


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A suite's folder and its pack."""
    folder = tmp_path_factory.mktemp("finished")
    write_finished(folder / "hand")
    assert pack(folder / "hand", folder / "records.tar.xz") == 0
    return folder / "hand", folder / "records.tar.xz"


def test_equal_results_give_equal_bytes_wherever_and_whenever_they_lie(finished, tmp_path):
    write_finished(tmp_path / "elsewhere")
    assert pack(tmp_path / "elsewhere", tmp_path / "again.tar.xz") == 0
    assert (tmp_path / "again.tar.xz").read_bytes() == finished[1].read_bytes()


def test_a_pack_holds_what_is_read_again_as_it_was_and_no_answer(finished, tmp_path):
    results, packed = finished
    unpack(packed, tmp_path)
    copied = {file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*") if file.is_file()}
    added = {"samples.json", "claims.yaml", "published.yaml"}
    written = {file.relative_to(results).as_posix() for file in results.rglob("*") if file.is_file()}
    assert copied - added == {name for name in written if not name.endswith("samples.jsonl")}
    for name in copied - added:
        assert (tmp_path / name).read_bytes() == (results / name).read_bytes(), name
    said = (tmp_path / "samples.json").read_text()
    assert "doc-rte-0" in said
    assert not [answer for answer in answers(results) if answer in said]


def test_a_pack_says_nothing_of_the_machine_or_the_day(finished):
    with tarfile.open(finished[1]) as archive:
        entries = archive.getmembers()
    assert [entry.name for entry in entries] == sorted(entry.name for entry in entries)
    assert {(entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname) for entry in entries} == {(0, 0, 0, "", "")}


@pytest.mark.parametrize("name", ["runs/m/two/mazo/seed_1/train.json", "data/rte/report.json", "data/lengths/m.json"])
def test_an_absent_file_is_named_and_nothing_is_written(tmp_path, name, capsys):
    write_finished(tmp_path / "hand")
    (tmp_path / "hand" / name).unlink()
    assert pack(tmp_path / "hand", tmp_path / "records.tar.xz") == 2
    assert f"{name}: wanted a file of a finished suite; found none" in capsys.readouterr().err
    assert not (tmp_path / "records.tar.xz").exists()


@pytest.mark.parametrize("damage", [lambda data: data[:-200], lambda data: b"PK" + data, lambda data: b""])
def test_a_damaged_pack_is_refused(finished, tmp_path, damage):
    (tmp_path / "records.tar.xz").write_bytes(damage(finished[1].read_bytes()))
    with pytest.raises(DataError, match=r"records\.tar\.xz: wanted what `mazo pack` wrote; found"):
        unpack(tmp_path / "records.tar.xz", tmp_path / "out")


def test_records_are_read_where_they_lie_and_from_the_pack_where_that_is_all(finished, tmp_path):
    results, packed = finished
    with records_below(results) as folder:
        assert folder == results
    (tmp_path / "records.tar.xz").write_bytes(packed.read_bytes())
    with records_below(tmp_path) as folder:
        assert (folder / "runs/m/two/mazo/seed_1/record.json").exists()
    assert not folder.exists()
