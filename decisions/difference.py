"""What one list has that another has not: who enters, leaves or is offered something else, by gate, owner and money."""

from typing import Any

import pandas as pd

CONTACT = "contact"
OFFERED = ("offer_id", "channel", "discount_pct")


def difference(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, Any]:
    """Two tables of decisions (one row per account_id) side by side; plain values, ready for JSON.

    entering, leaving, changing: accounts of which only the one list, only the other, or both would have contacted, with
        what is offered, the `assignment` and gate that they had or get, and expected ARR; the largest sum first.
    expected_arr: of all that are contacted; `entering`, `leaving` and `changing` add up to its change.
    assignments, gates, owners: how many accounts each, before and after; of owners, those to contact and their money.

    >>> one = pd.DataFrame({"account_id": ["a"], "assignment": "none", "blocked_by": "onboarding", "owner_id": "x",
    ...                     "offer_id": None, "channel": None, "discount_pct": None, "expected_arr": None})
    >>> other = one.assign(assignment="contact", blocked_by=None, offer_id="seats_20", channel="csm", expected_arr=90.0)
    >>> found = difference(one, other)
    >>> [row["account_id"] for row in found["entering"]], found["expected_arr"]["change"], found["gates"]
    (['a'], 90.0, {'onboarding': {'before': 1, 'after': 0}})
    """
    both = before.merge(after, on="account_id", how="outer", suffixes=("_before", "_after"))
    was, now = both["assignment_before"] == CONTACT, both["assignment_after"] == CONTACT
    differs = pd.Series(False, index=both.index)
    for name in OFFERED:
        one, other = both[f"{name}_before"], both[f"{name}_after"]
        differs |= (one != other) & ~(one.isna() & other.isna())
    parts = {"entering": now & ~was, "leaving": was & ~now, "changing": was & now & differs}
    money_was, money_now = (
        both[f"expected_arr_{side}"].astype("float64").fillna(0.0).where(on, 0.0)
        for side, on in (("before", was), ("after", now))
    )
    moved = money_now - money_was
    return {
        "n_contact": {"before": int(was.sum()), "after": int(now.sum())},
        "expected_arr": {
            "before": _money(money_was.sum()),
            "after": _money(money_now.sum()),
            "change": _money(moved.sum()),
            **{name: _money(moved[at].sum()) for name, at in parts.items()},
            # the same offer at another value, such as a kind's lever or the cost of its contact
            "revalued": _money(moved[was & now & ~differs].sum()),
        },
        **{name: _rows(both[at].assign(moved=moved[at])) for name, at in parts.items()},
        "assignments": _counts(both["assignment_before"], both["assignment_after"]),
        "gates": _counts(both["blocked_by_before"], both["blocked_by_after"]),
        "owners": _owners(both, was, now, money_was, money_now),
    }


def is_same(found: dict[str, Any]) -> bool:
    """Whether the two lists are the same, as far as `difference` tells."""
    counts = [*found["assignments"].values(), *found["gates"].values()]
    return not (
        found["entering"]
        or found["leaving"]
        or found["changing"]
        or found["expected_arr"]["change"]
        or any(count["before"] != count["after"] for count in counts)
    )


def _counts(before: pd.Series, after: pd.Series) -> dict[str, dict[str, int]]:
    one, other = before.value_counts(), after.value_counts()
    names = sorted({*one.index, *other.index}, key=lambda name: (-int(one.get(name, 0)), str(name)))
    return {str(name): {"before": int(one.get(name, 0)), "after": int(other.get(name, 0))} for name in names}


def _owners(
    both: pd.DataFrame, was: pd.Series, now: pd.Series, money_was: pd.Series, money_now: pd.Series
) -> dict[str, dict[str, float]]:
    owner = both["owner_id_after"].fillna(both["owner_id_before"]).fillna("")
    columns = {"before": was, "after": now, "expected_arr_before": money_was, "expected_arr_after": money_now}
    table = pd.DataFrame(columns).groupby(owner).sum()
    return {
        str(name): {
            "before": int(row["before"]),
            "after": int(row["after"]),
            "expected_arr_change": _money(row["expected_arr_after"] - row["expected_arr_before"]),
        }
        for name, row in table.sort_index().iterrows()
    }


def _rows(rows: pd.DataFrame) -> list[dict[str, Any]]:
    rows = rows.assign(size=-rows["moved"].abs()).sort_values(["size", "account_id"], kind="stable")
    named = ["account_id", "owner_id", *(f"{name}_{side}" for side in ("before", "after") for name in _SIDES)]
    owner = rows["owner_id_after"].fillna(rows["owner_id_before"])
    plain = rows.assign(owner_id=owner)[named].astype(object)
    plain = plain.where(plain.notna(), None).assign(expected_arr_change=[_money(value) for value in rows["moved"]])
    return [{str(key): value for key, value in row.items()} for row in plain.to_dict("records")]


_SIDES = ("assignment", "blocked_by", *OFFERED)


def _money(value: float) -> float:
    return round(float(value), 2)
