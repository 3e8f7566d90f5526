"""The roll-up: what earlier weeks read, checked and staged of the large tables, so that a week reads only what is new.

data/lake/rollup/ (outside DVC, which knows nothing of it; it may be deleted at any time) holds

    staged/<table>/<Monday>.parquet       usage and meters, a file a week of their days; none of them is ever changed,
    quarantine/<table>/<Monday>.parquet   another takes its place
    accounts.parquet                      the accounts by which these rows were judged
    first_uses.parquet                    each account's first use of each feature, up to the weeks that are read anyway
    state.json                            what each week held, and the settings it was read with

It mirrors the source and knows no as-of day: any week can be delivered from it. A run works on a copy of its own, made
of hard links, and puts that in the roll-up's place when all of it is there; a run that is killed leaves the roll-up
as it was, and of two at once the later one stays, each of them whole.
"""

import json
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import ibis
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data import weeks
from data.catalog import Catalog
from data.contract import RAW_TABLES, USAGE, RawTable
from data.parsing import literal, name
from data.report import Report, TableReport
from data.rules import KEPT_ACCOUNTS, OF_NO_ACCOUNT, known_ids
from data.sources import Incoming, Sources, connect, read_sources
from data.validation import check, early_rows, stop_unless_good
from data.weeks import UNDATED, Week, week_of
from delivery import manifest
from features import adoption, build, headroom
from pipelines import answered, ingest, paths, rollup_store, tracking
from pipelines.params import Params
from pipelines.rollup_store import State, link, link_all, put, working_copy

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ACCOUNTS = "accounts.parquet"
FIRST_USES = "first_uses.parquet"
EMPTY = "empty.parquet"  # of each table, so that its folder is a table even where no week is asked for
LOOKED_AT_DAYS = max(build.WINDOW_DAYS, headroom.DAYS)


@dataclass(frozen=True)
class Rolled:
    """What a week works on. `why`: a sentence on each table that was not simply carried on."""

    report: Report
    inputs: dict[str, str]  # sha256 by the name under staged/
    rows_read: int
    weeks_read: int
    why: list[str]


def rolled(
    params: Params, catalog: Catalog, as_of: date, *, staged_at: Path, window_at: Path, quarantine_at: Path, anew: bool
) -> Rolled:
    """Read what is new, check it beside what is kept, and lay out the tables of the week.

    staged_at: all of every table, `usage` and `meters` as folders of weeks. window_at: the same, but of these two only
    the weeks that features as of `as_of` look at, and `first_uses` beside them. anew: forget what is kept.
    Raises BadInput where the tables cannot be used; nothing is kept then.
    """
    sources, connection = Sources.load(paths.SOURCES), connect()
    with working_copy(paths.LAKE / "rollup") as folder:
        before = None if anew else State.read(folder)
        if before is None:
            shutil.rmtree(folder)
            folder.mkdir()
        work = _Work(params, catalog, sources, folder, before or State(), connection, as_of)
        tables = read_sources(sources, folder=Path(params.ingest.folder), connection=connection)
        checked = check(
            tables,
            catalog,
            params.validate_,
            connection,
            {table: work.read for table in weeks.TABLES if table in tables},
        )
        stop_unless_good(checked.report)
        work.finish(tables)
        for folder_at in (staged_at, quarantine_at, window_at):
            folder_at.mkdir(parents=True)
        inputs = dict(work.state.staged)
        for table, query in answered.joined(checked.clean, connection).items():
            file = staged_at / f"{table}.parquet"
            ingest.write(connection.sql(query), RAW_TABLES[table].arrow_schema(), file)
            inputs[file.name] = tracking.sha256(file)
            link(file, window_at / file.name)
        for table, query in checked.quarantined.items():
            ingest.write(connection.sql(query), ingest.as_text(RAW_TABLES[table]), quarantine_at / f"{table}.parquet")
        link_all(folder / "staged", staged_at, lambda _: True)
        link_all(folder / "quarantine", quarantine_at, lambda _: True)
        link_all(folder / "staged", window_at, lambda week: week == "empty" or _serves(week, as_of))
        work.first_uses_to(window_at / FIRST_USES)
        connection.close()
        return Rolled(checked.report, inputs, work.rows_read, work.weeks_read, work.why)


