"""Files that appear whole or not at all: written beside their place, then renamed. Paths as users write them."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def expanded(path: str) -> Path:
    """Return a path with the home that ``~`` or ``~user`` stands for; where there is no such user, as it is."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 (pathlib's raises where there is no such user)


@contextmanager
def appearing_whole(path: Path) -> Iterator[Path]:
    """Give a path to write to, which takes the file's place when the block ends well; parent folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield beside
        beside.replace(path)
    finally:
        if beside.is_dir():
            shutil.rmtree(beside)
        beside.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder to fill, as :func:`appearing_whole` gives a file; its place is free or an empty folder."""
    with appearing_whole(path) as beside:
        beside.mkdir()
        yield beside


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file so that no reader ever sees a part of it; parent folders are made."""
    with appearing_whole(path) as beside:
        beside.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole, as UTF-8."""
    write_bytes(path, text.encode())


def write_json(path: Path, content: object) -> None:
    """Write JSON with sorted keys, so that equal content gives equal bytes; NaN and infinity are refused."""
    write_text(path, json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
