import json
import os
import random
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from toy import toy_model, toy_tokenizer
from transformers import BloomConfig, GPT2Config, MixtralConfig

from mazo import huge_pages
from mazo.config import ModelSettings
from mazo.errors import ModelError
from mazo.model_files import check_files, model_files
from mazo.models import (
    check_loading,
    context_length,
    load_config,
    load_model,
    load_tokenizer,
)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "toy"
    toy_model(context=77).save_pretrained(folder)
    toy_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "toy")


def test_a_model_is_loaded_ready_to_be_read_and_not_to_be_differentiated(saved):
    model, tokenizer = load_model(ModelSettings(path=str(saved)))
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert tokenizer("a")["input_ids"] == [1, 100]
    assert context_length(model) == 77


def test_the_weights_are_those_saved(saved):
    model, _ = load_model(ModelSettings(path=str(saved)))
    for (name, loaded), original in zip(model.named_parameters(), toy_model(context=77).parameters(), strict=True):
        assert torch.equal(loaded, original), name


def test_a_models_weights_lie_in_one_stretch_of_memory(saved, monkeypatch):
    if huge_pages._huge_page() is None:
        pytest.skip("this system gives no huge pages")
    monkeypatch.setattr(huge_pages, "_huge_page", lambda: 4096)
    weights = list(load_model(ModelSettings(path=str(saved)))[0].parameters())
    begins = [weight.data_ptr() for weight in weights]
    assert begins == sorted(begins) and begins[0] % 4096 == 0
    ends = [begin + weight.nbytes for begin, weight in zip(begins, weights, strict=True)]
    assert all(0 <= begin - end < 64 for begin, end in zip(begins[1:], ends, strict=False))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_model_is_held_in_the_type_asked_for(saved, dtype):
    model, _ = load_model(ModelSettings(path=str(saved), dtype=dtype))
    assert {parameter.dtype for parameter in model.parameters()} == {getattr(torch, dtype)}


def test_loading_says_nothing_and_moves_no_random_generator(saved, capfd):
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    load_model(ModelSettings(path=str(saved)))
    after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    assert before == after
    assert capfd.readouterr() == ("", "")


def test_a_missing_pad_token_is_one_of_the_vocabulary_and_the_embedding_stays(folder):
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({k: v for k, v in config.items() if k != "pad_token"}))
    model, tokenizer = load_model(ModelSettings(path=str(folder)))
    assert tokenizer.pad_token_id == tokenizer.eos_token_id == 2
    assert model.get_input_embeddings().num_embeddings == 320


def test_an_embedded_model_of_another_name_lists_the_known_ones(tmp_path, monkeypatch):
    (tmp_path / "llama").mkdir()
    monkeypatch.setattr("mazo.model_files.EMBEDDED", tmp_path)
    with pytest.raises(ModelError, match="embedded:opt: wanted one of llama; found 'opt'"):
        check_files(ModelSettings(path="embedded:opt"))


def test_an_embedded_model_stands_for_its_folder(saved, monkeypatch):
    monkeypatch.setattr("mazo.model_files.EMBEDDED", saved.parent)
    model, _ = load_model(ModelSettings(path=f"embedded:{saved.name}"))
    assert context_length(model) == 77


@pytest.mark.parametrize("path", ["/nowhere/model", "./nowhere", "a/b/c", "~nobody/x/y", "~nosuchuser/x"])
def test_a_path_to_nothing_is_named(path):
    with pytest.raises(ModelError, match="wanted a folder, a hub id, or embedded:<name>; found nothing there"):
        check_files(ModelSettings(path=path))


def test_a_hub_id_is_left_to_its_turn():
    check_files(ModelSettings(path="meta-llama/Llama-2-7b-hf", revision="abc"))


@pytest.mark.parametrize(
    ("broken", "content", "message"),
    [
        ("config.json", None, r"wanted config\.json; found .*model\.safetensors"),
        ("config.json", b"{", r"config\.json: wanted JSON with model_type"),
        ("config.json", b"{}", r"config\.json: wanted JSON with model_type"),
        ("config.json", b"[" * 100_000, r"config\.json: wanted JSON with model_type"),
        ("model.safetensors", None, r"wanted \*\.safetensors; found config\.json"),
        ("model.safetensors", b"no weights at all", r"model\.safetensors: wanted weights in safetensors"),
        ("tokenizer.json", None, r"wanted a tokenizer \(tokenizer\.json"),
    ],
)
def test_a_file_that_is_absent_or_broken_is_named(folder, broken, content, message):
    (folder / broken).unlink()
    if content is not None:
        (folder / broken).write_bytes(content)
    with pytest.raises(ModelError, match=message):
        check_files(ModelSettings(path=str(folder)))


