"""A small simulated company with a leak let in, in each of its forms: the run stops and says which column it is."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner

from data.catalog import Catalog
from data.errors import BadInput
from data.known import known
from features import life, profile, sentiment
from features.build import dictionary
from pipelines import build, check, cli, ingest, label, paths, select, tables, written
from pipelines.params import Params

PROJECT = Path(__file__).parents[2]
N_ACCOUNTS = 150


def use_params(*allowed: str, **sections: Any) -> None:
    params = yaml.safe_load((PROJECT / "params.yaml").read_text())
    leaks = {"n_days": 1, "allowed": list(allowed)}
    Path("params.yaml").write_text(yaml.safe_dump({**params, "leaks": leaks, **sections}))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The company's lake up to the labels, and the report on it."""
    folder = tmp_path_factory.mktemp("company")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for file in ("catalog.yaml", "sources.yaml"):
            shutil.copy(PROJECT / file, folder)
        use_params()
        run = ["simulate", "--accounts", f"{N_ACCOUNTS}", "--months", "24", "--seed", "3", "--out", str(paths.COMPANY)]
        assert CliRunner().invoke(cli.cli, run).exit_code == 0
        for stage in (ingest, select, build, label, check):
            stage.main()
        yield folder


@pytest.fixture
def company(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in which the test runs."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def problems() -> list[str]:
    """What stops the stage: the first of what the report says."""
    with pytest.raises(BadInput) as told:
        check.main()
    report = written.read_json(paths.LEAKS)
    assert not report["is_good"]
    first, rest = report["problems"][: check.N_TOLD], len(report["problems"]) - check.N_TOLD
    more = [f"{rest} more are in the report in reports/leaks.md."] if rest > 1 else []
    assert str(told.value).splitlines() == [*first, *more]
    return first


def alter(name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """A staged table with other contents."""
    file = paths.STAGED / f"{name}.parquet"
    schema = pq.read_schema(file)
    pq.write_table(pa.Table.from_pandas(change(pq.read_table(file).to_pandas()), schema, preserve_index=False), file)


def told_columns(form: str) -> list[str]:
    """The columns that the report tells as leaks of a form."""
    return [leak["column"] for leak in written.read_json(paths.LEAKS)["leaks"] if leak["form"] == form]


def test_nothing_leaks_as_it_is(company: Path) -> None:
    report = written.read_json(paths.LEAKS)
    assert report["is_good"]
    assert report["leaks"] == report["not_rebuilt"] == []
    assert report["rebuilt_days"] == ["2025-05-01"]  # the last of the train block
    params = Params.load()
    named = dictionary(Catalog.load(paths.CATALOG), params.health, params.lifecycle)
    assert set(report["auc"]) == {f.name for f in named if f.is_predictor}
    assert "No leak was found." in paths.LEAKS_MD.read_text()


def test_the_test_block_is_not_looked_at(company: Path) -> None:
    before = paths.LEAKS.read_bytes(), paths.LEAKS_MD.read_bytes()
    outcome = tables.LABELS.read().set_index(["account_id", "as_of"])

    def spoilt(rows: pd.DataFrame) -> pd.DataFrame:
        told = outcome.reindex(pd.MultiIndex.from_frame(rows[["account_id", "as_of"]]))
        is_test = told["block"].eq("test").to_numpy()
        return rows.assign(seats=np.where(is_test, 1e6 * told["is_expansion"].eq(True).to_numpy(), rows["seats"]))

    tables.TRAINING.write(spoilt(tables.TRAINING.read()))
    check.main()
    assert (paths.LEAKS.read_bytes(), paths.LEAKS_MD.read_bytes()) == before


def test_features_that_know_the_outcome_stop_the_run_until_they_are_allowed(
    company: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tables.TRAINING.read().merge(tables.LABELS.read(), on=["account_id", "as_of"], how="left")
    won = rows["is_expansion"].eq(True).to_numpy()
    noise = np.random.default_rng(1).normal(scale=0.2, size=len(rows))
    rows = rows.drop(columns=["is_expansion", "added_mrr", "block"]).assign(
        won=won + noise,
        deal_size=np.where(won & (np.arange(len(rows)) % 2 == 0), 100.0, np.nan),
        closed_on=rows["as_of"] + pd.Timedelta(days=20),
    )
    tables.TRAINING.write(rows)
    power, winners, future = problems()
    assert power.startswith("leak: won alone tells those that expand from the others with an AUC of ")
    advice = "Mend won or leave it out; or, if you know better, allow it in params.yaml: leaks: {allowed: [won]}."
    assert power.endswith(advice)
    assert winners.startswith("leak: deal_size is known for ")
    assert " of the snapshots that expand and 0.0% of the others" in winners
    assert future.startswith("leak: closed_on of ACC-")
    assert written.read_json(paths.LEAKS)["not_rebuilt"] == ["closed_on", "deal_size", "won"]

    use_params("won", "deal_size", "closed_on", "days_since_refusal")
    check.main()
    report = written.read_json(paths.LEAKS)
    assert report["is_good"]
    assert [(leak["column"], leak["is_allowed"]) for leak in report["leaks"]] == [
        ("won", True),
        ("deal_size", True),
        ("closed_on", True),
    ]
    assert "`won` (allowed)" in paths.LEAKS_MD.read_text()
    assert "leaks.allowed names days_since_refusal, no leak" in capsys.readouterr().out


def test_an_allowed_name_that_is_nothing_is_refused(company: Path) -> None:
    use_params("days_since_refusa")
    with pytest.raises(BadInput, match="column days_since_refusa; did you mean days_since_refusal"):
        check.main()


def test_raw_columns_and_tables_that_are_kept_for_winners_only(company: Path) -> None:
    labels = tables.LABELS.read()
    won = labels["is_expansion"].eq(True)
    ever = set(labels.loc[won, "account_id"])  # in the test block, too
    later = labels["as_of"].ge("2025-05-01") & labels["block"].isin(["train", "validation"])
    soon = set(labels.loc[won & later, "account_id"])
    alter("accounts", lambda rows: rows.assign(industry=rows["industry"].where(rows["account_id"].isin(ever), None)))
    alter("touchpoints", lambda rows: rows[rows["account_id"].isin(soon)])
    problems()
    assert told_columns("winners") == ["accounts.industry", "touchpoints.account_id"]
    assert "accounts that ever expand" in paths.LEAKS_MD.read_text()


def test_features_that_read_what_came_later(company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def all_answers(surveys: Any, as_ofs: Any) -> Any:
        rows = surveys.cross_join(as_ofs).mutate(age_days=1, place=0)
        return rows.group_by("account_id", "as_of").aggregate(**{f.name: f.of(rows) for f in sentiment.FEATURES})

    # as `accounts` says today, since nothing says when it changed
    alter("account_changes", lambda rows: rows[rows["field"] != "owner_id"])
    owner = replace(next(f for f in profile.FEATURES if f.name == "region"), of=lambda wide: wide.owner_id)
    monkeypatch.setattr(profile, "FEATURES", [*(f for f in profile.FEATURES if f.name != "region"), owner])
    monkeypatch.setattr(sentiment, "sentiment", all_answers)
    select.main()
    build.main()
    told = problems()
    # what follows from the answers has read the future, too
    assert {"nps_latest", "region", "health_score"} <= set(told_columns("future"))
    assert not {"events_28d", "mrr", "acceptances"} & set(told_columns("future"))
    assert all("by what was known before that day (so of " in one for one in told)


def test_validate_stops_at_a_leak_and_writes_nothing(company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_early(rows: Any, as_ofs: Any) -> Any:
        return known(rows.mutate(known_on=(rows.known_on - ibis.interval(days=90)).cast("date")), as_ofs)

    monkeypatch.setattr(life, "known", too_early)
    before = {path: path.read_bytes() for path in sorted(company.rglob("*")) if path.is_file()}
    told = CliRunner().invoke(cli.cli, ["validate"])
    assert isinstance(told.exception, BadInput)
    assert "leak: days_since_growth_event of ACC-" in str(told.exception)
    assert "The tables keep the contract." in told.output
    assert "Looking for leaks: building the features of 12 snapshots, 2024-09-01 to 2025-10-01" in told.output
    assert "## Later than the snapshot it serves" in told.output
    assert {path: path.read_bytes() for path in sorted(company.rglob("*")) if path.is_file()} == before


def test_validate_goes_on_where_the_history_is_too_short(company: Path) -> None:
    use_params(snapshots={"first_on": "2026-01-01"})
    told = CliRunner().invoke(cli.cli, ["validate"])
    assert told.exit_code == 0, told.output
    assert "Leaks were not looked for, since there is nothing to learn from yet. params.yaml: split:" in told.output
