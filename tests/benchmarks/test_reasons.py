"""The page of contributions says what was measured, and the measuring measures."""

import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks import reasons_engine, reasons_table
from benchmarks.reasons_peers import timing
from models.contributions import contributions
from pipelines import written

ROOT = Path(__file__).parents[2]


def test_the_page_quotes_the_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    results, page = written.read_json(reasons_engine.RESULTS), reasons_table.PAGE.read_text(encoding="utf-8")
    for said in (reasons_table.table(results), reasons_table.headline(results)):
        assert said in page, "run `make bench-reasons`"


@pytest.mark.parametrize("kind", reasons_engine.KINDS)
def test_a_cell_of_the_table(kind: str) -> None:
    X = reasons_engine.rows_of(kind, 400)
    booster = reasons_engine.booster_of(kind, 15, X, 5)
    own = booster.predict(X[:50], pred_contrib=True)
    found = timing.timed(lambda rows: contributions(booster, rows), X, own, is_linear=False)
    assert found["rows_timed"] == 400
    assert found["max_diff"] < 1e-12
    assert reasons_engine.margin_diff(booster, X, "float64") < 1e-12


def test_a_few_rows_stand_for_all_where_each_costs_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "SHORT_S", 0.02)

    def slow(rows: np.ndarray) -> np.ndarray:
        end = time.process_time() + len(rows) * 1e-5
        while time.process_time() < end:
            pass
        return rows

    found = timing.timed(slow, np.zeros((100_000, 2)), np.ones((10, 2)), is_linear=True)
    assert 100 <= found["rows_timed"] <= 2_000
    assert 0 < found["rows_per_cpu_s"] <= 1e5
    assert found["max_diff"] == 1
