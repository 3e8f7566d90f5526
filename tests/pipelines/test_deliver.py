"""What the page says of the model: only what this model was measured to be."""

from datetime import date
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from models.shift import Moved
from pipelines.deliver import NOT_JUDGED, ONE_CLASS, draws, summary_of
from pipelines.params import Params

PARAMS: Any = SimpleNamespace(
    run=SimpleNamespace(company="Small", as_of=date(2026, 6, 1)), label=SimpleNamespace(horizon_days=90)
)
MODEL: Any = SimpleNamespace(model_version="m1", shift=None)
VALIDATION: dict[str, Any] = {"missing": {}, "tables": {}}


def metrics(model_version: str, is_better: bool) -> dict[str, Any]:
    auc = {"value": 0.8, "low": 0.7, "high": 0.9}
    return {"model_version": model_version, "ours": {"auc": auc}, "is_better_than_base_rate": is_better}


@pytest.mark.parametrize("is_better", [True, False])
def test_a_judged_model_is_told_as_it_was_judged(is_better: bool) -> None:
    told = summary_of(PARAMS, MODEL, metrics("m1", is_better), VALIDATION, {})
    assert (told.auc, told.auc_low, told.auc_high) == (0.8, 0.7, 0.9)
    assert told.has_signal is is_better
    assert told.warnings == ()


def test_a_model_that_was_not_judged_claims_nothing() -> None:
    told = summary_of(PARAMS, MODEL, metrics("another", True), VALIDATION, {})
    assert (told.auc, told.auc_low, told.auc_high) == (None, None, None)
    assert told.has_signal is None
    assert told.warnings == (NOT_JUDGED,)
    assert NOT_JUDGED.en.startswith("This model was not judged on the data of this folder's metrics")


def test_a_model_that_could_not_be_judged_is_neither_good_nor_bad() -> None:
    nothing = {"value": None, "low": None, "high": None}
    found = {"model_version": "m1", "ours": {"auc": nothing}, "is_better_than_base_rate": None}
    told = summary_of(PARAMS, MODEL, found, VALIDATION, {})
    assert told.has_signal is None
    assert told.auc is None
    assert told.warnings == (ONE_CLASS,)


def test_what_the_scores_say_of_the_base_rate_stands_before_what_was_missing_in_the_data() -> None:
    validation = {"missing": {"surveys": "the features of NPS."}, "tables": {}}
    moved = {"is_corrected": True, "rate_carried": 0.1, "rate_em": 0.2, "distribution_moved": True}
    told = summary_of(PARAMS, MODEL, metrics("m1", True), validation, moved)
    assert [text.en[:40] for text in told.warnings] == [
        "The share of customers who expand seems ", "There is no table surveys, and with it t",
    ]  # fmt: skip
    known = SimpleNamespace(model_version="m1", shift=SimpleNamespace(moved=Moved(0.1, 0.2, 0.8, 0.6, 1.0, True)))
    (text,) = summary_of(PARAMS, known, metrics("m1", True), VALIDATION, {}).warnings  # type: ignore[arg-type]  # a stub
    assert text.en.startswith("Customers expand more often than they did (20.0%")


def test_every_draw_of_the_week_stands_in_the_manifest_with_its_pscore() -> None:
    params = Params.load()
    decisions = pd.DataFrame(
        {
            "account_id": list("abcd"), "assignment": ["contact", "holdout", "holdout", "contact"],
            "is_explored": [False, False, True, True], "pscore": [0.9, 0.05, 0.01, 0.02],
        }
    )  # fmt: skip
    told = draws(params, decisions)
    assert told["holdout"] == {
        "salt": params.decide.holdout_salt, "share": params.decide.holdout_share, "pscores": {"b": 0.05},
    }  # fmt: skip
    assert told["exploration"]["pscores"] == {"c": 0.01, "d": 0.02}
    assert told["exploration"]["key"] == f"{params.run.seed}:{params.run.as_of}"
    assert told["exploration"]["kind"] == params.decide.week.explore.kind
