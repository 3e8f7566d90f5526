"""FLAML's AutoML: learners, folds and search of its own choice; told where rows stand in the order of time."""

import logging

import numpy as np
from exchange import Clock, Task, run
from flaml import AutoML

SHARE = 0.8  # of the seconds; its last trial and its final model take the rest


def predict(task: Task, clock: Clock) -> np.ndarray:
    """Probabilities of the test rows."""
    logging.getLogger("flaml").setLevel(logging.ERROR)
    model = AutoML()
    model.fit(
        task.train,
        task.y,
        task="classification",
        metric="log_loss",
        time_budget=SHARE * clock.left(),
        split_type="time" if task.is_ordered else "auto",
        n_jobs=task.threads,
        seed=task.seed,
        verbose=0,
    )
    return model.predict_proba(task.test)[:, 1]


if __name__ == "__main__":
    run(predict)
