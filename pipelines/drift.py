"""Stage `drift`: which features merely tell the time, and do later rows gain without them?

Reads   training, labels
Writes  models/selection.json: what to leave out, how fast rows age, and all that was tried
        drift.csv: one row per feature, most telling first, with what was done about it
"""

import pandas as pd

from models import drift, telling
from models.drift import Selection
from pipelines import labelled, paths, stage, written
from pipelines.params import Params


def main() -> None:
    """Run the stage."""
    params = Params.load()
    settings, seed = params.drift, params.run.seed
    rows = labelled.read().learning()
    folds = rows.folds(settings, params.label.horizon_days)
    told = telling.tells_time(rows.X, folds, groups=rows.groups, seed=seed)
    selection = Selection()
    if settings.choose:
        selection = drift.choose(
            rows.X,
            rows.y,
            rows.periods,
            folds,
            told=told,
            groups=rows.groups,
            seed=seed,
            min_positives=settings.min_positives,
        )
    written.as_json(paths.SELECTION, selection.to_json())
    left_out = told["feature"].map(dict(selection.dropped)).astype(pd.StringDtype()).rename("left_out")
    written.text(paths.DRIFT, pd.concat([told, left_out], axis=1).to_csv(index=False, float_format="%.4f"))


if __name__ == "__main__":
    stage.run(main)
