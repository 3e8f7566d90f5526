"""`upsell override` and `upsell record`: what a person decided about an account on a delivered list, for good.

The list itself stays as it was delivered and sealed; the line says what is to be done instead, by whom and why.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from data.catalog import Catalog
from data.errors import BadInput
from delivery.outputs import ASSIGNMENTS, CHANNELS
from pipelines import ledger, paths, sealed
from pipelines.entries import Kind
from pipelines.replay import of_week
from pipelines.seals import Entry

VALUES = {
    "approval": ("approved", "refused"),
    "answer": ("accepted", "declined", "snoozed"),
    "feedback": ("contacted", "helpful", "wrong", "not_now"),
}


def override(account_id: str, as_of: date, *, who: str, why: str, after: Mapping[str, Any]) -> dict[str, Any]:
    """Enter that something else is to be done with the account than the list says; gives the line.

    after: any of offer_id, channel, discount_pct, assignment. Raises BadInput where nothing changes, or a value is not
    one of those that there are.
    """
    _said("--who", who)
    _said("--why", why)
    entry, row = _listed(account_id, as_of)
    wanted = {name: value for name, value in after.items() if value is not None}
    if not wanted:
        raise BadInput("nothing is overridden: give --offer, --channel, --discount or --assignment.")
    _one_of("--assignment", wanted.get("assignment"), ASSIGNMENTS)
    _one_of("--channel", wanted.get("channel"), CHANNELS)
    if not 0 <= float(wanted.get("discount_pct", 0)) <= 100:
        raise BadInput(f"--discount {wanted['discount_pct']:g}: a discount is between 0 and 100 per cent.")
    offer_id = wanted.get("offer_id")
    offers = [offer.id for offer in _catalog(entry).offers]
    if offer_id == "none":
        wanted["offer_id"] = None
    else:
        _one_of("--offer", offer_id, offers)
    before = {name: _plain(row[name]) for name in wanted}
    if before == wanted:
        told = ", ".join(f"{name} {value}" for name, value in wanted.items())
        raise BadInput(f"{account_id}: the list of {as_of} says that already ({told}); nothing is overridden.")
    content = {"account_id": account_id, "who": who, "why": why, "before": before, "after": wanted}
    gate = _gate(entry, account_id, wanted.get("offer_id", row["offer_id"]))
    if gate is None and wanted.get("assignment") == "contact":
        gate = _plain(row["blocked_by"])  # contacted although nothing may be sold to the account
    return ledger.record("override", entry, {**content, "against": gate})


def record(
    kind: Kind, account_id: str, as_of: date, *, who: str, value: str, why: str | None = None, until: date | None = None
) -> dict[str, Any]:
    """Enter an approval, an answer of the customer or a word of the list's reader; gives the line."""
    _said("--who", who)
    _one_of("--value", value, VALUES[kind])
    if (until is not None) != (value == "snoozed"):
        raise BadInput("--until goes with --value snoozed, and only with that: it says until when.")
    entry, row = _listed(account_id, as_of)
    about = {name: _plain(row[name]) for name in ("offer_id", "discount_pct", "approval")}
    if kind == "approval" and about["approval"] is None:
        raise BadInput(f"{account_id}: nobody has to approve what the list of {as_of} says of it.")
    content = {"account_id": account_id, "who": who, "why": why, "value": value, "about": about}
    return ledger.record(kind, entry, {**content, "until": str(until) if until else None})


def _listed(account_id: str, as_of: date) -> tuple[Entry, pd.Series]:
    """The week's entry, and the account's row on its list."""
    entry = of_week(as_of)
    ranked = pd.read_parquet(entry.folder / ledger.LIST)
    row = ranked[ranked["account_id"] == account_id]
    if row.empty:
        raise BadInput(f"{account_id}: no such account on the list of {as_of}.")
    return entry, row.iloc[0]


def _catalog(entry: Entry) -> Catalog:
    """What was sold then; today's catalogue where that was not kept."""
    kept = entry.folder / sealed.FOLDER / paths.CATALOG
    return Catalog.load(kept if kept.is_file() else paths.CATALOG)


def _gate(entry: Entry, account_id: str, offer_id: str | None) -> str | None:
    """What had kept this offer from the account; None where nothing had, or no offer is meant."""
    rows = pd.read_parquet(entry.folder / "candidates.parquet")
    found = rows[(rows["account_id"] == account_id) & (rows["offer_id"] == offer_id)]
    return _plain(found["blocked_by"].iloc[0]) if len(found) else None


def _said(option: str, text: str) -> None:
    if not text.strip():
        raise BadInput(f"{option} is empty; say it in words, since it is kept for good.")


def _one_of(option: str, value: str | None, known: tuple[str, ...] | list[str]) -> None:
    if value is not None and value not in known:
        raise BadInput(f"{option} {value}: it must be one of {', '.join(known)}.")


def _plain(value: Any) -> Any:
    if value is None or pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value
