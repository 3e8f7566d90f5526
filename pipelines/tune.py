"""Stage `tune`: which parameters of the booster predict later rows best?

Reads   training, labels, models/selection.json, directions; with tune.resume also the journal
Writes  models/tuning.json: what was found; models/trials.parquet: one row per trial
        tune.log: a line per trial as it ends, with seconds; tune.journal with tune.resume. Neither is a DVC output

By default the search begins from nothing, in memory: the same commit and data give the same bytes. `tune.resume` gives
that up and goes on with the trials of earlier runs. `tune.first` is tried first; put the champion's parameters there
(`python -m pipelines.first_trial` prints them). They stand in params.yaml and are not looked up in the registry on the
way: a fresh clone has no registry and would find something else, and each promotion would start the next search anew.
"""

from typing import TYPE_CHECKING

from models import tuning
from models.drift import Selection
from pipelines import labelled, paths, progress, stage, tables, written
from pipelines.params import Params

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

TUNING = paths.MODELS / "tuning.json"
TRIALS = tables.Table(paths.MODELS / "trials.parquet", ("trial",))
LOG = paths.LAKE / "tune.log"
JOURNAL = paths.LAKE / "tune.journal"


def main() -> None:
    """Run the stage."""
    params = Params.load()
    settings = params.tune
    rows = labelled.read().learning()
    selection = Selection.from_json(written.read_json(paths.SELECTION))
    with progress.told(LOG, go_on=settings.resume) as teller:
        tuned, trials = tuning.tune(
            selection.kept(rows.X),
            rows.y,
            rows.folds(settings, params.label.horizon_days),
            settings=settings,
            seed=params.run.seed,
            weights=selection.weights(rows.periods),
            constraints=labelled.directions() if params.train.monotone else None,
            first=settings.first,
            progress=teller,
            storage=journal() if settings.resume else None,
        )
    TRIALS.write(trials)
    written.as_json(TUNING, tuned.to_json())


def journal() -> "BaseStorage":
    """Where trials are kept between runs."""
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    JOURNAL.parent.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(str(JOURNAL)))


if __name__ == "__main__":
    stage.run(main)
