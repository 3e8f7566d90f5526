"""The roll-up: what a week carries on is what reading everything again would give, byte for byte, and less is read."""

import csv
import json
import os
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from data.catalog import Catalog
from data.errors import BadInput
from features import adoption
from pipelines import ingest, lake, paths, rollup
from pipelines.params import Params
from pipelines.rollup import LOOKED_AT_DAYS, Rolled, rolled

PROJECT = Path(__file__).parents[2]
FIRST = date(2026, 3, 2)  # a Monday
HEADERS = {
    "accounts": "account_id,account_name,signed_up_on",
    "subscriptions": "subscription_id,account_id,product_id,quantity,mrr,discount_pct,billing,valid_from_on",
    "usage": "account_id,used_on,feature,kind,n_events,n_users,recorded_at",
    "meters": "account_id,measured_on,metric,value",
}
Row = tuple[str, ...]
Tables = dict[str, list[Row]]


def day(n: int) -> str:
    """The n-th day, 0 the first Monday."""
    return str(FIRST + timedelta(days=n))


def use(account: str, n: int, feature: str = "tasks", events: str = "5", kind: str = "used", recorded: str = "") -> Row:
    return (account, day(n), feature, kind, events, "2", recorded)


def company(
    *more: Row, accounts: tuple[str, ...] = ("A-1", "A-2"), weeks: int = 6, meters: tuple[Row, ...] = ()
) -> Tables:
    """Two accounts that use something every second day for some weeks, and what is added to that."""
    return {
        "accounts": [(account, account.lower(), "2026-01-05") for account in accounts],
        "subscriptions": [(f"S-{a}", a, "pro", "10", "249", "0", "annual", "2026-01-05") for a in accounts],
        "usage": [use(a, n) for n in range(0, 7 * weeks, 2) for a in ("A-1", "A-2")] + list(more),
        "meters": [(a, day(n), "storage_gb", str(n)) for n in range(0, 7 * weeks, 3) for a in ("A-1", "A-2")]
        + list(meters),
    }


