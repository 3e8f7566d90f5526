"""What does the search save? Ours against refits of scikit-learn's wrapper, the same folds, space, trials and seeds.

Made-up rows, 100,000 × 80 in ten periods, a tenth positive; five rolling origins. The opponent is what one would write
first: Optuna's TPE over `LGBMClassifier`, which bins anew for each fold, stops early on the same rows with the same
patience, and finishes every trial. Both have one thread and the same parameters that never vary. Compared are seconds
of the processor, since others may be at work on the machine, and the log loss on later rows that what each found
reaches, trained anew in the same way for both. Each figure is the median of several repeats, which differ by their
seeds.

Merges its keys into benchmarks/results/propensity.json: `python -m benchmarks.tuning [--quick] [--repeats N]`.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import optuna
import pandas as pd
from scipy.special import expit, logit

from models import tuning
from models.boosting import FIXED, Space
from models.folds import Fold, time_folds
from models.settings import Tuning

RESULTS = Path("benchmarks/results/propensity.json")
N_PERIODS, N_FOLDS = 10, 5


def make(n_rows: int, n_columns: int, seed: int) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Rows, target and period. A quarter of the columns matter: by steps, slopes and in pairs; gaps everywhere."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n_rows, n_columns))
    n_causes = n_columns // 4
    effects = rng.normal(size=n_causes) * 1.5 / np.sqrt(n_causes)
    cause = values[:, :n_causes] @ effects + (values[:, :n_causes] > 0.8) @ rng.permutation(effects)
    pairs = values[:, : n_causes - 1] * values[:, 1:n_causes] > 0.5
    cause += pairs @ rng.permutation(effects[1:])
    y = rng.random(n_rows) < expit(cause + logit(0.06))
    values[rng.random(values.shape) < 0.1] = np.nan
    X = pd.DataFrame(values, columns=[f"x{i}" for i in range(n_columns)])
    return X, pd.Series(y), pd.Series(np.sort(rng.integers(0, N_PERIODS, n_rows)))


def ours(
    X: pd.DataFrame, y: pd.Series, folds: list[Fold], settings: Tuning, seed: int
) -> tuple[dict[str, Any], int, str]:
    """Parameters and rounds of this project's search, and how its trials ended."""
    tuned, _ = tuning.tune(X, y, folds, settings=settings, seed=seed)
    return dict(tuned.parameters), tuned.rounds, f"{tuned.n_complete} complete, {tuned.n_pruned} pruned"


def refits(
    X: pd.DataFrame, y: pd.Series, folds: list[Fold], settings: Tuning, seed: int
) -> tuple[dict[str, Any], int, str]:
    """Parameters and rounds of a search by refits of scikit-learn's wrapper."""
    n_rare = min(int(y.iloc[fold.train].sum()) for fold in folds)
    space = Space.of(n_rows=min(len(fold.train) for fold in folds), n_rare=n_rare)
    fixed = {name: value for name, value in FIXED.items() if name not in ("metric", "feature_pre_filter")}
    fixed |= {"learning_rate": space.learning_rate, "random_state": seed, "n_estimators": settings.max_rounds}

    def objective(trial: optuna.Trial) -> float:
        parameters = tuning.suggest(trial, space)
        losses, rounds = [], []
        for fold in folds:
            model = lgb.LGBMClassifier(**fixed, **parameters)
            model.fit(
                X.iloc[fold.train],
                y.iloc[fold.train],
                eval_X=X.iloc[fold.later],
                eval_y=y.iloc[fold.later],
                eval_metric="binary_logloss",
                callbacks=[lgb.early_stopping(settings.patience, verbose=False)],
            )
            losses.append(model.best_score_["valid_0"]["binary_logloss"])
            rounds.append(model.best_iteration_)
        trial.set_user_attr("rounds", round(float(np.mean(rounds))))
        return float(np.mean(losses))

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=tuning.N_RANDOM))
    study.enqueue_trial(space.within(space.default))
    study.optimize(objective, n_trials=settings.n_trials)
    best = study.best_trial
    found = {**FIXED, "learning_rate": space.learning_rate, **best.params}
    return found, best.user_attrs["rounds"], f"{settings.n_trials} complete"


def later_loss(
    X: pd.DataFrame, y: pd.Series, folds: list[Fold], parameters: dict[str, Any], rounds: int, seed: int
) -> float:
    """Mean log loss of later rows, each fold trained anew."""
    losses = []
    values, target = X.to_numpy(), y.to_numpy(dtype="float64")
    for fold in folds:
        rows = lgb.Dataset(values[fold.train], target[fold.train], params={"verbosity": -1})
        booster = lgb.train({**parameters, "seed": seed}, rows, rounds)
        margin = booster.predict(values[fold.later], raw_score=True)
        losses.append(float((np.logaddexp(0, margin) - target[fold.later] * margin).mean()))
    return float(np.mean(losses))


def main() -> None:
    """Search both ways, judge both the same way, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a small table, once; writes nothing")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    n_rows, n_columns, n_trials = (10_000, 20, 12) if options.quick else (100_000, 80, 30)
    settings = Tuning(n_trials=n_trials, n_folds=N_FOLDS)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    found: dict[str, list[float]] = {"ours_seconds": [], "refits_seconds": [], "ours": [], "refits": []}
    for seed in range(1 if options.quick else options.repeats):
        X, y, periods = make(n_rows, n_columns, seed)
        folds = time_folds(periods, n_folds=N_FOLDS, gap=1)
        for name, search in (("ours", ours), ("refits", refits)):
            start = time.process_time()
            parameters, rounds, how = search(X, y, folds, settings, seed)
            found[f"{name}_seconds"].append(time.process_time() - start)
            found[name].append(later_loss(X, y, folds, parameters, rounds, seed + 1))
            told = (
                f"{name}: {found[f'{name}_seconds'][-1]:.0f} s, log loss {found[name][-1]:.5f}, {rounds} rounds; {how}"
            )
            print(f"seed {seed}, {told}", file=sys.stderr, flush=True)
    ratios = np.array(found["ours_seconds"]) / np.array(found["refits_seconds"])
    report = {
        "tuning_time_ratio": float(np.median(ratios)),
        "tuning_seconds_ours": float(np.median(found["ours_seconds"])),
        "tuning_seconds_refits": float(np.median(found["refits_seconds"])),
        "tuning_loss_ours": float(np.median(found["ours"])),
        "tuning_loss_refits": float(np.median(found["refits"])),
        "tuning_repeats": float(len(ratios)),
    }
    report = {name: float(f"{value:.5g}") for name, value in report.items()}
    if not options.quick:
        known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(dict(sorted((known | report).items())), indent=1) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
