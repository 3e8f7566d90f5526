"""`upsell policy fit` and `evaluate`: any log in, one sentence for a bad one."""

import io
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest

from pipelines import cli


def run(*arguments: object) -> tuple[int, str, str]:
    """The console command, in this process: exit code, output, errors."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with mock.patch.object(sys, "argv", ["upsell", *map(str, arguments)]), redirect_stdout(out), redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
    return code, out.getvalue(), err.getvalue()


def log(n: int = 900, seed: int = 0) -> pd.DataFrame:
    """A call pays 2 × use more than nothing; people call whoever uses much, and 3 rows in 10 were drawn at random."""
    rng = np.random.default_rng(seed)
    use, is_random = rng.normal(size=n).round(4), rng.random(n) < 0.3
    p = np.where(is_random, 0.5, 1 / (1 + np.exp(-use)))
    called = rng.random(n) < p
    return pd.DataFrame(
        {
            "account": [f"a{i % (n // 2)}" for i in range(n)],
            "use": use,
            "plan": rng.choice(["free", "pro", "große"], n),
            "done": np.where(called, "call", "none"),
            "earned": (3 + 3 * use + called * 2 * use + rng.normal(size=n)).round(4),
            "pscore": np.where(is_random, 0.5, np.nan),
            "is_random": is_random,
        }
    )


FIT = ("--action", "done", "--reward", "earned", "--pscore", "pscore", "--group", "account", "--random", "is_random")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("policy")
    log().to_parquet(place / "log.parquet", index=False)
    log().to_csv(place / "log.csv", index=False)
    log(seed=1).to_csv(place / "later.csv", index=False)
    code, out, err = run("policy", "fit", place / "log.parquet", *FIT, "--out", place / "policy")
    assert code == 0, err
    (place / "out.txt").write_text(out, encoding="utf-8")
    return place


def test_fit_says_what_it_learnt_and_writes_text_only(folder: Path) -> None:
    out = (folder / "out.txt").read_text(encoding="utf-8")
    assert out.startswith("It differs by customer")
    assert "estimated in" in out
    names = {path.name for path in (folder / "policy").iterdir()}
    assert {"policy.json", "context.json", "report.json"} <= names
    assert all(path.suffix in (".json", ".txt") for path in (folder / "policy").iterdir())


def test_csv_and_parquet_give_the_same_policy(folder: Path) -> None:
    code, _, err = run("policy", "fit", folder / "log.csv", *FIT, "--out", folder / "from_csv")
    assert code == 0, err
    for name in ("policy.json", "report.json"):
        assert (folder / "from_csv" / name).read_bytes() == (folder / "policy" / name).read_bytes()


def test_evaluate_compares_with_what_was_done_and_with_each_action_for_everyone(folder: Path) -> None:
    code, out, err = run("policy", "evaluate", folder / "later.csv", "--policy", folder / "policy", "--json")
    assert code == 0, err
    report = json.loads(out)
    assert [one["estimator"] for one in report["estimates"]] == ["ips", "snips", "direct", "dr", "switch_dr"]
    truth = 3 + 2 / np.sqrt(2 * np.pi)  # calls where use > 0
    dr = next(one for one in report["estimates"] if one["estimator"] == "dr")
    assert abs(dr["value"] - truth) < 3 * dr["se"] + 0.05
    assert [one["policy"] for one in report["beside"]] == ["what was done", "call for everyone", "none for everyone"]
    assert all(one["low"] > 0 for one in report["beside"][1:])  # better than either for everyone
    assert sum(one["share"] for one in report["overlap"]["table"]) == pytest.approx(1, abs=1e-4)
    assert report["notes"] == []
    code, text, _ = run("policy", "evaluate", folder / "later.csv", "--policy", folder / "policy")
    assert code == 0
    assert "none claimed" in text


def test_the_log_that_was_learnt_from_is_told(folder: Path) -> None:
    code, out, _ = run("policy", "evaluate", folder / "log.csv", "--policy", folder / "policy", "--json")
    assert code == 0
    assert "learnt from" in json.loads(out)["notes"][0]


def test_a_log_without_overlap_is_refused(folder: Path, tmp_path: Path) -> None:
    """Only those who use little were called: nobody for whom the policy would call."""
    other = log(seed=2)
    called = other["use"] < 0
    other["done"] = np.where(called, "call", "none")
    other.drop(columns=["pscore", "is_random"]).to_csv(tmp_path / "log.csv", index=False)
    code, out, err = run("policy", "evaluate", tmp_path / "log.csv", "--policy", folder / "policy")
    assert (code, out) == (2, "")
    assert "there is no overlap" in err.splitlines()[-1]


def _set(column: str, row: int, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        values = frame[column].astype("object")
        values.iloc[row] = value
        return frame.assign(**{column: values})

    return change


BROKEN: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], tuple[str, ...], str]] = {
    "no such column": (lambda f: f.rename(columns={"done": "dome"}), (), "did you mean dome"),
    "no action": (_set("done", 4, None), (), "missing in 1 of 900 rows (first: row 5)"),
    "one action": (lambda f: f.assign(done="call"), (), "call in every row"),
    "ids for actions": (lambda f: f.assign(done=[f"x{i}" for i in range(900)]), (), "900 values"),
    "no reward": (_set("earned", 0, None), (), "outcome is not known"),
    "words for rewards": (lambda f: f.assign(earned="much"), (), "no number in 900 of 900"),
    "pscore of 0": (_set("pscore", 9, 0.0), (), "outside (0, 1] in 1 of 900 rows (first: row 10, 0)"),
    "pscore of 1.5": (_set("pscore", 9, 1.5), (), "outside (0, 1]"),
    "pscore is a word": (_set("pscore", 9, "half"), (), "no number in 1 of 900 rows"),
    "random without pscore": (lambda f: f.assign(pscore=f["pscore"].where(f.index > 99)), (), "it can't be recovered"),
    "no group": (_set("account", 3, None), (), "--group: account is missing in 1"),
    "few rows": (lambda f: f.head(50), (), "at least 200"),
    "no context": (lambda f: f, ("--drop", "use,plan"), "nothing to learn from"),
    "drops what is not there": (lambda f: f, ("--drop", "usse"), "did you mean use"),
    "a column twice": (lambda f: f, ("--pscore", "earned"), "it can be only one"),
    "a cost of nothing": (lambda f: f, ("--cost", "cal=3"), "did you mean call"),
    "a cost that is no number": (lambda f: f, ("--cost", "call=much"), "names no amount"),
    "the answer": (lambda f: f.assign(paid=f["earned"] * 2), (), "no context but the answer; --drop paid"),
}


@pytest.mark.parametrize("name", list(BROKEN))
def test_a_broken_log_gets_one_sentence_and_nothing_written(name: str, tmp_path: Path) -> None:
    change, more, said = BROKEN[name]
    change(log()).to_csv(tmp_path / "log.csv", index=False)
    code, out, err = run("policy", "fit", tmp_path / "log.csv", *FIT, *more, "--out", tmp_path / "policy")
    assert (code, out) == (2, ""), err
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "policy").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    log().to_csv(tmp_path / "log.csv", index=False)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear", encoding="utf-8")
    code, _, err = run("policy", "fit", tmp_path / "log.csv", *FIT, "--out", tmp_path / "mine")
    assert code == 2
    assert "no policy of ours" in err
    code, _, err = run("policy", "evaluate", tmp_path / "log.csv", "--policy", tmp_path / "mine")
    assert code == 2
    assert "holds no policy" in err


def test_a_changed_policy_is_refused(folder: Path, tmp_path: Path) -> None:
    content = json.loads((folder / "policy" / "policy.json").read_text(encoding="utf-8"))
    copy = tmp_path / "policy"
    copy.mkdir()
    for path in (folder / "policy").iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    content["trust"] = 0.123
    (copy / "policy.json").write_text(json.dumps(content), encoding="utf-8")
    code, _, err = run("policy", "evaluate", folder / "later.csv", "--policy", copy)
    assert code == 2
    assert "were changed" in err


def test_a_cost_is_charged_wherever_the_action_was_taken(folder: Path) -> None:
    values = {}
    for cost in ("0", "10"):
        code, out, err = run(
            "policy",
            "evaluate",
            folder / "later.csv",
            "--policy",
            folder / "policy",
            "--cost",
            f"call={cost}",
            "--json",
        )
        assert code == 0, err
        values[cost] = {one["policy"]: one["value"] for one in json.loads(out)["beside"]}
    share = (log(seed=1)["done"] == "call").mean()
    assert values["0"]["what was done"] - values["10"]["what was done"] == pytest.approx(10 * share)
    assert values["0"]["call for everyone"] - values["10"]["call for everyone"] == pytest.approx(10, abs=1.0)
