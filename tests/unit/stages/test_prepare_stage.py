from hand_made import suite
from rows_by_hand import write_official

from mazo.stages.prepare import run


def test_the_sizes_are_printed_with_what_was_wanted_where_rows_are_short(tmp_path, capsys):
    sentences = [{"sentence": f"film {i}", "label": i % 2} for i in range(9)]
    folder = write_official(tmp_path / "official", {"sst2": sentences})
    data = {"source": "folder", "data_dir": str(folder), "train": 100, "dev": 50, "test": 4}
    run(suite(data=data), task="sst2", out=tmp_path / "data")
    assert capsys.readouterr().out == (
        "sst2, files of a folder, split sane: train 6 of 9 (wanted 100), dev 3 of 9 (wanted 50), test 4 of 9\n"
    )
