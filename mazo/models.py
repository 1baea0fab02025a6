"""A model and its tokenizer, loaded or checked: shipped in the package, from a local folder, or from the hub."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mazo.config import ModelSettings
from mazo.errors import ModelError
from mazo.hub import hub_reason
from mazo.huge_pages import move_to_huge_pages_
from mazo.machine import is_out_of_memory
from mazo.model_files import check_files, first_line, model_folder, weights_without_numbers
from mazo.quiet import quiet

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

CONTEXT_KEYS = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")
TOLD = {"output_loading_info": True, "ignore_mismatched_sizes": True}
"""Has transformers tell of weights that the files lack, or have in another shape, and which it made up."""


def load_model(settings: ModelSettings) -> "tuple[PreTrainedModel, PreTrainedTokenizerBase]":
    """Load a causal language model and its tokenizer, in evaluation mode, no weight asking for a gradient.

    Weights are read from safetensors only, and no code that came with them is run.

    :raises ModelError: a folder, file or device that is absent, or a model that transformers cannot load.
    """
    import torch
    from transformers import AutoModelForCausalLM

    _check_device(settings.device)
    tokenizer = load_tokenizer(settings)
    options: dict = {"dtype": getattr(torch, settings.dtype), "use_safetensors": True}
    options |= {"attn_implementation": settings.attention, "device_map": settings.device_map}
    with _reading(settings) as place:
        model, found = AutoModelForCausalLM.from_pretrained(**place, **options, **TOLD)
    _check_complete(found, settings)
    if settings.device_map is None:
        model = model.to(settings.device)
        move_to_huge_pages_(model)
    _check_placed(model, settings)
    _check_vocabulary(model, tokenizer, settings)
    return model.eval().requires_grad_(False), tokenizer


def load_tokenizer(settings: ModelSettings) -> "PreTrainedTokenizerBase":
    """Load a model's tokenizer alone, with a pad token.

    :raises ModelError: files that are absent or cannot be read, or a tokenizer that ends every text with its end token.
    """
    from transformers import AutoTokenizer

    check_files(settings)
    with _reading(settings) as place:
        tokenizer = AutoTokenizer.from_pretrained(**place)
    _set_pad_token(tokenizer)
    ids = tokenizer("a", verbose=False)["input_ids"]
    if len(ids) > 1 and ids[-1] == tokenizer.eos_token_id:
        raise ModelError(f"model {settings.path}: wanted a tokenizer that leaves texts open; found add_eos_token set")
    return tokenizer


def tokenizer_digest(tokenizer: "PreTrainedTokenizerBase") -> str:
    """Return the SHA-256 of how a tokenizer turns text into ids, in hexadecimal."""
    rules = tokenizer.backend_tokenizer.to_str() if tokenizer.is_fast else json.dumps(tokenizer.get_vocab())
    return hashlib.sha256(rules.encode()).hexdigest()


def load_config(settings: ModelSettings) -> "PreTrainedConfig":
    """Load a model's configuration alone: its shape and its context.

    :raises ModelError: files that are absent or cannot be read.
    """
    from transformers import AutoConfig

    check_files(settings)
    with _reading(settings) as place:
        return AutoConfig.from_pretrained(**place)


@contextmanager
def _reading(settings: ModelSettings) -> Iterator[dict]:
    """Turn what goes wrong while a folder or a hub repository is read into one line that says what to do.

    What a file holds can make the libraries raise anything; too little memory is no fault of it.
    """
    folder = model_folder(settings.path)
    try:
        with quiet():
            yield {
                "pretrained_model_name_or_path": str(folder or settings.path),
                "revision": settings.revision,
                "trust_remote_code": False,
            }
    except Exception as error:
        if is_out_of_memory(error):
            raise
        reason = first_line(error) if folder else hub_reason(error, name=settings.path, revision=settings.revision)
        raise ModelError(f"model {settings.path}: wanted a causal language model; {reason}") from error


def check_loading(settings: ModelSettings) -> None:
    """Check that a folder's configuration, tokenizer and weights make a model, by all of them but the weights' numbers.

    A hub id is checked when loaded, and so are quantized weights, which not every machine can hold; the embedded models
    are known to be whole.

    :raises ModelError: as :func:`load_model`.
    """
    folder = model_folder(settings.path)
    if folder is None or settings.path.startswith("embedded:"):
        return
    import torch
    from transformers import AutoModelForCausalLM

    config, tokenizer = load_config(settings), load_tokenizer(settings)
    if getattr(config, "quantization_config", None) is not None:
        return
    with _reading(settings):
        with torch.device("meta"):
            kind = type(AutoModelForCausalLM.from_config(config, trust_remote_code=False))
        shapes = {"config": config, "state_dict": weights_without_numbers(folder), "device_map": "meta"}
        model, found = kind.from_pretrained(None, **shapes, **TOLD)
    _check_complete(found, settings)
    _check_vocabulary(model, tokenizer, settings)


def context_length(model: "PreTrainedModel | PreTrainedConfig") -> int:
    """Return the most tokens a model or one of its configuration takes, or 2**30 where it names no bound."""
    config = getattr(model, "config", model).get_text_config()
    return next((value for key in CONTEXT_KEYS if isinstance(value := getattr(config, key, None), int)), 2**30)


def _check_device(device: str) -> None:
    import torch

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelError(f"device: wanted one that torch has here; found {device!r} ({first_line(error)})") from error


def _check_complete(found: Mapping[str, Iterable], settings: ModelSettings) -> None:
    """Insist that the files have every weight of the model, but for tied ones that they hold by another name.

    Tensors that the model has no place for are left alone: old files keep buffers that are now computed.

    :param found: What transformers says of a load, asked by :data:`TOLD`.
    """
    if missing := sorted(found["missing_keys"]):
        raise ModelError(
            f"model {settings.path}: wanted all weights that config.json describes; found none named {_some(missing)}"
        )
    if other := [f"{name} {tuple(has)} for {tuple(wanted)}" for name, has, wanted in sorted(found["mismatched_keys"])]:
        raise ModelError(
            f"model {settings.path}: wanted weights of the shapes that config.json describes; found {_some(other)}"
        )


def _check_placed(model: "PreTrainedModel", settings: ModelSettings) -> None:
    """Insist that every weight has a device of its own: one kept on disk or lent by the CPU cannot be perturbed."""
    elsewhere = {str(weight.device) for weight in model.parameters()} & {"meta", "disk"}
    if elsewhere:
        raise ModelError(
            f"model {settings.path}: device_map {settings.device_map}: wanted room for all weights on the devices; "
            "found some offloaded to the CPU or to disk"
        )


def _check_vocabulary(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", settings: ModelSettings) -> None:
    """Insist that the model has a row for each of the tokenizer's tokens; ones added beside them may go unused."""
    rows = model.get_input_embeddings().num_embeddings
    if tokenizer.vocab_size > rows:
        raise ModelError(
            f"model {settings.path}: wanted the tokenizer of this model, with at most {rows} tokens; found one with "
            f"{tokenizer.vocab_size}"
        )
    if tokenizer.pad_token_id >= rows:
        tokenizer.pad_token_id = 0


def _set_pad_token(tokenizer: "PreTrainedTokenizerBase") -> None:
    """Name a pad token where there is none; padding is never read, so any token of the vocabulary serves."""
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token or tokenizer.convert_ids_to_tokens(0)


def _some(names: Sequence[str]) -> str:
    return f"{', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}"
