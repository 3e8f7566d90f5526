"""What was said to an account before, and how long an offer must therefore wait: limits, cool-downs, exclusions.

Everything here reads two tables of past proposals, as features/proposals.py makes them, or None where a company has
none; nothing is then known, and nothing waits.

refusals: one row per (account_id, offer_id): `days_since_proposed`, `_accepted`, `_declined`, `_no_response`, and
    `open_for_days` of one that has no answer yet.
contacts: one row per (account_id, channel, age_days): `n_contacts`, for as many days as the longest limit looks back.
"""

import pandas as pd

from data.catalog import Catalog, CoolDown, Offer
from decisions.settings import ContactLimit, Gates

ANSWERS = ("accepted", "declined", "no_response")
CHANNELS = ("csm", "email", "in_app")
NEVER = float("inf")


def count_name(limit: ContactLimit) -> str:
    """The column that a limit is on.

    >>> count_name(ContactLimit(max=2, days=30)), count_name(ContactLimit(channel="email", max=1, days=7))
    ('contacts_30d', 'contacts_email_7d')
    """
    return f"contacts_{limit.channel}_{limit.days}d" if limit.channel else f"contacts_{limit.days}d"


def longest_days(settings: Gates) -> int:
    """How far back the contact limits look.

    >>> longest_days(Gates())
    30
    """
    return max((limit.days for limit in settings.contact_limits), default=1)


def remembered(
    accounts: pd.DataFrame, refusals: pd.DataFrame | None, contacts: pd.DataFrame | None, settings: Gates
) -> pd.DataFrame:
    """The accounts, with what the gates ask of their past beside them.

    `contacts_…`: per contact limit the number that it counts, and `contacts_…_free_in_days`: days until it lets one
    more through, 0 where it does now. `days_since_accepted`, `days_since_no_response`: since the last such answer to
    any offer.

    >>> accounts = pd.DataFrame({"account_id": ["a", "b"]})
    >>> contacts = pd.DataFrame({"account_id": "a", "channel": ["csm", None], "age_days": [4, 20], "n_contacts": 1})
    >>> remembered(accounts, None, contacts, Gates())[["contacts_30d", "contacts_30d_free_in_days"]].values.tolist()
    [[2.0, 11.0], [0.0, 0.0]]
    """
    rows = accounts.copy()
    for limit in settings.contact_limits:
        name = count_name(limit)
        if contacts is None:
            rows[name], rows[f"{name}_free_in_days"] = float("nan"), float("nan")
            continue
        mine = contacts[contacts["age_days"] <= limit.days]
        mine = mine if limit.channel is None else mine[mine["channel"] == limit.channel]
        counted = mine.groupby("account_id")["n_contacts"].sum()
        rows[name] = accounts["account_id"].map(counted).fillna(0).astype("float64")
        free = accounts["account_id"].map(_free_in_days(mine, limit)).fillna(0.0)
        rows[f"{name}_free_in_days"] = free if limit.max else NEVER
    for answer in ("accepted", "no_response"):
        name = f"days_since_{answer}"
        last = None if refusals is None else refusals.groupby("account_id")[name].min()
        rows[name] = float("nan") if last is None else accounts["account_id"].map(last).astype("float64")
    return rows


def _free_in_days(contacts: pd.DataFrame, limit: ContactLimit) -> pd.Series:
    """By account: days until the contacts that still count are fewer than `max`.

    Of the contacts from the newest on, the one that makes the number full must grow older than the limit looks back.
    """
    order = contacts.sort_values(["account_id", "age_days"], kind="stable")
    so_far = order.groupby("account_id")["n_contacts"].cumsum()
    full = order[so_far >= limit.max].drop_duplicates("account_id")
    return (limit.days + 1 - full.set_index("account_id")["age_days"]).astype("float64")


def open_channels(accounts: pd.DataFrame, settings: Gates) -> pd.DataFrame:
    """Per row of `accounts`, whether each channel may still be used: a column per channel.

    >>> once_a_week = Gates(contact_limits=[{"channel": "email", "max": 1, "days": 7}])
    >>> open_channels(pd.DataFrame({"contacts_email_7d": [1.0, 0.0, None]}), once_a_week)["email"].tolist()
    [False, True, True]
    """
    free = pd.DataFrame(True, index=accounts.index, columns=list(CHANNELS))
    for limit in settings.contact_limits:
        if limit.channel:
            free[limit.channel] &= ~is_full(accounts, limit)
    return free


