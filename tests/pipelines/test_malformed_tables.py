"""Tables that are broken in a named way: one sentence each, no traceback, nothing written."""

import gzip
import io
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines import cli

Frame = pd.DataFrame


def run(*arguments: object) -> tuple[int, str, str]:
    """The console command, in this process: exit code, output, errors."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with mock.patch.object(sys, "argv", ["upsell", *map(str, arguments)]), redirect_stdout(out), redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
    return code, out.getvalue(), err.getvalue()


@st.composite
def good(draw: st.DrawFn) -> Frame:
    """A table that `upsell fit` takes: a target, a time, a group, and columns of several kinds."""
    n, seed = draw(st.integers(150, 400)), draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "seats": rng.integers(1, 90, n),
            "use": rng.normal(size=n).round(4),
            "plan": rng.choice(["free", "pro", "große"], n),
            "seen_on": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D"),
            "is_monthly": rng.random(n) < 0.5,
            "team": [f"t{i % 40}" for i in range(n)],
            "day": pd.Timestamp("2027-01-01") + pd.to_timedelta(np.arange(n) // 10, unit="D"),
            "won": (np.arange(n) + rng.integers(0, 2, n)) % 4 == 0,
        }
    )
    if draw(st.booleans()):
        frame["gaps"] = np.where(rng.random(n) < 0.4, np.nan, rng.random(n).round(3))
    if draw(st.booleans()):
        frame["country"] = rng.choice([f"c{i}" for i in range(150)], n)
    return frame[[str(c) for c in draw(st.permutations(list(frame.columns)))]]


@dataclass
class Case:
    """What is handed to the command: a file's bytes under a name, and the options."""

    frame: Frame
    options: dict[str, object] = field(default_factory=lambda: {"--target": "won"})
    name: str = "table.csv"
    bytes_: bytes | None = None
    prepare: Callable[[Path], object] = lambda folder: None

    def content(self) -> bytes:
        if self.bytes_ is not None:
            return self.bytes_
        if self.name.endswith(".parquet"):
            return parquet(self.frame)
        return csv(self.frame)


def csv(frame: Frame, **how: object) -> bytes:
    return frame.to_csv(index=False, **how).encode()


def parquet(frame: Frame) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), sink)
    return sink.getvalue()


def given_to(frame: Frame, **options: object) -> Case:
    return Case(frame, {"--target": "won", **{f"--{name}": value for name, value in options.items()}})


def holding(case: Case, prepare: Callable[[Path], object]) -> Case:
    case.prepare = prepare
    return case


def with_target(frame: Frame, values: Sequence[object]) -> Case:
    return Case(frame.assign(won=pd.Series(list(values), dtype=object)))


def folder_in_its_place(folder: Path) -> None:
    (folder / "table.csv").unlink()
    (folder / "table.csv").mkdir()


def a_thesis(folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "thesis.txt").write_text("It begins with a question.")


def by(frame: Frame, role: str, column: str, values: object) -> Case:
    """With other values in the column that has a role."""
    return Case(frame.assign(**{column: values}), {"--target": "won", f"--{role}": column})


def lines(frame: Frame) -> list[bytes]:
    return csv(frame).splitlines(keepends=True)


def rare(n: int, count: int) -> list[bool]:
    return [i < count for i in range(n)]


