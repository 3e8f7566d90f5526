"""`upsell promote` and `upsell rollback` on a real MLflow, in a SQLite file of its own; each test has a model name."""

import contextlib
import dataclasses
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from data.errors import BadInput
from models import promotion
from models.calibrator import Calibrator
from models.propensity import Propensity
from models.settings import Registry
from models.vocabulary import Vocabulary
from pipelines import champions, cli, register, tables, tracking
from pipelines.params import Params
from pipelines.promote import promote
from pipelines.rollback import rollback

DAYS = pd.date_range("2025-01-01", periods=10, freq="MS").as_unit("us")
KNOWS = promotion.learnt(pd.Series(DAYS[:7]), horizon_days=30, min_growth=0.10)


@dataclasses.dataclass(frozen=True)
class Place:
    """A lake, a registry, and a model that knows the one feature; others are made from it by another slope."""

    folder: Path
    model: Propensity

    def of(self, slope: float, **facts: Any) -> Propensity:
        shape = Calibrator("sigmoid", slope=slope, intercept=0.0)
        return dataclasses.replace(self.model, calibrator=shape, facts={**KNOWS, **facts})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Made once: a new database takes seconds."""
    folder = tmp_path_factory.mktemp("place")
    with contextlib.chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        rng = np.random.default_rng(0)
        key = pd.MultiIndex.from_product([[f"A{i:03d}" for i in range(120)], DAYS], names=["account_id", "as_of"])
        rows = key.to_frame(index=False)
        features = rows.assign(seats=rng.normal(size=len(rows)))
        is_expansion = rng.random(len(rows)) < 1 / (1 + np.exp(1.5 - 1.5 * features["seats"]))
        blocks = np.tile(["train"] * 5 + ["gap", "validation", "gap", "test", "unlabelled"], 120)
        labels = rows.assign(is_expansion=is_expansion, added_mrr=np.where(is_expansion, 50.0, 0.0), block=blocks)
        tables.TRAINING.write(features)
        tables.LABELS.write(labels)
        X = features[["seats"]]
        vocabulary = Vocabulary.learn(X)
        data = lgb.Dataset(vocabulary.encode(X), is_expansion.to_numpy(dtype="float64"))
        text = lgb.train(
            {"objective": "binary", "num_leaves": 8, "verbosity": -1, "num_threads": 1}, data, 20
        ).model_to_string()
        yield Place(folder, Propensity((text,), vocabulary, Calibrator("none"), KNOWS))


@pytest.fixture
def registry(place: Place, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.chdir(place.folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    name = request.node.name
    Path("params.yaml").write_text(
        'run: {as_of: "2026-01-01", seed: 7}\n'
        'simulate: {accounts: 0, months: 1, seed: 1, ends_on: "2026-01-01"}\n'
        "ingest: {folder: lake}\n"
        'snapshots: {first_on: "2025-01-01"}\n'
        "label: {horizon_days: 30}\n"
        "evaluate: {n_bootstrap: 60, capacity: 10}\n"
        f"registry: {{model: {name}}}\n"
    )
    return Params.load().registry


def log(registry: Registry, *models: Propensity) -> tracking.Logged:
    """The last of them."""
    found = [
        tracking.log_run(model, registry=registry, parameters={}, metrics={}, inputs={}, files=[], notes={})
        for model in models
    ]
    return found[-1]


@pytest.fixture
def upsell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """The console command: exit code, standard output and error."""

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["upsell", *words])
        code = 0
        try:
            cli.main()
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        return code, *capsys.readouterr()

    return call


def kept(registry: Registry, version: str) -> tuple[Any, Any]:
    """A version as the registry has it, and its run."""
    with tracking.session(registry) as mlflow:
        client = mlflow.MlflowClient()
        found = client.get_model_version(registry.model, version)
        return found, client.get_run(found.run_id)


def files_of(place: Place, registry: Registry, version: str) -> Path:
    """Where a version's artefacts lie."""
    with tracking.session(registry) as mlflow:
        source = mlflow.MlflowClient().get_model_version(registry.model, version).source
        name = mlflow.get_logged_model(source.removeprefix("models:/")).artifact_location
    return Path(name.removeprefix("file://")) / "artifacts"


