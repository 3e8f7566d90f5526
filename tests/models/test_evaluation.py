import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as known
from worlds import World

from models import baselines, bootstrap, curves, evaluation, money
from models.evaluation import compare
from models.propensity import Propensity
from models.settings import Evaluation
from models.verdict import order_before_calibration, verdict

FEW = Evaluation(n_bootstrap=200, capacity=10)
scores = st.lists(st.sampled_from([0.1, 0.2, 0.35, 0.5, 0.8]), min_size=6, max_size=40)


@given(scores, st.integers(0, 1000))
def test_metrics_are_the_known_ones_ties_included(p: list[float], seed: int) -> None:
    q = np.array(p)
    y = np.random.default_rng(seed).random(len(q)) < 0.5
    y[:2] = [True, False]
    found = compare(pd.Series(y), {"ours": q}, settings=Evaluation(n_bootstrap=50), seed=0).metrics["ours"]
    assert found["auc"].value == pytest.approx(known.roc_auc_score(y, q))
    assert found["average_precision"].value == pytest.approx(known.average_precision_score(y, q))
    assert found["log_loss"].value == pytest.approx(known.log_loss(y, q))
    assert found["brier"].value == pytest.approx(known.brier_score_loss(y, q))


def test_lift_calibration_and_capacity_by_hand() -> None:
    p = np.arange(1, 101) / 101
    y = pd.Series(np.arange(100) >= 80)  # the top twenty
    periods = pd.Series(np.arange(100) % 2)
    found = compare(
        y, {"ours": p}, settings=Evaluation(n_bootstrap=50, top_share=0.4, capacity=20), seed=0, periods=periods
    ).metrics["ours"]
    assert found["lift"].value == pytest.approx(2.5)  # half of the chosen forty, against a fifth
    assert found["precision_at_capacity"].value == pytest.approx(0.5)  # ten of twenty in each period
    bins = np.arange(100).reshape(10, 10)
    by_hand = np.mean([abs(p[rows].mean() - y.to_numpy()[rows].mean()) for rows in bins])
    assert found["calibration_error"].value == pytest.approx(by_hand)


def test_a_sample_is_what_its_rows_repeated_would_give() -> None:
    rng = np.random.default_rng(0)
    groups = np.arange(60) // 3
    p, y = rng.choice([0.1, 0.3, 0.6, 0.61], 60), (rng.random(60) < 0.4).astype(float)
    (weights,) = bootstrap.draws(groups, 20, 5, seed=1)
    assert (weights.sum(axis=0) == 60).all()
    assert (weights.reshape(20, 3, 5) == weights.reshape(20, 3, 5)[:, :1]).all()  # a group as a whole
    fast = evaluation.Scale(y, p, np.zeros(60, int)).metrics(weights, FEW)
    for sample in range(5):
        rows = np.repeat(np.arange(60), weights[:, sample].astype(int))
        slow = evaluation.Scale(y[rows], p[rows], np.zeros(60, int)).metrics(np.ones((60, 1)), FEW)
        for metric in set(fast) - {"calibration_error"}:  # whose bins are those of the rows as they are
            assert fast[metric][sample] == pytest.approx(slow[metric][0]), metric


def test_intervals_by_group_cover_and_intervals_by_row_do_not() -> None:
    by_group, by_row = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        level = rng.normal(size=80)  # shared by the eight rows of a group
        y = pd.Series(np.repeat(rng.random(80) < 0.4, 8))
        p = np.clip(0.4 + 0.1 * np.repeat(level, 8), 0.05, 0.95)
        groups = pd.Series(np.repeat(np.arange(80), 8))
        for held, given_groups in ((by_group, groups), (by_row, None)):
            auc = compare(y, {"ours": p}, settings=FEW, seed=1, groups=given_groups).metrics["ours"]["auc"]
            held.append(auc.low <= 0.5 <= auc.high)  # the truth: the score knows nothing of y
    assert 0.8 <= np.mean(by_group) <= 1.0
    assert np.mean(by_row) < 0.65


def test_differences_are_paired() -> None:
    rng = np.random.default_rng(3)
    p = rng.uniform(0.1, 0.9, 400)
    y = pd.Series(rng.random(400) < p)
    near = np.clip(p + rng.normal(scale=0.02, size=400), 0.01, 0.99)
    found = compare(y, {"ours": p, "near": near, "same": p}, settings=FEW, seed=0)
    same = found.differences["same"]["log_loss"]
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    paired, alone = found.differences["near"]["auc"], found.metrics["ours"]["auc"]
    assert paired.high - paired.low < 0.25 * (alone.high - alone.low)
    assert paired.value == pytest.approx(alone.value - found.metrics["near"]["auc"].value)


