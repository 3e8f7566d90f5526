"""Who learns from which rows, and which rows judge: the same for every system, and the same every time.

| data set | learns | judges |
|---|---|---|
| bank_marketing | the first four fifths of its rows, which stand in the order of time | the last fifth |
| hillstrom | seven tenths of the rows, by the hash of their number | the others |
| breast_cancer | four fifths, in each of 5 folds × 2 repeats, by hash too | the fifth left out |
| the simulator's presets | snapshots whose outcome was known before the first that judges | the last three snapshots |
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from data.errors import BadInput

TARGET = "y"
ROW = "row"
N_BANK, BANK_SHARE = 41_188, 0.8
N_HILLSTROM, HILLSTROM_SHARE = 64_000, 0.7
N_FOLDS, N_REPEATS = 5, 2
BANK = "bank_marketing"
PRESETS = ("midmarket", "plg_freemium", "enterprise", "noise")
COMPANY_ACCOUNTS, COMPANY_SEED = 3000, 11


@dataclass(frozen=True)
class Split:
    """One row of `train` and `test` per `key`; both hold the target, which `test` keeps from the systems."""

    data_set: str
    fold: int
    train: pd.DataFrame
    test: pd.DataFrame
    key: tuple[str, ...]
    features: tuple[str, ...]
    categorical: tuple[str, ...]
    time: str | None = None  # a column of the key; rows with the same value are as old as one another
    group: str | None = None  # rows that resemble each other: drawn together when errors are estimated
    gap: pd.Timedelta | int = 0  # from a training row's time until its outcome is known

    @property
    def name(self) -> str:
        """Of the folder in which its files lie."""
        return f"{self.data_set}_{self.fold}" if self.fold else self.data_set

    @property
    def digest(self) -> str:
        """Twelve hex digits of which rows learn and which judge."""
        sides = [side[list(self.key)].to_csv(index=False) for side in (self.train, self.test)]
        return hashlib.sha256("\0".join(sides).encode()).hexdigest()[:12]

    def rehearsed(self) -> Split:
        """A split of the training rows alone, to try things on: later (else, hashed) rows of theirs judge."""
        if self.time is None:
            is_test = hashed_shares(f"rehearsal of {self.name}", len(self.train)) >= HILLSTROM_SHARE
            return replace(self, train=self.train[~is_test], test=self.train[is_test])
        when = self.train[self.time]
        moments = np.sort(when.unique())
        first = moments[int(BANK_SHARE * len(moments))]
        return replace(self, train=self.train[when + self.gap < first], test=self.train[when >= first])


def hashed_shares(salt: str, n: int) -> np.ndarray:
    """A number in [0, 1) per row number from 0 to n − 1, that is the same on every machine and in every version.

    >>> hashed_shares("a", 3).round(3).tolist() == hashed_shares("a", 5)[:3].round(3).tolist()
    True
    """
    digests = (hashlib.sha256(f"{salt}:{row}".encode()).digest()[:8] for row in range(n))
    return np.array([int.from_bytes(digest, "big") for digest in digests], dtype="float64") / 2.0**64


def ordered(name: str, table: pd.DataFrame, share: float) -> Split:
    """The rows before `share` of all, in their order, learn; those after it judge."""
    table = table.assign(**{ROW: np.arange(len(table))})
    cut = int(share * len(table))
    return Split(name, 0, table[:cut], table[cut:], (ROW,), *_columns(table, (ROW,)), time=ROW)


def hashed(name: str, table: pd.DataFrame, share: float) -> Split:
    """About `share` of the rows learn, drawn by the hash of their number."""
    table = table.assign(**{ROW: np.arange(len(table))})
    is_train = hashed_shares(name, len(table)) < share
    return Split(name, 0, table[is_train], table[~is_train], (ROW,), *_columns(table, (ROW,)))


def folds(name: str, table: pd.DataFrame, n_folds: int, n_repeats: int) -> Iterator[Split]:
    """Stratified folds, repeated: within each class, rows are dealt out in the order of their hash."""
    table = table.assign(**{ROW: np.arange(len(table))})
    columns = _columns(table, (ROW,))
    for repeat in range(n_repeats):
        share = pd.Series(hashed_shares(f"{name}, {repeat}", len(table)), index=table.index)
        fold = share.groupby(table[TARGET]).rank(method="first").astype("int64") % n_folds
        for i in range(n_folds):
            yield Split(name, 1 + repeat * n_folds + i, table[fold != i], table[fold == i], (ROW,), *columns)


def by_snapshot(name: str, table: pd.DataFrame, first_test: pd.Timestamp, horizon: pd.Timedelta) -> Split:
    """Account × snapshot: those from `first_test` on judge; those whose outcome was known by then learn."""
    key, when = ("account_id", "as_of"), table["as_of"]
    return Split(
        name,
        0,
        table[when + horizon <= first_test],
        table[when >= first_test],
        key,
        *_columns(table, key),
        time="as_of",
        group="account_id",
        gap=horizon,
    )


def _columns(table: pd.DataFrame, key: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    features = tuple(str(column) for column in table if column not in (*key, TARGET))
    return features, tuple(name for name in features if not pd.api.types.is_numeric_dtype(table[name]))


def bank_marketing(data: Path) -> Iterator[Split]:
    """Did the client subscribe? 41,188 calls of 2008-2010 in date order; the call's duration is known only after it."""
    file = data / BANK / "bank-additional.zip"
    _must_be(file)
    with zipfile.ZipFile(file) as archive, archive.open("bank-additional/bank-additional-full.csv") as csv:
        table = pd.read_csv(csv, sep=";").drop(columns="duration")
    _must_have(file, table, N_BANK)
    yield ordered(BANK, table.assign(**{TARGET: (table[TARGET] == "yes").astype("int64")}), BANK_SHARE)


