"""A system sees no truth, is ended when it takes too long, and is asked again only where something changed."""

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from benchmarks.quality import contest, systems
from benchmarks.quality.splits import TARGET, hashed, ordered
from benchmarks.quality.systems import System

EXCHANGE = Path("benchmarks/quality/peers/exchange.py")
ANSWERS = """
import sys, pathlib, pyarrow as pa, pyarrow.parquet as pq
folder, out, seconds = sys.argv[1:]
asked = pathlib.Path(folder, "asked"); asked.write_text((asked.read_text() if asked.exists() else "") + seconds + " ")
pq.write_table(pa.table({"p": [0.25] * pq.read_table(folder + "/test.parquet").num_rows}), out)
"""


def table(n=100):
    rows = np.arange(n)
    colour = np.where(rows % 2, "red", "blue").astype(object)
    colour[0], colour[-1] = None, "unseen"
    return pd.DataFrame({"size": rows * 1.0, "flag": rows % 3 == 0, "colour": colour, TARGET: rows % 5 == 0}).astype(
        {TARGET: "int64"}
    )


@pytest.fixture
def peer(tmp_path, monkeypatch):
    """A peer that runs in this environment and says 0.25."""
    monkeypatch.setattr(systems, "PEERS_PYTHON", Path(sys.executable))
    lock = tmp_path / "lock"
    lock.write_text("peer==1.0\n")
    monkeypatch.setattr(contest, "PEERS_LOCK", lock)
    file = tmp_path / "peer.py"
    file.write_text(ANSWERS)
    return System("peer", "A peer", file, "peer")


def exchange():
    spec = importlib.util.spec_from_file_location("exchange", EXCHANGE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["exchange"] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules["exchange"]
    return module


def test_nobody_is_shown_the_truth_of_the_rows_that_judge(tmp_path):
    split = ordered("calls", table(), 0.8)
    contest.lay_out(split, tmp_path)
    assert TARGET not in pq.read_schema(tmp_path / "test.parquet").names
    assert TARGET in pq.read_schema(tmp_path / "train.parquet").names
    assert json.loads((tmp_path / "task.json").read_text())["time"] == "row"
    contest.lay_out(replace(split, gap=pd.Timedelta(days=90)), tmp_path)
    assert json.loads((tmp_path / "task.json").read_text())["gap"] == 90


def test_a_task_reads_back_as_it_was_laid_out(tmp_path):
    split = ordered("calls", table(), 0.8)
    contest.lay_out(split, tmp_path)
    task = exchange().Task.read(tmp_path, 10.0)
    assert list(task.train) == list(task.test) == ["size", "flag", "colour"]
    assert task.categorical == ["colour"]
    assert task.train["colour"].cat.categories.tolist() == ["blue", "red"]
    assert pd.isna(task.train["colour"].iloc[0])
    assert pd.isna(task.test["colour"].iloc[-1])  # a level that training has not seen
    assert task.train["flag"].dtype == "float64"
    assert task.y.tolist() == split.train[TARGET].tolist()


def test_one_chooses_by_a_stratified_fifth_or_by_the_latest_rows(tmp_path):
    Task = exchange().Task
    calls = ordered("calls", table(), 0.8)
    contest.lay_out(calls, tmp_path)
    earlier, later = Task.read(tmp_path, 10.0).holdout(in_time=True)
    assert earlier.tolist() == list(range(64))
    assert later.tolist() == list(range(64, 80))
    contest.lay_out(replace(calls, group="size"), tmp_path)  # a random fifth would tear an account apart
    assert Task.read(tmp_path, 10.0).holdout(in_time=False)[1].tolist() == list(range(64, 80))
    for split, in_time in ((calls, False), (hashed("customers", table(500), 0.7), True)):
        contest.lay_out(split, tmp_path)
        task = Task.read(tmp_path, 10.0)
        earlier, later = task.holdout(in_time=in_time)
        assert sorted([*earlier, *later]) == list(range(len(task.y)))
        assert len(later) == pytest.approx(0.2 * len(task.y), abs=2)
        assert later.min() < 0.3 * len(task.y)
        assert task.y[later].mean() == pytest.approx(task.y[earlier].mean(), abs=0.02)


def test_a_peer_is_asked_again_only_where_something_changed(tmp_path, peer):
    split, folder = ordered("calls", table(), 0.8), tmp_path / "calls"
    given = contest.lay_out(split, folder)

    def asked(given=given, seconds=5):
        told = contest.predict(peer, split, folder, given=given, seconds=seconds)
        assert told.p.tolist() == [0.25] * 20
        assert told.seconds > 0
        assert told.mb > 1
        return len((folder / "asked").read_text().split())

    assert [asked(), asked()] == [1, 1]
    assert asked(seconds=6) == 2
    assert asked(given="another split", seconds=6) == 3
    contest.PEERS_LOCK.write_text("peer==2.0\n")
    assert asked(given="another split", seconds=6) == 4
    assert contest.lay_out(split, folder) == given


def test_a_system_that_fails_is_told_with_its_last_words(tmp_path, peer):
    split, folder = ordered("calls", table(), 0.8), tmp_path / "calls"
    given = contest.lay_out(split, folder)
    peer.file.write_text("raise SystemExit('no such learner')")
    with pytest.raises(contest.Failed, match=r"peer on calls: exit 1: no such learner"):
        contest.predict(peer, split, folder, given=given, seconds=5)
    peer.file.write_text(ANSWERS.replace("* pq", "* 2 * pq"))
    with pytest.raises(contest.Failed, match="40 probabilities for 20 rows"):
        contest.predict(peer, split, folder, given=given, seconds=5)


def test_a_system_that_takes_too_long_is_ended(tmp_path, peer, monkeypatch):
    monkeypatch.setattr(contest, "START_S", 1)
    split, folder = ordered("calls", table(), 0.8), tmp_path / "calls"
    given = contest.lay_out(split, folder)
    peer.file.write_text("import time; time.sleep(60)")
    with pytest.raises(contest.Failed, match="exit -9"):
        contest.predict(peer, split, folder, given=given, seconds=0)