@pytest.fixture
def shards(folder):
    """The folder's weights in several files, with their index."""
    (folder / "model.safetensors").unlink()
    toy_model(context=77).save_pretrained(folder, max_shard_size="20KB")
    assert len(list(folder.glob("*.safetensors"))) > 1
    return folder


def test_weights_in_several_files_are_those_saved_and_all_of_them_are_the_models(shards):
    model, _ = load_model(ModelSettings(path=str(shards)))
    for (name, loaded), original in zip(model.named_parameters(), toy_model(context=77).parameters(), strict=True):
        assert torch.equal(loaded, original), name
    read = {str(file) for file in shards.iterdir() if file.suffix == ".safetensors" or "index" in file.name}
    assert read <= set(model_files(ModelSettings(path=str(shards))))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", r"wanted JSON with metadata and weight_map"),
        ("[" * 100_000, r"wanted JSON with metadata and weight_map"),
        ('{"weight_map": {}}', r"wanted JSON with metadata and weight_map; found 'metadata'"),
        ('{"metadata": {}, "weight_map": []}', r"wanted JSON with metadata and weight_map"),
        ('{"metadata": {}, "weight_map": {"a": ["b"]}}', r"wanted JSON with metadata and weight_map"),
        ('{"metadata": {}, "weight_map": {"a": "gone.safetensors"}}', r"files beside it; found 'gone\.safetensors'"),
        ('{"metadata": {}, "weight_map": {"a": "config.json"}}', r"files beside it; found 'config\.json'"),
        ('{"metadata": {}, "weight_map": {"a": "./b.safetensors"}}', r"files beside it; found '\./b\.safetensors'"),
        ('{"metadata": {}, "weight_map": {"a": null}}', r"files beside it; found None"),
    ],
)
def test_an_index_that_names_other_than_the_folders_safetensors_is_refused(shards, content, message):
    (shards / "b.safetensors").touch()
    (shards / "model.safetensors.index.json").write_text(content)
    with pytest.raises(ModelError, match=r"model\.safetensors\.index\.json: .*" + message):
        check_files(ModelSettings(path=str(shards)))


def test_a_part_of_the_weights_that_is_broken_is_named(shards):
    part = max(shards.glob("*.safetensors"))
    part.write_bytes(b"no weights")
    with pytest.raises(ModelError, match=rf"{part.name}: wanted weights in safetensors"):
        check_files(ModelSettings(path=str(shards)))


@pytest.mark.parametrize("index", [None, "pytorch_model.bin.index.json"])
def test_safetensors_that_nothing_names_are_no_weights(folder, index):
    (folder / "model.safetensors").rename(folder / "other.safetensors")
    if index is not None:
        (folder / index).write_text('{"metadata": {}, "weight_map": {"a": "pytorch_model.bin"}}')
    with pytest.raises(ModelError, match=r"other\.safetensors.*: neither model\.safetensors nor its index"):
        check_files(ModelSettings(path=str(folder)))


def configure(folder, **changes):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


def change_weights(folder, change):
    file = folder / "model.safetensors"
    save_file(change(load_file(file)), file, metadata={"format": "pt"})


INCOMPLETE = {
    "one less": (
        lambda folder: change_weights(folder, lambda w: {k: v for k, v in w.items() if k != "model.norm.weight"}),
        r"toy: wanted all weights .*; found none named model\.norm\.weight$",
    ),
    "other names": (
        lambda folder: change_weights(folder, lambda w: {f"zzz.{k}": v for k, v in w.items()}),
        r"found none named lm_head\.weight, model\.embed_tokens\.weight, .* and 18 more$",
    ),
    "a layer more": (
        lambda folder: configure(folder, num_hidden_layers=3),
        r"found none named model\.layers\.2\.input_layernorm\.weight, .* and 6 more$",
    ),
    "a head of its own": (lambda folder: configure(folder, tie_word_embeddings=False), r"none named lm_head\.weight$"),
    "another shape": (
        lambda folder: configure(folder, vocab_size=321),
        r"wanted weights of the shapes .*; found model\.embed_tokens\.weight \(320, 16\) for \(321, 16\)$",
    ),
}


