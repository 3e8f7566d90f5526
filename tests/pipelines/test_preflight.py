"""What is wrong with a run's input is told before DVC deletes anything, in a sentence with file, place and remedy."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from data.errors import BadInput
from pipelines import company, preflight, stage

PROJECT = Path(__file__).parents[2]
FILES = ("params.yaml", "catalog.yaml", "sources.yaml")
TABLES = {
    "accounts": "account_id,account_name,signed_up_on,has_opted_in\nA-1,Acme,2024-01-10,true\nA-2,Bolt,2024-02-01,\n",
    "subscriptions": "subscription_id,account_id,product_id,quantity,mrr,discount_pct,billing,valid_from_on\n"
    "S-1,A-1,pro,10,249,0,annual,2024-01-10\nS-2,A-2,free,1,0,0,monthly,2024-02-01\n",
    "usage": "account_id,used_on,feature,kind,n_events,n_users\nA-1,2024-03-01,tasks,used,7,3\n",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with copies of the project's three files."""
    monkeypatch.chdir(tmp_path)
    for file in FILES:
        (tmp_path / file).write_bytes((PROJECT / file).read_bytes())
    return tmp_path


@pytest.fixture
def own_tables(folder: Path) -> Path:
    """The same for a company that brings its own tables, in `source`."""
    (folder / "source").mkdir()
    for table, text in TABLES.items():
        (folder / "source" / f"{table}.csv").write_text(text)
    change("params.yaml", "ingest.folder", "source")
    change("params.yaml", "simulate.accounts", 0)
    return folder


def change(file: str, place: str, value: Any) -> None:
    """Set the value at a dotted place of a YAML file; `offers.seats_20` is the offer with that id."""
    content = at = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    *path, last = place.split(".")
    for part in path:
        at = next(item for item in at if item["id"] == part) if isinstance(at, list) else at.setdefault(part, {})
    at[last] = value
    Path(file).write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


def replace(file: str, old: str, new: str) -> None:
    text = Path(file).read_text(encoding="utf-8")
    assert old in text
    Path(file).write_text(text.replace(old, new, 1), encoding="utf-8")


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """What the command says when it refuses."""
    with pytest.raises(SystemExit) as stopped:
        stage.run(preflight.main)
    assert stopped.value.code == 2
    return capsys.readouterr().err.removesuffix("\n")


