"""The log of proposals beside what was known of each account when it was made."""

import numpy as np
import pandas as pd

from data.contract import NO_RESPONSE_AFTER_DAYS
from data.errors import BadInput

MAX_DAYS = 40  # between a snapshot and the proposals that it speaks for
NONE = "none"  # withheld on purpose


def checked(log: pd.DataFrame) -> pd.DataFrame:
    """The log as it is, if its probabilities can be believed. Raises BadInput, a sentence each.

    >>> bad = pd.DataFrame({"proposal_id": ["P-1"], "offer_id": ["none"], "pscore": [None]})
    >>> checked(bad)
    Traceback (most recent call last):
    data.errors.BadInput: proposals: pscore is missing for 1 of 1 withheld at random (offer_id none; first: P-1). It \
must be logged when it is drawn; it can't be recovered.
    """
    pscore = pd.to_numeric(log["pscore"], errors="coerce")
    withheld = log["offer_id"] == NONE
    if (gone := withheld & pscore.isna()).any():
        raise BadInput(
            f"proposals: pscore is missing for {gone.sum()} of {withheld.sum()} withheld at random (offer_id none; "
            f"first: {log.loc[gone, 'proposal_id'].iloc[0]}). It must be logged when it is drawn; it can't be "
            "recovered."
        )
    if (wrong := pscore.notna() & ~((pscore > 0) & (pscore <= 1))).any():
        raise BadInput(
            f"proposals: pscore of {log.loc[wrong, 'proposal_id'].iloc[0]} is {pscore[wrong].iloc[0]:g} ({wrong.sum()} "
            "such); a probability with which something was drawn is above 0 and at most 1."
        )
    return log


def known(log: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """The proposals that were over by `as_of`: those younger than the time after which silence is an answer are left
    out whole, or quick answers would stand for all."""
    until = as_of - pd.Timedelta(days=NO_RESPONSE_AFTER_DAYS)
    rows = log[pd.to_datetime(log["proposed_at"]) < until]
    late = pd.to_datetime(rows["decided_at"]) >= as_of
    return rows[~late & (rows["outcome"] != "open")].reset_index(drop=True)


def joined(log: pd.DataFrame, snapshots: pd.DataFrame) -> pd.DataFrame:
    """One row per proposal that has an answer (or was withheld) and a snapshot: its columns, and `row`, the snapshot's
    place in `snapshots`.

    The snapshot is the latest whose as_of is not after the day of the proposal: it knows nothing of that day.
    """
    rows = log[log["outcome"].isin(["accepted", "declined", "no_response"]) | (log["offer_id"] == NONE)]
    rows = rows.assign(day=pd.to_datetime(rows["proposed_at"]).dt.normalize().astype("datetime64[ns]"))
    places = pd.DataFrame(
        {
            "account_id": snapshots["account_id"].to_numpy(),
            "day": pd.to_datetime(snapshots["as_of"]).astype("datetime64[ns]").to_numpy(),
            "row": np.arange(len(snapshots)),
        }
    )
    rows = rows.astype({"account_id": places["account_id"].dtype})  # a company without a log has no text in it either
    found = pd.merge_asof(
        rows.sort_values(["day", "proposal_id"], kind="stable"),
        places.sort_values(["day", "row"], kind="stable"),
        on="day",
        by="account_id",
        tolerance=pd.Timedelta(days=MAX_DAYS),
    )
    found = found[found["row"].notna()].astype({"row": "int64"})
    return found.assign(y=(found["outcome"] == "accepted").astype("float64")).reset_index(drop=True)
