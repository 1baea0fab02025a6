"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as a workflow's jobs have it; read as torch is imported

import torch

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")  # Triton reads it as it is imported, by whatever test comes first

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the checks that take minutes be asked for."""
    parser.addoption(
        "--all-rows", action="store_true", help="check lm-eval's decisions on all 8 x 1,000 mini test rows"
    )
    parser.addoption("--kills", action="store_true", help="kill the whole workflow at a random moment")


@pytest.fixture
def all_rows(request: pytest.FixtureRequest) -> None:
    """Skip unless the checks on all rows were asked for."""
    if not request.config.getoption("--all-rows"):
        pytest.skip("takes minutes: give --all-rows")


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> None:
    """Skip unless the kills of the whole workflow were asked for."""
    if not request.config.getoption("--kills"):
        pytest.skip("takes minutes: give --kills")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder beside the checkout with real task rows and a real pretrained model, or a skip that says why."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs real rows and a real model in {folder}, which is absent")
    return folder
