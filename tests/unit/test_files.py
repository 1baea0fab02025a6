import pytest

from mazo.files import whole_folder


def test_a_folder_appears_when_it_is_full(tmp_path):
    with whole_folder(tmp_path / "a" / "model") as folder:
        (folder / "part").write_text("1")
        assert not (tmp_path / "a" / "model").exists()
    assert (tmp_path / "a" / "model" / "part").read_text() == "1"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["model"]


def test_a_folder_that_could_not_be_filled_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), whole_folder(tmp_path / "model") as folder:
        (folder / "part").write_text("1")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_taken_and_a_full_one_is_left_as_it_was(tmp_path):
    (tmp_path / "empty").mkdir()
    with whole_folder(tmp_path / "empty") as folder:
        (folder / "part").write_text("1")
    with pytest.raises(OSError, match="not empty"), whole_folder(tmp_path / "empty") as folder:
        (folder / "part").write_text("2")
    assert (tmp_path / "empty" / "part").read_text() == "1"