def judged(world: World, model: Propensity) -> evaluation.Comparison:
    test = world.is_test
    rivals = baselines.probabilities(
        world.X, world.y, world.blocks, rule_feature="limit", rule_limit=0.8, groups=world.groups
    )
    systems = {"ours": model.probability(world.X[test])} | {name: p[test] for name, p in rivals.items()}
    return compare(world.y[test], systems, settings=FEW, seed=0, groups=world.groups[test], periods=world.periods[test])


def test_a_planted_signal_beats_the_baselines_and_the_verdict_says_so(world: World, model: Propensity) -> None:
    found = judged(world, model)
    for rival in ("base_rate", "logistic", "rule_80"):
        assert found.differences[rival]["log_loss"].high < 0, rival
        assert found.differences[rival]["average_precision"].value > 0, rival
    said = verdict(found, FEW.interval)
    assert said.is_better_than_base_rate
    assert said.sentence.startswith("The model is better than the base rate: AUC 0.")
    assert "It also beats logistic and rule_80" in said.sentence


@pytest.mark.parametrize(
    ("spread", "how"),
    [(0.0, "all accounts get the same probability"),
     (0.02, "the model does not rank accounts better than chance")],
)  # fmt: skip
def test_noise_is_called_no_better_than_the_base_rate(spread: float, how: str) -> None:
    rng = np.random.default_rng(0)
    y = pd.Series(rng.random(2000) < 0.1)
    p = 0.1 + spread * rng.uniform(-1, 1, 2000)
    found = compare(y, {"ours": p, "base_rate": np.full(2000, 0.1)}, settings=FEW, seed=0)
    assert found.metrics["ours"]["auc"].low <= 0.5 <= found.metrics["ours"]["auc"].high
    said = verdict(found, FEW.interval)
    assert said.is_better_than_base_rate is False
    assert said.sentence.startswith(f"There is no signal to act on: {how}")


def test_a_constant_at_another_level_is_not_called_no_better_beside_an_interval_clear_of_nought() -> None:
    y = pd.Series(np.random.default_rng(0).random(2000) < 0.1)
    for ours, base in ((0.1, 0.2), (0.2, 0.1)):
        found = compare(y, {"ours": np.full(2000, ours), "base_rate": np.full(2000, base)}, settings=FEW, seed=0)
        auc = found.metrics["ours"]["auc"]
        assert (auc.value, auc.low, auc.high) == (0.5, 0.5, 0.5)
        loss = found.differences["base_rate"]["log_loss"]
        assert loss.high < 0 or loss.low > 0
        said = verdict(found, FEW.interval)
        assert said.is_better_than_base_rate is False
        assert said.sentence.startswith("There is no signal to act on")
        assert "no better" not in said.sentence
        assert "all accounts get the same probability. So AUC 0.500" in said.sentence
        assert "against the base rate, as its level differs and nothing else." in said.sentence