def test_the_gate_refuses_with_figures_and_someone_may_answer_for_it(
    place: Place, registry: Registry, upsell: Callable[..., tuple[int, str, str]]
) -> None:
    log(registry, place.of(1.0), place.of(-1.0))
    assert upsell("promote", "1") == (
        0,
        f"version 1 of {registry.model} is champion now: promoted: there was no champion\n",
        "",
    )

    code, out, err = upsell("promote")  # the newest
    assert (code, out) == (2, "")
    assert err.startswith(f"version 2 of {registry.model} is refused, the champion stays: log loss ")
    assert "on the same 120 rows of 120 accounts (2025-09-01 to 2025-09-01); too much in log loss" in err
    assert err.count("\n") == 1
    version, run = kept(registry, "2")
    assert version.tags["gate"] == "refused"
    assert version.tags["gate.against_version"] == "1"
    assert version.description == run.data.tags["promotion"]
    assert version.description in err
    assert run.data.metrics["promotion.log_loss.difference_value"] > 0
    with tracking.session(registry) as mlflow:
        told = mlflow.artifacts.load_dict(f"runs:/{version.run_id}/promotion/against_version_1.json")
    assert told["compared"]["log loss"]["is_worse"]
    assert told["compared"]["log loss"]["allowed"] == 0
    assert (told["version"], told["champion_before"], told["is_promoted"]) == ("2", "1", False)
    assert told["rows"]["n_accounts"] == 120

    for words in (["--force"], ["--force", "--because", "  "]):
        code, _, err = upsell("promote", "2", *words)
        assert (code, err.split(":")[0]) == (2, '--force needs --because "…"')
    assert tracking.champion(registry).version == "1"

    code, out, err = upsell("promote", "2", "--force", "--because", "a test of the phones")
    assert (code, err) == (0, "")
    assert "after version 1: overruled by" in out
    event = champions.history(registry)[-1]
    assert (event.version, event.before, event.how, event.by) == ("2", "1", "forced", champions.who())
    assert event.why.startswith("a test of the phones (the gate: the champion stays: log loss ")
    version, _ = kept(registry, "2")
    assert version.tags["gate"] == "overruled"
    assert "a test of the phones" in version.description
    assert upsell("promote", "2")[1] == f"version 2 of {registry.model} already is the champion.\n"
    assert upsell("promote", "7")[::2] == (2, f"the registry has no version 7 of {registry.model}; it has 1, 2.\n")


def test_rollback_goes_back_step_by_step(
    place: Place, registry: Registry, upsell: Callable[..., tuple[int, str, str]]
) -> None:
    assert upsell("rollback")[::2] == (
        2,
        f"the registry has no champion of {registry.model} yet, so there is nothing to roll back.\n",
    )
    log(registry, place.of(0.5), place.of(0.8), place.of(1.0))
    for version in ("1", "2", "3"):
        assert upsell("promote", version)[0] == 0
    assert upsell("rollback")[1] == f"{registry.model}: from version 3 back to version 2.\n"
    assert upsell("rollback", "--because", "calls went wrong")[1].endswith("from version 2 back to version 1.\n")
    code, _, err = upsell("rollback")
    assert (code, err.count("\n")) == (2, 1)
    assert "has no champion before version 1 to return to" in err
    assert tracking.champion(registry).version == "1"
    assert [(e.version, e.how) for e in champions.history(registry)] == [
        ("1", "promoted"), ("2", "promoted"), ("3", "promoted"), ("2", "rolled back"), ("1", "rolled back"),
    ]  # fmt: skip
    assert champions.history(registry)[-1].why == "calls went wrong"

    # What was rolled back from does not come back by itself: from 3 the way leads to 1, which it replaced.
    assert upsell("promote", "3")[0] == 0
    assert upsell("rollback")[1].endswith("from version 3 back to version 1.\n")
    with tracking.session(registry) as mlflow:  # moved by hand, without a tag
        mlflow.MlflowClient().set_registered_model_alias(registry.model, "champion", "2")
    assert upsell("rollback")[1].endswith("from version 2 back to version 1.\n")


