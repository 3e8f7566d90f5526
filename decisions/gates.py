"""The not-now gates, in the contract's order: what keeps anything from being sold to an account this week."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from decisions.settings import Gates

FOR_EVERYTHING = ("do_not_contact", "contact_limit")  # help and retention pass all gates but these


@dataclass(frozen=True)
class Gate:
    """A gate: which accounts it blocks, and in how many days it opens by itself (null: only by a change)."""

    id: str
    blocks: Callable[[pd.DataFrame, Gates], pd.Series]
    opens_in_days: Callable[[pd.DataFrame, Gates], pd.Series] | None = None


def _number(accounts: pd.DataFrame, name: str) -> pd.Series:
    return pd.to_numeric(accounts[name]).astype("float64")


def _refused_lately(a: pd.DataFrame, g: Gates) -> pd.Series:
    if g.refusal_days is None:
        return pd.Series(False, index=a.index)
    return _number(a, "days_since_refusal") < g.refusal_days


def _unhappy(a: pd.DataFrame, g: Gates) -> pd.Series:
    red = (a["health_band"] == "red") | (a["csm_sentiment"] == "red")
    if g.unhappy_nps_below is None:
        return red
    is_recent = _number(a, "nps_age_days") <= g.unhappy_nps_days
    return red | (is_recent & (_number(a, "nps_latest") < g.unhappy_nps_below))


GATES = [
    Gate(
        "no_consent",
        lambda a, g: ~a["has_opted_in"].fillna(False).astype(bool) & g.requires_consent,
    ),
    Gate(
        "do_not_contact",
        lambda a, g: (a["do_not_contact_until"] > a["as_of"]).fillna(False),
        lambda a, g: (a["do_not_contact_until"] - a["as_of"]).dt.days,
    ),
    Gate(
        "onboarding",
        lambda a, g: _number(a, "tenure_days") < (g.onboarding_days or 0),
        lambda a, g: (g.onboarding_days or 0) - _number(a, "tenure_days"),
    ),
    Gate(
        "serious_ticket",
        lambda a, g: (_number(a, "open_serious_tickets") > 0) & g.blocks_serious_tickets,
    ),
    Gate("unhappy", _unhappy),
    Gate(
        "falling_use",
        lambda a, g: (
            _number(a, "use_change_28d") <= (g.falling_use_below if g.falling_use_below is not None else float("-inf"))
        ),
    ),
    Gate(
        "recent_refusal",
        _refused_lately,
        lambda a, g: (g.refusal_days or 0) - _number(a, "days_since_refusal"),
    ),
    Gate(
        "contact_limit",
        lambda a, g: (
            _number(a, "contacts_30d") >= (g.max_contacts_30d if g.max_contacts_30d is not None else float("inf"))
        ),
    ),
]


def first_blocking(accounts: pd.DataFrame, settings: Gates, *, for_help: bool = False) -> pd.Series:
    """The id of the first gate that blocks, per row of `accounts`; null where all stand open."""
    found = pd.Series(None, index=accounts.index, dtype="object")
    for gate in GATES:
        if for_help and gate.id not in FOR_EVERYTHING:
            continue
        found = found.where(found.notna() | ~gate.blocks(accounts, settings).astype(bool), gate.id)
    return found


def opens_in_days(accounts: pd.DataFrame, blocked_by: pd.Series, settings: Gates) -> pd.Series:
    """Days until the blocking gate opens by itself; null where it takes a change."""
    found = pd.Series(float("nan"), index=accounts.index)
    for gate in GATES:
        if gate.opens_in_days is not None:
            found = found.mask(blocked_by == gate.id, gate.opens_in_days(accounts, settings).astype("float64"))
    return found
