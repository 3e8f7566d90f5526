"""`python -m pipelines.dashboard`: the last run's trials as a study that `optuna-dashboard` opens.

Reads   models/trials.parquet
Writes  dashboard.db: an Optuna storage in SQLite, made anew each time

A search that is to be reproducible keeps no storage (it would go on with the trials it finds there). It leaves a table,
and this makes a study of it: the same parameters, losses and states, without what was measured inside a trial.
"""

import logging
from typing import Any

import pandas as pd

from pipelines import paths, stage
from pipelines.tune import TRIALS

STUDY = "tune"
DATABASE = paths.LAKE / "dashboard.db"
# What the table holds of a trial beside its parameters.
NOT_PARAMETERS = {"trial", "state", "loss", "loss_as_is", "rounds", "last_round", "n_folds"}


def main() -> None:
    """Write the storage, and say how to open it."""
    trials = TRIALS.read()
    DATABASE.unlink(missing_ok=True)
    study_of(trials, f"sqlite:///{DATABASE}")
    print(f"{len(trials)} trials in {DATABASE}; open them with: optuna-dashboard --host 127.0.0.1 sqlite:///{DATABASE}")


def study_of(trials: pd.DataFrame, storage: str) -> Any:
    """An Optuna study with these trials, one per row, in a storage."""
    import optuna
    from optuna.distributions import FloatDistribution, IntDistribution
    from optuna.trial import TrialState, create_trial

    optuna.logging.set_verbosity(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    study = optuna.create_study(storage=storage, study_name=STUDY, direction="minimize")
    names = [name for name in trials if name not in NOT_PARAMETERS]
    distributions = {}
    for name in names:
        low, high = trials[name].min(), trials[name].max()
        is_whole = pd.api.types.is_integer_dtype(trials[name])
        distributions[name] = IntDistribution(int(low), int(high)) if is_whole else FloatDistribution(low, high)
    for row in trials.to_dict("records"):
        state = TrialState[row["state"].upper()]
        is_judged = state in (TrialState.COMPLETE, TrialState.PRUNED) and pd.notna(row["loss"])
        known = [name for name in names if pd.notna(row[name])]
        study.add_trial(
            create_trial(
                state=state,
                value=row["loss"] if is_judged else None,
                params={name: row[name] for name in known},
                distributions={name: distributions[name] for name in known},
                user_attrs={name: row[name] for name in ("rounds", "n_folds") if name in row and pd.notna(row[name])},
            )
        )
    return study


if __name__ == "__main__":
    stage.run(main)