# How a good table is broken, and what the sentence must say of it.
BREAKS: dict[str, tuple[Callable[[Frame], Case], str]] = {
    "an empty file": (lambda f: Case(f, bytes_=b""), "the file is empty"),
    "a header without rows": (lambda f: Case(f.head(0)), "0 rows"),
    "a first line that is blank": (lambda f: Case(f, bytes_=b"\n" + csv(f)), "the first line is empty"),
    "a header that names a column twice": (
        lambda f: Case(f, bytes_=csv(f).replace(b"seats", b"use", 1)), "use stands twice"),
    "a line with a field too many": (lambda f: Case(f, bytes_=csv(f) + b"1," + lines(f)[1]), "Expected"),
    "a line with a field too few": (lambda f: Case(f, bytes_=csv(f) + b"1,2\n"), "Expected"),
    "another encoding": (lambda f: Case(f.assign(plan="große"), bytes_=csv(f).decode().encode("latin-1")), "UTF-8"),
    "UTF-16": (lambda f: Case(f, bytes_=csv(f).decode().encode("utf-16")), "neither Parquet nor CSV"),
    "bytes of something else": (lambda f: Case(f, bytes_=b"\x7fELF\0\0\1" * 99), "neither Parquet nor CSV"),
    "JSON": (
        lambda f: Case(f, name="table.json", bytes_=f[["use", "won"]].to_json(orient="records").encode()),
        "begins as JSON"),
    "text": (lambda f: Case(f, name="notes.txt", bytes_=b"Dear all\nplease find attached\n"), "no column won"),
    "a Parquet file cut short": (lambda f: Case(f, name="table.parquet", bytes_=parquet(f)[:-40]), "no Parquet file"),
    "CSV called Parquet": (lambda f: Case(f, name="table.parquet", bytes_=csv(f)), "no Parquet file"),
    "a gzip file cut short": (
        lambda f: Case(f, name="table.csv.gz", bytes_=gzip.compress(csv(f))[:-300]), "cannot be unpacked"),
    "CSV called gzip": (lambda f: Case(f, name="table.csv.gz", bytes_=csv(f)), "cannot be unpacked"),
    "a file that is not there": (
        lambda f: holding(Case(f), lambda d: (d / "table.csv").rename(d / "tables.csv")), "tables.csv"),
    "a folder": (lambda f: holding(Case(f), folder_in_its_place), "this is a folder"),
    "a target misspelt": (lambda f: Case(f, {"--target": "wom"}), "did you mean won"),
    "a time misspelt": (lambda f: given_to(f, time="dayy"), "did you mean day"),
    "a group misspelt": (lambda f: given_to(f, group="Team"), "did you mean team"),
    "a dropped column misspelt": (lambda f: given_to(f, drop="use,saets"), "did you mean seats"),
    "an allowed column misspelt": (lambda f: given_to(f, allow="plann"), "did you mean plan"),
    "a target of one class": (lambda f: with_target(f, [True] * len(f)), "true in every row"),
    "a target with a third value": (
        lambda f: with_target(f, (["won", "lost", "open"] * len(f))[: len(f)]), "3 values (lost, open, won)"),
    "a target that is a number": (lambda f: with_target(f, np.arange(len(f)) / 7), "values (0"),
    "a target with an infinity": (
        lambda f: with_target(f, [float("inf"), *([0.0, 1.0] * len(f))][: len(f)]), "3 values"),
    "no target at all": (lambda f: with_target(f, [None] * len(f)), "the target won is missing"),
    "hardly any target": (
        lambda f: with_target(f, [i % 2 if i < 0.4 * len(f) else None for i in range(len(f))]), "give the rows that"),
    "nine positives": (lambda f: with_target(f, rare(len(f), 9)), "in 9 of"),
    "nine negatives": (lambda f: with_target(f, rare(len(f), len(f) - 9)), "10 of each class"),
    "ninety rows": (lambda f: Case(f.head(90)), "of 90 rows"),
    "a target of lists": (
        lambda f: Case(f.assign(won=[[1]] * len(f)), name="table.parquet"), "is of type list"),
    "positives in early rows alone": (
        lambda f: Case(f.assign(won=np.arange(len(f)) >= 0.9 * len(f)), {"--target": "won", "--time": "day"}),
        "no positives"),
    "a positive value that is none": (lambda f: given_to(f, positive="yes"), "no value yes"),
    "the target beside nothing": (lambda f: Case(f[["won"]]), "nothing to learn from"),
    "constants alone": (lambda f: Case(f[["won"]].assign(a=1, b="x", c=None)), "nothing to learn from"),
    "lists alone": (
        lambda f: Case(f[["won"]].assign(a=[[i] for i in range(len(f))]), name="table.parquet"), "its type is list"),
    "free text alone": (
        lambda f: Case(f[["won"]].assign(a=[f"The customer number {i} wrote to us" for i in range(len(f))])),
        "free text"),
    "every column dropped": (
        lambda f: given_to(f, drop=",".join(c for c in f if c != "won")), "as you asked"),
    "a copy of the target": (lambda f: Case(f.assign(answer=f["won"].astype(int) * 2 + 1)), "the answer"),
    "the target in other words": (
        lambda f: Case(f.assign(answer=np.where(f["won"], "closed won", "closed lost"))), "the answer"),
    "a column known for winners alone": (
        lambda f: Case(f.assign(answer=np.where(f["won"], f["use"], np.nan))), "the answer"),
    "a date of winners alone": (
        lambda f: Case(f.assign(answer=f["day"].where(f["won"])), {"--target": "won", "--time": "day"}),
        "the answer"),
    "a time in words": (
        lambda f: by(f, "time", "day", (["soon", "late"] * len(f))[: len(f)]), "neither a date nor a number"),
    "a time with a gap": (
        lambda f: by(f, "time", "day", f["day"].where(np.arange(len(f)) != 5)), "the first of them row 6"),
    "a time that stands still": (
        lambda f: by(f, "time", "day", "2026-01-01"), "the same in every row"),
    "a group with a gap": (
        lambda f: by(f, "group", "team", f["team"].where(f["team"] != "t3")), "team is missing in"),
    "a group of everything": (
        lambda f: by(f, "group", "team", "all"), "at least 10 groups"),
    "a target that is the time": (lambda f: given_to(f, time="won"), "also given as"),
    "a target that is dropped": (lambda f: given_to(f, drop="won"), "also given as --drop"),
    "a gap without a time": (lambda f: given_to(f, gap=30), "no --time is given"),
    "a gap longer than history": (lambda f: given_to(f, time="day", gap=4000), "shorter gap"),
    "no trials": (lambda f: given_to(f, trials=0), "--trials"),
    "an option that is none": (lambda f: given_to(f, tirals=3), "--tirals"),
    "a name that a date's part takes": (
        lambda f: Case(f.assign(**{"seen_on: month": f["use"] + 1})), "the name of a part"),
    "a folder that holds something else": (
        lambda f: holding(Case(f), a_thesis), "holds something that is no model"),
    "a file where the folder goes": (
        lambda f: holding(Case(f), lambda d: (d / "out").write_text("x")), "is a file"),
    "a folder in no folder": (lambda f: given_to(f, out="nowhere/out"), "there is no folder"),
}  # fmt: skip


