"""`upsell weekly` on the small company: it refuses what would mislead, and a week delivered twice is the same week."""

import io
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from data.catalog import Catalog
from data.errors import BadInput
from delivery.manifest import sha256
from pipelines import seals
from pipelines.cli import cli
from pipelines.company import ROOMS
from pipelines.seals import SEAL
from tests.end_to_end.cards import cards_of

Run = Callable[..., subprocess.CompletedProcess[str]]
SILENT = (
    "the newest use is of 2026-05-31, 8 days before {}: the missing days would read as falling use. "
    "Load newer data, or score an earlier week."
)
MLFLOW = {"mlflow_run_id", "registry_model", "registry_version", "is_champion", "promotion"}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file() and path.name != SEAL}


def whence(workspace: Path) -> dict[str, object]:
    told: dict[str, object] = json.loads((workspace / "reports/weekly/run.json").read_text())
    return told


@pytest.fixture(scope="module")
def copy(small: Path, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the small company with a registry of its own."""
    made = tmp_path_factory.mktemp("weekly") / "copy"
    shutil.copytree(small, made, symlinks=True)
    for database in made.glob("mlflow.db*"):
        database.unlink()
    told = run(made, "pipelines.register")
    assert told.returncode == 0, told.stderr
    return made


@dataclass(frozen=True)
class Weeks:
    workspace: Path
    repro: dict[str, bytes]  # the list that dvc repro had left
    refused: subprocess.CompletedProcess[str]
    after_refusal: dict[str, bytes]
    left_by_refusal: list[Path]
    past: dict[str, bytes]
    first: dict[str, bytes]
    second: dict[str, bytes]


@pytest.fixture(scope="module")
def weeks(copy: Path, run: Run) -> Weeks:
    """A week that cannot be scored, a past one, and the newest one twice, one after the other."""

    def deliver(as_of: str) -> dict[str, bytes]:
        told = run(copy, "pipelines.cli", "weekly", "--as-of", as_of)
        assert told.returncode == 0, told.stderr
        return contents(copy / "reports/weekly")

    repro = contents(copy / "reports/weekly")
    refused = run(copy, "pipelines.cli", "weekly", "--as-of", "2026-06-08")
    after = contents(copy / "reports/weekly")
    left = [*(copy / "data/lake/weekly").glob("*"), *(copy / "ledger").glob("*"), *copy.rglob("*.partial")]
    past = deliver("2026-05-04")
    return Weeks(copy, repro, refused, after, left, past, deliver("2026-06-01"), deliver("2026-06-01"))


def test_a_week_that_the_data_do_not_reach_is_refused(weeks: Weeks) -> None:
    assert weeks.refused.returncode == 2
    assert weeks.refused.stderr.strip() == SILENT.format("--as-of 2026-06-08")
    assert weeks.after_refusal == weeks.repro


def test_a_refused_week_leaves_nothing_behind(weeks: Weeks) -> None:
    assert weeks.left_by_refusal == []


def test_the_stage_refuses_it_too(small: Path, run: Run, tmp_path: Path) -> None:
    copy = tmp_path / "late"
    shutil.copytree(small, copy, symlinks=True, ignore=shutil.ignore_patterns(".dvc", "mlruns", "mlflow.db"))
    params = yaml.safe_load((copy / "params.yaml").read_text())
    for as_of, code in (("2026-06-03", 0), ("2026-06-04", 2), ("2026-06-08", 2)):  # 3 days old passes, 4 does not
        params["run"]["as_of"] = as_of
        (copy / "params.yaml").write_text(yaml.safe_dump(params, allow_unicode=True))
        told = run(copy, "pipelines.select")
        assert told.returncode == code, told.stderr
    assert told.stderr.strip() == SILENT.format("params.yaml: run.as_of 2026-06-08")


def test_a_week_before_all_use_is_refused(copy: Path, run: Run) -> None:
    told = run(copy, "pipelines.cli", "weekly", "--as-of", "2020-01-06")
    assert told.returncode == 2
    assert "--as-of 2020-01-06: no use is known before that day. Load older data, or score a later week." in told.stderr


def test_a_week_delivered_twice_is_the_same_bytes(weeks: Weeks) -> None:
    assert weeks.first == weeks.second
    assert set(weeks.repro) == set(weeks.first)


def test_it_moved_against_the_week_before_both_times(weeks: Weeks) -> None:
    assert weeks.past["ranked_accounts.parquet"] != weeks.second["ranked_accounts.parquet"]
    ranked = pd.read_parquet(weeks.workspace / "reports/weekly/ranked_accounts.parquet")
    before = pd.read_parquet(weeks.workspace / "ledger/2026-05-04/ranked_accounts.parquet").set_index("account_id")
    moved = ranked.dropna(subset=["movement_ranks"])
    assert len(moved) > 100
    assert (moved["account_id"].map(before["rank"]) - moved["rank"] == moved["movement_ranks"]).all()


def test_a_past_and_a_coming_week_are_scored_by_the_champion(weeks: Weeks) -> None:
    past, now, made = (
        pd.read_parquet(io.BytesIO(files["ranked_accounts.parquet"]))
        for files in (weeks.past, weeks.first, weeks.repro)
    )
    assert str(past["as_of"].iloc[0]) == "2026-05-04"
    assert set(past["movement"]) <= {"new", "up", "down", "same"}
    assert now["account_id"].tolist() == made["account_id"].tolist()
    assert set(now["movement"]) == {"new", "up", "down", "same"}
    before = past.set_index("account_id")["rank"]
    moved = now.dropna(subset=["movement_ranks"]).set_index("account_id")
    assert (before.loc[moved.index] - moved["rank"] == moved["movement_ranks"]).all()


def test_a_card_names_the_earlier_lists_on_which_the_account_stood(weeks: Weeks) -> None:
    earlier = pd.read_parquet(io.BytesIO(weeks.past["ranked_accounts.parquet"])).set_index("account_id")
    cards = cards_of(weeks.second["index.html"].decode())
    offers = {offer.id: offer.name.en for offer in Catalog.load(weeks.workspace / "catalog.yaml").offers}
    n = 0
    for account, card in cards.items():
        listed = [(day, text) for day, text in card["past"] if text.startswith("On the list")]
        was = earlier.loc[account] if account in earlier.index else None
        if card["list"] not in ("contact", "nurture") or was is None or was["assignment"] not in ("contact", "nurture"):
            assert listed == []
            continue
        n += 1
        form = "On the list, rank {}: {}" if was["assignment"] == "contact" else "On the list to be helped, rank {}: {}"
        assert listed == [(-28, form.format(was["rank"], offers[was["offer_id"]]))]
    assert n > 10
    assert "On the list" not in str(cards_of(weeks.past["index.html"].decode()))  # a later list is none of its past


def test_the_ledger_keeps_every_week_as_it_was_delivered(weeks: Weeks) -> None:
    ledger = weeks.workspace / "ledger"
    # the list of dvc repro was there first, and gave way to another of its week; the same once more is no entry
    assert [entry.folder.name for entry in seals.entries(ledger)] == ["2026-05-04", "2026-06-01", "2026-06-01.1"]
    assert contents(ledger / "2026-05-04") == weeks.past
    assert contents(ledger / "2026-06-01") == weeks.second
    assert contents(ledger / "2026-06-01.1") == weeks.repro
    assert seals.verify(ledger) == []


@pytest.fixture(scope="module")
def retrained(weeks: Weeks, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a ledger may meet a year later: all of the lake is gone, and so are parameters, catalogue and model."""
    place = tmp_path_factory.mktemp("later") / "copy"
    place.mkdir()
    for name in ("ledger", *ROOMS):
        shutil.copytree(weeks.workspace / name, place / name, ignore=shutil.ignore_patterns("lake", "__pycache__"))
    (place / "data/simulate/later.py").write_text('"""A file of another year."""\n')
    return place


def test_three_weeks_are_made_again_after_everything_else_is_gone(
    retrained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.replay import as_text, replay

    monkeypatch.chdir(retrained)
    for as_of in (date(2026, 5, 4), date(2026, 6, 1)):
        found = replay(as_of)
        assert found.is_identical, as_text(found)
        assert set(found.differences) == {
            "ranked_accounts.parquet", "ranked_accounts.csv", "ranked_accounts.xlsx", "index.html", "reasons.parquet",
            "candidates.parquet", "triggers.parquet", "manifest.json",
        }  # fmt: skip
        assert found.notes[0].startswith("The code is another (")
    # and what dvc repro had left, before it gave way
    shutil.move("ledger/2026-06-01", "aside")
    shutil.copytree("ledger/2026-06-01.1", "ledger/2026-06-01")
    repro = replay(date(2026, 6, 1))
    assert repro.is_identical, as_text(repro)
    shutil.rmtree("ledger/2026-06-01")
    shutil.move("aside", "ledger/2026-06-01")


def test_a_replay_names_what_differs(retrained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines import decide, replay, sealed

    monkeypatch.chdir(retrained)
    account = pd.read_parquet("ledger/2026-06-01/ranked_accounts.parquet")["account_id"].iloc[3]
    same = replay.replay(date(2026, 6, 1), account)
    assert same.is_identical
    assert "ranked_accounts.parquet, 1 rows" in same.differences
    with pytest.raises(BadInput, match="no such account on the list of 2026-06-01"):
        replay.replay(date(2026, 6, 1), "nobody")

    def other(*given: Any, **named: Any) -> Any:  # a decision by other code
        offered, decisions, worth = decide.decided(*given, **named)
        return offered, decisions.assign(expected_arr=decisions["expected_arr"] + 1), worth

    monkeypatch.setattr(sealed, "decided", other)
    found = replay.replay(date(2026, 6, 1))
    assert not found.is_identical
    assert ", expected_arr: " in str(found.differences["ranked_accounts.parquet"])
    assert str(found.differences["ranked_accounts.csv"]).startswith("line 2: ")
    assert found.differences["reasons.parquet"] is None
    told = CliRunner().invoke(cli, ["replay", "--as-of", "2026-06-01"])
    assert told.exit_code == 2
    assert "NOT identical" in told.output


def test_a_replay_of_altered_inputs_is_refused(
    retrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.replay import replay

    shutil.copytree(retrained / "ledger", tmp_path / "ledger")
    monkeypatch.chdir(tmp_path)
    params = Path("ledger/2026-05-04/sealed/params.yaml")
    params.write_text(params.read_text() + "# x\n")
    with pytest.raises(BadInput, match=r"sealed/params.yaml is not as it was sealed"):
        replay(date(2026, 5, 4))
    with pytest.raises(BadInput, match="the weeks there are: 2026-05-04, 2026-06-01"):
        replay(date(2026, 5, 11))


def test_the_list_of_dvc_repro_is_kept_too(weeks: Weeks, small: Path, run: Run, tmp_path: Path) -> None:
    # what the first delivery of a past week found: a newer list, which is kept and is not what it compares with
    past = pd.read_parquet(weeks.workspace / "ledger/2026-05-04/ranked_accounts.parquet")
    assert set(past["movement"]) == {"new"}
    for name in ("pipelines", "data", "delivery", "features", "models", "decisions"):
        (tmp_path / name).symlink_to(weeks.workspace / name)
    shutil.copytree(small / "reports", tmp_path / "reports")
    script = "from pipelines import ledger; ledger.keep_found(); ledger.keep_found()"
    (tmp_path / "entered.py").write_text(script)
    assert run(tmp_path, "entered").returncode == 0
    assert contents(tmp_path / "ledger/2026-06-01") == contents(tmp_path / "reports/weekly")


def test_run_json_is_about_the_list_beside_it(weeks: Weeks) -> None:
    told = json.loads(weeks.second["run.json"])
    assert told["command"] == "upsell weekly --as-of 2026-06-01"
    assert told["as_of"] == "2026-06-01"
    assert told["manifest_sha256"] == sha256(weeks.second["manifest.json"])
    by_stage = json.loads((weeks.workspace / "reports/reasons.json").read_text())  # of the same list, by the same model
    assert told["reasons"] == {name: by_stage[name] for name in told["reasons"]}
    assert told["reasons"]["sign_agreement"] == 1
    by_repro = json.loads(weeks.repro["run.json"])
    assert by_repro["command"] == "dvc repro"
    assert by_repro["as_of"] == "2026-06-01"
    assert by_repro["manifest_sha256"] == sha256(weeks.repro["manifest.json"])
    assert set(by_repro) >= MLFLOW
    assert by_repro["model_version"] == json.loads(weeks.repro["manifest.json"])["model_version"]


def test_after_weekly_and_a_run_run_json_is_of_the_run(weeks: Weeks, run: Run, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(weeks.workspace, copy, symlinks=True)
    told = run(copy, "dvc", "repro")  # takes the list from DVC's cache, without running the stage
    assert told.returncode == 0, told.stderr
    assert (copy / "reports/weekly/manifest.json").read_bytes() == weeks.repro["manifest.json"]
    assert run(copy, "pipelines.whence").returncode == 0
    assert whence(copy) == json.loads(weeks.repro["run.json"])
    assert run(copy, "pipelines.deliver").returncode == 0
    assert whence(copy) == json.loads(weeks.repro["run.json"])


def test_registering_again_leaves_the_run_json_of_a_weekly_list(weeks: Weeks, run: Run, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(weeks.workspace, copy, symlinks=True)
    for database in copy.glob("mlflow.db*"):
        database.unlink()
    assert run(copy, "pipelines.register").returncode == 0
    assert contents(copy / "reports/weekly") == weeks.second


def test_the_audit_reads_the_tables_that_made_the_list(weeks: Weeks, run: Run, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(weeks.workspace, copy, symlinks=True)
    account = pd.read_parquet(copy / "reports/weekly/ranked_accounts.parquet")["account_id"].iloc[0]
    before = run(copy, "pipelines.cli", "audit", account)
    assert before.returncode == 0, before.stderr

    # a file of the week is no longer what the list was made of, and those of the stage are none of its files
    usage = copy / "data/lake/weekly/2026-06-01/staged/usage/2026-05-25.parquet"
    pd.read_parquet(usage).iloc[:0].to_parquet(usage)
    told = run(copy, "pipelines.cli", "audit", account)
    assert told.returncode == 0, told.stderr
    assert "usage: " in before.stdout
    assert "usage: " not in told.stdout
    assert "the tables that the list of 2026-06-01 was made of are no longer there" in told.stdout


def test_the_audit_of_a_past_week_is_of_what_was_delivered(
    weeks: Weeks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines import asked
    from pipelines.audited import story
    from pipelines.override import override
    from pipelines.what_ifs import what_ifs

    shutil.copytree(weeks.workspace, tmp_path / "copy", symlinks=True)
    monkeypatch.chdir(tmp_path / "copy")
    shutil.rmtree("data/lake/models")  # what is not the list's own model is not asked
    ranked = pd.read_parquet("ledger/2026-05-04/ranked_accounts.parquet").set_index("account_id")
    account = ranked.index[(ranked["stars"] <= 4) & (ranked["assignment"] == "contact")][0]
    override(account, date(2026, 5, 4), who="Aiko", why="Away until June", after={"assignment": "none"})
    told = story(account, date(2026, 5, 4))
    assert told["account"]["propensity"] == ranked.loc[account, "propensity"]
    assert told["raw_rows"]["usage"]["newest"][-1]["used_on"] < "2026-05-04"
    assert [line["why"] for line in told["decided"]] == ["Away until June"]
    assert told["versions"]["delivery"]["number"] == 2
    assert story(account, None)["decided"] == []  # of another week

    # a change is what the model says of the account with that one value, at the level of the list
    known = asked.known(Path("ledger/2026-05-04/sealed"), json.loads(weeks.past["manifest.json"]))
    assert known is not None
    found = what_ifs(ranked.reset_index().head(40), known)
    changes = [(who, change) for who, mine in found.items() for change in mine]
    assert len(changes) > 5
    for who, change in changes[:20]:
        row = known.current[known.current["account_id"] == who]
        assert change["propensity_now"] == pytest.approx(ranked.loc[who, "propensity"], abs=1e-12)
        changed = row.assign(**{change["feature"]: change["value"]})
        assert float(known.model.probability(changed)[0]) == pytest.approx(change["propensity_then"], abs=1e-12)

    told = CliRunner().invoke(cli, ["audit", account, "--as-of", "2026-05-04", "--html", "story.html"])
    assert told.exit_code == 0, told.exception
    assert "Away until June" in Path("story.html").read_text()
    late = CliRunner().invoke(cli, ["audit", account, "--as-of", "2026-05-11"])
    assert str(late.exception).startswith(
        "--as-of 2026-05-11: no list of that day was delivered; the weeks there are: 2026-05-04, 2026-06-01."
    )


def the_source(company: Path, source: Path, *, until: str, week: int) -> None:
    """The company's tables as they would lie there before a day, with what goes wrong in real ones.

    The first week lacks an account whose rows are there, and rows of a day in February; the second has them, and some
    rows twice, some that break a rule and one of the last days corrected in silence; in the third, a day is gone.
    """
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir()
    for file in company.glob("*.parquet"):
        shutil.copy(file, source)
    accounts = pd.read_parquet(company / "accounts.parquet")
    if week == 1:
        young = accounts[accounts["signed_up_on"].astype(str) < "2026-05-01"].sort_values(
            ["signed_up_on", "account_id"]
        )
        accounts = accounts[accounts["account_id"] != young["account_id"].iloc[-1]]
        accounts.to_parquet(source / "accounts.parquet")
    for table, day in (("usage", "used_on"), ("meters", "measured_on")):
        rows = pd.read_parquet(company / f"{table}.parquet")
        on = rows[day].astype(str)
        rows, on = rows[on < until], on[on < until]
        if week == 1:
            rows = rows[on != "2026-02-10"]
        if week == 3:
            rows = rows[on != "2025-11-11"]
        if week >= 2 and table == "usage":
            corrected = (rows[day].astype(str) == "2026-05-12") & (rows["n_events"] > 1)
            assert corrected.sum() > 3
            rows.loc[corrected, "n_events"] += 40
            wrong = rows.iloc[10:14].assign(kind="seen")
            rows = pd.concat([rows, rows.iloc[1000:1050], wrong])
        rows.to_parquet(source / f"{table}.parquet", row_group_size=5000)


def test_a_week_carried_on_is_the_week_read_anew(
    copy: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{copy}/mlflow.db")  # one champion serves both places
    places = {name: tmp_path / name for name in ("carried", "anew")}
    for place in places.values():
        left = ("ledger", "weekly", ".dvc", "mlflow.db*", "mlruns")
        shutil.copytree(copy, place, symlinks=True, ignore=shutil.ignore_patterns(*left))
        params = yaml.safe_load((place / "params.yaml").read_text())
        params["ingest"]["folder"] = "source"
        params["validate"] = {"max_quarantined_rate": 0.5}
        (place / "params.yaml").write_text(yaml.safe_dump(params, allow_unicode=True))
    read = []
    for week, as_of in enumerate(("2026-05-18", "2026-05-25", "2026-06-01"), 1):
        found = {}
        for name, place in places.items():
            the_source(copy / "data/lake/company", place / "source", until=as_of, week=week)
            words = ["weekly", "--as-of", as_of, *(["--rebuild"] if name == "anew" else [])]
            told = run(place, "pipelines.cli", *words)
            assert told.returncode == 0, told.stderr
            found[name] = contents(place / "reports/weekly")
        runs = {name: json.loads(files.pop("run.json")) for name, files in found.items()}
        assert found["carried"] == found["anew"], as_of
        read.append([runs[name]["rollup"]["rows_read"] for name in places])
    assert read[0][0] == read[0][1]
    assert all(carried < anew / 3 for carried, anew in read[1:]), read
