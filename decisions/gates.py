"""The not-now gates, in the contract's order: what keeps anything from being sold to an account this week."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from decisions import past
from decisions.settings import Gates

Test = Callable[[pd.DataFrame, Gates], pd.Series]


@dataclass(frozen=True)
class Gate:
    """A gate: which accounts it blocks, and in how many days it opens by itself (null: only by a change).

    holds_help: which accounts it keeps even help and retention from; null: they pass it.
    """

    id: str
    blocks: Test
    opens_in_days: Test | None = None
    holds_help: Test | None = None


def _number(accounts: pd.DataFrame, name: str) -> pd.Series:
    return pd.to_numeric(accounts[name]).astype("float64")


def _refused_lately(a: pd.DataFrame, g: Gates) -> pd.Series:
    return _number(a, "days_since_refusal") < (g.cool_down_days.declined or 0)


def _do_not_contact(a: pd.DataFrame, g: Gates) -> pd.Series:
    return (a["do_not_contact_until"] > a["as_of"]).fillna(False)


def _contacted_enough(a: pd.DataFrame, g: Gates) -> pd.Series:
    """Whether a limit over all channels is full. One on a channel leaves the others free (`past.waits`)."""
    full = pd.Series(False, index=a.index)
    for limit in g.contact_limits:
        if limit.channel is None:
            full |= past.is_full(a, limit)
    return full


def _rests(a: pd.DataFrame, g: Gates) -> pd.Series:
    """Days for which nothing is sold after an offer that was accepted or never answered."""
    left = pd.Series(0.0, index=a.index)
    for answer in ("accepted", "no_response"):
        if days := getattr(g.cool_down_days, answer):
            left = past.longer(left, (days - _number(a, f"days_since_{answer}")).fillna(0.0))
    return left


def _contact_free_in(a: pd.DataFrame, g: Gates) -> pd.Series:
    limits = [past.days_until_free(a, limit) for limit in g.contact_limits if limit.channel is None]
    longest = _rests(a, g)
    for days in limits:
        longest = past.longer(longest, days)
    return longest.replace(past.NEVER, float("nan"))


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
        _do_not_contact,
        lambda a, g: (a["do_not_contact_until"] - a["as_of"]).dt.days,
        holds_help=_do_not_contact,
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
        lambda a, g: (g.cool_down_days.declined or 0) - _number(a, "days_since_refusal"),
    ),
    Gate(
        "contact_limit",
        lambda a, g: _contacted_enough(a, g) | (_rests(a, g) > 0),
        _contact_free_in,
        holds_help=_contacted_enough,  # who has just bought may well be taught
    ),
]


def first_blocking(accounts: pd.DataFrame, settings: Gates, *, for_help: bool = False) -> pd.Series:
    """The id of the first gate that blocks, per row of `accounts`; null where all stand open."""
    found = pd.Series(None, index=accounts.index, dtype="object")
    for gate in GATES:
        shut = gate.holds_help if for_help else gate.blocks
        if shut is not None:
            found = found.where(found.notna() | ~shut(accounts, settings).astype(bool), gate.id)
    return found


def opens_in_days(accounts: pd.DataFrame, blocked_by: pd.Series, settings: Gates) -> pd.Series:
    """Days until the blocking gate opens by itself; null where it takes a change."""
    found = pd.Series(float("nan"), index=accounts.index)
    for gate in GATES:
        if gate.opens_in_days is not None:
            found = found.mask(blocked_by == gate.id, gate.opens_in_days(accounts, settings).astype("float64"))
    return found
