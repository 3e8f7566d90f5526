"""The gate: paired figures by account, on rows that neither model has learnt from."""

import dataclasses
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from data.errors import BadInput
from models import promotion
from models.calibrator import Calibrator
from models.propensity import Propensity
from models.settings import Evaluation, Gate
from models.vocabulary import Vocabulary

FEW = Evaluation(n_bootstrap=200, capacity=20)
LABEL = {"horizon_days": 30, "min_growth": 0.1}
DAYS = pd.to_datetime(["2026-01-01", "2026-02-01", "2026-03-01"]).as_unit("us")
N = 300


class Rows:
    """300 accounts at three snapshots, and a model that knows their one feature."""

    def __init__(self) -> None:
        rng = np.random.default_rng(3)
        key = pd.MultiIndex.from_product([[f"A{i:03d}" for i in range(N)], DAYS], names=["account_id", "as_of"])
        rows = key.to_frame(index=False)
        self.X = pd.DataFrame({"seats": rng.normal(size=len(rows))})
        self.p = 1 / (1 + np.exp(1.5 - 1.5 * self.X["seats"].to_numpy()))
        self.y = pd.Series(rng.random(len(rows)) < self.p)
        self.groups, self.periods = rows["account_id"], rows["as_of"]
        self.added = pd.Series(np.where(self.y, rng.integers(10, 200, len(rows)), 0).astype(float))
        vocabulary = Vocabulary.learn(self.X)
        data = lgb.Dataset(vocabulary.encode(self.X), self.y.to_numpy(dtype="float64"))
        text = lgb.train(
            {"objective": "binary", "num_leaves": 8, "verbosity": -1, "num_threads": 1}, data, 20
        ).model_to_string()
        self.model = Propensity((text,), vocabulary, Calibrator("none"), facts("2026-01-01"))

    def decide(self, ours: np.ndarray, theirs: np.ndarray, **changed: Any) -> promotion.Decision:
        given = {"settings": FEW, "gate": Gate(), "seed": 0, "groups": self.groups, "periods": self.periods}
        return promotion.decide(self.y, ours, theirs, **{**given, "added_mrr": self.added, **changed})

    def judge(self, challenger: Propensity, champion: Propensity, **changed: Any) -> promotion.Decision:
        given: dict[str, Any] = {
            "groups": self.groups, "periods": self.periods, "added_mrr": self.added, "label": LABEL,
            "settings": FEW, "gate": Gate(), "seed": 0,
        }  # fmt: skip
        return promotion.judge(challenger, champion, self.X, self.y, **{**given, **changed})


def facts(until: str, **label: Any) -> dict[str, Any]:
    return {promotion.LEARNT_UNTIL: until, promotion.LABEL: {**LABEL, **label}}


def knowing(model: Propensity, until: str, slope: float = 1.0, **label: Any) -> Propensity:
    """The model as if it had learnt until that day; with another slope it is another, worse one."""
    shape = Calibrator("sigmoid", slope=slope, intercept=0.0)
    return dataclasses.replace(model, calibrator=shape, facts=facts(until, **label))


@pytest.fixture(scope="module")
def rows() -> Rows:
    return Rows()


def test_a_log_loss_that_is_higher_is_refused_with_the_figures(rows: Rows) -> None:
    blurred = 0.4 + 0.3 * (rows.p - 0.4)
    better, worse = rows.decide(rows.p, blurred), rows.decide(blurred, rows.p)
    assert (better.is_promoted, worse.is_promoted) == (True, False)
    there, back = (d.compared["log loss"].difference.value for d in (better, worse))
    assert there is not None
    assert back is not None
    assert there == pytest.approx(-back)
    assert worse.reason.startswith(
        f"the champion stays: log loss {worse.compared['log loss'].challenger:.5f} against 0."
    )
    assert "on the same 900 rows of 300 accounts (2026-01-01 to 2026-03-01); too much in log loss" in worse.reason
    assert worse.rows["n_expansions"] == rows.y.sum()
    assert rows.decide(
        blurred, rows.p, gate=Gate(max_log_loss_increase=back, max_calibration_error_increase=1)
    ).is_promoted


def test_equal_models_differ_by_nothing_in_any_sample(rows: Rows) -> None:
    decision = rows.decide(rows.p, rows.p)
    assert decision.is_promoted
    for figure in decision.compared.values():
        assert (figure.difference.low, figure.difference.value, figure.difference.high) == (0.0, 0.0, 0.0)


def test_what_moves_both_models_alike_cancels_out(rows: Rows) -> None:
    nearly = 1 / (1 + np.exp(-(np.log(rows.p / (1 - rows.p)) * 0.98)))
    figure = rows.decide(nearly, rows.p).compared["log loss"]
    alone = promotion.evaluation.compare(rows.y, {"one": rows.p}, settings=FEW, seed=0, groups=rows.groups)
    loss = alone.metrics["one"]["log_loss"]

    def width(measured: promotion.Measured) -> float:
        assert measured.low is not None
        assert measured.high is not None
        return measured.high - measured.low

    assert width(figure.difference) < width(loss) / 10


