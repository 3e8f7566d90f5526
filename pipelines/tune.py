"""Stage `tune`: which parameters of the booster predict the validation block best?

Reads   training, labels
Writes  models/tuning.json: what was found; models/trials.parquet: one row per trial
"""

from models import tuning
from pipelines import labelled, paths, stage, tables, written
from pipelines.params import Params

TUNING = paths.MODELS / "tuning.json"
TRIALS = tables.Table(paths.MODELS / "trials.parquet", ("trial",))


def main() -> None:
    """Run the stage."""
    params = Params.load()
    rows = labelled.read()
    tuned, trials = tuning.tune(rows.X, rows.y, rows.blocks, settings=params.tune, seed=params.run.seed)
    TRIALS.write(trials)
    written.as_json(TUNING, tuned.to_json())


if __name__ == "__main__":
    stage.run(main)
