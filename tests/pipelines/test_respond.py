"""Stage `respond` on small tables of its own: what it writes, and that it says so where there is nothing to learn."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.catalog import Catalog
from data.contract import RAW_TABLES
from models.response import Response
from models.together_settings import Combine
from pipelines import paths, respond, tables, taken
from tests.models.offer_world import PREDICTORS, offer_world

ROOT = Path(__file__).parents[2]


def lay(catalog: Catalog, folder: Path, *, share: float) -> None:
    """The tables that the stage reads, of a small world in which so many proposals were kept."""
    world = offer_world(catalog, n=300)
    for name in ("params.yaml", "catalog.yaml"):
        shutil.copy(ROOT / name, folder / name)
    # the stage lives in June 2026
    snapshots = world.snapshots.assign(as_of=world.snapshots["as_of"] + pd.DateOffset(months=4))
    log = world.log.assign(proposed_at=world.log["proposed_at"] + pd.DateOffset(months=4))
    log["decided_at"] = log["decided_at"] + pd.DateOffset(months=4)
    past, now = snapshots[snapshots["as_of"] < "2026-06-01"], snapshots[snapshots["as_of"] == "2026-06-01"]
    recent = past["as_of"] >= "2026-04-01"
    columns = ["account_id", "as_of", *PREDICTORS]
    tables.TRAINING.write(past.loc[~recent, columns])
    tables.RECENT.write(past.loc[recent, columns])
    tables.CURRENT.write(now)
    tables.COHORT.write(snapshots.drop(columns=PREDICTORS))
    paths.STAGED.mkdir(parents=True)
    for name in ("accounts", "subscriptions", "usage", "proposals"):
        schema = RAW_TABLES[name].arrow_schema()
        table = schema.empty_table()
        if name == "proposals":
            kept = log.sample(frac=share, random_state=1).sort_values("proposal_id").assign(reason=None)
            kept["known_on"] = kept["proposed_at"].dt.date
            table = pa.Table.from_pandas(kept[schema.names], schema=schema, preserve_index=False)
        pq.write_table(table, paths.STAGED / f"{name}.parquet")


def test_it_learns_and_reports(catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lay(catalog, tmp_path, share=1.0)
    respond.main()
    model = Response.from_files({p.name: p.read_text(encoding="utf-8") for p in paths.RESPONSE.iterdir()})
    assert model.is_learnt
    told = json.loads(paths.RESPONSE_REPORT.read_text(encoding="utf-8"))
    later = told["later"]
    assert later["low"] - 0.05 < later["predicted"] < later["high"] + 0.05
    assert later["log_loss"] < later["log_loss_of_the_rate"]
    assert [b["predicted"] for b in later["by_fifth"]] == sorted(b["predicted"] for b in later["by_fifth"])
    assert told["overlap"]["n_random"] > 0
    assert all(0 <= o["rarely_proposed"] <= 1 for o in told["overlap"]["offers"].values())
    assert told["kinds"]["seats"]["accepted_at_random"]["low"] < told["kinds"]["seats"]["p_accept"]
    assert 0 <= told["discounts"]["to_buyers_anyway"] <= told["discounts"]["to_takers_anyway"] <= 1


def test_too_few_proposals_are_no_error(catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lay(catalog, tmp_path, share=0.02)
    respond.main()
    told = json.loads(paths.RESPONSE_REPORT.read_text(encoding="utf-8"))
    assert told == {"is_learnt": False, "note": told["note"]}
    assert "respond.min_proposals" in told["note"]


def test_a_company_that_keeps_no_log_is_no_error(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lay(catalog, tmp_path, share=1.0)
    (paths.STAGED / "proposals.parquet").unlink()
    respond.main()
    told = json.loads(paths.RESPONSE_REPORT.read_text(encoding="utf-8"))
    assert told["note"].startswith("0 answered proposals")


def test_a_company_without_limits_has_peers_too(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A catalogue without metrics has no feature of limits; peers are the nearest by what there is."""
    monkeypatch.chdir(tmp_path)
    lay(catalog, tmp_path, share=0.02)
    names = ["account_id", "as_of", "plan_id", "seats", "events_28d"]
    now = pd.DataFrame([("a", pd.Timestamp("2026-06-01"), "pro", 5.0, 9.0)], columns=names)
    tables.TRAINING.write(now.assign(as_of=pd.Timestamp("2025-06-01")))
    found = taken.peers_took(now, catalog, Combine())
    assert set(found["account_id"]) == {"a"}
