"""The stage as DVC runs it: the same bytes from any source, and nothing written where the tables cannot be used."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
import yaml

from data.contract import RAW_TABLES
from data.errors import BadInput
from pipelines import ingest

PROJECT = Path(__file__).parents[2]
ROWS = {
    "accounts": "account_id,account_name,signed_up_on,has_opted_in,notes\n"
    "A-1,Acme,2024-01-10,true,x\nA-2,Bolt,2024-02-01,,\n",
    "subscriptions": "subscription_id,account_id,product_id,quantity,mrr,discount_pct,billing,valid_from_on\n"
    "S-2,A-2,free,1,0,0,monthly,2024-02-01\nS-1,A-1,pro,10,249,0,annual,2024-01-10\n",
    "usage": "account_id,used_on,feature,kind,n_events,n_users\nA-2,2024-03-02,tasks,used,1,1\n"
    "A-1,2024-03-01,tasks,used,7,3\nA-1,2024-03-01,tasks,gated,2,1\nA-1,2024-03-01,tasks,used,7,3\nA-1,2024-03-01,tasks,seen,7,3\n",
    "surveys": "account_id,answered_at,nps,recorded_at\nA-1,2024-03-01T23:00:00-02:00,9,2024-03-05\n",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which a stage may run, with a small company's CSV files in `source`."""
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "source"
    source.mkdir()
    for table, text in ROWS.items():
        (source / f"{table}.csv").write_text(text)
    (tmp_path / "catalog.yaml").write_bytes((PROJECT / "catalog.yaml").read_bytes())
    (tmp_path / "sources.yaml").write_bytes((PROJECT / "sources.yaml").read_bytes())
    use_params(ingest={"folder": "source"}, validate={"max_quarantined_rate": 0.5})
    return tmp_path


def use_params(**sections: Any) -> None:
    params = yaml.safe_load((PROJECT / "params.yaml").read_text())
    Path("params.yaml").write_text(yaml.safe_dump({**params, **sections}))


def written() -> dict[str, bytes]:
    return {
        str(path): path.read_bytes() for root in ("data", "reports") for path in Path(root).rglob("*") if path.is_file()
    }


def test_what_a_run_writes(folder: Path) -> None:
    ingest.main()
    assert sorted(written()) == [
        *(f"data/lake/quarantine/{table}.parquet" for table in sorted(ROWS)),
        *(f"data/lake/staged/{table}.parquet" for table in sorted(ROWS)),
        "reports/validation.json",
        "reports/validation.md",
    ]
    for table in ROWS:
        staged = pq.read_table(f"data/lake/staged/{table}.parquet")
        assert staged.schema.equals(RAW_TABLES[table].arrow_schema())
    usage = pq.read_table("data/lake/staged/usage.parquet").to_pylist()
    assert [(row["account_id"], row["kind"]) for row in usage] == [("A-1", "gated"), ("A-1", "used"), ("A-2", "used")]
    aside = pq.read_table("data/lake/quarantine/usage.parquet").to_pylist()
    assert [(row["kind"], row["rule"]) for row in aside] == [("seen", "kind must be one of used, gated, trial")]
    survey = pq.read_table("data/lake/staged/surveys.parquet").to_pylist()[0]
    assert (survey["answered_at"].isoformat(), survey["known_on"].isoformat()) == ("2024-03-02T01:00:00", "2024-03-05")


def test_the_same_bytes_again_and_from_every_kind_of_source(folder: Path) -> None:
    ingest.main()
    tables = {path: content for path, content in written().items() if path.endswith(".parquet")}
    everything = written()
    ingest.main()
    assert written() == everything

    (folder / "parquet").mkdir()
    with duckdb.connect("company.duckdb") as database:
        for table in ROWS:
            database.execute(f"CREATE TABLE {table} AS FROM 'source/{table}.csv' ORDER BY random()")
            database.execute(f"COPY {table} TO 'parquet/{table}.parquet'")
    for other in ("parquet", "company.duckdb"):
        use_params(ingest={"folder": other}, validate={"max_quarantined_rate": 0.5})
        ingest.main()
        assert {path: content for path, content in written().items() if path.endswith(".parquet")} == tables, other


def test_row_groups_do_not_depend_on_how_batches_come(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "ROW_GROUP", 2)
    ingest.main()
    usage = pq.ParquetFile("data/lake/staged/usage.parquet")
    assert [usage.metadata.row_group(i).num_rows for i in range(usage.num_row_groups)] == [2, 1]


def test_nothing_is_written_where_the_tables_cannot_be_used(folder: Path) -> None:
    use_params(ingest={"folder": "source"}, validate={"max_quarantined_rate": 0.1})
    with pytest.raises(BadInput, match=r"^usage: 1 of 5 rows \(20\.0%\) break the contract"):
        ingest.main()
    assert written() == {}
    os.remove("source/accounts.csv")
    with pytest.raises(BadInput, match=r"^accounts: this required table is missing"):
        ingest.main()
    assert written() == {}


def test_nothing_is_half_written_where_writing_fails(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ingest.main()
    before = written()
    whole: Callable[..., None] = ingest.write

    def full_disk(rows: Any, schema: Any, path: Path) -> None:
        if path.name == "surveys.parquet":
            raise OSError("no space left on device")
        whole(rows, schema, path)

    monkeypatch.setattr(ingest, "write", full_disk)
    (folder / "source" / "usage.csv").write_text(ROWS["usage"].replace("tasks", "projects"))
    with pytest.raises(OSError, match="no space"):
        ingest.main()
    assert written() == before


def test_bad_input_ends_with_exit_code_2_and_a_sentence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from pipelines import stage

    (folder / "sources.yaml").write_text("usage: {folder: x}\n")
    with pytest.raises(SystemExit) as stopped:
        stage.run(ingest.main)
    assert stopped.value.code == 2
    assert capsys.readouterr().err == "sources.yaml: usage.folder is not a known key; remove it.\n"
