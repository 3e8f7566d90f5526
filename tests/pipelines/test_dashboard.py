"""The search's table becomes a study that holds the same trials, each time anew."""

from pathlib import Path

import optuna
import pandas as pd
import pytest
from optuna.trial import TrialState

from pipelines import dashboard
from pipelines.tune import TRIALS

SEARCHED = pd.DataFrame(
    {
        "trial": [0, 1, 2],
        "state": ["complete", "pruned", "complete"],
        "loss": [0.31, None, 0.29],
        "loss_as_is": [0.32, None, 0.30],
        "rounds": pd.array([60, None, 45], dtype="Int64"),
        "n_folds": [3, 1, 3],
        "num_leaves": [4, 31, 7],
        "lambda_l2": [5.0, 0.1, 85.9],
        "max_bin": [127, 127, 127],
    }
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_study_holds_the_tables_trials(folder: Path) -> None:
    dashboard.study_of(SEARCHED, "sqlite:///study.db")
    study = optuna.load_study(study_name=dashboard.STUDY, storage="sqlite:///study.db")
    trials = study.get_trials()
    assert [t.state for t in trials] == [TrialState.COMPLETE, TrialState.PRUNED, TrialState.COMPLETE]
    assert [t.value for t in trials] == [0.31, None, 0.29]
    assert [t.params for t in trials] == SEARCHED[["num_leaves", "lambda_l2", "max_bin"]].to_dict("records")
    assert [t.user_attrs for t in trials] == [
        {"rounds": 60, "n_folds": 3},
        {"n_folds": 1},
        {"rounds": 45, "n_folds": 3},
    ]
    assert study.best_trial.number == 2  # the lowest loss
    assert study.direction == optuna.study.StudyDirection.MINIMIZE


def test_whole_numbers_stay_whole_and_the_ranges_are_what_was_tried(folder: Path) -> None:
    (trial, *_) = dashboard.study_of(SEARCHED, "sqlite:///study.db").get_trials()
    assert trial.distributions["num_leaves"] == optuna.distributions.IntDistribution(4, 31)
    assert trial.distributions["lambda_l2"] == optuna.distributions.FloatDistribution(0.1, 85.9)


def test_a_parameter_that_some_trials_lack_is_left_out_of_those(folder: Path) -> None:
    some = SEARCHED.assign(path_smooth=[1.0, None, 2.0])
    trials = dashboard.study_of(some, "sqlite:///study.db").get_trials()
    assert ["path_smooth" in t.params for t in trials] == [True, False, True]


def test_made_twice_it_is_the_last_run_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for table in (SEARCHED, SEARCHED.head(2)):
        TRIALS.write(table)
        dashboard.main()
    said = capsys.readouterr().out.splitlines()
    assert said[-1].startswith("2 trials in data/lake/dashboard.db; open them with: optuna-dashboard --host 127.0.0.1 ")
    storage = f"sqlite:///{dashboard.DATABASE}"
    assert said[-1].endswith(storage)
    assert len(optuna.load_study(study_name=dashboard.STUDY, storage=storage).get_trials()) == 2
