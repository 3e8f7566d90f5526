"""Leaks of every form are found in made-up tables; tables without signal, or with an honest one, are let through."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from models import leaks
from models.settings import Leaks

LIMITS = Leaks()


def table(seed: int, n_accounts: int = 120, n_days: int = 6, rate: float = 0.12) -> tuple[pd.DataFrame, np.ndarray]:
    """Snapshots whose columns know nothing of the outcome: lasting and passing ones, with gaps, of every kind."""
    rng = np.random.default_rng(seed)
    account = np.repeat(np.arange(n_accounts), n_days)
    n = len(account)
    y = (rng.random(n) < rate).astype(float)
    X = pd.DataFrame({"account_id": account})
    for i in range(6):
        lasting, passing = rng.normal(size=n_accounts)[account], rng.normal(size=n)
        X[f"lasting_{i}"] = np.where(rng.random(n_accounts)[account] < 0.1 * i, np.nan, lasting)
        X[f"passing_{i}"] = np.where(rng.random(n) < 0.15 * i, np.nan, passing)
        X[f"rare_{i}"] = np.where(rng.random(n) < 0.02, passing, np.nan)
        X[f"text_{i}"] = pd.Series(
            [f"level {v}" for v in rng.integers(0, 2 ** (i + 1), n_accounts)[account]], dtype="str"
        )
    X["own"] = pd.Series([f"account {a}" for a in account], dtype="str")
    X["row"] = pd.Series([f"row {i}" for i in range(n)], dtype="str")
    X["flag"] = pd.Series(rng.random(n) < 0.5, dtype="boolean").where(pd.Series(rng.random(n) < 0.9))
    X["on"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 90, n), unit="D")
    return X, y


def found(X: pd.DataFrame, y: np.ndarray, limits: Leaks = LIMITS) -> dict[str, str]:
    accounts = X["account_id"].to_numpy()
    X = X.drop(columns="account_id")
    auc = leaks.powers(X, y, accounts, min_accounts=limits.min_accounts)
    first = np.unique(accounts, return_index=True)[1]
    ever = pd.Series(y).groupby(accounts).max().to_numpy()
    has_left = accounts[first] % 5 == 0
    told = [
        *leaks.too_strong(auc, y, accounts, limits),
        *leaks.known_by_outcome(X.notna(), y, accounts, limits),
        *leaks.known_of_accounts(X.notna().iloc[first], ever, has_left, accounts[first], limits),
    ]
    return {leak.column: leak.form for leak in told}


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_accounts=st.sampled_from([4, 25, 60, 250]),
    n_days=st.sampled_from([1, 3, 9]),
    rate=st.sampled_from([0.01, 0.1, 0.4]),
)
def test_what_knows_nothing_is_no_leak(seed: int, n_accounts: int, n_days: int, rate: float) -> None:
    X, y = table(seed, n_accounts, n_days, rate)
    assert found(X, y) == {}


def test_an_honest_signal_is_no_leak() -> None:
    X, _ = table(1, n_accounts=600)
    rng = np.random.default_rng(1)
    signal = rng.normal(size=len(X))
    y = (rng.random(len(X)) < expit(-2.5 + 2.5 * signal)).astype(float)
    X["strong"] = signal
    auc = leaks.powers(X[["strong"]], y, X["account_id"].to_numpy())
    assert 0.87 < auc["strong"] < 0.93
    assert found(X, y) == {}


@pytest.mark.parametrize("sign", [1, -1])
def test_the_answer_with_noise_is_too_strong_in_either_direction(sign: int) -> None:
    X, y = table(2)
    X["answer"] = sign * (y + np.random.default_rng(2).normal(scale=0.25, size=len(y)))
    assert found(X, y) == {"answer": "power"}


def test_the_answer_is_found_as_text_in_the_middle_and_where_it_is_known_at_all() -> None:
    X, y = table(3, n_accounts=400)
    rng = np.random.default_rng(3)
    X["stage"] = pd.Series(np.where(y == 1, "Closed won", rng.choice(["Open", "Lost", "New"], len(y))), dtype="str")
    X["middle"] = np.where(y == 1, 0.0, rng.choice([-1.0, 1.0], len(y))) + rng.normal(scale=0.1, size=len(y))
    X["seldom"] = np.where(rng.random(len(y)) < 0.4, y + rng.normal(scale=0.2, size=len(y)), np.nan)
    X["on"] = np.where(y == 1, pd.Timestamp("2026-05-02"), pd.NaT)
    assert found(X, y) == {"stage": "power", "middle": "power", "seldom": "power", "on": "winners"}


def test_own_power_is_the_area_under_the_curve() -> None:
    X, y = table(4)
    X["some"] = y + np.random.default_rng(4).normal(size=len(y))
    auc = leaks.powers(X[["some"]], y, X["account_id"].to_numpy())
    assert auc["some"] == pytest.approx(roc_auc_score(y, X["some"]))


def test_three_winners_are_chance() -> None:
    X, _ = table(5, n_accounts=100, n_days=1)
    y = (np.arange(100) < 3).astype(float)
    X["answer"], X["reason_won"] = y, np.where(y == 1, 1.0, np.nan)
    assert found(X, y) == {}
    # and so it is: with so few, a column that knows nothing would be among the leaks
    assert found(X, y, Leaks(min_accounts=3)).keys() == {"answer", "reason_won", "lasting_2"}


@pytest.mark.parametrize("side", [0, 1])
def test_known_for_one_outcome_only_is_found_and_a_slip_does_not_hide_it(side: int) -> None:
    X, y = table(6, n_accounts=400, rate=0.2)
    rng = np.random.default_rng(6)
    is_known = (y == side) & (rng.random(len(y)) < 0.5)
    is_known[np.flatnonzero(y != side)[:1]] = True
    X["reason"] = np.where(is_known, rng.normal(size=len(y)), np.nan)
    assert found(X, y) == {"reason": "winners"}


def test_what_is_known_of_winners_at_all_times_is_found_though_some_win_where_nobody_looks() -> None:
    X, y = table(7, n_accounts=400, rate=0.05)
    accounts = X["account_id"].to_numpy()
    wins = np.isin(accounts, accounts[y == 1])
    wins_later = (accounts % 5 != 0) & (accounts % 9 == 0)
    X["won_by"] = np.where(wins | wins_later, 1.0, np.nan)
    X["owner"] = np.where(accounts % 5 == 0, np.nan, 1.0)  # cleared where they have left, whether they had won or not
    assert found(X, y) == {"won_by": "winners"}


def test_another_value_than_rebuilt_is_told_with_its_first_account() -> None:
    day = pd.Timestamp("2026-05-01")
    then = pd.DataFrame({"account_id": list("abc"), "as_of": day, "n": [1, 2, 3], "share": [0.5, None, None]})
    plan = pd.Series(["pro", None, None], dtype="str")
    then = then.assign(plan=plan)
    assert leaks.from_the_future(then, then) == []
    now = then.assign(n=[1, 2, 9], share=[0.5, None, 0.1], plan=["pro", "free", None])
    told = leaks.from_the_future(now.iloc[::-1], then)
    assert {leak.column: leak.form for leak in told} == {"n": "future", "share": "future", "plan": "future"}
    assert "plan of b as of 2026-05-01 is free, and nothing by what was known before" in told[-1].says
    assert leaks.from_the_future(now.assign(n=then["n"]), then[["account_id", "as_of", "n"]]) == []


def test_a_row_that_was_not_to_be_selected_is_told() -> None:
    rows = pd.DataFrame({"account_id": ["a", "b"], "as_of": pd.Timestamp("2026-05-01"), "n": [1, 2]})
    (more,) = leaks.from_the_future(rows, rows.iloc[:1])
    assert more.column == "account_id"
    assert "b as of 2026-05-01 is there, and was not" in more.says
    (fewer,) = leaks.from_the_future(rows.iloc[:1], rows)
    assert "b as of 2026-05-01 is not there, and was" in fewer.says


def test_a_date_from_the_future_is_told_unless_it_was_agreed_on() -> None:
    as_of = pd.Series(pd.to_datetime(["2026-05-01", "2026-06-01"]))
    later = as_of + pd.Timedelta(days=9)
    X = pd.DataFrame({"won_at": later, "renews_on": later, "do_not_contact_until": later, "signed_up_on": "x"})
    X["known_at"] = as_of - pd.Timedelta(seconds=1)
    X["today_at"] = [as_of[0], pd.NaT]
    told = leaks.dated_later(X, ["a", "b"], as_of)
    assert [leak.column for leak in told] == ["won_at", "today_at"]
    assert "won_at of a as of 2026-05-01 is 2026-05-10 (so of 2 of 2 snapshots)" in told[0].says
