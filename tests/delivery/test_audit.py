"""One account's story: it adds up, and says so where it does not."""

import json
from typing import Any

import pandas as pd
import pytest

from data.catalog import Catalog
from delivery import audit
from tests.delivery.golden import golden_week
from tests.golden.company import company


@pytest.fixture(scope="module")
def week(catalog: Catalog) -> dict[str, pd.DataFrame]:
    return golden_week(catalog)


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
    story = told(week, "ann")
    assert json.loads(json.dumps(story, allow_nan=False)) == story
    assert story["raw_rows"]["usage"]["n_known"] == 7
    assert len(story["raw_rows"]["usage"]["newest"]) == audit.N_RAW_ROWS
