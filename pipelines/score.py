"""Stage `score`: how likely is each account to expand, and what made the model think so?

Reads   current (features of the week), the trained model
Writes  scores: one row per (account_id, as_of): margin, propensity, and its interval low, high;
        contributions: one row per (account_id, as_of, feature), and `(base)`;
        shift.json: what the scores say of their base rate, and whether they were moved to it
"""

from typing import Any

import numpy as np
import pandas as pd

from models.propensity import Propensity
from pipelines import paths, stage, tables, written
from pipelines.params import Params

BASE = "(base)"


def scored(model: Propensity, current: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores, one row per account; contributions in the long form, points as shares of probability."""
    key = current[["account_id", "as_of"]]
    return tabled(model, key, model.contributions(current), model.probability(current))


def tabled(
    model: Propensity, key: pd.DataFrame, contributions: np.ndarray, propensity: np.ndarray
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same from what was worked out elsewhere, one row per row of `key`."""
    points = model.points(contributions) / 100
    low, high = model.bounds(propensity)
    scores = key.assign(margin=contributions.sum(axis=1), propensity=propensity, low=low, high=high)
    names = [*model.features, BASE]
    long = pd.DataFrame(
        {
            "account_id": key["account_id"].repeat(len(names)).to_numpy(),
            "as_of": key["as_of"].repeat(len(names)).to_numpy(),
            "feature": names * len(key),
            "contribution": contributions.ravel(),
            "points": points.ravel(),
        }
    )
    return scores, long


def moved(model: Propensity, scores: pd.DataFrame, contributions: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same rows through the calibrator of another model with these boosters: log-odds stay, probabilities move."""
    matrix = contributions["contribution"].to_numpy().reshape(len(scores), -1)
    key = scores[["account_id", "as_of"]]
    return tabled(model, key, matrix, model.calibrator.probability(matrix.sum(axis=1)))


def levelled(
    params: Params, model: Propensity, scores: pd.DataFrame, contributions: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """The same rows at the base rate that the scores show, where that is beyond doubt; and what they show."""
    reading = model.read(scores["propensity"].to_numpy(), correct=params.shift.correct == "auto", seed=params.run.seed)
    if reading is None:
        return scores, contributions, {}
    if reading.is_corrected:
        scores, contributions = moved(model.corrected(reading), scores, contributions)
    return scores, contributions, reading.to_json()


def main() -> None:
    """Score every active account of the week."""
    params, model = Params.load(), written.read_model()
    if params.engine.kind == "spark":
        from pipelines.score_on_spark import contributions_and_probabilities

        scores, contributions = tabled(
            model, *contributions_and_probabilities(model, tables.CURRENT.path, params.engine)
        )
    else:
        scores, contributions = scored(model, tables.CURRENT.read())
    scores, contributions, reading = levelled(params, model, scores, contributions)
    written.as_json(paths.SHIFT, reading)
    tables.SCORES.write(scores)
    tables.CONTRIBUTIONS.write(contributions)


if __name__ == "__main__":
    stage.run(main)
