"""A correction of the base rate moves probabilities and points, not log-odds, and both still add up."""

from dataclasses import replace
from types import SimpleNamespace

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from models.boosting import FIXED, dataset
from models.calibrator import Calibrator
from models.propensity import Propensity
from models.shift import Shift, corrected
from models.vocabulary import Vocabulary
from pipelines import score


def test_moved_scores_add_up() -> None:
    current, model = week()
    scores, contributions = score.scored(model, current)
    other = replace(model, calibrator=corrected(model.calibrator, 0.7))
    moved, told = score.moved(other, scores, contributions)
    pd.testing.assert_frame_equal(moved.drop(columns="propensity"), scores.drop(columns="propensity"))
    step = logit(moved["propensity"].to_numpy()) - logit(scores["propensity"].to_numpy())
    assert step == pytest.approx(np.full(200, 0.7))
    assert told["contribution"].equals(contributions["contribution"])
    assert told.groupby("account_id")["points"].sum().to_numpy() == pytest.approx(moved["propensity"].to_numpy())


@pytest.mark.parametrize(("correct", "is_believed"), [("auto", True), ("off", False)])
def test_scores_are_levelled_where_their_reading_is_believed(correct: str, is_believed: bool) -> None:
    current, model = week(3000)
    # The latest known rows: the same shapes of the classes, and an eighth of those that do not expand. The model has
    # their level, and says too much of the week.
    true = np.tile(logit(model.probability(current)), 2)
    y = (np.random.default_rng(1).random(6000) < expit(true)).astype("float64")
    keep = np.concatenate([np.flatnonzero(y == 1), np.flatnonzero(y == 0)[: int((y == 0).sum()) // 8]])
    model = replace(model, calibrator=corrected(model.calibrator, float(np.log(8))))
    scores, contributions = score.scored(model, current)
    said = np.tile(logit(scores["propensity"].to_numpy()), 2)
    kept = replace(Shift.of(said[keep], y[keep]), trusts_em=True)
    params = SimpleNamespace(shift=SimpleNamespace(correct=correct), run=SimpleNamespace(seed=0))
    known = replace(model, shift=kept)
    levelled, told, reading = score.levelled(params, known, scores, contributions)  # type: ignore[arg-type]  # a stub
    assert reading["is_corrected"] is is_believed
    step = logit(levelled["propensity"].to_numpy()) - logit(scores["propensity"].to_numpy())
    assert step == pytest.approx(np.full(3000, reading["correction"]))
    assert reading["correction"] == pytest.approx(-np.log(8) if is_believed else 0, abs=0.25)
    assert told["contribution"].equals(contributions["contribution"])
    same = score.levelled(params, model, scores, contributions)  # type: ignore[arg-type]  # a stub
    assert same == (scores, contributions, {})


def week(n: int = 200) -> tuple[pd.DataFrame, Propensity]:
    rng = np.random.default_rng(0)
    current = pd.DataFrame(
        {
            "account_id": [f"A{i:04}" for i in range(n)],
            "as_of": pd.Timestamp("2026-01-01"),
            "use": rng.normal(size=n),
            "seats": rng.normal(size=n),
        }
    )
    X = current[["use", "seats"]]
    vocabulary = Vocabulary.learn(X)
    rows = dataset(vocabulary, vocabulary.encode(X), (X["use"] > 0.5).to_numpy(dtype="float64"))
    text = lgb.train(dict(FIXED), rows, 5).model_to_string()
    return current, Propensity((text,), vocabulary, Calibrator("sigmoid", 0.8, -0.3))