def test_broken_files_are_told_and_never_promoted(
    place: Place, registry: Registry, upsell: Callable[..., tuple[int, str, str]]
) -> None:
    better = place.of(1.0)
    log(registry, place.of(0.5), better)
    upsell("promote", "1")
    booster = files_of(place, registry, "1") / "booster_0.txt"
    whole = booster.read_text()
    booster.write_text(whole.replace("leaf_value=", "leaf_value=9", 1))
    code, _, err = upsell("promote", "2")
    assert (code, err.count("\n")) == (2, 1)
    assert f"booster_0.txt of {registry.model} version 1 is not what was registered" in err
    test = register.labelled.read().block("test")
    before, decision = register.compared(better, test, Params.load())
    assert (before, decision.is_promoted) == ("1", False)
    assert decision.reason.startswith("not compared, the champion stays: booster_0.txt of ")

    assert upsell("promote", "2", "--force", "--because", "version 1 is broken")[0] == 0
    code, _, err = upsell("rollback")
    assert code == 2
    assert "booster_0.txt" in err
    assert upsell("promote", "1", "--force", "--because", "I insist")[0] == 2
    booster.unlink()
    assert "booster_0.txt of" in upsell("rollback")[2]
    assert "is missing" in upsell("rollback")[2]
    shutil.rmtree(booster.parents[1])
    code, _, err = upsell("rollback")
    assert (code, err.count("\n")) == (2, 1)
    assert f"the files of {registry.model} version 1 cannot be read" in err
    assert tracking.champion(registry).version == "2"


def test_back_only_to_what_can_score(place: Place, registry: Registry) -> None:
    renamed = dataclasses.replace(
        place.of(1.0), vocabulary=Vocabulary.learn(pd.DataFrame({"seats_then": [1.0, 2.0, 3.0]}))
    )
    log(registry, renamed, place.of(1.0))
    promote("1", force=True, because="the first")
    assert "cannot score these rows: the features lack seats_then" in promote("2")
    tables.CURRENT.write(pd.DataFrame({"account_id": ["A"], "as_of": [DAYS[0]], "seats": [1.0]}))
    try:
        with pytest.raises(BadInput, match=r"version 1 of .* cannot score today's accounts: .* lacks seats_then"):
            rollback()
    finally:
        tables.CURRENT.path.unlink()
    with pytest.raises(BadInput, match="the features lack seats_then"):
        promote("1")


def test_labels_are_needed_but_by_those_who_answer_for_it(place: Place, registry: Registry) -> None:
    log(registry, place.of(0.5), place.of(1.0))
    promote("1")
    aside = tables.LABELS.path.rename("labels.aside")
    try:
        with pytest.raises(BadInput, match=r"labels\.parquet: there is no such file yet"):
            promote("2")
        assert "nothing was compared" in promote("2", force=True, because="the lake is elsewhere")
    finally:
        aside.rename(tables.LABELS.path)


def test_a_database_from_elsewhere_is_told(
    place: Place, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log(registry, place.of(1.0))
    shutil.copy("mlflow.db", tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        BadInput, match=rf"mlflow\.db was made elsewhere: its artefacts are kept as file://{place.folder}"
    ):
        tracking.find_champion(registry)


def test_an_experiment_logs_where_it_was_started(
    place: Place, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In DVC's temporary copy there is another folder, which is deleted at its end."""
    monkeypatch.setenv("DVC_ROOT", str(place.folder))
    monkeypatch.chdir(tmp_path)
    assert tracking.home() == tmp_path
    monkeypatch.setenv("DVC_EXP_NAME", "wise-mole")
    assert log(registry, place.of(1.0)).version == "1"
    assert not list(tmp_path.iterdir())
    monkeypatch.delenv("DVC_EXP_NAME")
    monkeypatch.chdir(place.folder)
    assert tracking.read_version(registry, None).version == "1"


def test_who_without_an_entry_for_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise OSError("No username set in the environment")

    monkeypatch.setattr(champions.getpass, "getuser", nobody)
    assert champions.who() == "unknown"


def test_a_verdict_is_plain_json() -> None:
    decision = promotion.Decision(True, "promoted: there was no champion")
    assert json.loads(json.dumps(decision.to_json()))["compared"] == {}
    assert champions.figures(decision) == {}
