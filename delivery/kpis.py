"""What came of the lists, per week and in total: answers, acceptance, adoption, precision, discounts, lift.

`rows` is one row per (as_of, account_id) of the lists, as they were delivered last:

    rank, owner_id, offer_id, assignment, p_accept, discount_pct, expected_arr    as on the list
    is_held_out     in the stable holdout, which no list of any week contacts
    did             the last that is known of it: one of DID; null: nothing is written down
    is_worked_on    somebody left a trace: an answer, a proposal in the company's log, an entry in the ledger
    is_expansion, added_mrr (money a month)     what came within the horizon; null until it is over

A count is always told. A share or a mean is told where enough stands behind it; else a sentence stands in its place.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from delivery.kpi_lift import lift
from delivery.kpi_settings import Measure
from models.together import wilson

DECIDED = ("accepted", "declined", "no_response")
TALKED = (*DECIDED, "snoozed", "already_in_talks", "open")  # put to the customer; a wrong contact was not
DID = (*TALKED, "wrong_contact")
NOBODY = "(no CSM)"
DIGITS = 6


def measured(rows: pd.DataFrame, settings: Measure, *, horizon_days: int) -> dict[str, Any]:
    """`weeks` (by day) and `total`, plain values, ready for JSON."""
    weeks = {f"{day:%Y-%m-%d}": _block(of_day, settings, horizon_days) for day, of_day in rows.groupby("as_of")}
    return {"weeks": weeks, "total": _block(rows, settings, horizon_days)}


def _block(rows: pd.DataFrame, settings: Measure, horizon_days: int) -> dict[str, Any]:
    listed = rows[rows["assignment"] == "contact"]
    did = listed["did"].value_counts().to_dict()
    counts = {name: int(did.get(name, 0)) for name in DID}
    return {
        "n_listed": len(listed),
        "n_held_out": int((rows["assignment"] == "holdout").sum()),
        "n_worked_on": int(listed["is_worked_on"].sum()),
        "n_contacted": sum(counts[name] for name in TALKED),
        "n_answered": counts["accepted"] + counts["declined"],
        "answers": counts,
        "acceptance": _acceptance(listed, settings),
        "owners": _owners(listed, settings),
        "top": _top(rows, settings),
        "discount": _discount(listed),
        "lift": lift(
            rows, horizon_days=horizon_days, level=settings.interval, min_accounts=settings.min_accounts, talked=TALKED
        ),
    }


def share(k: int, n: int, settings: Measure, *, at_least: int, what: str) -> dict[str, Any]:
    """`share` k ÷ n with Wilson's interval; without figures, and with a `note`, where n is below `at_least`.

    >>> share(14, 20, Measure(), at_least=10, what="answers")
    {'share': 0.7, 'low': 0.481027, 'high': 0.854523}
    >>> share(1, 3, Measure(), at_least=10, what="answers")["note"]
    'too few to tell: 3 answers, 10 are needed'
    """
    if n < at_least:
        return {"share": None, "low": None, "high": None, "note": f"too few to tell: {n} {what}, {at_least} are needed"}
    low, high = (float(bound[0]) for bound in wilson(np.array([k]), np.array([n]), settings.interval))
    return {"share": round(k / n, DIGITS), "low": round(low, DIGITS), "high": round(high, DIGITS)}


def _acceptance(listed: pd.DataFrame, settings: Measure) -> dict[str, dict[str, Any]]:
    """By offer, of the proposals that were decided: how many were accepted, and how many the list had expected."""
    found = {}
    for offer, mine in listed[listed["did"].isin(DECIDED)].groupby("offer_id"):
        k, n = int((mine["did"] == "accepted").sum()), len(mine)
        told = share(k, n, settings, at_least=settings.min_answers, what="decided")
        predicted = mine["p_accept"].mean() if mine["p_accept"].notna().all() else None
        has_both = predicted is not None and told["share"] is not None
        found[str(offer)] = {
            "n_decided": n,
            "n_accepted": k,
            **told,
            "predicted": None if predicted is None else round(float(predicted), DIGITS),
            "verdict": _verdict(told, float(predicted)) if predicted is not None and has_both else None,
        }
    return found


def _verdict(told: Mapping[str, Any], predicted: float) -> str:
    if told["low"] <= predicted <= told["high"]:
        return "as predicted, as far as can be told"
    return "more than predicted" if predicted < told["low"] else "fewer than predicted"


def _owners(listed: pd.DataFrame, settings: Measure) -> dict[str, dict[str, Any]]:
    """By CSM: of the accounts that the list gave them, those that were worked on. A census: no interval."""
    found = {}
    for owner, mine in listed.groupby(listed["owner_id"].fillna(NOBODY)):
        n, k = len(mine), int(mine["is_worked_on"].sum())
        told = round(k / n, DIGITS) if n >= settings.min_answers else None
        found[str(owner)] = {"n_listed": n, "n_worked_on": k, "share": told}
    return found


def _top(rows: pd.DataFrame, settings: Measure) -> dict[str, Any]:
    """Of the first `top_ranks` of each list, those that expanded within the horizon; beside it, the rate of all."""
    ripe = rows[rows["is_expansion"].notna()]
    top = ripe[(ripe["rank"] <= settings.top_ranks) & (ripe["assignment"] == "contact")]
    k, n = int(top["is_expansion"].astype(bool).sum()), len(top)
    told = share(k, n, settings, at_least=settings.min_accounts, what="accounts whose horizon is over")
    base = round(float(ripe["is_expansion"].astype(bool).mean()), DIGITS) if len(ripe) and "note" not in told else None
    return {"ranks": settings.top_ranks, "n": n, "n_expanded": k, **told, "base_rate": base}


def _discount(listed: pd.DataFrame) -> dict[str, Any]:
    """What was given away: the accepted offers that had a discount, and the mean over all that were accepted."""
    given = listed.loc[listed["did"] == "accepted", "discount_pct"].fillna(0.0)
    mean = round(float(given.mean()), DIGITS) if len(given) else None
    return {"n_accepted": len(given), "n_discounted": int((given > 0).sum()), "mean_pct": mean}