SPOILT: dict[str, tuple[str, str, Any, str]] = {
    "a typo": (
        "params.yaml", "decide.levres", {},
        "params.yaml: decide.levres is not a known key; did you mean levers?",
    ),
    "a preset that is none": (
        "params.yaml", "simulate.preset", "moonshot",
        "params.yaml: simulate.preset is 'moonshot'; it must be one of enterprise, midmarket, noise, plg_freemium.",
    ),
    "an override of nothing": (
        "params.yaml", "simulate.world", {"expansion": {"upgrad": 1}},
        "params.yaml: simulate.world: expansion.upgrad is not a known key; did you mean upgrade?",
    ),
    "a week before any label": (
        "params.yaml", "run.as_of", "2024-09-02",
        "params.yaml: run.as_of is 2024-09-02, before any snapshot could be learnt from (the first, "
        "snapshots.first_on, is of 2024-09-01 and takes 90 days to show its label); give a later day.",
    ),
    "too few snapshots": (
        "params.yaml", "split.n_test", 30,
        "params.yaml: split: 19 labelled snapshots (2024-09-01 to 2026-03-01) do not hold 30 for testing, 3 for "
        "validation and one for training with a gap of 90 days between; bring more history, or shorten "
        "label.horizon_days.",
    ),
    "a lever on nothing": (
        "params.yaml", "decide.levers", {"trail": 0.3},
        "params.yaml: decide.levers.trail is not a known key; did you mean trial?",
    ),
    "a negative lever": (
        "params.yaml", "decide.levers", {"trial": -1},
        "params.yaml: decide.levers.trial: input should be greater than or equal to 0 (it is -1); change it.",
    ),
    "stars that fall": (
        "params.yaml", "decide.stars_from_lift", [0.75, 2.5, 1.5, 4.0],
        "params.yaml: decide.stars_from_lift: the first must be above 0, and each other above the one before it; "
        "change it.",
    ),
    "segments the wrong way round": (
        "params.yaml", "segments.mid_from_seats", 200,
        "params.yaml: segments: mid_from_seats (200) must be below large_from_seats (100); change it.",
    ),
    "bands the wrong way round": (
        "params.yaml", "health.green_from", 40,
        "params.yaml: health: green_from (40) must be above yellow_from (50); change it.",
    ),
    "weights of nothing": (
        "params.yaml", "health.weights", dict.fromkeys(("usage", "adoption", "support", "sentiment", "engagement"), 0),
        "params.yaml: health.weights: one of them must be above 0, or nothing counts; change it.",
    ),
    "no accounts, and no tables": (
        "params.yaml", "simulate.accounts", 0,
        "params.yaml: simulate.accounts is 0, and ingest.folder is data/lake/company, where only a simulated company "
        "would lie; name the folder of your own tables in ingest.folder, or simulate some accounts.",
    ),
    "a folder that is not there": (
        "params.yaml", "ingest.folder", "nowhere",
        "params.yaml: ingest.folder is nowhere, and there is no such folder or file; correct it, or make it.",
    ),
    "a condition on nothing": (
        "catalog.yaml", "offers.seats_20.suitable", [{"when": "helth_score", "at_least": 50}],
        "catalog.yaml: offer seats_20: suitable: helth_score is no feature; did you mean health_score?",
    ),
    "a comparison of texts": (
        "catalog.yaml", "offers.seats_20.eligible", [{"when": "plan_id", "at_least": 1}],
        "catalog.yaml: offer seats_20: eligible: plan_id is a text, which is not more or less than another; use equals "
        "or in, not at_least.",
    ),
    "a plan that is none": (
        "catalog.yaml", "offers.seats_20.eligible", [{"when": "plan_id", "in": ["pro", "platinum"]}],
        "catalog.yaml: offer seats_20: eligible: plan_id is never platinum; it is one of free, starter, pro, "
        "enterprise.",
    ),
    "a text for a flag": (
        "catalog.yaml", "offers.recovery.applicable", [{"when": "needs_help", "equals": "perhaps"}],
        "catalog.yaml: offer recovery: applicable: needs_help is true or false; write equals: true or equals: false, "
        "and nothing else.",
    ),
    "an equality with a list": (
        "catalog.yaml", "offers.seats_20.eligible", [{"when": "billing", "equals": ["monthly"]}],
        "catalog.yaml: offers.seats_20.eligible.0.equals: give one text (in quotes), a number, true or false; several "
        "texts or numbers go into `in`; change it.",
    ),
    "a step of more than all": (
        "catalog.yaml", "offers.seats_20.discounts.steps_pct", [0, 120],
        "catalog.yaml: offers.seats_20.discounts.steps_pct.1: input should be less than or equal to 100 (it is 120); "
        "change it.",
    ),
    "a feature that is none": (
        "catalog.yaml", "features", [],
        "catalog.yaml: the file: free: feature comments is not among the features; change it.",
    ),
    "a table that is none": (
        "sources.yaml", "acounts", {"path": "a.csv"},
        "sources.yaml: acounts is not a known key; did you mean accounts?",
    ),
    "a table at two places": (
        "sources.yaml", "accounts", {"path": "a.csv", "sql": "select 1"},
        "sources.yaml: accounts: give one of path, table and sql, not path and sql; change it.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", SPOILT)
def test_a_spoilt_file_is_told(kind: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, place, value, sentence = SPOILT[kind]
    change(file, place, value)
    assert said(capsys) == sentence


@pytest.mark.parametrize(
    ("file", "old", "new", "marked", "sentence"),
    [
        (
            "params.yaml", 'as_of: "2026-06-01"', "as_of: 2026-06-01", "2026-06-01",
            'params.yaml: run.as_of: put the date in quotes, like "2026-06-01": DVC cannot read an unquoted one (it is '
            "2026-06-01); change it.",
        ),
        (
            "params.yaml", 'as_of: "2026-06-01"', "as_of: 2026-06-31", "2026-06-31",
            "params.yaml: line {line}, column 10: there is no day 2026-06-31; mend that line.",
        ),
        (
            "params.yaml", "  language: en ", "  seed: 8\n  language: en ", "seed: 8",
            "params.yaml: line {line}, column 3: seed stands twice; mend that line.",
        ),
        (
            "catalog.yaml", "    kind: upgrade\n", "    kind: upgrade\n    launched_on: 2026-13-45\n", "2026-13-45",
            "catalog.yaml: line {line}, column 18: there is no day 2026-13-45; mend that line.",
        ),
        (
            "sources.yaml", "\n{}", "\naccounts: {path: a.csv]", "accounts: {",
            "sources.yaml: this is not YAML at line {line}, column 23 (expected ',' or '}}', but got ']'); mend that "
            "line.",
        ),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_read_is_told_with_its_place(
    file: str, old: str, new: str, marked: str, sentence: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replace(file, old, new)
    text = (folder / file).read_text(encoding="utf-8")
    assert said(capsys) == sentence.format(line=text[: text.index(marked)].count("\n") + 1)


def test_all_that_is_wrong_is_told_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change("params.yaml", "decide.levers", {"trail": 1})
    change("sources.yaml", "acounts", {})
    (folder / "catalog.yaml").unlink()
    assert [line.split(":")[0] for line in said(capsys).splitlines()] == list(FILES)


def test_what_is_good_passes_and_nothing_is_written(folder: Path) -> None:
    preflight.main()
    assert sorted(path.name for path in folder.rglob("*")) == sorted(FILES)


def test_own_tables_are_looked_at(own_tables: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(own_tables.rglob("*"))
    preflight.main()
    replace("source/subscriptions.csv", "A-1,pro", "A-1,platinum")
    assert said(capsys).startswith("catalog.yaml: there is no plan or add-on platinum, which 1 account is on")
    (own_tables / "source" / "subscriptions.csv").unlink()
    assert said(capsys) == (
        "subscriptions: this required table is missing (source holds neither subscriptions.parquet nor "
        "subscriptions.csv); add it, or say in sources.yaml where it is."
    )
    assert sorted(own_tables.rglob("*")) == [path for path in before if path.name != "subscriptions.csv"]


def test_tables_of_a_database_need_no_folder(own_tables: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change("params.yaml", "ingest.folder", "data/lake/company")
    change("sources.yaml", "database", "duckdb://${NO_SUCH_VARIABLE}")
    assert said(capsys).startswith("sources.yaml: database: the environment variable NO_SUCH_VARIABLE is not set")


def test_own_tables_where_the_simulated_company_would_be_written_are_saved(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = folder / "data" / "lake" / "company"
    place.mkdir(parents=True)
    (place / "accounts.csv").write_text("account_id\n")
    assert said(capsys) == (
        "data/lake/company: this folder holds something that is no simulated company, and a run would replace it; move "
        "it elsewhere, and name that place in params.yaml (ingest.folder)."
    )
    (place / "truth").mkdir()
    preflight.main()


def test_the_command_itself_is_quick(folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"}

    def run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pipelines.preflight"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    began = os.times().children_user
    good = run()
    assert (good.returncode, good.stdout, good.stderr) == (0, "", "")
    assert os.times().children_user - began < 3  # seconds of the processor
    change("params.yaml", "decide.holdout_share", 1.5)
    bad = run()
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr == "params.yaml: decide.holdout_share: input should be less than 1 (it is 1.5); change it.\n"


def commands_of(workspace: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> tuple[int, list[list[str]]]:
    """The commands that a company's run starts, where the first of them ends with `code`."""
    started: list[list[str]] = []

    def start(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        started.append(command[1:])
        return subprocess.CompletedProcess(command, code if len(started) == 1 else 0)

    monkeypatch.setattr(subprocess, "run", start)
    return company.reproduce(workspace), started


def test_a_companys_run_begins_with_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".dvc").mkdir()
    checks, repro = ["-m", "pipelines.preflight"], ["-m", "dvc", "repro"]
    assert commands_of(folder, monkeypatch, 0) == (0, [checks, repro])
    assert commands_of(folder, monkeypatch, 2) == (2, [checks])


def recipe(tmp_path: Path, code: int) -> tuple[int, list[str]]:
    """make's exit code and the commands that `make run` starts, where preflight ends with `code`."""
    words = tmp_path / f"words-{code}"
    bin_ = tmp_path / ".venv" / "bin"
    bin_.mkdir(parents=True, exist_ok=True)
    for name in ("python", "dvc"):
        refuses = f'[ "$*" != "-m pipelines.preflight" ] || exit {code}'
        (bin_ / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {words}\n{refuses}\n')
        (bin_ / name).chmod(0o755)
    for file in ("Makefile", "requirements.lock", "bootstrap.lock", "pyproject.toml"):
        (tmp_path / file).write_bytes((PROJECT / file).read_bytes())
    stamp = subprocess.run(
        ["make", "-s", "-f", "-", "stamp"], cwd=tmp_path, capture_output=True, text=True, check=True,
        input="include Makefile\nstamp:\n\t@echo $(STAMP)\n",
    )  # fmt: skip
    (tmp_path / stamp.stdout.strip()).touch()
    made = subprocess.run(["make", "run"], cwd=tmp_path, capture_output=True, text=True, check=False)
    return made.returncode, words.read_text().splitlines()


def test_make_run_begins_with_it(tmp_path: Path) -> None:
    checks = "python -m pipelines.preflight"
    assert recipe(tmp_path, 0) == (
        0,
        [checks, "dvc repro", "python -m pipelines.whence", "python -m pipelines.summary"],
    )
    assert recipe(tmp_path, 2) == (2, [checks])


def test_every_check_is_asked(folder: Path) -> None:
    def fails(sentence: str) -> Callable[[], None]:
        def check() -> None:
            raise BadInput(sentence)

        return check

    with pytest.raises(BadInput, match=r"^one\ntwo$"):
        preflight._all(fails("one"), lambda: 3, fails("two"))
    assert preflight._all(lambda: 3, lambda: 4) == (3, 4)
