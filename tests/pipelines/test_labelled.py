from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.splits import blocks
from models.settings import Tuning
from pipelines import labelled, tables
from pipelines.labelled import Labelled, join

HORIZON = 90
DAYS = [stamp.date() for stamp in pd.date_range("2024-01-01", periods=24, freq="MS")]


def rows() -> Labelled:
    named = blocks(DAYS, horizon_days=HORIZON, last_known=date(2026, 1, 1), n_test=3, n_validation=3)
    key = pd.DataFrame({"account_id": np.repeat(["a", "b"], 24), "as_of": pd.to_datetime(DAYS * 2).as_unit("us")})
    labels = key.assign(is_expansion=key.index % 3 == 0, added_mrr=0.0, block=[named[day] for day in DAYS] * 2)
    return join(key.assign(seats=1.0), labels)


def test_learning_sees_whatever_was_known_before_the_test_block_and_nothing_else() -> None:
    found = rows()
    learning = found.learning()
    first_test = found.block("test").periods.min()
    is_known = found.periods + pd.Timedelta(days=HORIZON) <= first_test
    pd.testing.assert_series_equal(learning.periods, found.periods[is_known])
    # The gap before validation is learnt from; the one before test is nobody's.
    assert (learning.blocks == "gap").sum() > 0
    assert len(found.y) == len(learning.y) + len(found.block("test").y)


def test_no_label_that_is_learnt_from_ends_after_what_judges_begins() -> None:
    learning = rows().learning()
    folds = learning.folds(Tuning(n_folds=3), HORIZON)
    assert len(folds) == 3
    for fold in folds:
        last_known = learning.periods.iloc[fold.train].max() + pd.Timedelta(days=HORIZON)
        assert last_known <= learning.periods.iloc[fold.later].min()


def test_directions_are_read_as_they_were_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    declared = {"limit_peak": 1, "days_to_limit": -1}
    tables.DIRECTIONS.write(pd.DataFrame({"feature": list(declared), "rises": list(declared.values())}))
    assert labelled.directions() == declared
    nobody: dict[str, int] = {}
    tables.DIRECTIONS.write(pd.DataFrame({"feature": list(nobody), "rises": list(nobody.values())}))
    assert labelled.directions() == nobody