def is_full(accounts: pd.DataFrame, limit: ContactLimit) -> pd.Series:
    """Whether a limit lets nothing more through. Contacts that are not known count as none."""
    name = count_name(limit)
    if name not in accounts:
        raise KeyError(f"{name}: a contact limit is on it; the accounts must have gone through `past.remembered`")
    return pd.to_numeric(accounts[name]).astype("float64").fillna(0.0) >= limit.max


def since(accounts: pd.DataFrame, offer_id: str, refusals: pd.DataFrame | None, name: str) -> pd.Series:
    """A column of `refusals` for one offer, per row of `accounts`; null where there is none."""
    if refusals is None or name not in refusals:
        return pd.Series(float("nan"), index=accounts.index)
    mine = refusals[refusals["offer_id"] == offer_id].set_index("account_id")[name]
    return accounts["account_id"].map(mine).astype("float64")


def waits(
    offer: Offer, accounts: pd.DataFrame, refusals: pd.DataFrame | None, catalog: Catalog, settings: Gates
) -> pd.DataFrame:
    """How many days this offer must still wait, per row of `accounts` and by the gate that says so: 0 for not at all.

    recent_refusal: this very offer was declined. contact_limit: another answer to it, or no channel of it is free.
    not_applicable: it, or an offer that it excludes, is still open or was made too lately. `awaits`: the offer that is
    still open, where that is what it waits for.

    What is not sold knows no `recent_refusal`: of help only the offer's own `cool_down_days` count, as `contact_limit`.
    """
    found = pd.DataFrame(0.0, index=accounts.index, columns=["recent_refusal", "contact_limit", "not_applicable"])
    found["awaits"] = pd.Series(None, index=accounts.index, dtype="object")
    rest = _rest_of(offer, settings)
    for answer in ANSWERS:
        gate = "recent_refusal" if answer == "declined" and not offer.is_help else "contact_limit"
        left = _left(getattr(rest, answer), since(accounts, offer.id, refusals, f"days_since_{answer}"))
        found[gate] = longer(found[gate], left)
    found["contact_limit"] = longer(found["contact_limit"], _until_a_channel_is_free(offer, accounts, settings))
    for other in [offer.id, *catalog.excluded_by(offer)]:
        if other != offer.id:
            made = _left(settings.exclusion_days, since(accounts, other, refusals, "days_since_proposed"))
            found["not_applicable"] = longer(found["not_applicable"], made)
        age = since(accounts, other, refusals, "open_for_days")
        is_open = age.notna() & (age <= (settings.open_proposal_days or NEVER))
        lapses = (settings.open_proposal_days or NEVER) + 1 - age
        found["awaits"] = found["awaits"].where(~is_open | found["awaits"].notna(), other)
        found["not_applicable"] = longer(found["not_applicable"], lapses.where(is_open, 0.0))
    return found


def _rest_of(offer: Offer, settings: Gates) -> CoolDown:
    """The days that this offer rests after each answer: its own, or, after a refusal, the policy's."""
    own = offer.cool_down_days
    is_asked = settings.cool_down_days.declined is not None and not offer.is_help
    if own.declined is None and is_asked:
        return own.model_copy(update={"declined": settings.same_offer_refusal_days})
    return own


def longer(one: pd.Series, other: pd.Series) -> pd.Series:
    """The longer of two waits, row by row."""
    return one.where(one >= other, other)


def _left(days: int | None, since: pd.Series) -> pd.Series:
    """Days left of a wait that began so long ago; 0 where it is over, or never began."""
    return ((days or 0) - since).clip(lower=0.0).fillna(0.0)


def _until_a_channel_is_free(offer: Offer, accounts: pd.DataFrame, settings: Gates) -> pd.Series:
    """Days until the first of the offer's channels is within its limits; 0 where one is."""
    soonest = pd.Series(NEVER, index=accounts.index)
    for channel in offer.channels:
        until = pd.Series(0.0, index=accounts.index)
        for limit in settings.contact_limits:
            if limit.channel == channel:
                until = longer(until, days_until_free(accounts, limit))
        soonest = soonest.where(soonest <= until, until)
    return soonest


def days_until_free(accounts: pd.DataFrame, limit: ContactLimit) -> pd.Series:
    """Days until a limit lets one more through: 0 where it does, at least 1 where it does not."""
    name = f"{count_name(limit)}_free_in_days"
    known = accounts[name] if name in accounts else pd.Series(float("nan"), index=accounts.index)
    return known.fillna(limit.days).clip(lower=1).where(is_full(accounts, limit), 0.0)
