"""The same rows learn and judge every time, and what judges is later, or drawn by a hash."""

import doctest
import zipfile

import numpy as np
import pandas as pd
import pytest

from benchmarks.quality import company, splits
from benchmarks.quality.splits import TARGET, by_snapshot, folds, hashed, ordered
from data.errors import BadInput
from pipelines import paths, tables


def table(n=1000):
    rows = np.arange(n)
    return pd.DataFrame({"size": rows * 1.0, "colour": np.where(rows % 3, "red", "blue"), TARGET: rows % 4 // 3})


def test_docstrings():
    assert doctest.testmod(splits).failed == 0


def test_which_rows_learn_is_saved():
    """By these digests two tables of figures are of the same split; a change of them makes old figures worthless."""
    assert ordered("bank_marketing", table(41_188), splits.BANK_SHARE).digest == "4d4818e70bda"
    assert hashed("hillstrom", table(64_000), splits.HILLSTROM_SHARE).digest == "ca87d7d41ca2"
    (cancer, *others) = splits.breast_cancer(None)
    assert cancer.digest == "71d3aa36ba11"
    assert len({split.digest for split in others}) == 9


def test_what_judges_is_later():
    split = ordered("calls", table(), 0.8)
    assert (len(split.train), len(split.test)) == (800, 200)
    assert split.train["row"].max() < split.test["row"].min()
    assert split.features == ("size", "colour")
    assert split.categorical == ("colour",)


def test_a_hash_draws_about_its_share_and_no_row_twice():
    split = hashed("customers", table(20_000), 0.7)
    assert len(split.train) + len(split.test) == 20_000
    assert not set(split.train["row"]) & set(split.test["row"])
    assert len(split.train) / 20_000 == pytest.approx(0.7, abs=0.015)
    assert hashed("others", table(20_000), 0.7).digest != split.digest


def test_each_row_judges_once_in_a_repeat_and_folds_are_stratified():
    found = list(folds("tiny", table(), 5, 2))
    assert [split.fold for split in found] == list(range(1, 11))
    for repeat in (found[:5], found[5:]):
        assert sorted(np.concatenate([split.test["row"] for split in repeat])) == list(range(1000))
    for split in found:
        assert not set(split.train["row"]) & set(split.test["row"])
        assert split.test[TARGET].sum() == 50
    assert found[0].digest != found[5].digest


def snapshots():
    days = pd.date_range("2025-01-01", periods=12, freq="MS").as_unit("us")
    grid = pd.MultiIndex.from_product([["a", "b"], days], names=["account_id", "as_of"])
    rows = grid.to_frame(index=False)
    return rows.assign(seats=1.0, **{TARGET: 0}), days


def test_no_outcome_that_teaches_is_open_when_judging_begins():
    rows, days = snapshots()
    split = by_snapshot("company", rows, days[9], pd.Timedelta(days=90))
    assert list(split.test["as_of"].unique()) == list(days[9:])
    assert split.train["as_of"].max() == days[6]  # three months before
    assert split.features == ("seats",)
    assert split.group == "account_id"


def test_a_rehearsal_stays_within_the_training_rows():
    rows, days = snapshots()
    for split in (
        by_snapshot("company", rows, days[9], pd.Timedelta(days=90)),
        ordered("calls", table(), 0.8),
        hashed("customers", table(), 0.7),
    ):
        tried = split.rehearsed()
        known = set(split.train.index)
        assert set(tried.train.index) | set(tried.test.index) <= known
        assert len(tried.train)
        assert len(tried.test)
        if split.time:
            assert (tried.train[split.time] + split.gap).max() <= tried.test[split.time].min()


def test_calls_lose_their_duration(tmp_path, monkeypatch):
    monkeypatch.setattr(splits, "N_BANK", 5)
    (tmp_path / "bank_marketing").mkdir()
    with zipfile.ZipFile(tmp_path / "bank_marketing/bank-additional.zip", "w") as archive:
        rows = "\n".join(f"{30 + i};admin;{i};{'yes' if i % 2 else 'no'}" for i in range(5))
        archive.writestr("bank-additional/bank-additional-full.csv", f"age;job;duration;y\n{rows}\n")
    (split,) = splits.bank_marketing(tmp_path)
    assert split.features == ("age", "job")
    assert split.train[TARGET].tolist() == [0, 1, 0, 1]
    monkeypatch.setattr(splits, "N_BANK", 6)
    with pytest.raises(BadInput, match="5 rows, where 6 are known"):
        list(splits.bank_marketing(tmp_path))
    with pytest.raises(BadInput, match=r"hillstrom\.csv: there is no such file"):
        list(splits.hillstrom(tmp_path))


def test_a_simulated_company_hands_over_all_whose_outcome_is_known(tmp_path, monkeypatch):
    days = pd.date_range("2025-01-01", periods=3, freq="MS").as_unit("us")
    keys = pd.DataFrame({"account_id": ["b", "a", "a", "a"], "as_of": days[[0, 0, 1, 2]]})
    labels = keys.assign(is_expansion=[True, False, True, None], block=["train", "train", "test", "unlabelled"])
    (tmp_path / paths.PARAMS).write_bytes(paths.PARAMS.read_bytes())
    monkeypatch.chdir(tmp_path)
    tables.TRAINING.write(keys.assign(seats=[4.0, 1.0, 2.0, 3.0]))
    tables.LABELS.write(labels.astype({"is_expansion": "boolean"}))
    rows, first_test, horizon = company.labelled_features(tmp_path)
    assert rows[["account_id", "seats", "is_expansion"]].to_numpy().tolist() == [["a", 1, 0], ["a", 2, 1], ["b", 4, 1]]
    assert first_test == days[1]
    assert horizon == pd.Timedelta(days=90)
