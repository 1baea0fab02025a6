"""First-order training's state on disk, since no list of numbers can repeat its steps: weights and AdamW's moments."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from mazo.files import appearing_whole

FORMAT = "mazo-checkpoint-1"


def save_checkpoint(
    path: Path, weights: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer, *, step: int, run: str
) -> None:
    """Write the weights, what the optimiser holds of each, and how many steps they have done.

    :param run: What tells this run from any other.
    """
    tensors = {f"{name}/weight": weight.detach() for name, weight in weights.items()}
    for name, weight in weights.items():
        tensors |= {f"{name}/{key}": value for key, value in optimizer.state[weight].items()}
    about = {"format": FORMAT, "step": step, "run": run}
    with appearing_whole(path) as beside:
        contiguous = {key: tensor.cpu().contiguous() for key, tensor in tensors.items()}
        save_file(contiguous, beside, metadata={"mazo": json.dumps(about)})


@torch.no_grad()
def load_checkpoint_(
    path: Path, weights: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer, *, steps: int, run: str
) -> int:
    """Bring weights and optimiser to where a checkpoint of this run left them; return its number of steps.

    :param steps: The most steps that are of use; a checkpoint after more, or none of this run, counts as none: 0.
    """
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("mazo", "{}"))
            if about.get("format") != FORMAT or about["run"] != run or about["step"] > steps:
                return 0
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
    except FileNotFoundError:
        return 0
    except (OSError, SafetensorError) as error:
        print(f"{path}: cannot be read ({error}): training begins anew")
        return 0
    for key, value in tensors.items():
        name, _, part = key.rpartition("/")
        weight = weights[name]
        if part == "weight":
            weight.copy_(value)
        else:
            optimizer.state[weight][part] = _beside(weight, part, value)
    return about["step"]


def _beside(weight: Tensor, part: str, value: Tensor) -> Tensor:
    """Put a moment on its weight's device; AdamW counts steps on the CPU."""
    return value if part == "step" else value.to(weight.device)
