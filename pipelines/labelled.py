"""Snapshots whose outcome is known, as learning wants them: features, target, block, and which belong together."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pandas as pd

from data.errors import BadInput
from models.folds import Fold, time_folds
from models.settings import Drift, Tuning
from pipelines import tables

KEY = ["account_id", "as_of"]
BLOCKS = ["train", "validation", "test"]
OUTCOME = ["is_expansion", "added_mrr", "block"]


@dataclass(frozen=True)
class Labelled:
    """One row per (account_id, as_of) whose outcome is known, in the order of the key.

    Beside the blocks train, validation and test there are rows of the gap between the first two: they are learnt from
    by whatever is judged later than their windows end, but by nothing that is judged on the validation block.
    """

    X: pd.DataFrame
    y: "pd.Series[Any]"
    blocks: "pd.Series[Any]"
    groups: "pd.Series[Any]"  # the account: its snapshots resemble each other
    periods: "pd.Series[Any]"  # the snapshot's date
    added_mrr: "pd.Series[Any]"  # what the expansion brought a month; 0 without one

    def block(self, name: str) -> "Labelled":
        """The rows of one block."""
        return self._where((self.blocks == name).to_numpy())

    def learning(self) -> "Labelled":
        """All rows that learning may see: their windows were over before the test block began."""
        return self._where((self.blocks != "test").to_numpy())

    def folds(self, settings: Tuning | Drift, horizon_days: int) -> list[Fold]:
        """Rolling origins over these rows, each with the label's window between what is learnt from and what judges."""
        gap = timedelta(days=horizon_days)
        return time_folds(self.periods, n_folds=settings.n_folds, gap=gap, later_share=settings.later_share)

    def _where(self, rows: Any) -> "Labelled":
        given = (self.X, self.y, self.blocks, self.groups, self.periods, self.added_mrr)
        return Labelled(*(column[rows] for column in given))


def join(training: pd.DataFrame, labels: pd.DataFrame, *, everything: bool = False) -> Labelled:
    """Features beside their labels. Raises BadInput where a labelled snapshot has no features.

    `everything`: with the gap before the test block too, for whoever draws the blocks anew.

    >>> day = pd.Timestamp("2026-01-01")
    >>> training = pd.DataFrame({"account_id": ["b", "a"], "as_of": [day, day], "seats": [2.0, 5.0]})
    >>> labels = pd.DataFrame({"account_id": ["a", "b"], "as_of": [day, day],
    ...                        "is_expansion": [True, None], "added_mrr": [40.0, 0.0],
    ...                        "block": ["train", "unlabelled"]})
    >>> rows = join(training, labels)
    >>> rows.X["seats"].tolist(), rows.y.tolist()
    ([5.0], [True])
    """
    first_chosen_by = labels.loc[labels["block"] == "validation", "as_of"].min()
    is_between = (labels["block"] == "gap") & (everything | (labels["as_of"] < first_chosen_by))
    known = labels.loc[labels["block"].isin(BLOCKS) | is_between, [*KEY, *OUTCOME]]
    rows = known.merge(training, on=KEY, how="left", validate="one_to_one", indicator="found_in").sort_values(KEY)
    missing = rows[rows.pop("found_in") != "both"]
    if len(missing):
        first = missing.iloc[0]
        raise BadInput(
            f"{tables.TRAINING.path}: {len(missing)} of {len(known)} labelled snapshots have no features "
            f"(first: {first['account_id']} as of {first['as_of']:%Y-%m-%d}); run `dvc repro`."
        )
    rows = rows.reset_index(drop=True)
    return Labelled(
        X=rows.drop(columns=[*KEY, *OUTCOME]),
        y=rows["is_expansion"].astype("bool"),
        blocks=rows["block"],
        groups=rows["account_id"],
        periods=rows["as_of"],
        added_mrr=rows["added_mrr"].astype("float64"),
    )


def read(*, everything: bool = False) -> Labelled:
    """From the lake."""
    return join(tables.TRAINING.read(), tables.LABELS.read(), everything=everything)


def directions() -> dict[str, int]:
    """+1 or -1 by the name of each feature that declares in which direction it may move the score."""
    declared = tables.DIRECTIONS.read()
    return dict(zip(declared["feature"], declared["rises"].astype(int), strict=True))
