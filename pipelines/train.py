"""Stage `train`: boost as tuned, calibrate on later rows, then boost again on all rows that learning may see.

Reads   training, labels, models/selection.json, models/tuning.json; with train.monotone also directions
Writes  models/propensity/: a booster_*.txt per fold and seed, and model.json
        importance.csv: one row per feature; what was left out stands at the end with the cause
"""

import dataclasses
from typing import Any

import pandas as pd

from models import curves, promotion, propensity
from models.boosting import Tuned
from models.drift import Selection
from pipelines import labelled, paths, stage, written
from pipelines.params import Params
from pipelines.tune import TUNING

IMPORTANCE = paths.REPORTS / "importance.csv"


def main() -> None:
    """Run the stage."""
    params = Params.load()
    rows = labelled.read().learning()
    selection = Selection.from_json(written.read_json(paths.SELECTION))
    X, weights = selection.kept(rows.X), selection.weights(rows.periods)
    held = labelled.directions() if params.train.monotone else None
    folds = rows.folds(params.tune, params.label.horizon_days)
    tuned = Tuned.from_json(written.read_json(TUNING))
    how: dict[str, Any] = {
        "tuned": tuned, "settings": params.train, "seed": params.run.seed, "groups": rows.groups, "weights": weights,
    }  # fmt: skip
    later = propensity.rehearse(X, rows.y, folds, constraints=held, **how)
    model = propensity.fit(X, rows.y, folds, constraints=held, later=later, **how)
    if held:
        cost = propensity.compared(later, propensity.rehearse(X, rows.y, folds, constraints=None, **how))
        model = dataclasses.replace(model, facts={**model.facts, "monotone": cost})
    known = promotion.learnt(rows.periods, horizon_days=params.label.horizon_days, min_growth=params.label.min_growth)
    model = dataclasses.replace(model, facts={**model.facts, **known})
    written.model(model.to_files())
    chosen_by = rows.block("validation")
    importance = curves.importance(model.features, model.contributions(chosen_by.X), model.gain())
    left_out = pd.DataFrame(
        sorted({**model.vocabulary.dropped, **selection.dropped}.items()), columns=["feature", "left_out"]
    )
    table = pd.concat([importance, left_out], ignore_index=True) if len(left_out) else importance.assign(left_out=None)
    written.text(IMPORTANCE, table.to_csv(index=False, float_format="%.6g"))


if __name__ == "__main__":
    stage.run(main)
