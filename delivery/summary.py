"""The week in a few figures: what stands above the list on the page and on the workbook's first sheet."""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from data.catalog import Text


@dataclass(frozen=True)
class Summary:
    """What a reader must know about the list as a whole.

    `auc` with its interval is of weeks that the model had not seen; None where it was not measured. `has_signal` is
    false where the model is no better than the base rate, and the page then says so before anything else; None where
    the model could not be judged, which a warning says.
    """

    company: str
    as_of: date
    horizon_days: int
    model_version: str
    auc: float | None = None
    auc_low: float | None = None
    auc_high: float | None = None
    has_signal: bool | None = True
    warnings: tuple[Text, ...] = ()
    capacity: tuple[Text, ...] = ()  # what one more of the team's time would bring


@dataclass(frozen=True)
class OwnerWeek:
    """One CSM's week; `owner_id` is None for accounts that nobody looks after. Money a year."""

    owner_id: str | None
    n_contact: int
    expected_arr: float


@dataclass(frozen=True)
class Glance:
    """Counts and money of the accounts to contact, and how many need help first.

    `n_new`, `n_up` and `n_down` are None on the first list, which has no week before it.
    """

    n_contact: int
    expected_arr: float
    n_new: int | None
    n_up: int | None
    n_down: int | None
    n_renewing: int
    renewing_mrr: float
    n_help: int
    is_learnt: bool  # whether the money is what contact adds, or what is likely to come anyhow
    owners: tuple[OwnerWeek, ...]


def shown(ranked: pd.DataFrame) -> pd.DataFrame:
    """The accounts that people may see: without those held out, who must not be nudged, in the order of rank.

    On the first list every account is new, which tells nobody anything: there, `movement` is null.
    """
    rows = ranked[ranked["assignment"] != "holdout"].sort_values("rank").reset_index(drop=True)
    is_first = rows["movement"].isin(["new"]) | rows["movement"].isna()
    return rows.assign(movement=None) if is_first.all() else rows


def renews_soon(ranked: pd.DataFrame) -> pd.Series:
    """Whether a yearly contract renews within 30 days, per row."""
    return ranked["triggers"].map(lambda fired: "renewal_30" in fired).astype(bool)


def at_a_glance(ranked: pd.DataFrame) -> Glance:
    """The week's figures from the list. Renewing: a yearly contract within 30 days, which a month-to-month
    one is every month (the trigger `renewal_30` tells them apart). Owners come with the most money first.

    >>> week = at_a_glance(pd.DataFrame({"rank": [1, 2, 3], "assignment": ["contact", "contact", "holdout"],
    ...     "owner_id": ["mia", None, "mia"], "expected_arr": [100.0, 50.0, 900.0], "movement": ["new", "up", "new"],
    ...     "triggers": [["renewal_30"], [], []], "mrr": [70.0, 5.0, 5.0]}))
    >>> week.n_contact, week.expected_arr, week.n_new, week.n_renewing, week.renewing_mrr
    (2, 150.0, 1, 1, 70.0)
    >>> [owner.owner_id for owner in week.owners]
    ['mia', None]
    """
    everyone = shown(ranked)
    contact = everyone[everyone["assignment"] == "contact"]
    moved = contact["movement"]
    is_first = bool(everyone["movement"].isna().all())
    is_renewing = renews_soon(contact)
    owners = [
        OwnerWeek(None if pd.isna(owner) else str(owner), len(rows), float(rows["expected_arr"].sum()))
        for owner, rows in contact.groupby("owner_id", dropna=False, sort=True)
    ]
    return Glance(
        n_contact=len(contact),
        expected_arr=float(contact["expected_arr"].sum()),
        n_new=None if is_first else int((moved == "new").sum()),
        n_up=None if is_first else int((moved == "up").sum()),
        n_down=None if is_first else int((moved == "down").sum()),
        n_renewing=int(is_renewing.sum()),
        renewing_mrr=float(contact.loc[is_renewing, "mrr"].sum()),
        n_help=int((everyone["assignment"] == "nurture").sum()),
        is_learnt="uplift" in contact and bool(contact["uplift"].notna().any()),
        owners=tuple(sorted(owners, key=lambda o: (-o.expected_arr, o.owner_id is None, o.owner_id or ""))),
    )
