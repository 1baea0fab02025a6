import numpy as np
import pytest
from samples_by_hand import sample, write_samples

from mazo.errors import DataError
from mazo.samples import average_items, check_paired, read_samples

SCORES = {"rte": [1.0, 0.0, 1.0], "squad": [0.5, 0.25]}


def items(folder, scores=None, **changes):
    write_samples(folder, scores or SCORES, **changes)
    return read_samples(folder / "samples.jsonl", tasks=list(scores or SCORES))


def test_samples_come_back_by_task_in_the_order_of_their_rows(tmp_path):
    found = items(tmp_path)
    assert {task: own.scores.tolist() for task, own in found.items()} == SCORES
    assert found["rte"].doc_hashes == ("doc-rte-0", "doc-rte-1", "doc-rte-2")
    assert (found["rte"].is_binary, found["squad"].is_binary) == (True, False)


def test_a_file_that_is_absent_or_damaged_or_lacks_a_task_is_named(tmp_path):
    path = tmp_path / "samples.jsonl"
    with pytest.raises(DataError, match=r"samples\.jsonl: a run's samples cannot be read \(No such file"):
        read_samples(path, tasks=["rte"])
    write_samples(tmp_path, SCORES)
    with pytest.raises(DataError, match=r"wanted samples of copa, wic; found rte, squad"):
        read_samples(path, tasks=["rte", "copa", "wic"])
    path.write_text('{"task": "rte"}\n')
    with pytest.raises(DataError, match=r"samples\.jsonl:1: wanted an object with task, doc_id, .*; found '.\"task\""):
        read_samples(path, tasks=["rte"])


@pytest.mark.parametrize(
    ("rows", "message"), [([0, 2], "wanted row 1 next; found row 2"), ([0, 0], "wanted row 1 next; found row 0")]
)
def test_a_row_that_is_missing_or_stands_twice_is_named(tmp_path, rows, message):
    lines = [str(sample("rte", row, 1.0)).replace("'", '"') for row in rows]
    (tmp_path / "samples.jsonl").write_text("\n".join(lines))
    with pytest.raises(DataError, match=rf"samples\.jsonl: rte: {message}"):
        read_samples(tmp_path / "samples.jsonl", tasks=["rte"])


def test_runs_on_the_same_items_pair_and_others_are_named_with_their_first_difference(tmp_path):
    own, other = items(tmp_path / "a")["rte"], items(tmp_path / "b")["rte"]
    check_paired(own, other, same_prompts=True)
    short = items(tmp_path / "c", {"rte": [1.0, 0.0]})["rte"]
    with pytest.raises(DataError, match=r"c/samples.jsonl: rte: wanted 3 rows, as in .*a/samples.jsonl: rte; found 2"):
        check_paired(short, own, same_prompts=True)
    elsewhere = items(tmp_path / "d", doc_hash="x")["rte"]
    with pytest.raises(DataError, match=r"d/samples.jsonl: rte, row 0: wanted doc_hash doc-rte-0, as in .*; found x"):
        check_paired(elsewhere, own, same_prompts=False)


def test_prompts_are_compared_where_they_ought_to_be_the_same(tmp_path):
    own, other = items(tmp_path / "a")["rte"], items(tmp_path / "b", prompt_hash="with demonstrations")["rte"]
    check_paired(other, own, same_prompts=False)
    with pytest.raises(DataError, match="wanted prompt_hash prompt-rte-0"):
        check_paired(other, own, same_prompts=True)


def test_several_runs_average_item_by_item_and_one_stays_as_it_is(tmp_path):
    first, second = items(tmp_path / "a")["rte"], items(tmp_path / "b", {"rte": [0.0, 0.0, 1.0]})["rte"]
    mean = average_items([first, second])
    assert np.array_equal(mean.scores, [0.5, 0.0, 1.0])
    assert not mean.is_binary
    assert average_items([first]) is first
