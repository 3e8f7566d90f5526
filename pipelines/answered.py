# ruff: noqa: S608  the SQL is put together from the contract's own names
"""The company's checked tables with what people answered to the lists in them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from data import answers
from data.contract import ACCOUNT_CHANGES, ACCOUNTS, PROPOSALS
from pipelines import paths

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

UNTIL = "do_not_contact_until"


def read(file: Path = paths.ANSWERS) -> pd.DataFrame:
    """The store of answers; no rows where nobody has answered yet."""
    if not file.is_file():
        return pd.DataFrame({name: pd.Series(dtype="object") for name in answers.COLUMNS})
    text = ("account_id", "owner_id", "offer_id", "channel", "answer", "reason", "note")
    rows = pd.read_csv(file, dtype=dict.fromkeys(text, "str"), keep_default_na=False, na_values=[""])
    return rows.assign(**{name: pd.to_datetime(rows[name]) for name in answers.DAYS})


def unseen() -> str | None:
    """A sentence where DVC runs this as an experiment in a copy that lacks answers of the folder it was started in.

    The store is of record, and no output of anything: it stays out of git and DVC, and a copy has it where it is asked
    for (`dvc exp run --temp -C answers/answers.csv`).
    """
    root = os.environ.get("DVC_ROOT") if os.environ.get("DVC_EXP_NAME") else None
    if root is None or Path(root).resolve() == Path.cwd():
        return None
    key = ["as_of", "account_id", "answer"]
    there, here = (rows[rows["answer"] != "held_out"][key] for rows in (read(Path(root) / paths.ANSWERS), read()))
    n = len(there) - len(there.merge(here, on=key))
    return (
        f"{n} answers of {Path(root) / paths.ANSWERS} are not seen by this experiment, and it learns without them; "
        f"add -C {paths.ANSWERS}"
        if n
        else None
    )


def joined(
    clean: Mapping[str, str], connection: "DuckDBPyConnection", given: pd.DataFrame | None = None
) -> dict[str, str]:
    """`clean` (SQL by table, of data/validation.py) with the answers in it.

    A proposal that the company's own table already holds by its id stays as it stands there. The later of a wait and
    the account's own `do_not_contact_until` holds. Answers of unknown accounts are left out.
    """
    rows = read() if given is None else given
    if not len(rows):
        return dict(clean)
    found = dict(clean)
    known = f"account_id IN (SELECT account_id FROM ({clean[ACCOUNTS.name]}))"
    connection.register("answered proposals", answers.proposals(rows).assign(known_on=lambda t: t["proposed_at"]))
    columns = ", ".join([*PROPOSALS.columns, "known_on"])
    types = {c.name: c.type for c in PROPOSALS.arrow_schema()}
    cast = ", ".join(f"CAST({name} AS {_sql(str(types[name]))}) AS {name}" for name in [*PROPOSALS.columns, "known_on"])
    own = clean.get(PROPOSALS.name)
    added = f'SELECT {cast} FROM "answered proposals" WHERE {known}'
    if own:
        added += f" AND proposal_id NOT IN (SELECT proposal_id FROM ({own}))"
        added = f"SELECT {columns} FROM ({own}) UNION ALL {added}"
    found[PROPOSALS.name] = added
    found |= _waiting(answers.waits(rows), clean, connection, known)
    return found


def _waiting(
    waits: pd.DataFrame, clean: Mapping[str, str], connection: "DuckDBPyConnection", known: str
) -> dict[str, str]:
    """The tables that say until when an account is not to be contacted."""
    connection.register("answered waits", waits)
    latest = 'SELECT account_id, CAST(max(wait_until) AS DATE) AS waits FROM "answered waits" GROUP BY account_id'
    others = ", ".join(f"a.{name}" for name in [*ACCOUNTS.columns, "known_on"] if name != UNTIL)
    accounts = (
        f"SELECT {others}, greatest(a.{UNTIL}, w.waits) AS {UNTIL} FROM ({clean[ACCOUNTS.name]}) a "
        f"LEFT JOIN ({latest}) w USING (account_id) ORDER BY account_id"
    )
    found = {ACCOUNTS.name: accounts}
    if changes := clean.get(ACCOUNT_CHANGES.name):
        columns = ", ".join([*ACCOUNT_CHANGES.columns, "known_on"])
        found[ACCOUNT_CHANGES.name] = (
            f"SELECT {columns} FROM ({changes}) UNION ALL SELECT account_id, CAST(answered_on AS TIMESTAMP), "
            f"'{UNTIL}', strftime(wait_until, '%Y-%m-%d'), CAST(answered_on AS DATE) "
            f'FROM "answered waits" WHERE {known}'
        )
    return found


def _sql(arrow: str) -> str:
    """DuckDB's name of an Arrow type of the contract."""
    return {"string": "VARCHAR", "double": "DOUBLE", "date32[day]": "DATE"}.get(arrow, "TIMESTAMP")