@pytest.mark.parametrize("read", [check_loading, load_model])
@pytest.mark.parametrize(("change", "message"), INCOMPLETE.values(), ids=INCOMPLETE)
def test_weights_are_not_made_up_where_the_files_lack_them(folder, read, change, message):
    change(folder)
    with pytest.raises(ModelError, match=message):
        read(ModelSettings(path=str(folder)))


def test_tensors_that_the_model_has_no_place_for_are_left_alone(folder):
    old = {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4)}
    change_weights(folder, lambda weights: weights | old)
    check_loading(ModelSettings(path=str(folder)))
    load_model(ModelSettings(path=str(folder)))


@pytest.mark.parametrize(
    "config",
    [
        GPT2Config(vocab_size=320, n_embd=16, n_layer=1, n_head=2, bos_token_id=1, eos_token_id=2),
        MixtralConfig(
            vocab_size=320,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            num_local_experts=2,
        ),
    ],
    ids=["gpt2", "mixtral"],
)
def test_names_in_files_may_be_others_than_the_models(config, tmp_path):
    toy_model(config=config).save_pretrained(tmp_path)
    toy_tokenizer().save_pretrained(tmp_path)
    prefix = "transformer." if config.model_type == "gpt2" else ""
    change_weights(tmp_path, lambda weights: {k.removeprefix(prefix): v for k, v in weights.items()})
    settings = ModelSettings(path=str(tmp_path))
    check_loading(settings)
    names = {name for name, _ in load_model(settings)[0].named_parameters()}
    assert not names <= set(load_file(tmp_path / "model.safetensors"))


def test_the_weights_numbers_are_not_read_in_the_check(folder):
    file = folder / "model.safetensors"
    whole, length = file.read_bytes(), int.from_bytes(file.read_bytes()[:8], "little")
    file.write_bytes(whole[: 8 + length] + b"\xff" * (len(whole) - 8 - length))
    check_loading(ModelSettings(path=str(folder)))


def test_quantized_weights_are_left_to_the_load(folder):
    configure(folder, quantization_config={"quant_method": "gptq", "bits": 4})
    check_loading(ModelSettings(path=str(folder)))


def test_the_tokenizer_of_a_larger_vocabulary_is_found_in_the_check(folder):
    toy_tokenizer([f" word{i}" for i in range(100)]).save_pretrained(folder)
    with pytest.raises(ModelError, match="wanted the tokenizer of this model, with at most 320 tokens"):
        check_loading(ModelSettings(path=str(folder)))


