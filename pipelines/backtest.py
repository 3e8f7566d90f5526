"""Stage `backtest`: what would the models of earlier months have been worth on the months after them?

Reads   training, labels, models/tuning.json
Writes  backtest.csv: one row per origin and metric, with its interval
        plots/backtest.csv: what of it is a share, by origin
"""

from datetime import timedelta

import pandas as pd

from models.backtest import backtest
from models.boosting import Tuned
from pipelines import labelled, paths, stage, written
from pipelines.params import Params
from pipelines.tune import TUNING

# Between 0 and 1, so that one plot holds them.
SHOWN = ("auc", "precision_at_capacity", "mrr_share_of_perfect")


def main() -> None:
    """Run the stage."""
    params = Params.load()
    rows = labelled.read(everything=True)
    table = backtest(
        rows.X,
        rows.y,
        rows.periods,
        tuned=Tuned.from_json(written.read_json(TUNING)),
        tuning=params.tune,
        training=params.train,
        settings=params.evaluate,
        gap=timedelta(days=params.label.horizon_days),
        seed=params.run.seed,
        groups=rows.groups,
        added_mrr=rows.added_mrr,
        told=print,
    )
    written.text(paths.BACKTEST, csv(table))
    shown = table.loc[table["metric"].isin(SHOWN), ["metric", "origin", "value"]].rename(columns={"metric": "system"})
    written.text(paths.BACKTEST_PLOT, csv(shown))


def csv(table: pd.DataFrame) -> str:
    """Dates as days, numbers with six digits."""
    return table.to_csv(index=False, float_format="%.6g", date_format="%Y-%m-%d")


if __name__ == "__main__":
    stage.run(main)
