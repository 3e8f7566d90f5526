"""A delivered week into a database, files and e-mails: all or nothing, again without harm; dry runs only tell."""

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from data.errors import BadInput
from delivery.outputs import CANDIDATES, RANKED_ACCOUNTS, REASONS, TRIGGERS
from pipelines import ledger, paths, published
from pipelines.publish import Wanted, publish
from tests import mail_server, postgres
from tests.delivery.sample import AS_OF, Week, make_week

PROJECT = Path(__file__).parents[2]
ADAPTER = PROJECT / "examples" / "adapters" / "salesforce.yaml"
FILE = "published/upsell.duckdb"
NOW, DRY = Wanted(None, (), False, False), Wanted(None, (ADAPTER,), True, True)


@pytest.fixture(scope="module")
def week() -> Week:
    return make_week(60)


def deliver(week: Week, day: date) -> None:
    def parquet(output: Any, frame: Any) -> bytes:
        sink = pa.BufferOutputStream()
        pq.write_table(output.table(frame.assign(as_of=str(day))), sink)
        return sink.getvalue().to_pybytes()

    frames = {RANKED_ACCOUNTS: week.ranked, REASONS: week.reasons, CANDIDATES: week.candidates, TRIGGERS: week.triggers}
    files = {f"{output.name}.parquet": parquet(output, frame) for output, frame in frames.items()}
    told = {"as_of": str(day), "outputs_sha256": {}}
    ledger.keep({**files, "manifest.json": json.dumps(told).encode()}, day, None)


@pytest.fixture
def place(week: Week, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("params.yaml", "catalog.yaml"):
        shutil.copy(PROJECT / name, tmp_path)
    deliver(week, AS_OF)
    return tmp_path


def counts(database: str = FILE) -> dict[Any, int]:
    with duckdb.connect(database, read_only=True) as connection:
        return dict(connection.execute("SELECT as_of, count(*) FROM ranked_accounts GROUP BY ALL").fetchall())


def test_a_week_takes_the_place_of_itself_and_of_no_other(week: Week, place: Path) -> None:
    (told,) = publish(None, NOW)
    assert told.startswith("Week 2026-06-01 is in published/upsell.duckdb: 60 ranked_accounts, ")
    deliver(week, date(2026, 6, 8))
    publish(None, NOW)
    publish(AS_OF, NOW)
    assert counts() == {AS_OF: 60, date(2026, 6, 8): 60}
    with duckdb.connect(FILE, read_only=True) as connection:
        weeks = connection.execute(f"SELECT as_of, seal FROM {published.WEEKS} ORDER BY as_of").fetchall()  # noqa: S608  ours
        lists = connection.execute(
            "SELECT triggers FROM ranked_accounts WHERE rank = 1 AND as_of = '2026-06-01'"
        ).fetchall()
    assert [seal for _, seal in weeks] == [ledger.Entry(paths.LEDGER / str(day)).seal for day, _ in weeks]
    assert lists == [(",".join(week.ranked["triggers"].iloc[0]),)]


def test_all_of_a_week_or_none(week: Week, place: Path) -> None:
    publish(None, NOW)
    with duckdb.connect(FILE) as connection:  # somebody made a table of ours another
        connection.execute("DROP TABLE triggers")
        connection.execute("CREATE TABLE triggers (as_of DATE, fired_on BOOLEAN)")
    deliver(week, date(2026, 6, 8))
    with pytest.raises(duckdb.Error):
        publish(None, NOW)
    assert counts() == {AS_OF: 60}


def test_a_dry_run_only_tells(place: Path) -> None:
    told = publish(None, DRY)
    assert not paths.PUBLISHED.exists()
    assert told[0].startswith("Week 2026-06-01 would go into published/upsell.duckdb")
    shown = sum(word in told[1] for word in ("new", "0 changed", "0 gone"))
    assert shown == 3
    assert told[-1].endswith("digests would be written.")


def test_the_next_push_tells_what_differs(week: Week, place: Path) -> None:
    push = Wanted(None, (ADAPTER,), False, False)
    publish(None, push)
    first = week.ranked["account_id"].iloc[0]
    ranked = week.ranked.assign(stars=week.ranked["stars"].where(week.ranked["rank"] > 1, 1))
    deliver(Week(ranked, week.reasons, week.candidates, week.triggers, week.catalog, week.summary), date(2026, 6, 8))
    told = publish(None, Wanted(None, (ADAPTER,), False, True))
    n = len(week.ranked) - int((week.ranked["assignment"] == "holdout").sum())
    was = week.ranked["stars"].iloc[0]
    assert told[1] == f"salesforce: {n} rows; against the last push 0 new, {n + (was != 1)} changed, 0 gone."
    assert any(f"{first}: Expansion_Stars__c was {was}, is 1" in line for line in told) == (was != 1)


def test_digests_are_written_and_sent_where_there_is_a_server(place: Path) -> None:
    params = yaml.safe_load(paths.PARAMS.read_text(encoding="utf-8"))
    with mail_server.running(None, security="none", password=None) as heard:
        to = {"smtp": f"{mail_server.HOST}:{heard.port}", "smtp_security": "none"}
        params["publish"] |= {**to, "addresses": {"Aiko Tanaka": "aiko@example.test"}}
        paths.PARAMS.write_text(yaml.safe_dump(params, allow_unicode=True), encoding="utf-8")
        told = publish(None, Wanted(None, (), True, False))
    files = sorted(path.name for path in (paths.PUBLISHED / "digests" / str(AS_OF)).iterdir())
    assert "Aiko_Tanaka.eml" in files
    assert [message["To"] for message in heard.messages] == ["aiko@example.test"]
    assert told[-1] == f"1 sent; {len(files) - 1} have no address in params.yaml: publish.addresses."


def test_what_cannot_be_published_is_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="no list of that day was delivered; there are 2026-06-01"):
        publish(date(2026, 6, 8), NOW)
    with pytest.raises(BadInput, match="NO_SUCH_URL is not set"):
        publish(None, Wanted("${NO_SUCH_URL}", (), False, False))
    with pytest.raises(BadInput, match="the server can't be reached"):
        publish(None, Wanted("postgres://nobody:secret@127.0.0.1:1/none", (), False, False))


@pytest.mark.system
def test_into_postgres_in_one_transaction(week: Week, place: Path) -> None:
    import psycopg

    with postgres.running() as folder:
        url = f"postgres://upsell@/postgres?host={folder}"
        to = Wanted(url, (), False, False)
        publish(None, to)
        publish(None, to)
        deliver(week, date(2026, 6, 8))
        publish(None, to)
        with psycopg.connect(url) as connection:
            found = connection.execute("SELECT as_of, count(*) FROM ranked_accounts GROUP BY 1 ORDER BY 1").fetchall()
            name = connection.execute("SELECT account_name FROM ranked_accounts WHERE rank = 2 LIMIT 1").fetchone()
            reasons = connection.execute("SELECT count(*) FROM reasons WHERE as_of = '2026-06-01'").fetchone()
            connection.execute("ALTER TABLE triggers ALTER COLUMN trigger TYPE char(1) USING 'x'")
        assert found == [(AS_OF, 60), (date(2026, 6, 8), 60)]
        assert name == (week.ranked["account_name"].iloc[1],)
        assert reasons == (len(week.reasons),)
        with pytest.raises(psycopg.Error):
            publish(AS_OF, to)
        with psycopg.connect(url) as connection:  # what the failed one had begun is taken back
            assert connection.execute("SELECT count(*) FROM ranked_accounts").fetchone() == (120,)
