"""From raw tables to the list: what a run leaves behind, and that it leaves the same again."""

import hashlib
import json
import runpy
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from delivery import outputs
from delivery.what_ifs import N_BRIEFLY, said
from delivery.words import RAISES
from tests.end_to_end.cards import cards_of
from tests.end_to_end.conftest import prepared

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


def made(workspace: Path) -> dict[str, bytes]:
    """Every file that a stage makes, by its place."""
    outs = [place for stage in _yaml(workspace / "dvc.lock")["stages"].values() for place in stage["outs"]]
    places = [workspace / out["path"] for out in outs]
    files = [file for place in places for file in (sorted(place.rglob("*")) if place.is_dir() else [place])]
    return {str(file.relative_to(workspace)): file.read_bytes() for file in files if file.is_file()}


# All stages in one process, since what takes longest is to import; the truth is there where it is measured, only.
AGAIN = """
import importlib, pathlib, yaml

truth, aside = pathlib.Path("data/lake/company/truth"), pathlib.Path("aside")
for name in yaml.safe_load(pathlib.Path("dvc.yaml").read_text())["stages"]:
    if name in ("evaluate", "vouch"):
        aside.rename(truth)
    importlib.import_module(f"pipelines.{name}").main()
    if name in ("simulate", "evaluate", "vouch"):
        truth.rename(aside)
aside.rename(truth)
"""


def test_two_places_give_identical_bytes_and_only_what_measures_reads_the_truth(
    small: Path, run: Run, tmp_path: Path
) -> None:
    elsewhere = prepared(tmp_path / "elsewhere")
    (elsewhere / "again.py").write_text(AGAIN)
    told = run(elsewhere, "again")
    assert told.returncode == 0, told.stderr
    (elsewhere / "dvc.lock").write_bytes((small / "dvc.lock").read_bytes())  # names what is made
    here, there = made(small), made(elsewhere)
    assert {f"reports/weekly/{name}" for name in WEEKLY} | {"reports/metrics.json"} <= set(here)
    assert [name for name in here if here[name] != there.get(name)] == []
    assert set(there) == set(here)


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


def test_every_run_says_whether_its_reasons_are_the_models(small: Path) -> None:
    report = json.loads((small / "reports/reasons.json").read_text())
    ranked = pd.read_parquet(small / "reports/weekly/ranked_accounts.parquet")
    assert (report["as_of"], report["n_accounts"]) == ("2026-06-01", len(ranked))
    assert report["n_sentences"] == ranked[[f"reason_{i}" for i in range(1, 6)]].notna().sum().sum()
    assert max(report["additivity"].values()) < 1e-8
    assert report["sign_agreement"] == 1
    assert report["deletion"]["named"] > 1.5 * report["deletion"]["others"]
    assert 0 < report["stability"]["all"] <= report["stability"]["at_rest"] + 0.05
    assert report["stability"]["against"] == "2026-05-01"
    assert report["simulated"]["n"] > 10


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


def test_a_card_says_what_the_audit_says_and_what_happened(small: Path, run: Run) -> None:
    cards = cards_of((small / "reports/weekly/index.html").read_text(encoding="utf-8"))
    contact = [account for account, card in cards.items() if card["list"] == "contact"]
    assert sum(bool(cards[account]["persuadable"]) for account in contact) > len(contact) / 2
    n_alike = 0
    for account in contact[:3]:
        story = json.loads(run(small, "pipelines.cli", "audit", account, "--json").stdout)
        assert cards[account]["whatIfs"] == [said(change).en for change in story["what_ifs"][:N_BRIEFLY]]
        rows = {row["text_en"]: row["uplift"] for row in story["persuasion"]}
        for line in cards[account]["persuadable"]:
            mark, text = line[:2], line[2:]
            if text in rows:
                n_alike += 1
                assert (rows[text] > 0) == (mark == RAISES)
    assert n_alike >= 2
    for card in cards.values():
        is_called = card["list"] in ("contact", "nurture")
        assert is_called or not (card["lines"] or card["past"])
        assert all(day < 0 for day, _ in card["past"])
        assert not card["persuadable"] or card["list"] == "contact"
        assert not any("On the list" in text for _, text in card["past"])  # the ledger is no input of DVC
    assert sum(bool(cards[account]["lines"]) for account in contact) > 0.9 * len(contact)  # but for the youngest
    assert any("Proposed" in text for card in cards.values() for _, text in card["past"])


def test_an_address_that_is_none_is_refused_in_one_sentence(small: Path, run: Run, tmp_path: Path) -> None:
    workspace = tmp_path / "copy"
    shutil.copytree(small, workspace, symlinks=True, ignore=shutil.ignore_patterns(".dvc", "mlruns"))
    _params(workspace, "deliver", "crm_url", "ftp://crm.example.com/{account_id}")
    refused = run(workspace, "pipelines.deliver")
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert line.startswith("params.yaml: deliver.crm_url: the address begins with https://")


def _yaml(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def _params(workspace: Path, section: str, key: str, value: object) -> None:
    params = _yaml(workspace / "params.yaml")
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
@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")  # the stage, imported by other tests
def test_bad_input_is_one_sentence_and_nothing_half_written(
    case: str, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    spoil, stage, sentence = BAD_INPUT[case]
    copy = tmp_path / "spoilt"
    shutil.copytree(small, copy, symlinks=True, ignore=shutil.ignore_patterns(".dvc", "mlruns", "mlflow.db"))
    spoil(copy)
    before = {path: path.read_bytes() for path in sorted((copy / "data/lake").rglob("*.parquet"))}
    monkeypatch.chdir(copy)
    with pytest.raises(SystemExit) as told:
        runpy.run_module(stage, run_name="__main__")  # as `python -m` does
    assert told.value.code == 2
    err = capfd.readouterr().err
    assert sentence in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) <= 4
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
