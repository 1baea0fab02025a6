"""Configurations and rows with something wrong: each gives runs that can be planned, or lines that say why not."""

import copy
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mazo.checks import check_suite
from mazo.config import DataSettings
from mazo.configfile import load_suite
from mazo.data import prepare_task
from mazo.errors import MazoError
from mazo.examples import build_examples
from mazo.grid import STAGES, is_masked, is_scored, is_trained, runs, stage_digest
from mazo.mini.rows import generate_rows
from mazo.rows import FIELDS, read_jsonl
from mazo.tasks import load_tasks

REPOSITORY = Path(__file__).resolve().parents[2]
SUITES = [yaml.safe_load((REPOSITORY / "config" / name).read_text()) for name in ("smoke.yaml", "adapters.yaml")]
BASE = SUITES[0] | {"methods": SUITES[0]["methods"] | SUITES[1]["methods"]}
NAMES = st.one_of(
    st.sampled_from(
        ["..", "../x", "a b", "$(touch x)", "a;b", "", "{wildcards}", "a\nb", "seed", "mazo", "kind", "é", "all"]
    ),
    st.text(max_size=8),
)
NUMBERS = st.one_of(st.integers(-(2**70), 2**70), st.floats(), st.sampled_from([0, 1, -1, 0.5, 1e-300, 1e300]))
PLAIN = st.one_of(st.none(), st.booleans(), NUMBERS, NAMES)
VALUES = st.recursive(
    PLAIN, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)), max_leaves=5
)


def places(node: Any, path: tuple = ()) -> Iterator[tuple]:
    """List the path of every value in a configuration."""
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in entries:
        yield (*path, key)
        yield from places(value, (*path, key))


PLACES = list(places(BASE))


@st.composite
def changed(draw: Any) -> Any:
    """A good suite with one to three changes: another value, another name, an entry more, an entry less."""
    content = copy.deepcopy(BASE)
    for _ in range(draw(st.integers(1, 3))):
        *parents, last = draw(st.sampled_from(PLACES))
        node = content
        for key in parents:
            try:
                node = node[key]
            except (KeyError, IndexError, TypeError):
                break
        match draw(st.sampled_from(["value", "swap", "name", "more", "less"])), node:
            case "value", dict() | list() if not isinstance(node, list) or last in range(len(node)):
                node[last] = draw(VALUES)
            case "swap", dict():
                other = BASE
                for key in draw(st.sampled_from(PLACES)):
                    other = other[key]
                node[last] = copy.deepcopy(other)
            case "name", dict() if last in node:
                node[draw(NAMES)] = node.pop(last)
            case "more", dict():
                node[draw(NAMES)] = draw(VALUES)
            case "less", dict() if last in node:
                del node[last]
    return content


def plan(file: Path) -> str:
    """Read a suite and list what its runs would do, or say in lines of their own what is wrong with it."""
    try:
        suite = load_suite(file)
        check_suite(suite)
    except MazoError as error:
        lines = str(error).split("\n")
        wrong = [line for line in lines if not line.startswith((f"{file}: ", "models.", "data."))]
        assert lines and not wrong, f"a message of several lines: {wrong}"
        return "refused"
    for run in runs(suite):
        used = {"score": is_scored(run), "mask": is_masked(run), "train": is_trained(run)}
        assert all(stage_digest(run, stage) for stage in STAGES if used.get(stage, True))
    return "planned"


def fuzz_configurations(folder: Path, *, count: int) -> Counter:
    """Try so many changed suites, a third of them with damage in the text itself; return how many ended how."""
    told: Counter = Counter()
    file = folder / "suite.yaml"
    choices = {"max_examples": count, "deadline": None, "database": None, "derandomize": True}

    @settings(**choices, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(changed(), st.sampled_from(["", "", "cut", "bytes", "deep"]), st.data())
    def try_one(content: Any, damage: str, data: Any) -> None:
        text = yaml.safe_dump(content, allow_unicode=True).encode("utf-8", "surrogatepass")
        place = data.draw(st.integers(0, len(text)))
        match damage:
            case "cut":
                text = text[:place]
            case "bytes":
                text = text[:place] + data.draw(st.binary(min_size=1, max_size=6)) + text[place:]
            case "deep":
                text += b"\ndeep: " + b"[" * 2000
        file.write_bytes(text)
        told[plan(file)] += 1

    try_one()
    return told


@st.composite
def malformed(draw: Any, good: dict[str, list[dict]]) -> tuple[str, bytes]:
    """A task and a line that was one of its rows, before something happened to it."""
    task = draw(st.sampled_from(sorted(good)))
    row = dict(draw(st.sampled_from(good[task])))
    field = draw(st.sampled_from(FIELDS[task]))
    match draw(st.sampled_from(["less", "value", "text", "cut", "bytes", "other", "deep"])):
        case "less":
            del row[field]
        case "value":
            row[field] = draw(VALUES)
        case "text":
            row[field] = draw(st.text(max_size=30))
        case "cut":
            text = json.dumps(row).encode()
            return task, text[: draw(st.integers(1, len(text) - 1))]
        case "bytes":
            text = json.dumps(row).encode()
            place = draw(st.integers(0, len(text)))
            return task, text[:place] + draw(st.binary(min_size=1, max_size=4)) + text[place:]
        case "other":
            return task, json.dumps(draw(VALUES)).encode()
        case "deep":
            return task, b"[" * 100_000
    return task, json.dumps(row).encode()


def fuzz_rows(folder: Path, *, count: int) -> Counter:
    """Try so many malformed rows; those that are taken must also make prompts. Return how many ended how."""
    good = {task: generate_rows(task, split="train", count=8, seed=0) for task in FIELDS}
    taken: dict[str, list[dict]] = {task: [] for task in good}
    told: Counter = Counter()
    file = folder / "rows.jsonl"
    choices = {"max_examples": count, "deadline": None, "database": None, "derandomize": True}

    @settings(**choices, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(malformed(good))
    def try_one(case: tuple[str, bytes]) -> None:
        task, line = case
        file.write_bytes(json.dumps(good[task][0]).encode() + b"\n" + line + b"\n")
        try:
            taken[task] += read_jsonl(file, task=task)
            told["taken"] += 1
        except MazoError as error:
            assert str(error).startswith(str(file)) and "\n" not in str(error), str(error)
            told["refused"] += 1

    try_one()
    for task, rows in taken.items():
        if rows:
            test = generate_rows(task, split="test", count=8, seed=1)
            for split, own in (("train", [*rows, *good[task]]), ("validation", test)):
                place = folder / "rows" / task / f"{split}.jsonl"
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text("".join(json.dumps(row) + "\n" for row in own))
            size = len(rows) + len(good[task])
            source = DataSettings(source="folder", data_dir=str(folder / "rows"), train=size, dev=2, test=size)
            prepare_task(task, source, out=folder / "data")
            loaded = load_tasks([task], folder / "data")[task]
            assert build_examples(loaded, task, split="train")
    return told


def main() -> None:
    """Try 2,000 configurations and 500 rows, or as many as the command line says."""
    configurations, rows = (int(text) for text in (sys.argv[1:] + ["2000", "500"][len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory() as folder:
        print(f"{configurations} configurations: {dict(fuzz_configurations(Path(folder), count=configurations))}")
        print(f"{rows} rows: {dict(fuzz_rows(Path(folder), count=rows))}")


if __name__ == "__main__":
    main()
