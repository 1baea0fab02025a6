"""Stage: a finished run's trained model, from its base model and step log alone, as a Hugging Face folder."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from mazo.adapter_settings import Adapter
from mazo.adapters import add_adapter_, merge_lora_, merge_mtl_lora_
from mazo.config import ModelSettings
from mazo.errors import ConfigError
from mazo.files import whole_folder
from mazo.masks import load_mask
from mazo.models import load_model
from mazo.quiet import quiet
from mazo.zeroth_order import read_log, replay_log_
from mazo.zeroth_order.replay import check_weights


def run(
    *, model: str, revision: str | None, device: str, steps: Path, mask: Path | None, task: str | None, out: Path
) -> None:
    """Write ``config.json``, ``model.safetensors`` and the tokenizer, once the weights' checksum was found right.

    LoRA's factors, and of MTL-LoRA's those of one task, are merged into the weights beside which they stand, in the
    weights' own type.

    :param model: The base model: a folder, a hub id, or ``embedded:<name>``; its type is the log's.
    :param steps: The run's ``steps.log``.
    :param task: For MTL-LoRA and nothing else: the task of the run whose model is wanted.
    :param out: A new or an empty folder.

    Raises :class:`mazo.errors.MazoError` for inputs at fault.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"--out: wanted a new or an empty folder; found {out} in use")
    kept, header = None if mask is None else load_mask(mask), read_log(steps).header
    _check_task(task, header)
    dtype = header.get("dtype", "float32")
    try:
        settings = ModelSettings(path=model, revision=revision, dtype=dtype, device=device)
    except ValidationError as error:
        fault = error.errors()[0]
        raise ConfigError(f"{fault['loc'][0]}: {fault['msg']}; found {fault['input']!r}") from None
    network, tokenizer = load_model(settings)
    replay_log_(_trained(network, header, steps=steps), steps, mask=kept)
    if task is not None:
        merge_mtl_lora_(network, task=header["tasks"].index(task))
    elif header.get("adapter"):
        merge_lora_(network)
    with whole_folder(out) as folder, quiet():
        network.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    print(f"{out}: {header['steps']} steps replayed, trained weights with checksum {header['checksum']}")


def _check_task(task: str | None, header: Mapping[str, Any]) -> None:
    is_by_task = (header.get("adapter") or {}).get("kind") == "mtl_lora"
    wanted = f"one of {', '.join(header['tasks'])}, each of which has a model" if is_by_task else "none for this run"
    if (task in header["tasks"]) if is_by_task else task is None:
        return
    raise ConfigError(f"--task: wanted {wanted}; found {task or 'none'}")


def _trained(model: nn.Module, header: Mapping[str, Any], *, steps: Path) -> Iterable[tuple[str, Tensor]]:
    """Return what the run trains: the model's weights, or the factors of the adapter put into it here."""
    if not header.get("adapter"):
        return model.named_parameters()
    check_weights(model.named_parameters(), wanted=header["model"], what=f"{steps}: base model ({header['dtype']})")
    adapter = TypeAdapter(Adapter).validate_python(header["adapter"])
    return add_adapter_(model, adapter, num_tasks=len(header["tasks"]), run_seed=header["run_seed"]).items()
