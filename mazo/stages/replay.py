"""Stage: a finished run's trained model, from its base model and step log alone, as a Hugging Face folder."""

from pathlib import Path

from mazo.config import ModelSettings
from mazo.errors import ConfigError
from mazo.files import whole_folder
from mazo.masks import load_mask
from mazo.models import load_model
from mazo.quiet import quiet
from mazo.zeroth_order import read_log, replay_log_


def run(*, model: str, revision: str | None, device: str, steps: Path, mask: Path | None, out: Path) -> None:
    """Write ``config.json``, ``model.safetensors`` and the tokenizer, once the weights' checksum was found right.

    :param model: The base model: a folder, a hub id, or ``embedded:<name>``; its type is the log's.
    :param steps: The run's ``steps.log``.
    :param out: A new or an empty folder.

    Raises :class:`mazo.errors.MazoError` for inputs at fault.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"--out: wanted a new or an empty folder; found {out} in use")
    kept = None if mask is None else load_mask(mask)
    dtype = read_log(steps).header.get("dtype", "float32")
    settings = ModelSettings.model_validate({"path": model, "revision": revision, "dtype": dtype, "device": device})
    network, tokenizer = load_model(settings)
    log = replay_log_(network.named_parameters(), steps, mask=kept)
    with whole_folder(out) as folder, quiet():
        network.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    print(f"{out}: {len(log.coefficients)} steps replayed, weights with checksum {log.header['checksum']}")
