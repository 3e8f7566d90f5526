"""From raw tables to the list: what a run leaves behind, and that it leaves the same again."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from delivery import outputs

Run = Callable[..., subprocess.CompletedProcess[str]]
WEEKLY = ("ranked_accounts.parquet", "ranked_accounts.csv", "ranked_accounts.xlsx", "index.html", "reasons.parquet",
          "candidates.parquet", "triggers.parquet", "manifest.json")  # fmt: skip


def hashes(workspace: Path) -> dict[str, str]:
    files = [workspace / "reports" / "weekly" / name for name in WEEKLY]
    files += [workspace / "reports" / "metrics.json", workspace / "dvc.lock"]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_every_file_of_the_contract_is_there_in_its_schema(small: Path) -> None:
    weekly = small / "reports" / "weekly"
    assert {name for name in WEEKLY if not (weekly / name).is_file()} == set()
    for output in outputs.OUTPUTS:
        found = pq.read_table(weekly / f"{output.name}.parquet")
        assert found.schema.equals(output.schema)
        assert found.num_rows > 0


def test_two_places_give_identical_bytes(small: Path, again: Path) -> None:
    assert hashes(small) == hashes(again)


def test_a_second_run_has_nothing_to_do(small: Path, run: Run) -> None:
    before = hashes(small)
    told = run(small, "dvc", "repro")
    assert told.returncode == 0
    assert "Running stage" not in told.stdout
    assert hashes(small) == before


def test_nobody_is_contacted_against_a_gate(small: Path) -> None:
    ranked = pd.read_parquet(small / "reports/weekly/ranked_accounts.parquet")
    current = pd.read_parquet(small / "data/lake/features/current.parquet")
    rows = ranked.merge(current, on="account_id", suffixes=("", "_then"))
    sold = rows[rows["assignment"].isin(["contact", "beyond_capacity", "holdout"])]
    assert len(sold) > 10
    assert sold["has_opted_in"].eq(True).all()
    assert sold["tenure_days"].ge(60).all()
    assert sold["open_serious_tickets"].eq(0).all()
    assert sold["health_band"].ne("red").all()
    assert ~sold["days_since_refusal"].lt(90).any()
    assert ranked.loc[ranked["assignment"] == "none", "blocked_by"].notna().all()
    assert sold["blocked_by"].isna().all()


def test_reasons_add_up_and_speak_of_the_account(small: Path) -> None:
    ranked = pd.read_parquet(small / "reports/weekly/ranked_accounts.parquet").set_index("account_id")
    reasons = pd.read_parquet(small / "reports/weekly/reasons.parquet")
    by_account = reasons.groupby("account_id")["points"].sum()
    assert (by_account - ranked["propensity"]).abs().max() < 1e-9
    spoken = reasons[reasons["feature"] != "(base)"]
    assert spoken[["text_en", "text_ja"]].notna().all().all()
    assert not spoken["text_en"].str.contains("{", regex=False).any()


def test_the_list_is_the_same_where_the_truth_is_not_there(small: Path, run: Run, tmp_path: Path) -> None:
    copy = tmp_path / "blind"
    shutil.copytree(small, copy, symlinks=True)
    shutil.rmtree(copy / "data/lake/company/truth")
    before = hashes(copy)
    stages = ("ingest", "select", "build", "label", "find", "trigger", "tune", "train", "score", "decide", "deliver")
    for stage in stages:
        told = run(copy, f"pipelines.{stage}")
        assert told.returncode == 0, told.stderr
    assert hashes(copy) == before


def test_a_past_and_a_coming_week_are_scored_by_the_champion(small: Path, run: Run, tmp_path: Path) -> None:
    copy = tmp_path / "weeks"
    shutil.copytree(small, copy, symlinks=True)
    for database in copy.glob("mlflow.db*"):
        database.unlink()
    assert run(copy, "pipelines.register").returncode == 0  # the copied database points to where it was made
    past = run(copy, "pipelines.cli", "weekly", "--as-of", "2026-05-04")
    assert past.returncode == 0, past.stderr
    first = pd.read_parquet(copy / "reports/weekly/ranked_accounts.parquet")
    assert str(first["as_of"].iloc[0]) == "2026-05-04"
    assert set(first["movement"]) <= {"new", "up", "down", "same"}
    assert run(copy, "pipelines.cli", "weekly", "--as-of", "2026-06-01").returncode == 0
    ranked = pd.read_parquet(copy / "reports/weekly/ranked_accounts.parquet")
    made = pd.read_parquet(small / "reports/weekly/ranked_accounts.parquet")
    assert ranked["account_id"].tolist() == made["account_id"].tolist()
    assert set(ranked["movement"]) == {"new", "up", "down", "same"}
    before = first.set_index("account_id")["rank"]
    moved = ranked.dropna(subset=["movement_ranks"]).set_index("account_id")
    assert (before.loc[moved.index] - moved["rank"] == moved["movement_ranks"]).all()


def test_audit_tells_one_accounts_story(small: Path, run: Run) -> None:
    account = pd.read_parquet(small / "reports/weekly/ranked_accounts.parquet")["account_id"].iloc[0]
    told = run(small, "pipelines.cli", "audit", account, "--json")
    assert told.returncode == 0, told.stderr
    story = json.loads(told.stdout)
    assert story["propensity"]["adds_up"]
    assert len(story["candidates"]) == 13  # every offer of the catalogue
    assert story["raw_rows"]["usage"]["n_known"] > 0
    assert "adds up" in run(small, "pipelines.cli", "audit", account).stdout
    unknown = run(small, "pipelines.cli", "audit", account.lower())
    assert unknown.returncode == 2
    assert f"did you mean {account}?" in unknown.stderr


def _params(workspace: Path, section: str, key: str, value: object) -> None:
    params = yaml.safe_load((workspace / "params.yaml").read_text())
    params[section][key] = value
    (workspace / "params.yaml").write_text(yaml.safe_dump(params, allow_unicode=True))


def _replace(workspace: Path, file: str, old: str, new: str) -> None:
    text = (workspace / file).read_text(encoding="utf-8")
    assert old in text
    (workspace / file).write_text(text.replace(old, new), encoding="utf-8")


BAD_INPUT: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "unknown key in params.yaml": (
        lambda w: _params(w, "label", "horizn_days", 30),
        "pipelines.label",
        "params.yaml: label.horizn_days is not a known key; did you mean horizon_days?",
    ),
    "unquoted date": (
        lambda w: _replace(w, "params.yaml", "first_on: '2024-09-01'", "first_on: 2024-09-01"),
        "pipelines.select",
        "params.yaml: snapshots.first_on: put the date in quotes",
    ),
    "unknown key in catalog.yaml": (
        lambda w: _replace(w, "catalog.yaml", "currency: EUR", "currency: EUR\ncurency: USD"),
        "pipelines.decide",
        "catalog.yaml: curency is not a known key; did you mean currency?",
    ),
    "unknown key in sources.yaml": (
        lambda w: (w / "sources.yaml").write_text("acounts: {path: a.csv}\n") and None,
        "pipelines.ingest",
        "sources.yaml: acounts is not a known key; did you mean accounts?",
    ),
    "a condition on no feature": (
        lambda w: _replace(w, "catalog.yaml", "when: health_score, at_least: 60", "when: health_scor, at_least: 60"),
        "pipelines.decide",
        "catalog.yaml: offer bundle_growth: suitable: health_scor is no feature; did you mean health_score?",
    ),
    "a plan that the catalogue lacks": (
        lambda w: _replace(w, "catalog.yaml", "  - id: starter\n", "  - id: beginner\n"),
        "pipelines.ingest",
        "starter",
    ),
    "a missing required table": (
        lambda w: (w / "data/lake/company/usage.parquet").unlink(),
        "pipelines.ingest",
        "usage",
    ),
    "an as-of date before the data": (
        lambda w: _params(w, "run", "as_of", "2020-01-06"),
        "pipelines.label",
        "params.yaml: run.as_of is 2020-01-06, before any snapshot could be learnt from",
    ),
    "a value out of range": (
        lambda w: _params(w, "decide", "holdout_share", 1.5),
        "pipelines.decide",
        "params.yaml: decide.holdout_share: input should be less than 1 (it is 1.5); change it.",
    ),
    "no YAML": (
        lambda w: (w / "params.yaml").write_text("run: [") and None,
        "pipelines.tune",
        "params.yaml: this is not YAML at line 1",
    ),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_sentence_and_nothing_half_written(case: str, small: Path, run: Run, tmp_path: Path) -> None:
    spoil, stage, sentence = BAD_INPUT[case]
    copy = tmp_path / "spoilt"
    shutil.copytree(small, copy, symlinks=True, ignore=shutil.ignore_patterns(".dvc", "mlruns", "mlflow.db"))
    spoil(copy)
    before = {path: path.read_bytes() for path in sorted((copy / "data/lake").rglob("*.parquet"))}
    told = run(copy, stage)
    assert told.returncode == 2
    assert sentence in told.stderr
    assert "Traceback" not in told.stderr
    assert len(told.stderr.strip().splitlines()) <= 4
    assert {path: path.read_bytes() for path in sorted((copy / "data/lake").rglob("*.parquet"))} == before
    assert not list(copy.rglob("*.partial"))


def test_a_dry_run_shows_what_a_policy_would_do_and_writes_nothing(small: Path, run: Run) -> None:
    kept = {p: p.stat().st_mtime_ns for p in small.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    same = run(small, "pipelines.cli", "policy", "diff")
    assert (same.returncode, same.stderr) == (0, "")
    assert same.stdout.rstrip().endswith("Nothing would change.")
    stricter = small.parent / "stricter.yaml"
    stricter.write_text("gates: {onboarding_days: 365}\ndecide: {capacity_per_owner: 1}\n")
    found = run(small, "pipelines.cli", "policy", "diff", "--params", str(stricter), "--json")
    assert found.returncode == 0, found.stderr
    told = json.loads(found.stdout)
    assert told["n_contact"]["after"] < told["n_contact"]["before"]
    assert told["gates"]["onboarding"]["after"] > told["gates"]["onboarding"]["before"]
    assert max(count["after"] for owner, count in told["owners"].items() if owner) <= 1
    arr = told["expected_arr"]
    parts = sum(arr[name] for name in ("entering", "leaving", "changing", "revalued"))
    assert abs(parts - arr["change"]) < 0.05
    assert kept == {p: p.stat().st_mtime_ns for p in small.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
