"""Runs and registry on a real MLflow, in a SQLite file of its own."""

import contextlib
import dataclasses
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from data.errors import BadInput
from models import boosting, promotion, propensity
from models.calibrator import Calibrator
from models.folds import block_fold
from models.propensity import Propensity
from models.settings import Registry, Training, Tuning
from pipelines import champions, drift, evaluate, first_trial, paths, register, tables, tracking, train, tune
from pipelines.labelled import Labelled, join

REGISTRY = Registry()
DAYS = pd.date_range("2025-01-01", periods=10, freq="MS").as_unit("us")


def lake() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features and labels of 120 accounts at ten snapshots, with a signal in seats and plan."""
    rng = np.random.default_rng(0)
    key = pd.DataFrame({"account_id": np.repeat([f"A{i:03d}" for i in range(120)], 10), "as_of": np.tile(DAYS, 120)})
    n = len(key)
    features = key.assign(
        seats=rng.normal(size=n), limit_peak=rng.uniform(0, 1.2, n), plan=rng.choice(["free", "pro"], n), nothing=np.nan
    )
    p = 1 / (1 + np.exp(2.0 - 1.5 * features["seats"] - 1.0 * (features["plan"] == "pro")))
    labels = key.assign(
        is_expansion=pd.Series(rng.random(n) < p, dtype="boolean"),
        added_mrr=0.0,
        block=np.tile(["train"] * 5 + ["gap", "validation", "validation", "test", "unlabelled"], 120),
    )
    labels.loc[labels["block"] == "unlabelled", "is_expansion"] = pd.NA
    return features, labels


def fitted(rows: Labelled, seed: int = 1) -> Propensity:
    return propensity.fit(
        rows.X,
        rows.y,
        block_fold(rows.blocks),
        tuned=boosting.untuned(),
        settings=Training(n_folds=2),
        seed=seed,
        groups=rows.groups,
    )


@pytest.fixture(scope="module")
def rows() -> Labelled:
    return join(*lake())


@pytest.fixture(scope="module")
def model(rows: Labelled) -> Propensity:
    return fitted(rows)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory, model: Propensity) -> Iterator[Path]:
    """A registry with one champion, made once: a new database takes seconds."""
    made = tmp_path_factory.mktemp("logged")
    with contextlib.chdir(made), pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        log(model)
        yield made


def log(model: Propensity) -> tracking.Logged:
    """As champion, too."""
    Path("note.txt").write_text("kept")
    logged = tracking.log_run(
        model,
        registry=REGISTRY,
        parameters={f"section.{i}": i for i in range(150)} | {"long": "x" * 9000},
        metrics={"ours.auc.value": 0.7},
        inputs={"data/lake/labels.parquet": "0" * 64},
        files=[Path("note.txt")],
        notes={"promotion": "as told"},
    )
    champions.crown(REGISTRY, logged.version, how="promoted", why="a test")
    return logged


def test_a_run_keeps_what_went_in_and_came_out(logged: Path, model: Propensity) -> None:
    with tracking.session(REGISTRY) as mlflow:
        (run,) = mlflow.search_runs(experiment_names=[REGISTRY.experiment], output_format="list")
        kept = {item.path for item in mlflow.MlflowClient().list_artifacts(run.info.run_id)}
    assert len(run.data.params) == 151
    assert run.data.metrics == {"ours.auc.value": 0.7}
    assert run.data.tags["model_version"] == model.model_version
    assert run.data.tags["sha256.data/lake/labels.parquet"] == "0" * 64
    assert "note.txt" in kept


def test_the_champion_is_the_model_that_was_logged(logged: Path, model: Propensity, rows: Labelled) -> None:
    champion = tracking.champion(REGISTRY)
    assert champion.version == "1"
    assert champion.model.to_files() == model.to_files()
    np.testing.assert_array_equal(champion.model.contributions(rows.X), model.contributions(rows.X))


def test_nothing_is_pickled_and_anyone_can_load_it(logged: Path, model: Propensity, rows: Labelled) -> None:
    assert not [p for p in logged.rglob("*") if p.suffix in {".pkl", ".pickle", ".joblib"}]
    rows.X.head(50).to_csv(logged / "rows.csv", index=False)
    script = f"""