def newest_use_before(as_of: date, staged_at: Path) -> date | None:
    """The newest use of all that was known before a day; for a day so late that no week of its window has any."""
    query = "SELECT max(used_on) FROM read_parquet(?) WHERE known_on < ?"
    row = duckdb.execute(query, [str(staged_at / USAGE.name / "*.parquet"), as_of]).fetchone()
    return row[0] if row else None


class _Work:
    """One run's work on its copy of the roll-up."""

    def __init__(
        self,
        params: Params,
        catalog: Catalog,
        sources: Sources,
        folder: Path,
        state: State,
        connection: "DuckDBPyConnection",
        as_of: date,
    ) -> None:
        self.params, self.catalog, self.sources, self.folder = params, catalog, sources, folder
        self.state, self.connection, self.as_of = state, connection, as_of
        self.rows_read, self.weeks_read = 0, 0
        self.why: list[str] = []
        self.touched: set[str] = set()  # weeks of usage that were read again

    def read(self, table: RawTable, incoming: Incoming) -> TableReport:
        """Bring a table up to the source, and report on all of it."""
        settings = self._settings(table, incoming)
        now, newest = weeks.seen(table, incoming, self.connection)
        before = self.state.found.get(table.name, {})
        reason = self._reason_for_all(table, settings)
        if reason:
            self.why.append(f"{table.name}: read from the beginning: {reason}")
        known = {} if reason else before
        new = self._weeks_to_read(table, now, known)
        carried = {week: one for week, one in known.items() if week in now and week not in new}
        for week in set(before) - set(carried):
            self._forget(table, week)
        asked = {week: saw for week, saw in now.items() if week in new}
        judged, found = weeks.judge_weeks(table, incoming, asked, self.catalog, self.connection)
        self.rows_read += judged.read
        self.weeks_read += len(found)
        self._write(table, weeks.kept(judged), table.arrow_schema(), "staged")
        self._write(table, weeks.quarantined(judged), ingest.as_text(table), "quarantine")
        self.connection.execute(f"DROP TABLE {name(judged.view)}")
        self.state.found[table.name] = dict(sorted({**carried, **found}.items()))
        self.state.settings[table.name] = settings
        if table.name == USAGE.name:
            self.touched = (set(before) - set(carried)) | set(found)
        if newest:
            reached = [day for day in (self.as_of, self._read_to(table)) if day]
            self.state.read_to[table.name] = str(min(newest, max(reached)))
        empty = self.folder / "staged" / table.name / EMPTY
        if not empty.is_file():
            pq.write_table(table.arrow_schema().empty_table(), empty, compression="zstd")
            self.state.staged[f"{table.name}/{EMPTY}"] = tracking.sha256(empty)
        kept = list(self.state.found[table.name].values())
        return weeks.whole(table, incoming, kept, early_rows(sum(week.early for week in kept)))

    def finish(self, tables: Collection[str]) -> None:
        """Forget tables that are no longer there, note the accounts, carry the first uses on, write the state."""
        for table in set(self.state.found) - set(tables):
            for part in ("staged", "quarantine"):
                shutil.rmtree(self.folder / part / table, ignore_errors=True)
            del self.state.found[table], self.state.settings[table]
            self.state.read_to.pop(table, None)
            self.state.staged = {file: h for file, h in self.state.staged.items() if not file.startswith(f"{table}/")}
        rows = self.connection.sql(f"SELECT * FROM {name(KEPT_ACCOUNTS)} ORDER BY account_id").to_arrow_table()  # noqa: S608
        put(self.folder / ACCOUNTS, lambda file: pq.write_table(rows, file))
        self._carry_first_uses()
        self.state.staged = dict(sorted(self.state.staged.items()))
        self.state.write(self.folder)

    def first_uses_to(self, file: Path) -> None:
        """All first uses of all time: those that are kept, and those of the weeks since."""
        usage = self._weeks_of_usage(lambda week: week >= str(self.state.first_uses_before))
        self._write_first_uses(usage, file, beside=self.folder / FIRST_USES)

    def _settings(self, table: RawTable, incoming: Incoming) -> dict[str, str]:
        """What the verdicts on a table's rows hang on beside its accounts: a sentence on each change, and a hash."""
        source = getattr(self.sources, table.name)
        ids = {
            column: known_ids(of.refers_to, self.catalog)
            for column, of in table.columns.items()
            if of.refers_to and of.refers_to != "accounts"
        }
        files = [
            *sorted(Path(weeks.__file__).parent.glob("*.py")),
            *map(Path, (__file__, rollup_store.__file__, ingest.__file__)),
        ]
        code = {file.name: file.read_bytes() for file in files}
        return {
            "sources.yaml is another": _hash([self.sources.database, source.model_dump(mode="json")]),
            "the source lies elsewhere": _hash([self.params.ingest.folder, incoming.place]),
            "the source has other columns": _hash([incoming.types, incoming.extra_columns]),
            "catalog.yaml knows other ids": _hash(ids),
            "the code that checks is another": manifest.of_many(code),
            "the libraries that read are others": _hash([duckdb.__version__, pa.__version__]),
        }

    def _reason_for_all(self, table: RawTable, settings: Mapping[str, str]) -> str | None:
        """Why what is kept of a table cannot be carried on; None where it can."""
        if table.name not in self.state.found:
            return "nothing is kept of it that can be used."
        before = self.state.settings[table.name]
        for what, value in settings.items():
            if before.get(what) != value:
                return f"{what}."
        if n := self._gone():
            return f"accounts that are gone, or signed up on another day: {n:,}."
        return None

    def _weeks_to_read(self, table: RawTable, now: Mapping[str, weeks.Seen], known: Mapping[str, Week]) -> set[str]:
        changed = {week for week, saw in now.items() if week not in known or known[week].seen != saw}
        read_to = self._read_to(table) if known else None
        margin = {week for week in now if read_to and week >= self._open_from(read_to)}
        if late := changed - margin - {UNDATED} if read_to else set():
            self.why.append(f"{table.name}: {len(late):,} past weeks have other rows now, and are read again.")
        return changed | margin | self._weeks_of_added(table, known) | {UNDATED}

    def _open_from(self, read_to: date) -> str:
        """The first week that the next run reads again, whatever it holds."""
        return week_of(read_to - timedelta(days=self.params.rollup.reread_days))

    def _read_to(self, table: RawTable) -> date | None:
        day = self.state.read_to.get(table.name)
        return date.fromisoformat(day) if day else None

    def _gone(self) -> int:
        """Accounts that are no longer what kept rows were judged by."""
        kept = literal(str(self.folder / ACCOUNTS))
        query = f"SELECT count(*) FROM (SELECT * FROM read_parquet({kept}) EXCEPT SELECT * FROM {name(KEPT_ACCOUNTS)})"  # noqa: S608
        row = self.connection.execute(query).fetchone()
        return int(row[0]) if row else 0

    def _weeks_of_added(self, table: RawTable, known: Mapping[str, Week]) -> set[str]:
        """Weeks with rows in quarantine for want of an account that has come since."""
        asked = [w for w, week in known.items() if any(one.rule == OF_NO_ACCOUNT for _, one in week.broken)]
        files = [str(self.folder / "quarantine" / table.name / f"{week}.parquet") for week in asked]
        if not files:
            return set()
        rows = self.connection.execute(
            f"SELECT DISTINCT filename FROM read_parquet(?, filename = true) WHERE rule = ? AND account_id IN "  # noqa: S608
            f"(SELECT account_id FROM {name(KEPT_ACCOUNTS)})",
            [files, OF_NO_ACCOUNT],
        ).fetchall()
        return {Path(file).stem for (file,) in rows}

    def _forget(self, table: RawTable, week: str) -> None:
        for part in ("staged", "quarantine"):
            (self.folder / part / table.name / f"{week}.parquet").unlink(missing_ok=True)
        self.state.staged.pop(f"{table.name}/{week}.parquet", None)

    def _write(self, table: RawTable, query: str, schema: pa.Schema, part: str) -> None:
        """A file a week, of rows that come week by week."""
        folder = self.folder / part / table.name
        folder.mkdir(parents=True, exist_ok=True)  # also for no rows: a copy of the roll-up knows no empty folders
        for week, batches in _by_week(self.connection.sql(query).to_arrow_reader(ingest.ROW_GROUP)):
            file = folder / f"{week}.parquet"
            put(file, lambda beside: ingest.write_batches(batches, schema, beside))  # noqa: B023 - called at once
            if part == "staged":
                self.state.staged[f"{table.name}/{file.name}"] = tracking.sha256(file)

    def _carry_first_uses(self) -> None:
        """Take the weeks into `first_uses.parquet` that will not be read again as a matter of course."""
        read_to = self._read_to(USAGE)
        until = self._open_from(read_to) if read_to else "0001-01-01"
        since, file = self.state.first_uses_before, self.folder / FIRST_USES
        if since is None or until < since or any(week < since for week in self.touched) or not file.is_file():
            since, beside = "0001-01-01", None
        else:
            beside = file
        usage = self._weeks_of_usage(lambda week: since <= week < until)
        put(file, lambda new: self._write_first_uses(usage, new, beside=beside))
        self.state.first_uses_before = until

    def _weeks_of_usage(self, is_asked: Callable[[str], bool]) -> list[Path]:
        folder = self.folder / "staged" / USAGE.name
        return [file for file in sorted(folder.glob("*.parquet")) if file.name == EMPTY or is_asked(file.stem)]

    def _write_first_uses(self, usage: list[Path], file: Path, *, beside: Path | None) -> None:
        """First uses in the weeks of `usage` and in those that `beside` was made of: the first of both."""
        engine = ibis.duckdb.connect()
        columns = ["account_id", "feature", "kind", "used_on", "known_on"]
        rows = engine.read_parquet(usage).select(columns)
        if beside:
            kept = engine.read_parquet(beside)
            kept = kept.mutate(kind=ibis.literal("used"), used_on=kept.first_used_on)
            rows = rows.union(kept.select(columns))
        firsts = adoption.first_uses(rows)
        ordered = firsts.order_by("account_id", "feature", "known_on", "first_used_on")
        pq.write_table(engine.to_pyarrow(ordered), file, compression="zstd")
        engine.disconnect()


def _serves(week: str, as_of: date) -> bool:
    """Whether anything as of a day looks at any day of the week.

    >>> [_serves(week, date(2026, 6, 1)) for week in ("2025-12-29", "2026-01-05", "2026-05-25", "2026-06-01")]
    [False, True, True, False]
    """
    monday = date.fromisoformat(week)
    return as_of - timedelta(days=LOOKED_AT_DAYS + 6) <= monday < as_of


def _by_week(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[str, Iterator[pa.RecordBatch]]]:
    """Rows that come in the order of their weeks, as one stream of batches a week. Read each before the next."""

    def pieces() -> Iterator[tuple[str, pa.RecordBatch]]:
        for batch in batches:
            runs = pc.run_end_encode(batch.column("week"))
            start = 0
            for week, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
                yield UNDATED if week is None else str(week), batch.slice(start, end - start).drop_columns("week")
                start = end

    for week, found in groupby(pieces(), key=lambda piece: piece[0]):
        yield week, (batch for _, batch in found)


def _hash(content: Any) -> str:
    return manifest.sha256(json.dumps(content, sort_keys=True).encode())
