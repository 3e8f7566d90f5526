"""What people answered to the weekly lists, as rows of the contract: proposals, and days until which to wait.

An answer is one row per (as_of, account_id): `offer_id`, `channel`, `discount_pct`, `pscore` (null where a person
chose) as the list had them, `answer`, `reason`, `wait_until`, `answered_on`. `answer` is one of ANSWERS; `held_out` is
nobody's answer but a line of the list's holdout, which learning has to know of as much.
"""

import pandas as pd

ANSWERS = ("accepted", "declined", "snoozed", "already_in_talks", "wrong_contact", "held_out")
COLUMNS = (
    "as_of", "account_id", "owner_id", "offer_id", "channel", "discount_pct", "pscore", "answer", "reason",
    "wait_until", "answered_on", "note",
)  # fmt: skip
DAYS = ("as_of", "wait_until", "answered_on")
OUTCOMES = {
    "accepted": "accepted", "declined": "declined", "held_out": "no_response",
    # put to the customer, and not decided: learning leaves it out, contact limits count it. From the end of the wait
    # on it is open no longer, and the offer may be made again.
    "snoozed": "open", "already_in_talks": "open",
}  # fmt: skip


def proposals(answers: pd.DataFrame) -> pd.DataFrame:
    """Rows of the contract's `proposals`, by an id that a second reading gives again. A wrong contact put nothing to
    anybody, and is none.

    >>> rows = pd.DataFrame({"as_of": pd.to_datetime(["2026-06-01"] * 2), "account_id": ["a", "b"],
    ...     "offer_id": "seats_20", "channel": "csm", "discount_pct": 0.0, "pscore": [0.9, None],
    ...     "answer": ["declined", "wrong_contact"], "reason": ["price", None], "wait_until": pd.NaT,
    ...     "answered_on": pd.to_datetime(["2026-06-03"] * 2)})
    >>> proposals(rows)[["proposal_id", "outcome", "reason", "pscore"]].values.tolist()
    [['LIST-2026-06-01-a', 'declined', 'price', 0.9]]
    """
    rows = answers[answers["answer"].isin(list(OUTCOMES))]
    outcome = rows["answer"].map(OUTCOMES)
    is_decided = outcome.isin(["accepted", "declined"])
    day = pd.to_datetime(rows["as_of"])
    held = rows["answer"] == "held_out"
    noon = pd.Timedelta(hours=12)
    found = pd.DataFrame(
        {
            "proposal_id": "LIST-" + day.dt.strftime("%Y-%m-%d") + "-" + rows["account_id"].astype("str"),
            "account_id": rows["account_id"].astype("str"),
            "offer_id": rows["offer_id"].mask(held, "none"),
            "proposed_at": day,
            "channel": rows["channel"].mask(held, None),
            "discount_pct": rows["discount_pct"].fillna(0.0).astype("float64").mask(held, 0.0),
            "pscore": rows["pscore"].astype("float64"),
            "outcome": outcome,
            # an answer on the list's own day came after the proposal of that day; a wait is over before its end
            "decided_at": (pd.to_datetime(rows["answered_on"]).where(is_decided) + noon).fillna(
                pd.to_datetime(rows["wait_until"]).where(outcome == "open") - noon
            ),
            "reason": rows["reason"].where(outcome == "declined", None),
        }
    )
    return found.reset_index(drop=True)


def waits(answers: pd.DataFrame) -> pd.DataFrame:
    """One row per answer that names a day until which to wait: account_id, answered_on, wait_until."""
    rows = answers[answers["wait_until"].notna()]
    return rows[["account_id", "answered_on", "wait_until"]].sort_values(
        ["answered_on", "account_id"], ignore_index=True
    )
