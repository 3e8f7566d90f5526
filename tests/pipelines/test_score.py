"""A correction of the base rate moves probabilities and points, not log-odds, and both still add up."""

from dataclasses import replace

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from models.boosting import FIXED, dataset
from models.calibrator import Calibrator
from models.propensity import Propensity
from models.shift import corrected
from models.vocabulary import Vocabulary
from pipelines import score


def test_moved_scores_add_up() -> None:
    rng = np.random.default_rng(0)
    current = pd.DataFrame(
        {
            "account_id": [f"A{i:03}" for i in range(200)],
            "as_of": pd.Timestamp("2026-01-01"),
            "use": rng.normal(size=200),
            "seats": rng.normal(size=200),
        }
    )
    X = current[["use", "seats"]]
    vocabulary = Vocabulary.learn(X)
    rows = dataset(vocabulary, vocabulary.encode(X), (X["use"] > 0.5).to_numpy(dtype="float64"))
    text = lgb.train(dict(FIXED), rows, 5).model_to_string()
    model = Propensity((text,), vocabulary, Calibrator("sigmoid", 0.8, -0.3))
    scores, contributions = score.scored(model, current)
    other = replace(model, calibrator=corrected(model.calibrator, 0.7))
    moved, told = score.moved(other, scores, contributions)
    pd.testing.assert_frame_equal(moved.drop(columns="propensity"), scores.drop(columns="propensity"))
    step = logit(moved["propensity"].to_numpy()) - logit(scores["propensity"].to_numpy())
    assert step == pytest.approx(np.full(200, 0.7))
    assert told["contribution"].equals(contributions["contribution"])
    assert told.groupby("account_id")["points"].sum().to_numpy() == pytest.approx(moved["propensity"].to_numpy())