def test_an_accounts_rows_are_drawn_together(rows: Rows) -> None:
    """Three copies of each account tell no more than one: by account the interval stays, by row it would shrink."""
    blurred = 0.4 + 0.3 * (rows.p - 0.4)
    first = (rows.periods == DAYS[0]).to_numpy()
    given: dict[str, Any] = {"settings": FEW, "gate": Gate(), "seed": 0}
    once = promotion.decide(
        rows.y[first], blurred[first], rows.p[first], groups=rows.groups[first], periods=rows.periods[first], **given
    ).compared["log loss"].difference  # fmt: skip
    thrice = promotion.decide(
        pd.Series(np.tile(rows.y[first], 3)), np.tile(blurred[first], 3), np.tile(rows.p[first], 3),
        groups=pd.Series(np.tile(rows.groups[first], 3)), periods=pd.Series(np.repeat(DAYS, first.sum())), **given
    ).compared["log loss"].difference  # fmt: skip
    assert [thrice.low, thrice.high] == pytest.approx([once.low, once.high])


def test_money_is_what_the_first_accounts_brought(rows: Rows) -> None:
    """Of the same log loss, one model puts accounts that bring much first, the other those that bring little."""
    y = pd.Series([True] * 40 + [False] * 40)
    added = pd.Series([100.0] * 20 + [10.0] * 20 + [0.0] * 40)
    groups, periods = pd.Series(range(80)), pd.Series([DAYS[0]] * 80)
    rich, poor = np.repeat([0.9, 0.8, 0.1, 0.1], 20), np.repeat([0.8, 0.9, 0.1, 0.1], 20)
    same: dict[str, Any] = {"settings": FEW, "gate": Gate(), "seed": 0, "groups": groups, "periods": periods}
    better = promotion.decide(y, rich, poor, added_mrr=added, **same)
    assert better.is_promoted
    assert (better.compared["money"].challenger, better.compared["money"].champion) == (2000.0, 200.0)
    worse = promotion.decide(y, poor, rich, added_mrr=added, **same)
    assert not worse.is_promoted
    assert worse.compared["log loss"].difference.value == pytest.approx(0)
    assert worse.reason.endswith("too much in money")
    assert "money" not in promotion.decide(y, poor, rich, added_mrr=None, **same).compared


def test_noise_in_money_and_calibration_does_not_refuse(rows: Rows) -> None:
    """Both models know the same, one with a little noise; a worse figure within chance is no reason."""
    noise = np.random.default_rng(1).normal(0, 0.02, len(rows.p))
    decision = rows.decide(rows.p, np.clip(rows.p + noise, 0.01, 0.99), gate=Gate(max_log_loss_increase=1))
    assert decision.is_promoted


def test_only_rows_new_to_both_compare(rows: Rows) -> None:
    good, poor = knowing(rows.model, "2026-01-01"), knowing(rows.model, "2026-02-01", slope=0.5)
    both = rows.judge(good, poor)
    assert both.is_promoted
    assert both.rows["first_as_of"] == "2026-02-01"  # the day itself: its features end where the outcomes began
    assert both.rows["n_rows"] == 2 * N
    assert rows.judge(poor, good).rows["n_rows"] == 2 * N
    late = knowing(rows.model, "2026-03-02", slope=0.5)
    for decision in (rows.judge(good, late), rows.judge(late, good)):
        assert not decision.is_promoted
        assert "no row is new to both" in decision.reason
        assert "learnt until 2026-03-02" in decision.reason
        assert decision.reason.endswith("the last snapshot that judges is of 2026-03-01")


def test_the_day_is_that_of_the_last_outcome() -> None:
    seen = pd.Series(DAYS)
    assert promotion.learnt(seen, horizon_days=30, min_growth=0.1) == {**facts("2026-03-31")}


def test_answers_to_other_questions_are_not_compared(rows: Rows) -> None:
    ours, other = knowing(rows.model, "2026-01-01"), knowing(rows.model, "2026-01-01", slope=0.5, horizon_days=60)
    decision = rows.judge(ours, other)
    assert not decision.is_promoted
    assert "the champion predicts growth of 10% within 60 days, these rows tell of growth of 10% within 30" in (
        decision.reason
    )
    silent = dataclasses.replace(other, facts={})
    assert "the champion does not say until when it learnt" in rows.judge(ours, silent).reason


def test_a_champion_that_cannot_score_gives_way_and_a_challenger_that_cannot_is_told(rows: Rows) -> None:
    ours, theirs = knowing(rows.model, "2026-01-01"), knowing(rows.model, "2026-01-01", slope=0.5)
    other = dataclasses.replace(theirs, vocabulary=Vocabulary.learn(rows.X.rename(columns={"seats": "seats_then"})))
    decision = rows.judge(ours, other)
    assert decision.is_promoted
    assert "the champion cannot score these rows: the features lack seats_then" in decision.reason
    with pytest.raises(BadInput, match="the features lack seats_then"):
        rows.judge(other, ours)


def test_one_class_compares_nothing(rows: Rows) -> None:
    none = promotion.decide(
        pd.Series([False] * 4), np.full(4, 0.1), np.full(4, 0.2), settings=FEW, gate=Gate(), seed=0,
        groups=pd.Series(range(4)), periods=pd.Series([DAYS[0]] * 4),
    )  # fmt: skip
    assert not none.is_promoted
    assert "one class only" in none.reason
    assert not none.compared
