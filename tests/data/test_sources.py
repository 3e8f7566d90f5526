# ruff: noqa: S608  the queries are of files that the test itself wrote
"""The same rows from CSV, Parquet, DuckDB or a query are the same rows; what is missing or wrong is one sentence."""

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.contract import RAW_TABLES
from data.errors import BadInput
from data.sources import Sources, connect, read_sources


def as_parquet(csv: Path, folder: Path, **types: str) -> Path:
    """The CSV files as Parquet, with the types that DuckDB finds in them; or as text, but for those given."""
    folder.mkdir()
    for file in csv.glob("*.csv"):
        columns = [row[0] for row in duckdb.execute(f"DESCRIBE FROM '{file}'").fetchall()]
        replaced = ", ".join(f"({c})::{types[c]} AS {c}" if c in types else c for c in columns)
        told = f"read_csv('{file}', all_varchar = {bool(types)})"
        duckdb.execute(f"COPY (SELECT {replaced} FROM {told}) TO '{folder / file.stem}.parquet'")
    return folder


def as_duckdb(csv: Path, file: Path) -> Path:
    with duckdb.connect(str(file)) as connection:
        for path in csv.glob("*.csv"):
            connection.execute(f"CREATE TABLE {path.stem} AS FROM '{path}'")
    return file


def read(folder: Path, **sources: Any) -> dict[str, Any]:
    connection = connect()
    try:
        return dict(read_sources(Sources.parse(sources, file="sources.yaml"), folder=folder, connection=connection))
    finally:
        connection.close()


def sentence(folder: Path, **sources: Any) -> str:
    with pytest.raises(BadInput) as error:
        read(folder, **sources)
    return str(error.value)


def test_every_kind_of_source_gives_the_same_rows(
    tmp_path: Path, good_company: Any, write_csv: Any, checked: Callable[..., Any]
) -> None:
    csv = write_csv(good_company, tmp_path / "csv")
    parquet = as_parquet(csv, tmp_path / "parquet")
    odd = as_parquet(
        csv,
        tmp_path / "odd",
        signed_up_on="VARCHAR",
        mrr="DECIMAL(10, 2)",
        n_events="DOUBLE",
        opened_at="TIMESTAMPTZ",
        happened_on="TIMESTAMP_NS",
        has_executive="BOOLEAN::INTEGER",
        has_opted_in="VARCHAR",
        nps="UTINYINT",
        used_on="TIMESTAMP",
        csat="FLOAT",
    )
    database = as_duckdb(csv, tmp_path / "company.duckdb")
    expected = checked(csv)
    assert expected.report.is_good
    assert all(not rows for rows in expected.quarantined.values())
    assert [len(rows) for rows in expected.kept.values()] == [3] + [2] * 9
    for folder, sources in (
        (parquet, {}),
        (odd, {}),
        (database, {}),
        (tmp_path, {"database": "company.duckdb"}),
        (tmp_path, {"database": f"duckdb://{database}"}),
        (tmp_path, {table: {"path": f"csv/{table}.csv"} for table in RAW_TABLES}),
        (csv, {table: {"sql": f"select * from '{table}.csv';"} for table in RAW_TABLES}),
    ):
        found = checked(folder, Sources.parse(sources, file="sources.yaml"))
        assert found.kept == expected.kept, sources
        assert found.quarantined == expected.quarantined


def test_categories_large_strings_and_whole_floats(
    tmp_path: Path, good_company: Any, write_csv: Any, checked: Callable[..., Any]
) -> None:
    folder = write_csv(good_company, tmp_path)
    (folder / "surveys.csv").unlink()
    table = pa.table(
        {
            "account_id": pa.array(["A-1", "A-2"]).dictionary_encode(),
            "answered_at": pa.array([datetime.datetime(2024, 5, 1)] * 2, pa.timestamp("ns", tz="Asia/Tokyo")),
            "nps": pa.array([9.0, float("nan")]),
            "note": pa.array(["x", "y"], pa.large_string()),
        }
    )
    pq.write_table(table, folder / "surveys.parquet")
    found = checked(folder)
    assert found.kept["surveys"][0]["nps"] == 9
    assert found.kept["surveys"][0]["answered_at"] == datetime.datetime(2024, 5, 1)
    assert found.rules("surveys") == ["nps must not be empty"]
    assert next(one for one in found.report.tables if one.table == "surveys").extra_columns == ["note"]


