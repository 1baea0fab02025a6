"""Short digests of settings and of source code: what makes a stage's output stale.

Snakemake sees changed files and changed shell commands; it does not see that an imported module or a setting inside the
configuration changed. Rules therefore carry these digests as parameters.
"""

import ast
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent


def settings_digest(settings: object) -> str:
    """Return a digest of plain settings (what JSON can hold), the same whatever the order of the keys."""
    return _digest(json.dumps(settings, sort_keys=True, allow_nan=False).encode())


@cache
def code_digest(module: str) -> str:
    """Return a digest of a module's source and of every module of this package that it imports, however deep.

    :param module: Dotted name, for example ``mazo.stages.train``.
    """
    files: set[Path] = set()
    waiting = [module]
    while waiting:
        for file in _sources(waiting.pop()):
            if file not in files:
                files.add(file)
                waiting += _imports(file)
    return _digest_files(files)


@cache
def package_digest() -> str:
    """Return a digest of all the package's source: Python, C and YAML."""
    return _digest_files({file for pattern in ("*.py", "*.c", "*.yaml") for file in PACKAGE.rglob(pattern)})


def _sources(module: str) -> list[Path]:
    """List a module's files; a package with YAML files stands for all of its own, as YAML names functions in them."""
    path = PACKAGE.parent.joinpath(*module.split("."))
    if path.with_suffix(".py").is_file():
        return [file for file in (path.with_suffix(".py"), path.with_suffix(".c")) if file.is_file()]
    if not (path / "__init__.py").is_file():
        return []
    definitions = list(path.glob("*.yaml"))
    return [*definitions, *path.glob("*.py")] if definitions else [path / "__init__.py"]


def _imports(file: Path) -> Iterator[str]:
    if file.suffix != ".py":
        return
    for node in ast.walk(ast.parse(file.read_bytes())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        if isinstance(node, ast.Import):
            yield from (name for name in names if name.startswith("mazo"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mazo"):
            yield str(node.module)
            yield from (f"{node.module}.{name}" for name in names)


def _digest_files(files: set[Path]) -> str:
    named = sorted(
        (file.relative_to(PACKAGE).as_posix(), hashlib.sha256(file.read_bytes()).hexdigest()) for file in files
    )
    return _digest(repr(named).encode())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
