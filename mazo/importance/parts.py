"""What a scoring has done so far: in memory, or in files from which a killed one goes on."""

import shutil
from pathlib import Path
from typing import Protocol, runtime_checkable
from urllib.parse import quote

from safetensors.torch import load_file, save
from torch import Tensor

from mazo.files import write_bytes


@runtime_checkable
class Parts(Protocol):
    """Finished tensors by name; a plain ``dict`` is one."""

    def __contains__(self, name: object, /) -> bool: ...

    def __getitem__(self, name: str, /) -> Tensor: ...

    def __setitem__(self, name: str, tensor: Tensor, /) -> None: ...


class PartFiles:
    """Finished tensors, each in a file of its own that appears whole.

    :param folder: Holds the files of one scoring; those of any other are removed.
    :param key: Digest of all that decides the tensors: settings, model, examples, code.
    """

    def __init__(self, folder: Path, *, key: str) -> None:
        self._root, self._folder = folder, folder / key
        for other in folder.glob("*"):
            if other.name != key:
                shutil.rmtree(other)

    def __contains__(self, name: object) -> bool:
        return self._file(str(name)).exists()

    def __getitem__(self, name: str) -> Tensor:
        return load_file(self._file(name))["tensor"]

    def __setitem__(self, name: str, tensor: Tensor) -> None:
        write_bytes(self._file(name), save({"tensor": tensor.contiguous()}))

    def remove(self) -> None:
        """Remove the files, once what they were kept for is written."""
        shutil.rmtree(self._root, ignore_errors=True)

    def _file(self, name: str) -> Path:
        return self._folder / f"{quote(name, safe='')}.safetensors"