def test_one_probability_for_all_shows_what_the_order_behind_it_was_worth() -> None:
    rng = np.random.default_rng(0)
    y = pd.Series(rng.random(900) < 0.2)
    groups = pd.Series(np.arange(900) // 3)
    constant, noise = np.full(900, 0.2), rng.normal(size=900)
    before = order_before_calibration(y, constant, noise, settings=FEW, seed=0, groups=groups)
    assert before is not None
    assert before.value == pytest.approx(known.roc_auc_score(y, noise))
    assert before.low < 0.5 < before.high
    found = compare(y, {"ours": constant, "base_rate": np.full(900, 0.19)}, settings=FEW, seed=0)
    said = verdict(found, FEW.interval, before_calibration=before)
    assert said.is_better_than_base_rate is False
    assert said.sentence.startswith("There is no signal to act on: all accounts get the same probability")
    assert f"did not hold on later rows (AUC {before.value:.3f} (90% interval {before.low:.3f} to" in said.sentence
    assert order_before_calibration(y, noise, noise, settings=FEW, seed=0) is None
    assert order_before_calibration(y & False, constant, noise, settings=FEW, seed=0).value is None


def test_a_right_order_at_a_wrong_level_is_said_so() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(0.02, 0.3, 2000)
    y = pd.Series(rng.random(2000) < p)
    found = compare(y, {"ours": p + 0.6, "base_rate": np.full(2000, y.mean())}, settings=FEW, seed=0)
    said = verdict(found, FEW.interval)
    assert said.is_better_than_base_rate is False
    assert said.sentence.startswith("The model ranks accounts better than chance, but its probabilities are worse than")


def test_money_at_capacity_by_hand_and_between_random_and_perfect() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 0.6, 1200)
    added = np.where(rng.random(1200) < p, rng.exponential(80, 1200), 0.0)
    periods, groups = pd.Series(np.arange(1200) % 3), pd.Series(np.arange(1200) // 3)
    found = money.money_at_capacity(added, p, settings=FEW, seed=0, groups=groups, periods=periods)
    by_hand = [added[k::3][np.argsort(-p[k::3])[:10]].sum() for k in range(3)]
    assert found["captured"].value == pytest.approx(np.mean(by_hand))
    assert found["random"].value == pytest.approx(np.mean([10 * added[k::3].mean() for k in range(3)]))
    assert found["perfect"].value == pytest.approx(np.mean([np.sort(added[k::3])[-10:].sum() for k in range(3)]))
    assert found["random"].high < found["captured"].value < found["perfect"].low
    for measured in found.values():
        assert measured.low <= measured.value <= measured.high
    nothing = money.money_at_capacity(np.zeros(5), np.full(5, 0.1), settings=FEW, seed=0)
    assert nothing["captured"].to_json() == {"value": None, "low": None, "high": None}


@pytest.mark.parametrize(
    ("value", "rows", "said"),
    [(False, 5, "no positives"), (True, 5, "nothing but positives"), (False, 0, "no positives among its 0")],
)
def test_one_class_cannot_be_judged_and_does_not_fail(value: bool, rows: int, said: str) -> None:
    y = pd.Series([value] * rows, dtype="bool")
    systems = {"ours": np.full(rows, 0.3), "base_rate": np.full(rows, 0.2)}
    found = compare(y, systems, settings=FEW, seed=0)
    assert found.metrics["ours"]["auc"].to_json() == {"value": None, "low": None, "high": None}
    assert verdict(found, 0.9).is_better_than_base_rate is None
    assert said in verdict(found, 0.9).sentence
    assert all(len(curve) == 0 for curve in curves.curves(y, systems).values())


def test_curves_enclose_the_figures_of_the_metrics() -> None:
    rng = np.random.default_rng(1)
    p = rng.uniform(0.05, 0.95, 3000).round(3)
    y = pd.Series(rng.random(3000) < p)
    drawn = curves.curves(y, {"ours": p, "base_rate": np.full(3000, 0.5)})
    roc = drawn["roc"][drawn["roc"]["system"] == "ours"]
    assert np.trapezoid(roc["true_positive_rate"], roc["false_positive_rate"]) == pytest.approx(
        known.roc_auc_score(y, p), abs=1e-3
    )
    assert len(roc) <= 202
    bins = drawn["calibration"][drawn["calibration"]["system"] == "ours"]
    assert bins["n_rows"].tolist() == pytest.approx([300] * 10)
    assert bins["predicted"].is_monotonic_increasing
    assert np.average(bins["observed"], weights=bins["n_rows"]) == pytest.approx(y.mean())
    gains = drawn["gains"].groupby("system").last()
    assert (gains[["share_contacted", "share_found"]] == 1).all(axis=None)
    level = drawn["calibration"][drawn["calibration"]["system"] == "base_rate"]
    np.testing.assert_allclose(level["observed"], y.mean())  # a tie is not cut by the order of rows


def test_importance_ranks_what_drives_the_world(world: World, model: Propensity) -> None:
    table = curves.importance(model.features, model.contributions(world.X[world.is_test]), model.gain())
    assert set(table["feature"][:4]) <= {"use", "seats", "limit", "plan", "csat"}
    assert table["share"].sum() == pytest.approx(1)
    assert table["mean_abs_contribution"].is_monotonic_decreasing


def test_against_the_truth() -> None:
    p = np.linspace(0.1, 0.5, 100)
    assert evaluation.against_truth(p, p) == {"calibration_error": 0.0, "mean_abs_error": 0.0}
    assert evaluation.against_truth(p, p + 0.05)["calibration_error"] == pytest.approx(0.05)
