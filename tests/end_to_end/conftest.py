"""A small simulated company, from raw tables to the list, by the real `dvc repro`."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from pipelines import company

PROJECT = Path(__file__).parents[2]
SMALL = {
    "run": {"company": "Small"},
    "simulate": {"accounts": 220},
    "leaks": {"n_days": 1},
    "forecast": {"every_weeks": 8},
    "tune": {"n_trials": 2, "max_rounds": 60},
    "train": {"n_folds": 2},
    "evaluate": {"n_bootstrap": 60, "capacity": 20},
}
Run = Callable[..., subprocess.CompletedProcess[str]]


def prepared(folder: Path) -> Path:
    """A workspace of the small company in which nothing has run yet."""
    folder.mkdir()
    (folder / "params.yaml").write_text(yaml.safe_dump(SMALL))
    return company.prepare(PROJECT, folder, None)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace of a small company after its first `dvc repro`."""
    workspace = prepared(tmp_path_factory.mktemp("one") / "small")
    assert company.reproduce(workspace) == 0
    return workspace


@pytest.fixture(scope="session")
def run() -> Run:
    """Run a command of the project in a workspace, as a user would."""

    def call(workspace: Path, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(workspace)}
        return subprocess.run(
            [sys.executable, "-m", *words], cwd=workspace, env=environment, capture_output=True, text=True, check=False
        )

    return call