@pytest.mark.parametrize("path", ["embedded:llama", "meta-llama/Llama-2-7b-hf"])
def test_a_model_shipped_or_on_the_hub_costs_no_import(path):
    program = (
        "import sys; from mazo.models import check_loading; from mazo.config import ModelSettings; "
        f"check_loading(ModelSettings(path={path!r})); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_an_architecture_unknown_to_transformers_is_named(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "no_such"}))
    with pytest.raises(ModelError, match=r"toy: wanted a causal language model; .*no_such"):
        load_model(ModelSettings(path=str(folder)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_size": -5}, r"hidden size \(-5\)"),
        ({"hidden_size": "x"}, r"'hidden_size' expected int, got str \(value: 'x'\)"),
        ({"num_attention_heads": 0}, "zero"),
        ({"num_attention_heads": -2}, "negative dimension"),
        ({"hidden_act": "none_such"}, "none_such"),
        ({"pad_token_id": 1000}, "num_embeddings"),
        ({"dtype": "x"}, "'x'"),
    ],
    ids=str,
)
@pytest.mark.parametrize("read", [check_loading, load_model])
def test_a_configuration_that_no_model_can_have_is_told_in_a_line(folder, read, change, message):
    configure(folder, **change)
    with pytest.raises(ModelError, match=r"toy: wanted a causal language model; .*" + message) as caught:
        read(ModelSettings(path=str(folder)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("file", ["tokenizer_config.json", "tokenizer.json"])
@pytest.mark.parametrize("read", [check_loading, load_model])
def test_a_list_where_a_tokenizers_settings_should_be_is_told_in_a_line(folder, read, file):
    (folder / file).write_text("[]")
    with pytest.raises(ModelError, match=r"toy: wanted a causal language model; ") as caught:
        read(ModelSettings(path=str(folder)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [MemoryError, RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_too_little_memory_is_not_taken_for_a_fault_of_the_model(error, saved, monkeypatch):
    def full(**_):
        raise error

    monkeypatch.setattr("transformers.AutoModelForCausalLM.from_pretrained", full)
    with pytest.raises((MemoryError, RuntimeError)):
        load_model(ModelSettings(path=str(saved)))


def test_a_revision_goes_with_a_hub_id_alone(saved):
    with pytest.raises(ModelError, match="revision goes with a hub id; found 'main' for a folder"):
        check_files(ModelSettings(path=str(saved), revision="main"))


def test_the_tokenizer_and_the_configuration_are_read_without_the_weights(folder):
    settings = ModelSettings(path=str(folder))
    assert load_tokenizer(settings).pad_token_id == 2
    assert context_length(load_config(settings)) == 77


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_attention_is_computed_as_asked_for(saved, attention):
    model, _ = load_model(ModelSettings(path=str(saved), attention=attention))
    assert model.config._attn_implementation == attention


def test_an_attention_that_is_not_installed_is_named(saved):
    with pytest.raises(ModelError, match=r"toy: wanted a causal language model; .*[Ff]lash"):
        load_model(ModelSettings(path=str(saved), attention="flash_attention_2"))


def test_a_model_that_accelerate_places_gives_the_same_logits(saved, monkeypatch):
    monkeypatch.setattr("mazo.models._check_device", lambda device: None)  # where there is no GPU, it takes the CPU
    ids = torch.arange(8)[None] + 3
    spread = ModelSettings(path=str(saved), device="cuda", device_map="auto")
    plain, placed = (load_model(settings)[0] for settings in (ModelSettings(path=str(saved)), spread))
    assert torch.equal(plain(input_ids=ids).logits, placed(input_ids=ids).logits)


def test_weights_without_a_device_of_their_own_are_refused(saved, monkeypatch):
    monkeypatch.setattr("mazo.models._check_device", lambda device: None)
    with torch.device("meta"):
        model = toy_model()
    whole = {"missing_keys": set(), "mismatched_keys": set()}
    monkeypatch.setattr("transformers.AutoModelForCausalLM.from_pretrained", lambda **_: (model, whole))
    with pytest.raises(ModelError, match=r"device_map auto: wanted room .*; found some offloaded"):
        load_model(ModelSettings(path=str(saved), device="cuda", device_map="auto"))


def test_a_tokenizer_that_ends_every_text_is_refused(folder):
    content = json.loads((folder / "tokenizer.json").read_text())
    tail = {"SpecialToken": {"id": "</s>", "type_id": 0}}
    content["post_processor"]["single"].append(tail)
    content["post_processor"]["special_tokens"]["</s>"] = {"id": "</s>", "ids": [2], "tokens": ["</s>"]}
    (folder / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(ModelError, match="wanted a tokenizer that leaves texts open; found add_eos_token set"):
        load_tokenizer(ModelSettings(path=str(folder)))


def test_a_hub_that_is_out_of_reach_says_how_to_go_on(tmp_path):
    program = (
        "from mazo.models import load_model; from mazo.config import ModelSettings; "
        "load_model(ModelSettings(path='meta-llama/Llama-2-7b-hf', revision='abc'))"
    )
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], check=False, env=offline, capture_output=True, text=True)
    assert "run `hf download meta-llama/Llama-2-7b-hf --revision abc`, or name a local folder" in done.stderr


def test_a_device_that_is_not_there_is_named(saved):
    with pytest.raises(ModelError, match="device: wanted one that torch has here; found 'cuda:99'"):
        load_model(ModelSettings(path=str(saved), device="cuda:99"))


def test_a_model_that_names_no_bound_takes_any_length():
    config = BloomConfig(vocab_size=32, hidden_size=8, n_layer=1, n_head=2)
    assert context_length(toy_model(config=config)) == 2**30


def test_checking_a_model_imports_no_torch(saved):
    program = (
        "import sys; from mazo.model_files import check_files; from mazo.config import ModelSettings; "
        f"check_files(ModelSettings(path={str(saved)!r})); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_real_model_tells_stories(shared):
    model, tokenizer = load_model(ModelSettings(path=str(shared / "models" / "stories260K")))
    ids = model.generate(torch.tensor([[1]]), attention_mask=torch.ones(1, 1), max_new_tokens=8, do_sample=False)
    assert tokenizer.decode(ids[0], skip_special_tokens=True).startswith("Once upon a time")
    assert context_length(model) == 512
    assert tokenizer.pad_token == "</s>"