def hillstrom(data: Path) -> Iterator[Split]:
    """Did the customer visit? 64,000 customers of a randomised e-mail test; what they were sent is a feature."""
    file = data / "hillstrom" / "hillstrom.csv"
    _must_be(file)
    table = pd.read_csv(file)
    _must_have(file, table, N_HILLSTROM)
    table = table.drop(columns=["conversion", "spend"]).rename(columns={"visit": TARGET})
    yield hashed("hillstrom", table, HILLSTROM_SHARE)


def breast_cancer(data: Path) -> Iterator[Split]:
    """Is the tumour malignant? 569 rows that scikit-learn brings along: a tiny case."""
    from sklearn.datasets import load_breast_cancer

    frame = load_breast_cancer(as_frame=True).frame
    malignant = 1 - frame.pop("target")  # there, 1 is benign
    yield from folds("breast_cancer", frame.assign(**{TARGET: malignant}), N_FOLDS, N_REPEATS)


def simulated(preset: str, data: Path) -> Iterator[Split]:
    """Did the account expand? A simulated company's snapshots, their features made by this project's own stages."""
    from benchmarks.quality import company

    with company.made(preset, COMPANY_ACCOUNTS, seed=COMPANY_SEED) as made:
        table, first_test, horizon = company.labelled_features(made.workspace)
    yield by_snapshot(preset, table.rename(columns={"is_expansion": TARGET}), first_test, horizon)


DATA_SETS: dict[str, Callable[[Path], Iterator[Split]]] = {
    BANK: bank_marketing,
    "hillstrom": hillstrom,
    "breast_cancer": breast_cancer,
    **{preset: partial(simulated, preset) for preset in PRESETS},
}


def _must_be(file: Path) -> None:
    if not file.is_file():
        raise BadInput(f"{file}: there is no such file; give the folder that holds {file.parent.name}/ as DATA.")


def _must_have(file: Path, table: pd.DataFrame, n: int) -> None:
    if len(table) != n:
        raise BadInput(f"{file}: {len(table)} rows, where {n} are known; the saved split would be another one.")
