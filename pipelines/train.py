"""Stage `train`: boost on the train block, calibrate on the validation block, then boost again on both.

Reads   training, labels, models/tuning.json
Writes  models/propensity/: a booster_*.txt per seed, and model.json
        importance.csv: one row per feature; what was left out stands at the end with the cause
"""

import dataclasses

import pandas as pd

from models import evaluation, promotion, propensity
from models.boosting import Tuned
from pipelines import labelled, paths, stage, written
from pipelines.params import Params
from pipelines.tune import TUNING

IMPORTANCE = paths.REPORTS / "importance.csv"


def main() -> None:
    """Run the stage."""
    params = Params.load()
    rows = labelled.read()
    model = propensity.fit(
        rows.X,
        rows.y,
        rows.blocks,
        tuned=Tuned.from_json(written.read_json(TUNING)),
        settings=params.train,
        seed=params.run.seed,
        groups=rows.groups,
    )
    seen = rows.periods[rows.blocks != "test"]
    known = promotion.learnt(seen, horizon_days=params.label.horizon_days, min_growth=params.label.min_growth)
    model = dataclasses.replace(model, facts={**model.facts, **known})
    written.model(model.to_files())
    later = rows.block("validation")
    importance = evaluation.importance(model.features, model.contributions(later.X), model.gain())
    left_out = pd.DataFrame(sorted(model.vocabulary.dropped.items()), columns=["feature", "left_out"])
    table = pd.concat([importance, left_out], ignore_index=True) if len(left_out) else importance.assign(left_out=None)
    written.text(IMPORTANCE, table.to_csv(index=False, float_format="%.6g"))


if __name__ == "__main__":
    stage.run(main)
