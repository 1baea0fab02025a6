import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
# What runs on a GPU comes with torch's builds for one.
EXTRAS = [group for name, group in PROJECT["optional-dependencies"].items() if name != "gpu"]
RANGES = [Requirement(text) for group in (PROJECT["dependencies"], *EXTRAS) for text in group]


def locked() -> dict[str, str]:
    lines = (REPOSITORY / "requirements.lock").read_text().splitlines()
    pins = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pins}


def conda(path: str) -> tuple[dict[str, str], str]:
    """The pinned packages of a conda environment, and its Python."""
    entries = yaml.safe_load((REPOSITORY / path).read_text())["dependencies"]
    (pip,) = [entry["pip"] for entry in entries if isinstance(entry, dict)]
    (python,) = [entry for entry in entries if isinstance(entry, str) and entry.startswith("python=")]
    return {canonicalize_name(name): version for name, version in (pin.split("==") for pin in pip)}, python


def test_the_lock_pins_each_package_once_at_a_public_version():
    lines = [line for line in (REPOSITORY / "requirements.lock").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line) for line in lines)
    assert len(locked()) == len(lines)


@pytest.mark.parametrize("wanted", RANGES, ids=str)
def test_the_lock_is_within_the_ranges_of_the_project(wanted):
    version = locked()[canonicalize_name(wanted.name)]
    assert version in wanted.specifier


@pytest.mark.parametrize("path", ["environment.yml", "workflow/envs/mazo.yaml"])
def test_a_conda_environment_holds_what_the_project_asks_for_at_the_locked_versions(path):
    pins, python = conda(path)
    assert set(pins) == {canonicalize_name(wanted.name) for wanted in RANGES}
    assert pins == {name: locked()[name] for name in pins}
    assert python.removeprefix("python=") in PROJECT["requires-python"].removeprefix(">=")
