"""`optuna-dashboard` and `mlflow ui` open on what a run left: the commands of docs/retraining.md, as typed there."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from pipelines import dashboard
from pipelines.tune import TRIALS

pytestmark = pytest.mark.system

SECONDS = 300  # to start on a loaded machine
Run = Callable[..., subprocess.CompletedProcess[str]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetched(address: str, body: dict[str, object] | None = None) -> tuple[int, str]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})  # noqa: S310  this machine's own
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  likewise
        return answer.status, answer.read().decode()


def answers(address: str) -> bool:
    try:
        return fetched(address)[0] == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


@contextmanager
def served(folder: Path, *words: str) -> Iterator[str]:
    """A server of a run's folder on this machine alone; it and whatever it started end with the block."""
    port = free_port()
    command = [str(Path(sys.executable).parent / words[0]), *words[1:], "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    log = folder / "server.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
    address = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + SECONDS
        while not answers(address):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.5)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=60)


def test_optuna_dashboard_shows_the_runs_trials(small: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / TRIALS.path).parent.mkdir(parents=True)
    shutil.copy2(small / TRIALS.path, tmp_path / TRIALS.path)
    for room in ("pipelines", "data", "models", "features"):
        if not (tmp_path / room).is_dir():
            (tmp_path / room).symlink_to(small / room)
    made = run(tmp_path, "pipelines.dashboard")
    assert made.returncode == 0, made.stderr
    with served(tmp_path, "optuna-dashboard", f"sqlite:///{dashboard.DATABASE}") as address:
        status, page = fetched(f"{address}/dashboard")
        assert status == 200
        assert "<html" in page.lower()
        (study,) = json.loads(fetched(f"{address}/api/studies")[1])["study_summaries"]
        assert study["study_name"] == dashboard.STUDY
        told = json.loads(fetched(f"{address}/api/studies/{study['study_id']}?after=0")[1])
    table = pd.read_parquet(small / TRIALS.path)
    assert [trial["values"] for trial in told["trials"]] == [[loss] for loss in table["loss"]]


def test_mlflow_ui_shows_the_run_its_figures_and_the_champion(small: Path) -> None:
    # One worker, where the command as typed starts four: each takes its time to import MLflow.
    words = ("mlflow", "ui", "--workers", "1", "--backend-store-uri", "sqlite:///mlflow.db")
    with served(small, *words) as address:
        status, page = fetched(address)
        assert status == 200
        assert "<html" in page.lower()
        api = f"{address}/api/2.0/mlflow"
        found = json.loads(fetched(f"{api}/experiments/search", {"max_results": 10})[1])["experiments"]
        ours = next(each["experiment_id"] for each in found if each["name"] == "upsell")
        runs = json.loads(fetched(f"{api}/runs/search", {"experiment_ids": [ours]})[1])["runs"]
        metrics = {metric["key"]: metric["value"] for metric in runs[0]["data"]["metrics"]}
        champion = json.loads(fetched(f"{api}/registered-models/alias?name=upsell-propensity&alias=champion")[1])
    (small / "server.log").unlink()
    judged = json.loads((small / "reports/metrics.json").read_text())
    assert metrics["ours.log_loss.value"] == judged["ours"]["log_loss"]["value"]
    assert champion["model_version"]["run_id"] == runs[0]["info"]["run_id"]
