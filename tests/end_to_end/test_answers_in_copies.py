"""Answers lie outside of git; an experiment in a copy has them where it is asked for, and says so where it has not."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

from pipelines import answered
from pipelines.company import ROOMS
from tests.end_to_end.conftest import PROJECT
from tests.pipelines.test_measure import make

pytestmark = pytest.mark.system

N_ANSWERS = 5  # of people, beside one of the holdout
QUEUE_SECONDS = 600
GIVEN = ("-C", "answers/answers.csv")


def call(folder: Path, *words: str) -> str:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**kept, "PATH": path, "DVC_NO_ANALYTICS": "1"}
    told = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert told.returncode == 0, f"{' '.join(words)}\n{told.stdout[-3000:]}\n{told.stderr[-3000:]}"
    return told.stdout + told.stderr


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository of a company whose lists were answered after its last run; its pipeline ends with `ingest`."""
    folder = tmp_path_factory.mktemp("copies") / "lab"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        make(folder)
    (folder / "answers/answers.csv").rename(folder.parent / "answers.csv")
    shutil.copy(PROJECT / "answers/README.md", folder / "answers")
    for room in ROOMS:
        shutil.copytree(PROJECT / room, folder / room, ignore=shutil.ignore_patterns("lake", "__pycache__"))
    for name in (".gitignore", ".dvcignore", "LICENSE"):
        shutil.copy(PROJECT / name, folder)
    stages = yaml.safe_load((PROJECT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    tells = {"cmd": "python -c 'from pipelines import answered; print(answered.unseen())'", "params": ["run.seed"]}
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"ingest": stages["ingest"], "tell": tells}}))
    call(folder, "git", "init", "-q", "-b", "main")
    call(folder, "git", "config", "user.name", "test")
    call(folder, "git", "config", "user.email", "test@example.org")
    call(folder, "dvc", "init", "-q")
    call(folder, "dvc", "repro")
    call(folder, "git", "add", "-A")
    call(folder, "git", "commit", "-q", "-m", "The company")
    (folder.parent / "answers.csv").rename(folder / "answers/answers.csv")
    assert call(folder, "git", "status", "--porcelain") == ""  # no answer is of git
    return folder


def proposals(folder: Path, experiment: str) -> pd.DataFrame:
    """The staged log as an experiment left it."""
    out = folder.parent / experiment
    call(folder, "dvc", "get", "--rev", experiment, ".", "data/lake/staged/proposals.parquet", "-o", str(out))
    return pd.read_parquet(out)


def test_in_a_copy_that_was_given_them_they_are_learnt_from(laboratory: Path) -> None:
    told = call(laboratory, "dvc", "exp", "run", "--temp", *GIVEN, "-n", "with", "-S", "run.seed=8")
    assert "Running stage 'ingest'" in told  # the copy's answers are others than those of the last run
    assert "not seen" not in told
    log = proposals(laboratory, "with")
    assert log["proposal_id"].str.startswith("LIST-2026-06-01-").sum() == 4  # A1, A2, A3 and the holdout's
    assert call(laboratory, "git", "status", "--porcelain") == ""


def test_a_queued_one_has_those_of_the_day_it_was_queued(laboratory: Path) -> None:
    call(laboratory, "dvc", "exp", "run", "--queue", *GIVEN, "-n", "queued", "-S", "run.seed=10")
    call(laboratory, "dvc", "queue", "start")
    try:
        end = time.monotonic() + QUEUE_SECONDS
        while (status := call(laboratory, "dvc", "queue", "status")) and time.monotonic() < end:
            if "Queued" not in status and "Running" not in status:
                break
            time.sleep(2)
        assert "Success" in status, status
    finally:
        call(laboratory, "dvc", "queue", "stop", "--kill")
    assert proposals(laboratory, "queued")["proposal_id"].str.startswith("LIST-2026-06-01-").sum() == 4


def test_without_them_it_says_so_in_a_sentence(laboratory: Path) -> None:
    told = call(laboratory, "dvc", "exp", "run", "--temp", "-n", "without", "-S", "run.seed=9")
    (sentence,) = [line for line in told.splitlines() if "not seen" in line]
    assert sentence.startswith(f"{N_ANSWERS} answers of ")
    assert sentence.endswith("learns without them; add -C answers/answers.csv")
    assert not proposals(laboratory, "without")["proposal_id"].str.startswith("LIST-").any()


def test_here_nothing_is_missing(laboratory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(laboratory)
    assert answered.unseen() is None
    monkeypatch.setenv("DVC_EXP_NAME", "here")
    monkeypatch.setenv("DVC_ROOT", str(laboratory))
    assert answered.unseen() is None
