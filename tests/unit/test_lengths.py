import json
from statistics import fmean

import pytest
from hand_made import suite
from prepared import prepare_mini, prepare_real
from toy import toy_model, toy_tokenizer

from mazo.config import ModelSettings
from mazo.data import SPLITS, read_rows
from mazo.errors import ConfigError
from mazo.lengths import measure_lengths
from mazo.models import load_tokenizer
from mazo.stages.lengths import run


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return prepare_mini(tmp_path_factory.mktemp("data"), tasks=("sst2", "rte", "squad"))


def measure(data, task, **limits):
    return measure_lengths(toy_tokenizer(), task, data=data, **({"max_length": 4096, "max_new_tokens": 10} | limits))


def test_a_row_of_bytes_is_as_long_as_its_text(data):
    lengths = measure(data, "sst2")
    for split in SPLITS:
        # BOS, the prompt, and the longer answer without its last token, which is predicted and not read.
        texts = [f"{row['sentence']} It was terribl".encode() for row in read_rows(data, "sst2", split=split)]
        assert lengths[split]["rows"] == len(texts)
        assert lengths[split]["most_tokens"] == 1 + max(map(len, texts))
        assert lengths[split]["mean_tokens"] == pytest.approx(1 + fmean(map(len, texts)), abs=1e-3)
        assert lengths[split]["cut"] == lengths[split]["tokens_cut"] == 0


def test_answers_on_sequences_of_their_own_are_read_apiece(data):
    read = measure(data, "sst2")["train"]
    great = [f"{row['sentence']} It was grea".encode() for row in read_rows(data, "sst2", split="train")]
    assert read["mean_read"] == pytest.approx(read["mean_tokens"] + 1 + fmean(map(len, great)), abs=1e-3)


def test_rows_above_the_context_are_counted_with_the_tokens_they_lose(data):
    whole = measure(data, "rte")["test"]
    short = measure(data, "rte", max_length=whole["most_tokens"] - 5)["test"]
    assert short["most_tokens"] == whole["most_tokens"]
    assert 1 <= short["cut"] < short["rows"]
    assert 5 <= short["tokens_cut"] <= 5 * short["cut"]
    assert whole["cut"] == 0


def test_a_written_answer_needs_room_in_the_test_split_alone(data):
    longest = max(measure(data, "squad")[split]["most_tokens"] for split in SPLITS)
    # An answer's last token is not read but has its place in the context.
    lengths = measure(data, "squad", max_length=longest + 1, max_new_tokens=longest // 2)
    assert [lengths[split]["cut"] for split in ("train", "dev")] == [0, 0]
    assert lengths["test"]["cut"] > 0


def test_real_passages_exceed_a_small_context(shared, tmp_path):
    data = prepare_real(tmp_path, shared)
    tokenizer = load_tokenizer(ModelSettings(path=str(shared / "models" / "stories260K")))
    lengths = measure_lengths(tokenizer, "boolq", data=data, max_length=512, max_new_tokens=50)
    assert lengths["test"]["cut"] > 0
    assert lengths["test"]["most_tokens"] > 512


def test_the_stage_writes_every_task_and_prints_what_is_cut(data, tmp_path, capsys):
    toy_model(context=600).save_pretrained(tmp_path / "model")
    toy_tokenizer().save_pretrained(tmp_path / "model")
    small = suite(models={"m": {"path": str(tmp_path / "model")}}, mixes={"two": ["rte", "squad"]})
    run(small, model="m", data=data, out=tmp_path / "m.json")
    content = json.loads((tmp_path / "m.json").read_text())
    assert (content["model"], content["context"], list(content["tasks"])) == ("m", 600, ["rte", "squad"])
    assert "rte: rows cut to 600 tokens: train 0 of 12, dev 0 of 6, test 0 of 12" in capsys.readouterr().out


def test_an_unknown_model_names_those_there_are(tmp_path):
    with pytest.raises(ConfigError, match="models: wanted one of m; found 'x'"):
        run(suite(), model="x", data=tmp_path, out=tmp_path / "m.json")
