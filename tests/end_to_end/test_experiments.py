"""`dvc exp run --temp` and `--queue` of a small company in a git repository: whose code, whose parameters, seen where?

Slow, and it starts DVC's queue worker: part of the system tests.
"""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.system

PROJECT = Path(__file__).parents[2]
# Of the project, beside what a company's workspace holds: what git and DVC need to know here.
SETTINGS = (".gitignore", ".dvcignore", ".dvc/.gitignore", ".dvc/config", ".dvc/plots")
QUEUE_SECONDS = 1200  # half a minute where nothing else runs


@pytest.fixture(scope="module")
def laboratory(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository of its own whose last commit is the small company's first run, champion included."""
    folder = tmp_path_factory.mktemp("laboratory") / "small"
    # A database of MLflow points to where it was made, and a DVC without git is told so in its settings.
    shutil.copytree(small, folder, symlinks=True, ignore=shutil.ignore_patterns("mlflow.db*", "mlruns", "tmp"))
    for name in SETTINGS:
        copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy2
        copy(PROJECT / name, folder / name)
    call(folder, "git", "init", "-q", "-b", "main")
    call(folder, "git", "config", "user.name", "test")
    call(folder, "git", "config", "user.email", "test@example.org")
    call(folder, "python", "-m", "pipelines.register")
    call(folder, "python", "-m", "pipelines.plots_template")
    call(folder, "git", "add", "-A")
    call(folder, "git", "commit", "-q", "-m", "The small company")
    return folder


def call(folder: Path, *words: str) -> str:
    """What a command prints, run as a user would in that folder: nothing says where the project's code is."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MLFLOW_TRACKING_URI")}
    environment = {
        **kept,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DVC_NO_ANALYTICS": "1",
    }
    told = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert told.returncode == 0, f"{' '.join(words)}\n{told.stdout[-3000:]}\n{told.stderr[-3000:]}"
    return told.stdout


def mark(folder: Path, text: str) -> None:
    """Change the code: from now on stage `evaluate` writes this text, and where its own file is, into its report."""
    file = folder / "pipelines/evaluate.py"
    source = file.read_text(encoding="utf-8")
    place = '        "calibrator": model.calibrator.kind,\n'
    assert place in source
    file.write_text(source.replace(place, f'{place}        "marked": "{text}",\n        "code": __file__,\n'))


@pytest.fixture(scope="module")
def in_a_copy(laboratory: Path) -> Path:
    """After `dvc exp run --temp` of changed code and parameters; the change has been taken back."""
    mark(laboratory, "in a copy")
    call(laboratory, "dvc", "exp", "run", "--temp", "-n", "in-a-copy", "-S", "tune.n_trials=3", "-S", "train.n_folds=3",
         "register")  # fmt: skip
    call(laboratory, "git", "checkout", "-q", "--", "pipelines")
    return laboratory


@pytest.fixture(scope="module")
def queued(in_a_copy: Path) -> Iterator[Path]:
    """After a queued experiment has ended, whose code was changed back before it began."""
    mark(in_a_copy, "queued")
    call(in_a_copy, "dvc", "exp", "run", "--queue", "-n", "shorter", "-S", "label.horizon_days=60", "evaluate")
    call(in_a_copy, "git", "checkout", "-q", "--", "pipelines")
    assert "Queued" in call(in_a_copy, "dvc", "queue", "status")
    call(in_a_copy, "dvc", "queue", "start")
    try:
        end = time.monotonic() + QUEUE_SECONDS
        while (status := call(in_a_copy, "dvc", "queue", "status")) and time.monotonic() < end:
            if "Queued" not in status and "Running" not in status:
                break
            time.sleep(2)
        assert "Success" in status, status
        yield in_a_copy
    finally:
        call(in_a_copy, "dvc", "queue", "stop", "--kill")


def shown(folder: Path) -> dict[str, dict[str, str]]:
    """`dvc exp show --csv` by the experiment's name."""
    rows = csv.DictReader(io.StringIO(call(folder, "dvc", "exp", "show", "--csv")))
    return {row["Experiment"] or row["rev"]: row for row in rows}


def of(folder: Path, experiment: str, path: str) -> str:
    """A file of git as an experiment left it."""
    return call(folder, "git", "show", f"{shown(folder)[experiment]['rev']}:{path}")


def test_an_experiment_in_a_copy_runs_its_own_code_and_parameters(in_a_copy: Path) -> None:
    report = json.loads(of(in_a_copy, "in-a-copy", "reports/metrics.json"))
    assert report["marked"] == "in a copy"
    # Neither the project's code, which is installed here, nor that of the folder in which the experiment was started.
    assert Path(report["code"]).is_relative_to(in_a_copy.resolve() / ".dvc/tmp/exps")
    params = yaml.safe_load(of(in_a_copy, "in-a-copy", "params.yaml"))
    assert (params["tune"]["n_trials"], params["train"]["n_folds"]) == (3, 3)


def test_it_leaves_the_folder_as_it_was(in_a_copy: Path) -> None:
    assert call(in_a_copy, "git", "status", "--porcelain") == ""
    assert yaml.safe_load((in_a_copy / "params.yaml").read_text())["tune"]["n_trials"] == 2


def test_it_lands_in_the_same_mlflow_and_takes_nobodys_place(in_a_copy: Path) -> None:
    told = call(in_a_copy, "python", "-c", """
import json
from pipelines import tracking
from pipelines.params import Params
registry = Params.load().registry
with tracking.session(registry) as mlflow:
    client = mlflow.MlflowClient()
    versions = client.search_model_versions(f"name = '{registry.model}'")
    runs = [client.get_run(version.run_id).data for version in versions]
    print(json.dumps({"champion": tracking.champion_version(client, registry),
                      "runs": {v.version: r.tags.get("dvc_experiment") for v, r in zip(versions, runs, strict=True)}}))
""")  # fmt: skip
    assert json.loads(told.splitlines()[-1]) == {"champion": "1", "runs": {"1": None, "2": "in-a-copy"}}


def test_a_queued_experiment_runs_what_was_there_when_it_was_queued(queued: Path) -> None:
    report = json.loads(of(queued, "shorter", "reports/metrics.json"))
    assert report["marked"] == "queued"
    assert Path(report["code"]).is_relative_to(queued.resolve() / ".dvc/tmp/exps")
    params = yaml.safe_load(of(queued, "shorter", "params.yaml"))
    assert (params["label"]["horizon_days"], params["tune"]["n_trials"]) == (60, 2)
    assert call(queued, "git", "status", "--porcelain") == ""


def test_both_stand_in_the_table_of_experiments(queued: Path) -> None:
    rows = shown(queued)
    here = next(row for row in rows.values() if row["rev"] == "main")
    assert {"in-a-copy", "shorter"} <= set(rows)
    assert [row["tune.n_trials"] for row in (here, rows["in-a-copy"], rows["shorter"])] == ["2", "3", "2"]
    assert [row["label.horizon_days"] for row in (here, rows["in-a-copy"], rows["shorter"])] == ["90", "90", "60"]
    losses = {row["log_loss"] for row in (here, rows["in-a-copy"], rows["shorter"])}
    assert len(losses) == 3
    assert all(0 < float(loss) < 1 for loss in losses)


def test_metrics_and_parameters_are_compared_on_one_screen(queued: Path) -> None:
    difference = json.loads(call(queued, "dvc", "metrics", "diff", "--json", "HEAD", "shorter"))
    figures: dict[str, Any] = difference["reports/headline.json"]
    assert figures["rate"]["new"] < figures["rate"]["old"]  # fewer expand within a shorter horizon
    assert figures["log_loss"]["diff"] == pytest.approx(figures["log_loss"]["new"] - figures["log_loss"]["old"])
    words = call(queued, "dvc", "metrics", "diff", "HEAD", "in-a-copy")
    assert "log_loss" in words
    assert max(len(line) for line in words.splitlines()) <= 100
    assert "label.horizon_days  90      60" in call(queued, "dvc", "params", "diff", "HEAD", "shorter")


def test_plots_of_both_are_drawn_and_nobody_is_asked_for_anything(queued: Path) -> None:
    from playwright.sync_api import sync_playwright

    call(queued, "dvc", "plots", "diff", "HEAD", "in-a-copy", "shorter", "-o", "plots_of_three")
    page = queued / "plots_of_three/index.html"
    text = page.read_text(encoding="utf-8")
    assert "in-a-copy" in text
    assert "shorter" in text
    requests, trouble = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        visit = browser.new_context(offline=True).new_page()
        visit.on("request", lambda request: requests.append(request.url))
        visit.on("pageerror", lambda error: trouble.append(str(error)))
        visit.goto(page.as_uri())
        visit.wait_for_selector(".vega-embed canvas, .vega-embed svg")
        n_drawn = visit.locator(".vega-embed canvas, .vega-embed svg.marks").count()
        browser.close()
    shutil.rmtree(page.parent)
    assert n_drawn >= 6  # ROC, precision and recall, calibration, gains, lift by threshold, importance
    assert trouble == []
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []


def test_an_experiment_can_be_taken_over(queued: Path) -> None:
    call(queued, "dvc", "exp", "apply", "in-a-copy")
    assert yaml.safe_load((queued / "params.yaml").read_text())["tune"]["n_trials"] == 3
    assert json.loads((queued / "reports/metrics.json").read_text())["marked"] == "in a copy"