def put(tables: Tables, kind: str = "csv") -> None:
    """The source in the folder that params.yaml names, in place of the one before."""
    shutil.rmtree("source", ignore_errors=True)
    Path("source").mkdir()
    for table, rows in tables.items():
        with Path("source", f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            file.write(HEADERS[table] + "\n")
            csv.writer(file, lineterminator="\n").writerows(rows)
        if kind == "parquet":
            types = {"used_on": "DATE", "measured_on": "DATE", "n_events": "BIGINT", "value": "DOUBLE"}
            here = {column: types[column] for column in HEADERS[table].split(",") if column in types}
            query = f"COPY (FROM read_csv('source/{table}.csv', all_varchar = true, types = {here}))"
            query = query.replace("all_varchar = true, types = {}", "all_varchar = true")
            duckdb.execute(f"{query} TO 'source/{table}.parquet'")
            Path("source", f"{table}.csv").unlink()


def run(as_of: str, *, anew: bool = False, at: str = "week", kept: Path | None = None) -> Rolled:
    """A week's tables under `at`. kept: another place for the roll-up than the usual one."""
    shutil.rmtree(at, ignore_errors=True)
    place = Path(at)
    return rolled(
        Params.load(),
        Catalog.load(paths.CATALOG),
        date.fromisoformat(as_of),
        staged_at=place / "staged",
        window_at=place / "window",
        quarantine_at=place / "quarantine",
        anew=anew,
    )


def contents(folder: str) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def same_as_all_read_again(as_of: str) -> Rolled:
    """A week carried on; the same read anew in a place without a roll-up, and by the stage that reads everything."""
    found = run(as_of)
    shutil.rmtree("elsewhere", ignore_errors=True)
    shutil.copytree(".", "elsewhere", ignore=shutil.ignore_patterns("elsewhere", "data", "week"))
    home = Path.cwd()
    try:
        os.chdir("elsewhere")
        anew = run(as_of, anew=True)
        whole = ingest.ingested(
            Params.load(), Catalog.load(paths.CATALOG), staged_at=Path("whole"), quarantine_at=Path("aside")
        )
    finally:
        os.chdir(home)
    assert contents("week") == contents("elsewhere/week")
    assert found.report.as_json() == anew.report.as_json() == whole.as_json()
    assert found.inputs == anew.inputs
    for table in sorted({"usage", "meters"} & {path.stem for path in Path("source").iterdir()}):
        key = "account_id, used_on, feature, kind" if table == "usage" else "account_id, measured_on, metric"
        by_week = duckdb.sql(f"FROM 'week/staged/{table}/*.parquet' ORDER BY {key}").to_arrow_table()
        assert by_week.equals(duckdb.sql(f"FROM 'elsewhere/whole/{table}.parquet'").to_arrow_table())
        aside = [
            duckdb.sql(f"FROM '{place}' ORDER BY ALL").fetchall()
            for place in (f"week/quarantine/{table}/*.parquet", f"elsewhere/aside/{table}.parquet")
            if list(Path().glob(place))
        ]
        assert aside[0] == aside[-1]
    return found


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which a week may run, four fifths of whose rows may be wrong."""
    monkeypatch.chdir(tmp_path)
    prepare()
    return tmp_path


def prepare(**sections: Any) -> None:
    for file in ("catalog.yaml", "sources.yaml"):
        shutil.copy(PROJECT / file, file)
    use_params(**sections)


def use_params(**sections: Any) -> None:
    params = yaml.safe_load((PROJECT / "params.yaml").read_text())
    params |= {"ingest": {"folder": "source"}, "validate": {"max_quarantined_rate": 0.8}, **sections}
    Path("params.yaml").write_text(yaml.safe_dump(params))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_next_week_reads_what_is_new_and_the_margin(workspace: Path, kind: str) -> None:
    put(company(weeks=30), kind)
    first = same_as_all_read_again(day(210))
    assert first.why == [
        f"{table}: read from the beginning: nothing is kept of it that can be used." for table in ("usage", "meters")
    ]
    put(company(weeks=31), kind)
    second = same_as_all_read_again(day(217))
    assert second.why == []
    assert (first.weeks_read, second.weeks_read) == (60, 2 * 3 + 2)  # a week more, and those of 14 days before the last
    assert first.rows_read > 6 * second.rows_read


def test_what_comes_late_is_found_wherever_it_belongs(workspace: Path) -> None:
    put(company(weeks=9))
    same_as_all_read_again(day(63))
    # a late row, one that says so, a copy, a row that breaks a rule, and one whose contents contradict an old one's
    more = (
        use("A-1", 3),
        use("A-2", 17, recorded="2026-04-27 10:00:00"),
        use("A-1", 28),
        use("A-1", 10, kind="seen"),
        use("A-2", 40, events="9"),
        ("A-2", "soon", "tasks", "used", "1", "1", ""),
    )
    put(company(*more, weeks=9))
    found = same_as_all_read_again(day(63))
    assert found.why == ["usage: 5 past weeks have other rows now, and are read again."]
    usage = next(table for table in found.report.tables if table.table == "usage")
    assert (usage.copies, usage.quarantined) == (1, 4)
    put(company(weeks=9))  # and they are gone again
    assert same_as_all_read_again(day(63)).why == ["usage: 5 past weeks have other rows now, and are read again."]


def test_a_silent_correction_is_taken_in_the_margin_and_beyond_it_by_a_rebuild(workspace: Path) -> None:
    def corrected(n: int) -> Tables:
        tables = company(weeks=9)
        tables["usage"] = [(*row[:4], "8", *row[5:]) if row[:2] == ("A-1", day(n)) else row for row in tables["usage"]]
        return tables

    put(company(weeks=9))
    run(day(63))
    put(corrected(58))
    same_as_all_read_again(day(63))
    put(corrected(20))
    run(day(63))
    carried = contents("week")
    assert run(day(63), anew=True).why != []
    assert contents("week") != carried  # what the documents say is not seen: no row came or went
    carried = contents("week")
    same_as_all_read_again(day(63))
    assert contents("week") == carried


def test_an_account_that_appears_brings_its_rows_out_of_quarantine(workspace: Path) -> None:
    put(company(use("A-3", 4), use("A-3", 33), weeks=9))
    run(day(63))
    put(company(use("A-3", 4), use("A-3", 33), weeks=9, accounts=("A-1", "A-2", "A-3")))
    found = same_as_all_read_again(day(63))
    assert found.why == []
    assert next(table for table in found.report.tables if table.table == "usage").quarantined == 0
    put(company(use("A-3", 4), use("A-3", 33), weeks=9))
    assert same_as_all_read_again(day(63)).why[0] == (
        "usage: read from the beginning: accounts that are gone, or signed up on another day: 1."
    )


def test_other_settings_mean_reading_everything(workspace: Path) -> None:
    put(company(weeks=9))
    run(day(63))
    catalog = yaml.safe_load(Path("catalog.yaml").read_text())
    catalog["features"].append({"id": "levitation", "name": {"en": "Levitation", "ja": "浮遊"}})
    Path("catalog.yaml").write_text(yaml.safe_dump(catalog, allow_unicode=True))
    assert same_as_all_read_again(day(63)).why == ["usage: read from the beginning: catalog.yaml knows other ids."]
    Path("sources.yaml").write_text("usage: {quarantine_where: {not on Mondays: \"used_on = '2026-03-02'\"}}\n")
    assert same_as_all_read_again(day(63)).why == ["usage: read from the beginning: sources.yaml is another."]


def test_a_file_that_was_written_into_is_not_believed(workspace: Path) -> None:
    put(company(weeks=9))
    run(day(63))
    file = Path("week/staged/usage", f"{day(7)}.parquet")
    pq.write_table(pq.read_table(file).slice(1), file)
    assert len(same_as_all_read_again(day(63)).why) == 2


@pytest.mark.parametrize("text", ["", "{}", '{"found": {}, "wings": 2}'])
def test_a_state_that_says_nothing_is_not_believed(workspace: Path, text: str) -> None:
    put(company())
    run(day(42))
    Path("data/lake/rollup/state.json").write_text(text)
    assert len(same_as_all_read_again(day(42)).why) == 2


def test_the_engines_read_a_folder_as_one_table(workspace: Path) -> None:
    put(company())
    run(day(42))
    there = lake.staged(lake.connect(), Path("week/staged"))
    assert there["usage"].count().execute() == 42


def test_a_table_that_goes_leaves_nothing(workspace: Path) -> None:
    put(company())
    run(day(42))
    Path("source/meters.csv").unlink()
    same_as_all_read_again(day(42))
    assert not Path("week/staged/meters").exists()


def test_nothing_is_kept_of_tables_that_cannot_be_used(workspace: Path) -> None:
    put(company())
    run(day(42))
    before = contents("data/lake/rollup")
    broken = tuple(use(f"B-{i}", 41) for i in range(400))
    put(company(*broken))
    with pytest.raises(BadInput, match=r"^usage: 400 of 442 rows"):
        run(day(42))
    assert contents("data/lake/rollup") == before
    assert not Path("week").exists()
    assert [path.name for path in Path("data/lake").iterdir()] == ["rollup"]


def test_a_run_that_dies_leaves_the_rollup_as_it_was(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(company())
    run(day(42))
    before = contents("data/lake/rollup")
    put(company(weeks=7))

    def full_disk(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(rollup, "link_all", full_disk)
        with pytest.raises(OSError, match="no space"):
            run(day(49))
    assert contents("data/lake/rollup") == before
    assert [path.name for path in Path("data/lake").iterdir()] == ["rollup"]
    same_as_all_read_again(day(49))


def test_of_two_runs_at_once_the_later_one_stays_whole(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(company())
    run(day(42))
    finish: Callable[..., None] = rollup._Work.finish

    def meanwhile(self: Any, tables: Any) -> None:
        monkeypatch.setattr(rollup._Work, "finish", finish)
        put(company(weeks=8))
        run(day(56), at="other")
        finish(self, tables)

    put(company(weeks=7))
    monkeypatch.setattr(rollup._Work, "finish", meanwhile)
    run(day(49))
    state = json.loads(Path("data/lake/rollup/state.json").read_text())
    assert max(state["found"]["usage"]) == day(42)  # the later to finish had begun earlier, and knows seven weeks
    assert same_as_all_read_again(day(56)).why == []


def test_features_see_only_their_window_and_the_same(workspace: Path) -> None:
    put(company(use("A-1", 1, "reports"), weeks=40))
    for as_of in (day(200), day(280)):
        run(as_of)
        window = {path.stem for path in Path("week/window/usage").iterdir()} - {"empty"}
        assert min(window) <= str(date.fromisoformat(as_of) - timedelta(days=LOOKED_AT_DAYS))
        assert len(window) - LOOKED_AT_DAYS // 7 in (1, 2)
        engine = lake.connect()
        firsts = lake.staged(engine, Path("week/window"))["first_uses"]
        usage = lake.staged(engine, Path("week/staged"))["usage"]
        assert rows(firsts) == rows(adoption.first_uses(usage))


def rows(table: Any) -> set[tuple[Any, ...]]:
    """First uses by what they say at any time: the least day known by each day that changes it."""
    found = lake.frame(table.order_by("account_id", "feature", "known_on", "first_used_on"), table.get_backend())
    best: dict[tuple[str, str], pd.Timestamp] = {}
    said = set()
    for row in found.itertuples():
        key = (row.account_id, row.feature)
        if key not in best or row.first_used_on < best[key]:
            best[key] = row.first_used_on
            said.add((*key, row.known_on, row.first_used_on))
    return said


ROWS = st.tuples(
    st.sampled_from(["A-1", "A-2", "A-3", "B-9", ""]),
    st.integers(0, 80),
    st.sampled_from(["tasks", "reports", "nonsense"]),
    st.sampled_from(["3", "4", "-1", ""]),
    st.sampled_from(["used", "gated", "seen"]),
    st.sampled_from(["", "2026-04-01 10:00:00", "2026-05-15T12:00:00+02:00", "yesterday"]),
)


@settings(
    max_examples=4,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.lists(ROWS, max_size=12), min_size=2, max_size=4), st.data())
def test_any_history_of_rows_is_carried_on_exactly(
    tmp_path_factory: pytest.TempPathFactory, came: list[list[Any]], data: st.DataObject
) -> None:
    home = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("history"))
    try:
        prepare(validate={"max_quarantined_rate": 1})
        there: list[Row] = []
        for week, new in enumerate(came):
            # rows come, or some go: one that goes while another comes on its day is what only a rebuild finds
            there = [row for row in there if new or data.draw(st.booleans(), label="stays")] + [
                use(a, n, f, e, k, r) for a, n, f, e, k, r in new
            ]
            accounts = ("A-1", "A-2", "A-3") if data.draw(st.booleans(), label="has A-3") else ("A-1", "A-2")
            put(company(*there, weeks=8 + week, accounts=accounts), data.draw(st.sampled_from(["csv", "parquet"])))
            same_as_all_read_again(day(7 * (8 + week)))
    finally:
        os.chdir(home)
