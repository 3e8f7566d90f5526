"""CatBoost, its own categoricals: Optuna's search from its defaults, early stopping on the holdout, then all rows."""

from typing import Any

import numpy as np
import optuna
import pandas as pd
from catboost import CatBoostClassifier, Pool
from exchange import Clock, Task, run
from search import best

FIRST = {"depth": 6, "l2_leaf_reg": 3.0, "random_strength": 1.0, "bagging_temperature": 1.0}


class Until:
    """Ends the boosting when its seconds are over."""

    def __init__(self, seconds: float) -> None:
        self.clock = Clock(seconds)

    def after_iteration(self, info: Any) -> bool:
        """Whether to go on."""
        return self.clock.left() > 0


def predict(task: Task, clock: Clock) -> np.ndarray:
    """Probabilities of the test rows."""
    fixed = {
        "loss_function": "Logloss",
        "thread_count": task.threads,
        "random_seed": task.seed,
        "has_time": task.is_ordered,
        "allow_writing_files": False,
        "verbose": False,
    }
    earlier, later = task.holdout(in_time=True)
    train, test = (_words(frame, task.categorical) for frame in (task.train, task.test))
    pools = [Pool(train.iloc[rows], task.y[rows], cat_features=task.categorical) for rows in (earlier, later)]

    def objective(trial: optuna.Trial, seconds: float) -> float:
        searched = {
            "depth": trial.suggest_int("depth", 3, 8),
            "l2_leaf_reg": trial.suggest_float("l2_leaf_reg", 1.0, 30.0, log=True),
            "random_strength": trial.suggest_float("random_strength", 0.1, 10.0, log=True),
            "bagging_temperature": trial.suggest_float("bagging_temperature", 0.0, 2.0),
        }
        model = CatBoostClassifier(**fixed, **searched, iterations=1000, early_stopping_rounds=50)
        model.fit(pools[0], eval_set=pools[1], callbacks=[Until(seconds)])
        trial.set_user_attr("iterations", model.tree_count_)
        trial.set_user_attr("learning_rate", model.get_all_params()["learning_rate"])
        return float(model.get_best_score()["validation"]["Logloss"])

    found = best(objective, clock, first=FIRST, seed=task.seed)
    model = CatBoostClassifier(**fixed, **found.params, **found.user_attrs)
    model.fit(Pool(train, task.y, cat_features=task.categorical), callbacks=[Until(clock.left())])
    return model.predict_proba(test)[:, 1]


def _words(frame: pd.DataFrame, categorical: list[str]) -> pd.DataFrame:
    """CatBoost wants its categories as words, a missing one too."""
    return frame.assign(**{name: frame[name].astype("object").fillna("(missing)").astype(str) for name in categorical})


if __name__ == "__main__":
    run(predict)
