"""The page is made of the results; looks are counted; data sets are replaced as a whole."""

import json

import pytest

from benchmarks.quality import __main__ as command
from benchmarks.quality import looks, merging, table
from benchmarks.quality.measured import METRICS
from data.errors import BadInput


def results():
    found = {
        "hillstrom.n_train": 44_800,
        "hillstrom.n_test": 19_200,
        "hillstrom.n_test_positive": 2_800,
        "hillstrom.seconds_each": 60,
        "hillstrom.threads_each": 1,
        "hillstrom.rank_logloss": 1,
        "hillstrom.rank_auc": 2,
        "hillstrom.is_among_best": True,
    }
    for name, loss in (("flaml", 0.33), ("ours", 0.31), ("catboost", 0.35)):
        found |= {f"hillstrom.{name}.{metric}": loss for metric in METRICS}
        found |= {f"hillstrom.{name}.seconds": 61.2, f"hillstrom.{name}.mb": 300}
        if name != "ours":
            found |= {f"hillstrom.{name}.{metric}_paired_se": 0.0015 for metric in METRICS}
    return found


def test_rows_stand_by_log_loss_with_differences_to_ours():
    page = table.markdown(results())
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ")]
    assert [row[0].strip("| *") for row in rows[2:]] == ["this project", "FLAML", "CatBoost"]
    assert rows[3][3] == "0.3300 (+0.0200 ± 0.0015)"
    assert rows[3][6] == "0.33 (+0.02 ± 0.00)"
    assert rows[2][7:] == ["61", "300 |"]
    assert "44,800 rows teach, 19,200 judge (2,800 positive); 60 seconds and 1 thread each." in page
    assert "ours has rank 1 in log loss and 2 in AUC; best, second or within a standard error of it: holds" in page
    assert "bank_marketing" not in page


def test_a_data_set_is_replaced_as_a_whole_and_others_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(merging, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(merging, "PAGE", tmp_path / "page.md")
    merging.merge("hillstrom", results())
    merging.merge("simulator", {"simulator.ours.ece": 0.0071, "simulator.ours.n_accounts": 20_000})
    fewer = {key: value for key, value in results().items() if "flaml" not in key}
    merging.merge("hillstrom", fewer)
    assert json.loads((tmp_path / "results.json").read_text()) == fewer | {
        "simulator.ours.ece": 0.0071,
        "simulator.ours.n_accounts": 20_000,
    }
    page = (tmp_path / "page.md").read_text()
    assert "FLAML" not in page.split("##", 1)[1]
    assert "20,000 accounts" in page
    assert "0.0071" in page


def test_looks_are_only_added_to(tmp_path):
    file = tmp_path / "looks.csv"
    assert looks.count(file, "bank_marketing") == 0
    for n in (1, 2):
        line = {"looked_at": f"2026-01-0{n}T00:00:00Z", "commit": f"abc{n}", "data_set": "bank_marketing"}
        assert looks.log(file, **line, seconds=60, systems={"ours": "", "catboost": "1.2.10"}) == n
    lines = file.read_text().splitlines()
    assert lines == [
        "looked_at,commit,data_set,seconds,systems",
        "2026-01-01T00:00:00Z,abc1,bank_marketing,60,ours; catboost 1.2.10",
        "2026-01-02T00:00:00Z,abc2,bank_marketing,60,ours; catboost 1.2.10",
    ]
    assert looks.count(file, "hillstrom") == 0


def test_what_cannot_be_asked_for_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(BadInput, match="--only: 'mars' is not one of bank_marketing"):
        command.main([str(tmp_path), "--only", "mars"])
    with pytest.raises(BadInput, match="--systems: the table holds all of them"):
        command.main([str(tmp_path), "--systems", "flaml"])
