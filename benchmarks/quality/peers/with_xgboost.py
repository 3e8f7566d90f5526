"""XGBoost, its own categoricals: Optuna's search from its defaults, early stopping on the holdout, then all rows."""

from typing import Any

import numpy as np
import optuna
import xgboost as xgb
from exchange import Clock, Task, run
from search import best

FIRST = {
    "learning_rate": 0.3,
    "max_depth": 6,
    "min_child_weight": 1.0,
    "subsample": 1.0,
    "colsample_bytree": 1.0,
    "reg_lambda": 1.0,
}


class Until(xgb.callback.TrainingCallback):
    """Ends the boosting when its seconds are over."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.clock = Clock(seconds)

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Whether to stop."""
        return self.clock.left() < 0


def predict(task: Task, clock: Clock) -> np.ndarray:
    """Probabilities of the test rows."""
    fixed: dict[str, Any] = {
        "n_jobs": task.threads,
        "random_state": task.seed,
        "enable_categorical": True,
        "tree_method": "hist",
        "eval_metric": "logloss",
    }
    earlier, later = task.holdout(in_time=False)

    def objective(trial: optuna.Trial, seconds: float) -> float:
        searched = {
            "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.3, log=True),
            "max_depth": trial.suggest_int("max_depth", 2, 10),
            "min_child_weight": trial.suggest_float("min_child_weight", 1.0, 100.0, log=True),
            "subsample": trial.suggest_float("subsample", 0.5, 1.0),
            "colsample_bytree": trial.suggest_float("colsample_bytree", 0.3, 1.0),
            "reg_lambda": trial.suggest_float("reg_lambda", 0.1, 100.0, log=True),
        }
        until = [Until(seconds)]
        model = xgb.XGBClassifier(**fixed, **searched, n_estimators=1000, early_stopping_rounds=50, callbacks=until)
        model.fit(
            task.train.iloc[earlier],
            task.y[earlier],
            eval_set=[(task.train.iloc[later], task.y[later])],
            verbose=False,
        )
        trial.set_user_attr("n_estimators", model.best_iteration + 1)
        return float(model.best_score)

    found = best(objective, clock, first=FIRST, seed=task.seed)
    model = xgb.XGBClassifier(**fixed, **found.params, **found.user_attrs, callbacks=[Until(clock.left())])
    return model.fit(task.train, task.y).predict_proba(task.test)[:, 1]


if __name__ == "__main__":
    run(predict)
