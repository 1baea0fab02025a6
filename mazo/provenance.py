"""Where a cell of the main table comes from: its records, settings, code, model, masks and rows."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from mazo.config import ModelSettings, Run, Suite
from mazo.errors import ConfigError, DataError
from mazo.files import sha256
from mazo.grid import Row, is_trained, rows, run_folder, runs
from mazo.outcomes import merge_records
from mazo.pack import PACK
from mazo.reading import read_json
from mazo.records import read_record, read_training
from mazo.tables.main import Cell, summarize
from mazo.verify import read_table


def explain_cell(suite: Suite, results: Path, *, cell: str, records: Path) -> str:
    """Tell, a line a fact, what a cell of ``tables/main`` was computed from.

    :param results: The suite's folder, or a reference's.
    :param records: The folder that holds ``runs`` and ``data``: the suite's own, or where its pack lies unpacked.
    :param cell: ``method/task``, or ``model/mix/method/task`` where the suite has several models or mixes; the task may
        be ``mean``.

    Raises :class:`mazo.errors.ConfigError` for a cell that the suite does not have, and
    :class:`mazo.errors.DataError` where its records are absent or the table has another number.
    """
    row, task = _find(suite, cell)
    value = _value(row, task, records)
    _check_table(results / "tables" / "main.csv", row, task, value=value)
    lines = [f"{row.model}/{row.mix}/{row.name}/{task}: {value.show()} (percent, {len(row.runs)} seed(s))"]
    lines += [f"  table: {results / 'tables' / 'main.csv'} has the same number", f"  suite: {suite.suite}"]
    place = results if records == results else results / PACK
    for folder in map(run_folder, _runs(row, task)):
        lines += ["", *_record_lines(suite, records, folder, task, place=place / folder)]
    return "\n".join([*lines, "", *_row_lines(records / "data", row.tasks if task == "mean" else [task])])


def _find(suite: Suite, cell: str) -> tuple[Row, str]:
    *place, method, task = cell.split("/") if "/" in cell else ["", ""]
    found = [row for row in rows(suite) if row.name == method and place in ([], [row.model, row.mix])]
    if len(found) != 1 or task not in (*found[0].tasks, "mean"):
        names = ", ".join(f"{row.model}/{row.mix}/{row.name}" for row in rows(suite))
        raise ConfigError(f"cell: wanted method/task or model/mix/method/task, of {names}; found {cell!r}")
    return found[0], task


def _runs(row: Row, task: str) -> list[Run]:
    return [run for seed, group in row.runs.items() for run in (group if task == "mean" else row.runs_for(seed, task))]


def _value(row: Row, task: str, folder: Path) -> Cell:
    records = [
        merge_records(row, seed, {r.method_name: read_record(folder / run_folder(r) / "record.json") for r in group})
        for seed, group in row.runs.items()
    ]
    return summarize([record.mean if task == "mean" else record.metrics[task].score for record in records])


def _check_table(table: Path, row: Row, task: str, *, value: Cell) -> None:
    mean = read_table(table, table="main")["mean"].get((row.model, row.mix, row.name, task))
    found = "no such cell" if mean is None else f"{mean:.4f}"
    if found != f"{value.mean:.4f}":
        raise DataError(
            f"{table}: wanted {value.mean:.4f} for {row.name} on {task}, as the records give; found {found}: "
            "make the tables again"
        )


def _record_lines(suite: Suite, records: Path, name: str, task: str, *, place: Path) -> list[str]:
    folder = records / name
    record = read_record(folder / "record.json")
    run, score = record.run, record.metrics.get(task)
    lines = [
        f"  seed {run.seed}: {place / 'record.json'}, SHA-256 {sha256(folder / 'record.json')}",
        f"    score: {record.mean if score is None else score.score} on {'the mean' if score is None else score.n} "
        f"{'of all tasks' if score is None else 'test rows'}",
        f"    settings: digest {record.settings_digest}, {json.dumps(run.method.model_dump(exclude_defaults=True))}",
        f"    code: mazo {record.version}, digest {record.code_digest}",
        f"    libraries: {', '.join(f'{name} {version}' for name, version in record.libraries.items())}",
    ]
    model = f"    model: {run.model.path}, {run.model.dtype}, {run.model.device}"
    if not is_trained(run):
        return [*lines, f"{model}, weights {record.base_checksum or _trained_from(run.model, suite, records)}"]
    training = read_training(folder / "train.json")
    mask = "none" if record.mask is None else f"rule {record.mask['rule']}, hash {record.mask['hash']}"
    return [
        *lines,
        f"{model}, weights {training['base_checksum']}",
        f"    mask: {mask}",
        f"    trained weights: {training['checksum']}",
    ]


def _trained_from(model: ModelSettings, suite: Suite, records: Path) -> str:
    """Return the checksum of a model that the suite's training runs began from, where a record has none of its own."""
    files = [records / run_folder(run) / "train.json" for run in runs(suite) if is_trained(run) and run.model == model]
    file = next(filter(Path.is_file, files), None)
    return read_training(file)["base_checksum"] if file else "not recorded"


def _row_lines(data: Path, tasks: Sequence[str]) -> list[str]:
    def told(task: str, about: dict) -> list[str]:
        splits = about["splits"].items()
        return [
            f"  rows of {task}: {about['origin']}, seed {about['seed']}",
            *(f"    {name}: {own['rows']} rows, SHA-256 {own['sha256']}" for name, own in splits),
        ]

    unread = "wanted the report of the rows; found none that can be read"
    found = [read_json(data / task / "report.json", unread, shape=partial(told, task)) for task in tasks]
    return [line for lines in found for line in lines]