def test_a_folder_of_parts_is_one_table(
    tmp_path: Path, good_company: Any, write_csv: Any, checked: Callable[..., Any]
) -> None:
    use = good_company.pop("usage")
    folder = write_csv(good_company, tmp_path)
    for i, row in enumerate(use):
        write_csv({f"part-{i}": [row]}, folder / "usage")
    assert len(checked(folder).kept["usage"]) == 2
    by_pattern = Sources.parse({"usage": {"path": "usage/part-*.csv"}}, file="sources.yaml")
    assert len(checked(folder, by_pattern).kept["usage"]) == 2


def test_columns_constants_and_quotes(
    tmp_path: Path, good_company: Any, write_csv: Any, checked: Callable[..., Any]
) -> None:
    accounts = good_company.pop("accounts")
    good_company["kunden"] = [
        {'Kunde "Nr"': a["account_id"], "Name": 'Ö, "x"\n日本', "Seit": "2024-01-01"} for a in accounts
    ]
    source = {
        "path": "kunden.csv",
        "columns": {"account_id": 'Kunde "Nr"', "account_name": "Name", "signed_up_on": "Seit"},
        "constants": {"has_opted_in": True, "owner_id": "O'Neil", "employee_count": 12},
    }
    found = checked(write_csv(good_company, tmp_path), Sources.parse({"accounts": source}, file="sources.yaml"))
    kept = found.kept["accounts"][0]
    assert (kept["account_name"], kept["owner_id"]) == ('Ö, "x"\n日本', "O'Neil")
    assert (kept["has_opted_in"], kept["employee_count"]) == (True, 12)
    absent = found.report.tables[0].absent_columns
    assert absent == ["industry", "region", "csm_sentiment", "do_not_contact_until"]


def test_what_is_missing_is_one_sentence(tmp_path: Path, good_company: Any, write_csv: Any) -> None:
    folder = write_csv(good_company, tmp_path / "csv")
    (folder / "usage.csv").unlink()
    assert sentence(folder) == (
        f"usage: this required table is missing ({folder} holds neither usage.parquet nor usage.csv); "
        "add it, or say in sources.yaml where it is."
    )
    write_csv({"usage": [{k: v for k, v in row.items() if k != "kind"} for row in good_company["usage"]]}, folder)
    assert sentence(folder) == (
        "usage: the required column kind is missing from usage.csv, which has account_id, used_on, feature, n_events, "
        "n_users; add it, or say in sources.yaml which one it is (usage.columns.kind)."
    )
    assert sentence(tmp_path / "nowhere") == (
        f"{tmp_path / 'nowhere'}: there is no such folder; run `upsell simulate`, or set ingest.folder in params.yaml."
    )
    del good_company["meters"]
    assert "meters" not in read(write_csv(good_company, tmp_path / "less"))


