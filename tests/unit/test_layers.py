import ast
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
HOUSE = (REPOSITORY / "docs" / "architecture.md").read_text()


def documented_lines() -> dict[str, int]:
    """The line of every module or package in the table of docs/architecture.md."""
    lines = {}
    for number, modules in re.findall(r"^\| (\d+) \| (.+?) \|", HOUSE, flags=re.MULTILINE):
        for name in re.findall(r"`mazo/([\w/]+)(?:\.py)?/?`", modules):
            lines[name.strip("/").split("/")[0]] = int(number)
    return lines


LINES = documented_lines()
MODULES = sorted(file.relative_to(REPOSITORY) for file in (REPOSITORY / "mazo").rglob("*.py"))


def imported(file: Path) -> set[str]:
    """The first-level names of this package that a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse((REPOSITORY / file).read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: a relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    parts = [name.split(".") for name in names if name.startswith("mazo.")]
    return {part[1] for part in parts if part[1] in LINES or (REPOSITORY / "mazo" / f"{part[1]}.py").exists()}


@pytest.mark.parametrize("file", MODULES, ids=str)
def test_a_module_imports_only_from_lines_above_its_own(file):
    if file.name == "__init__.py" and len(file.parts) == 2:
        assert imported(file) == set()
        return
    own = file.with_suffix("").parts[1]
    assert own in LINES, f"docs/architecture.md has no line for mazo/{own}"
    for name in imported(file) - {own}:
        assert name in LINES, f"docs/architecture.md has no line for mazo/{name}"
        assert LINES[name] < LINES[own], f"{file} (line {LINES[own]}) imports mazo.{name} (line {LINES[name]})"


def test_the_table_names_only_modules_that_exist():
    missing = [n for n in LINES if not any((REPOSITORY / "mazo" / p).exists() for p in (f"{n}.py", n))]
    assert missing == []


def test_test_files_have_names_of_their_own():
    """Pytest imports them by name alone."""
    names = sorted(file.name for file in (REPOSITORY / "tests").rglob("test_*.py"))
    assert names == sorted(set(names))
