"""The list as the contract fixes it, put together from decisions, triggers and reasons."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.catalog import Catalog
from decisions.candidates import candidates
from decisions.ranking import ranked
from decisions.settings import Decide, Gates, Segments
from delivery import audit, outputs, words
from delivery.listing import ranked_accounts
from features.build import dictionary
from features.health import Health
from features.lifecycle import Lifecycle
from features.triggers import Triggers, triggers
from tests.features.wide import wide
from tests.golden.company import company

D = date(2026, 6, 1)


@pytest.fixture(scope="module")
def week(catalog: Catalog) -> dict[str, pd.DataFrame]:
    """The four customers of the golden company on the list, with a made-up model."""
    named = dictionary(catalog, Health(), Lifecycle())
    built, fired = wide(company(), catalog, [D])
    current = built.reset_index()
    rng = np.random.default_rng(3)
    names = ["(base)", *[f.name for f in named if f.is_predictor]]
    parts = pd.DataFrame(
        [(a, n, rng.normal() / 10, rng.uniform(0, 0.01)) for a in current["account_id"] for n in names],
        columns=["account_id", "feature", "contribution", "points"],
    ).assign(as_of=pd.Timestamp(D))
    propensity = parts.groupby("account_id")["points"].sum().rename("propensity").reset_index()
    accounts = current.merge(propensity, on="account_id")
    offered = candidates(accounts, None, catalog, Gates(requires_consent=False), Decide())
    decisions = ranked(
        accounts, offered, catalog, base_rate=0.1, gate_settings=Gates(requires_consent=False), money=Decide(),
        segments=Segments(),
    )  # fmt: skip
    reasons = words.reasons(parts, current, named, catalog)
    told = words.evidence(fired, named, triggers(Triggers(), catalog), catalog)
    listed = ranked_accounts(
        decisions, reasons, told, named, catalog, n_reasons=5, language="en", model_version="model-1"
    )
    return {"ranked": listed, "reasons": reasons, "candidates": offered, "triggers": told, "current": current}


def test_the_list_fits_the_contract(week: dict[str, pd.DataFrame]) -> None:
    listed = week["ranked"]
    assert listed.columns.tolist() == [column.name for column in outputs.RANKED_ACCOUNTS.columns]
    assert outputs.check_ranked(listed).num_rows == 4
    assert outputs.check_reasons(week["reasons"], listed).num_rows == len(week["reasons"])
    assert listed["rank"].tolist() == [1, 2, 3, 4]
    assert set(listed["model_version"]) == {"model-1"}


def test_what_is_not_learnt_yet_is_null_and_not_made_up(week: dict[str, pd.DataFrame]) -> None:
    assert week["ranked"][["p_accept", "p_organic", "uplift"]].isna().all(axis=None)


def test_triggers_stand_by_their_account(week: dict[str, pd.DataFrame]) -> None:
    by_account = week["ranked"].set_index("account_id")["triggers"]
    assert by_account["bob"] == []
    assert sorted(by_account["dot"]) == ["limit_storage_gb_high", "limit_storage_gb_soon"]


def test_what_is_listed_is_the_accounts_own(week: dict[str, pd.DataFrame]) -> None:
    listed = week["ranked"].set_index("account_id")
    assert listed.loc["dot", ["plan_id", "mrr", "health_band", "lifecycle_stage"]].tolist() == [
        "pro",
        418,
        "red",
        "at_risk",
    ]
    assert listed.loc["cyd", ["blocked_by", "would_unblock"]].tolist() == ["onboarding", "Wait 43 days"]
    # a serious ticket comes before the rest; and help is what is offered
    assert listed.loc["ann", ["blocked_by", "assignment", "offer_id"]].tolist() == [
        "serious_ticket",
        "nurture",
        "recovery",
    ]
    assert listed.loc["ann", "reason_1"][0] in "▲▼"


def told(week: dict[str, pd.DataFrame], account: str) -> dict[str, Any]:
    manifest = {"as_of": "2026-06-01", "model_version": "model-1", "code_sha256": "c" * 64, "inputs_sha256": {"a": "b"}}
    raw = {"usage": company()["usage"].query("account_id == @account")}
    frames = {name: week[name] for name in ("ranked", "reasons", "candidates", "triggers")}
    return audit.story(account, **frames, manifest=manifest, raw=raw)


@pytest.mark.parametrize("account", ["ann", "bob", "cyd", "dot"])
def test_the_audit_adds_up(account: str, week: dict[str, pd.DataFrame], catalog: Catalog) -> None:
    story = told(week, account)
    assert story["propensity"]["adds_up"]
    assert story["propensity"]["sum_of_points"] == pytest.approx(sum(r["points"] for r in story["reasons"]))
    assert story["propensity"]["margin"] == pytest.approx(sum(r["contribution"] for r in story["reasons"]))
    assert len(story["candidates"]) == len(catalog.offers)
    assert story["reasons"][0]["feature"] == "(base)"
    text = audit.as_text(story)
    assert "adds up" in text
    assert "nan" not in text.lower().replace("tenant", "")


def test_the_audit_tells_when_it_does_not_add_up(week: dict[str, pd.DataFrame]) -> None:
    wrong = week | {"ranked": week["ranked"].assign(propensity=week["ranked"]["propensity"] + 0.01)}
    story = told(wrong, "ann")
    assert not story["propensity"]["adds_up"]
    assert "DOES NOT ADD UP" in audit.as_text(story)


def test_the_audit_is_plain_values(week: dict[str, pd.DataFrame]) -> None:
    import json

    story = told(week, "ann")
    assert json.loads(json.dumps(story, allow_nan=False)) == story
    assert story["raw_rows"]["usage"]["n_known"] == 7
    assert len(story["raw_rows"]["usage"]["newest"]) == audit.N_RAW_ROWS