def test_what_is_wrong_in_sources_yaml_is_one_sentence(
    tmp_path: Path, good_company: Any, write_csv: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_csv(good_company, tmp_path)
    monkeypatch.delenv("UPSELL_DATABASE_URL", raising=False)
    assert sentence(folder, account={"path": "a.csv"}) == (
        "sources.yaml: account is not a known key; did you mean accounts?"
    )
    assert sentence(folder, accounts={"file": "a.csv"}).startswith("sources.yaml: accounts.file is not a known key;")
    assert sentence(folder, accounts={"columns": {"acount_id": "Id"}}) == (
        "sources.yaml: the file: accounts.columns: accounts has no column acount_id; did you mean account_id?; "
        "change it."
    )
    assert sentence(folder, accounts={"columns": {"account_id": "Id"}}) == (
        "sources.yaml: accounts.columns.account_id: accounts.csv has no column Id; it has account_id, account_name, "
        "industry, employee_count, region, signed_up_on, owner_id, csm_sentiment, has_opted_in, do_not_contact_until."
    )
    assert sentence(folder, accounts={"path": "a.csv"}) == (
        f"sources.yaml: accounts.path: there is no file {folder / 'a.csv'}; correct the path."
    )
    assert sentence(folder, database="${UPSELL_DATABASE_URL}") == (
        "sources.yaml: database: the environment variable UPSELL_DATABASE_URL is not set; set it before you run, "
        "or take the line out."
    )
    assert sentence(folder, database="duckdb://no.duckdb") == (
        f"sources.yaml: database: there is no file {folder / 'no.duckdb'}; correct the path."
    )
    assert sentence(folder, tickets={"sql": "selekt 1"}).startswith("sources.yaml: tickets.sql: ")
    assert "no_such" in sentence(folder, tickets={"sql": "select no_such from 'tickets.csv'"})
    assert sentence(folder, tickets={"quarantine_where": {"odd": "severity"}}) == (
        "sources.yaml: tickets.quarantine_where: `odd` is no condition; write one that is true or false."
    )
    assert sentence(folder / "usage.csv") == (
        f"{folder / 'usage.csv'}: this is neither a folder nor a DuckDB file (.duckdb); give the folder it lies in."
    )
    assert "usage" in read(folder, usage={"sql": "select * from 'usage.csv' -- all of it"})


def test_a_password_is_never_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ibis

    def refuse(url: str) -> None:
        raise OSError(f"could not reach {url}")

    monkeypatch.setattr(ibis, "connect", refuse)
    assert sentence(tmp_path, database="postgres://me:hush@db/company") == (
        "sources.yaml: database: cannot connect (OSError); check the URL."
    )


def test_two_files_of_one_table_are_refused(tmp_path: Path, good_company: Any, write_csv: Any) -> None:
    folder = write_csv(good_company, tmp_path)
    (folder / "accounts.parquet").write_bytes(b"")
    assert sentence(folder).endswith("are there; name the right one in sources.yaml.")


def test_lines_that_are_no_csv_are_in_quarantine(
    tmp_path: Path, good_company: Any, write_csv: Any, checked: Callable[..., Any]
) -> None:
    folder = write_csv(good_company, tmp_path)
    good = (folder / "surveys.csv").read_bytes()
    odd = [b"A-1,2024-04-01 12:00:00,9,too,many", b"A-1,2024-04-01 12:00:00", b"#A-1,2024-04-01 12:00:00,\xff\xfe"]
    (folder / "surveys.csv").write_bytes(good + b"\r\n".join([*odd, b'A-1,2024-04-01,"9']) + b"\r\n")
    found = checked(folder)
    assert len(found.kept["surveys"]) == 2
    says = "the line must have the header's fields, in UTF-8 (here it stands in the first column)"
    assert found.rules("surveys") == [says] * 4
    assert "A-1,2024-04-01 12:00:00,9,too,many" in [row["account_id"] for row in found.quarantined["surveys"]]
    table = next(one for one in found.report.tables if one.table == "surveys")
    assert (table.read, table.kept, table.quarantined) == (6, 2, 4)


def test_broken_files_are_one_sentence(
    tmp_path: Path, good_company: Any, write_csv: Any, checked: Callable[..., Any]
) -> None:
    folder = write_csv(good_company, tmp_path)
    surveys = folder / "surveys.csv"
    surveys.write_bytes(b"")
    assert sentence(folder) == f"{surveys}: the file is empty, without even a header; write one."
    surveys.write_bytes("account_id,Prénom\n".encode("latin-1"))
    assert sentence(folder) == f"{surveys}: this is not UTF-8; save it as UTF-8."
    surveys.write_text("account_id,nps,nps\n")
    assert sentence(folder) == f"{surveys}: the column nps stands twice in the header; rename one."
    surveys.unlink()
    write_csv({"a": [{"x": "1"}], "b": [{"y": "1"}]}, folder / "surveys")
    b = folder / "surveys" / "b.csv"
    assert sentence(folder) == f"{b}: its header is not that of a.csv; write the same columns in the same order."
    write_csv({"b": [{"x": "1"}]}, folder / "surveys")
    assert sentence(folder).startswith("surveys: the required column account_id is missing from surveys, which has x;")
    (folder / "surveys.parquet").write_bytes(b"no Parquet at all")
    assert sentence(folder).endswith("are there; name the right one in sources.yaml.")
    assert sentence(folder, surveys={"path": "surveys.parquet"}).startswith("surveys.parquet: ")


def test_sources_are_read_never_written(
    tmp_path: Path, good_company: Any, write_csv: Any, checked: Callable[..., Any]
) -> None:
    database = as_duckdb(write_csv(good_company, tmp_path / "csv"), tmp_path / "company.duckdb")
    before = database.read_bytes()
    checked(database)
    assert database.read_bytes() == before
    assert sentence(database, tickets={"sql": "drop table tickets"}).startswith("sources.yaml: tickets.sql: ")
    assert database.read_bytes() == before