import warnings, json, sys
warnings.simplefilter("ignore")
import mlflow, pandas as pd
mlflow.set_registry_uri("sqlite:///{logged}/mlflow.db")
mlflow.set_tracking_uri("sqlite:///{logged}/mlflow.db")
served = mlflow.pyfunc.load_model("models:/{REGISTRY.model}@champion")
X = pd.read_csv("rows.csv").astype({{"nothing": "float64"}})
p = served.predict(X).tolist()
import models, data
print(json.dumps([p, models.__file__, data.__file__]))
"""
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, cwd=logged)
    assert done.returncode == 0, done.stderr
    p, *code = json.loads(done.stdout.splitlines()[-1])
    np.testing.assert_allclose(p, model.probability(rows.X.head(50)), rtol=1e-9)
    assert all(str(logged) in path for path in code)  # the code that was logged, not this checkout's


def test_a_changed_artefact_is_not_served(folder: Path, model: Propensity) -> None:
    log(model)
    (booster,) = (folder / "mlruns").rglob("booster_1.txt")
    booster.write_text(booster.read_text().replace("leaf_value=", "leaf_value=9", 1))
    with pytest.raises(BadInput, match=r"booster_1\.txt of upsell-propensity version 1 is not what was registered"):
        tracking.champion(REGISTRY)


def test_without_a_champion_and_without_a_server_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tracking.find_champion(REGISTRY) is None
    with pytest.raises(BadInput, match="no champion of upsell-propensity yet; run `dvc repro`"):
        tracking.champion(REGISTRY)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(BadInput, match=r"MLflow at http://127\.0\.0\.1:9 cannot be used"):
        tracking.find_champion(REGISTRY)


def test_the_champions_parameters_can_be_tried_first(
    folder: Path, capsys: pytest.CaptureFixture[str], rows: Labelled
) -> None:
    shutil.copy(Path(__file__).parents[2] / "params.yaml", "params.yaml")
    with pytest.raises(BadInput, match="has no champion"):
        first_trial.main()
    champion = fitted(rows)
    log(champion)
    capsys.readouterr()
    first_trial.main()
    line = yaml.safe_load(capsys.readouterr().out)
    settings = Tuning.model_validate(line)
    assert settings.first == {name: champion.facts["parameters"][name] for name in settings.first or {}}
    assert settings.first["num_leaves"] == 8


def test_the_stages_leave_a_run_each_time_and_only_a_better_model_takes_over(
    folder: Path, capfd: pytest.CaptureFixture[str], rows: Labelled
) -> None:
    features, labels = lake()
    tables.TRAINING.write(features)
    tables.LABELS.write(labels)
    Path("params.yaml").write_text(
        'run: {as_of: "2026-01-01", seed: 7}\n'
        'simulate: {accounts: 0, months: 1, seed: 1, ends_on: "2026-01-01"}\n'
        "ingest: {folder: lake}\n"
        'snapshots: {first_on: "2025-01-01"}\n'
        "label: {horizon_days: 30}\n"
        "tune: {n_trials: 3, max_rounds: 60}\n"
        "train: {n_folds: 2}\n"
        "evaluate: {n_bootstrap: 50, capacity: 10, rule_feature: limit_peak}\n"
    )
    poor = dataclasses.replace(fitted(rows), calibrator=Calibrator("sigmoid", slope=-1.0, intercept=0.0))
    known = promotion.learnt(pd.Series(DAYS[:8]), horizon_days=30, min_growth=0.10)
    poor = dataclasses.replace(poor, facts={**poor.facts, **known})
    log(poor)
    for stage in (drift, tune, train, evaluate):
        stage.main()
    for path in (paths.BACKTEST, paths.MODEL_CARD):
        path.touch()
    register.main()
    said = capfd.readouterr()
    assert said.err == ""
    assert said.out.splitlines() == [json.loads(Path("reports/metrics.json").read_text())["verdict"]]

    first = json.loads(Path("reports/weekly/run.json").read_text())
    assert (first["registry_version"], first["is_champion"]) == ("2", True)
    assert first["promotion"].startswith("promoted, not worse than the champion: log loss 0.")
    before = Path("data/lake/registered.json").read_bytes()
    register.main()
    again = json.loads(Path("reports/weekly/run.json").read_text())
    assert Path("data/lake/registered.json").read_bytes() == before
    assert (again["registry_version"], again["is_champion"]) == ("2", True)
    assert again["mlflow_run_id"] != first["mlflow_run_id"]

    written_model = folder / "data/lake/models/propensity"
    for name, text in poor.to_files().items():
        (written_model / name).write_text(text)
    register.main()
    last = json.loads(Path("reports/weekly/run.json").read_text())
    assert (last["registry_version"], last["is_champion"]) == ("1", False)
    assert last["promotion"].startswith("the champion stays: log loss ")
    with tracking.session(REGISTRY) as mlflow:
        run = mlflow.get_run(last["mlflow_run_id"])
    assert run.data.metrics["promotion.log_loss.difference_value"] > 0
    assert run.data.params["tune.n_trials"] == "3"
    assert tracking.champion(REGISTRY).version == "2"


def test_an_experiment_takes_nobodys_place(folder: Path, monkeypatch: pytest.MonkeyPatch, model: Propensity) -> None:
    """It is registered and judged, and says how to put it to work."""
    test = join(*lake()).block("test")
    for name, text in model.to_files().items():
        path = folder / "data/lake/models/propensity" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    shutil.copy(Path(__file__).parents[2] / "params.yaml", "params.yaml")
    Path("reports").mkdir()
    Path("reports/metrics.json").write_text('{"verdict": "as told"}')
    reports = (paths.BACKTEST, paths.SLICES, paths.MODEL_CARD)
    for path in (*register.INPUTS, tune.TRIALS.path, train.IMPORTANCE, *reports):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.setattr(register.labelled, "read", lambda: test)
    monkeypatch.setenv("DVC_EXP_NAME", "wise-mole")
    monkeypatch.setenv("DVC_ROOT", str(folder))
    register.main()
    told = json.loads(Path("data/lake/registry_run.json").read_text())
    assert not told["is_champion"]
    assert told["promotion"].startswith(
        "an experiment (wise-mole) takes nobody's place by itself, `upsell promote 1` lets it: promoted: there was no"
    )
    assert tracking.find_champion(REGISTRY) is None
    with tracking.session(REGISTRY) as mlflow:
        assert mlflow.get_run(told["mlflow_run_id"]).data.tags["dvc_experiment"] == "wise-mole"
