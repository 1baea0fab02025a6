"""Stage: everything that would stop a suite later, found before any job starts."""

from mazo.checks import check_suite
from mazo.config import Suite


def run(suite: Suite) -> None:
    """Check rows and models of a suite that has been read, and say what it holds."""
    check_suite(suite)
    grid = f"{len(suite.models)} model(s) x {len(suite.mixes)} mix(es) x {len(suite.methods)} method(s)"
    print(f"{suite.suite}: {grid} x {len(suite.seeds)} seed(s), tasks {', '.join(suite.tasks)}: all there")
