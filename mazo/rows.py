"""What a row of each task must hold, and JSONL files of such rows."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from mazo.errors import DataError
from mazo.files import sha256, write_text
from mazo.reading import read_json

FIELDS: dict[str, tuple[str, ...]] = {
    "sst2": ("sentence", "label"),
    "boolq": ("passage", "question", "label"),
    "rte": ("premise", "hypothesis", "label"),
    "wsc": ("text", "span1_text", "span2_text", "label"),
    "wic": ("word", "sentence1", "sentence2", "label"),
    "multirc": ("paragraph", "question", "answer", "label"),
    "copa": ("premise", "choice1", "choice2", "question", "label"),
    "squad": ("title", "context", "question", "answers"),
}
"""The official fields a row is made of; others are dropped."""
AGAIN = "remove the folder, and prepare the rows again"
ANSWER_FIELDS = ("label", "answers")


def check_row(task: str, row: object, *, place: str) -> dict:
    """Return a row's official fields alone.

    :param place: File and line, or data set and number, for the message.
    :raises DataError: a field that is absent or of another type, naming place, field, wanted and found.
    """
    if not isinstance(row, dict):
        raise DataError(f"{place}: wanted an object with {', '.join(FIELDS[task])}; found {_shown(row)}")
    for field in FIELDS[task]:
        if field not in row:
            found = ", ".join(key if key.isprintable() else repr(key) for key in map(str, row))
            raise DataError(f"{place}: wanted field {field!r}; found {found or 'no field'}")
        wanted = _fault(task, field, row[field])
        if wanted:
            raise DataError(f"{place}: {field}: wanted {wanted}; found {_shown(row[field])}")
    return {field: row[field] for field in FIELDS[task]}


def _fault(task: str, field: str, value: object) -> str | None:
    """Say what was wanted of a value, or None if it is that."""
    if field == "label":
        return None if type(value) is int and value in (0, 1) else "0 or 1"
    if field == "answers":
        texts = value.get("text") if isinstance(value, dict) else None
        is_right = isinstance(texts, list) and texts and all(isinstance(text, str) and text.strip() for text in texts)
        return None if is_right else "an object whose text is a list of at least one answer"
    if not isinstance(value, str) or not value.strip():
        return "text"
    if (task, field) == ("copa", "question") and value not in ("cause", "effect"):
        return "cause or effect"
    return None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def content_key(row: dict) -> str:
    """Return what a row asks, without its answer: rows with equal keys are duplicates."""
    return json.dumps({field: value for field, value in row.items() if field not in ANSWER_FIELDS}, sort_keys=True)


def read_jsonl(file: Path, *, task: str) -> list[dict]:
    """Read and check a JSONL file of a task's rows.

    :raises DataError: a file that cannot be read, or a row that is not the task's, with its line.
    """
    try:
        # Not splitlines(): a row's text may hold a line separator that JSON leaves as it is.
        lines = file.read_text(encoding="utf-8").split("\n") if file.is_file() else None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: wanted rows of {task} in JSONL; found {error}") from error
    if lines is None:
        raise DataError(f"{file}: wanted rows of {task} in JSONL; found no such file")
    places = [(f"{file}:{number}", line) for number, line in enumerate(lines, start=1) if line.strip()]
    rows = [check_row(task, _parse(line, place), place=place) for place, line in places]
    if not rows:
        raise DataError(f"{file}: wanted at least one row of {task}; found an empty file")
    return rows


def read_split(folder: Path, task: str, *, split: str) -> list[dict]:
    """Read a split as it was prepared.

    :param folder: The task's, with ``report.json`` where ``mazo prepare`` wrote it.
    :raises DataError: rows that cannot be read or are not the task's, or whose hash is not the report's.
    """
    rows = read_jsonl(folder / f"{split}.jsonl", task=task)
    report = folder / "report.json"
    told = f"wanted the report of the rows beside it; found none that can be read: {AGAIN}"
    wanted = read_json(report, told, shape=lambda a: a["splits"][split]["sha256"]) if report.exists() else None
    if wanted not in (None, found := sha256(folder / f"{split}.jsonl")):
        raise DataError(
            f"{folder / f'{split}.jsonl'}: wanted the rows as prepared, hash {wanted}; found {found}: {AGAIN}"
        )
    return rows


def _parse(line: str, place: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{place}: wanted a JSON object; found {_shown(line)} ({error})") from error


def write_jsonl(file: Path, rows: Iterable[dict]) -> None:
    """Write rows whole, one a line, fields in their order."""
    write_text(file, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def without_duplicates(rows: Sequence[dict], *, of: Iterable[dict] = ()) -> list[dict]:
    """Keep the first row of each content, and none whose content is among other rows'."""
    seen = {content_key(row) for row in of}
    kept = []
    for row in rows:
        if (key := content_key(row)) not in seen:
            seen.add(key)
            kept.append(row)
    return kept
