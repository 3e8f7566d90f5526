"""Optuna's stepwise LightGBMTuner on the holdout; then all training rows, with the parameters and rounds it found."""

import lightgbm as lgb
import numpy as np
import optuna
import optuna_integration.lightgbm as tuners
from exchange import Clock, Task, run

SHARE = 0.7  # of the seconds, for the search; the final model is still to be made


def predict(task: Task, clock: Clock) -> np.ndarray:
    """Probabilities of the test rows."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    fixed = {
        "objective": "binary",
        "metric": "binary_logloss",
        "verbosity": -1,
        "num_threads": task.threads,
        "seed": task.seed,
        "deterministic": True,
        "force_row_wise": True,
    }
    earlier, later = task.holdout(in_time=False)
    train = lgb.Dataset(task.train.iloc[earlier], task.y[earlier])
    validation = lgb.Dataset(task.train.iloc[later], task.y[later], reference=train)
    search = Clock(SHARE * clock.left())

    def until(now: lgb.callback.CallbackEnv) -> None:
        """The tuner looks at its budget between trials only, and a trial can be long."""
        if search.left() < 0:
            raise lgb.callback.EarlyStopException(now.iteration, now.evaluation_result_list)

    tuner = tuners.LightGBMTuner(
        fixed,
        train,
        num_boost_round=1000,
        valid_sets=[validation],
        callbacks=[lgb.early_stopping(50, verbose=False), until],
        time_budget=max(1, int(search.left())),
        optuna_seed=task.seed,
        show_progress_bar=False,
    )
    tuner.run()
    rounds = tuner.get_best_booster().best_iteration or 1000
    everything = lgb.Dataset(task.train, task.y)
    return lgb.train(tuner.best_params, everything, rounds).predict(task.test)


if __name__ == "__main__":
    run(predict)
