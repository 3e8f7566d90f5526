"""Stage `score`: how likely is each account to expand, and what made the model think so?

Reads   current (features of the week), the trained model
Writes  scores: one row per (account_id, as_of): margin, propensity;
        contributions: one row per (account_id, as_of, feature), and `(base)`
"""

import pandas as pd

from models.propensity import Propensity
from pipelines import stage, tables, written

BASE = "(base)"


def scored(model: Propensity, current: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores, one row per account; contributions in the long form, points as shares of probability."""
    key = current[["account_id", "as_of"]]
    contributions = model.contributions(current)
    points = model.points(contributions) / 100
    scores = key.assign(margin=contributions.sum(axis=1), propensity=model.probability(current))
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


def main() -> None:
    """Score every active account of the week."""
    scores, contributions = scored(written.read_model(), tables.CURRENT.read())
    tables.SCORES.write(scores)
    tables.CONTRIBUTIONS.write(contributions)


if __name__ == "__main__":
    stage.run(main)