def left(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else b"" for p in sorted(folder.rglob("*"))}


def test_there_are_fifty() -> None:
    assert len(BREAKS) >= 50


@pytest.mark.parametrize("name", list(BREAKS))
@given(good())
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_broken_table_is_refused_in_a_sentence_and_nothing_is_written(name: str, frame: Frame) -> None:
    broken, said = BREAKS[name]
    case = broken(frame)
    with tempfile.TemporaryDirectory() as at:
        folder = Path(at)
        (folder / case.name).write_bytes(case.content())
        case.prepare(folder)
        before = left(folder)
        options = {"--trials": 2, **case.options}
        options["--out"] = folder / str(options.get("--out", "out"))
        code, _, err = run("fit", folder / case.name, *(x for pair in options.items() for x in pair))
        assert code == 2, (name, err)
        assert said in err, (name, err)
        assert "Traceback" not in err
        sentence = err.strip().splitlines()[-1]
        assert len(sentence) < 600
        assert sentence.endswith((".", "?"))
        assert left(folder) == before


@given(good(), st.sampled_from(["table.csv", "table.parquet"]))
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_table_that_is_not_broken_is_taken(frame: Frame, name: str) -> None:
    with tempfile.TemporaryDirectory() as at:
        folder = Path(at)
        (folder / name).write_bytes(Case(frame, name=name).content())
        code, out, err = run("fit", folder / name, "--target", "won", "--time", "day", "--group", "team",
                             "--trials", 1, "--out", folder / "out")  # fmt: skip
        assert code == 0, err
        assert out.startswith(("The model is ", "There is no signal to act on"))
