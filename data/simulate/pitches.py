"""`proposals`: what was put to accounts and what they said, and what was withheld on purpose."""

from datetime import date

import numpy as np
import pandas as pd

from data.simulate.history import History
from data.simulate.identity import account_ids
from data.simulate.selling import NONE
from data.simulate.shop import Shop


def proposals(shop: Shop, history: History, ends_on: date) -> pd.DataFrame:
    """Offers put to accounts within the window, and those withheld."""
    end = np.datetime64(ends_on, "us")
    ids = account_ids(history.numbers)
    frames = []
    names = np.array([*[o.id for o in shop.offers], "none"], dtype=object)
    for t in history.window:
        offered, change, u, month = history.proposals[t], history.changes[t], history.uniforms[t], history.months[t]
        rows = np.flatnonzero(change.proposal_made)
        offer, accepted = offered.offer[rows], change.is_accepted[rows]
        start = np.datetime64(month.starts_on, "us")
        minutes = (9 * 60 + (u[rows, 3] * 997 % 1) * 480).astype(int).astype("timedelta64[m]")
        proposed = start + month.proposal_day(u[rows, 9]).astype("timedelta64[D]") + minutes
        decided = start + month.decision_day(u[rows, 9], u[rows, 16]).astype("timedelta64[D]") + minutes
        none = offer == NONE
        state = history.states[t]
        answers = ~none & ~accepted & (u[rows, 17] < 0.45 + 0.08 * state.champion[rows])
        silent = ~none & ~accepted & ~answers
        late = proposed + np.timedelta64(30, "D")
        still_open = (silent | none) & (late >= end)
        outcome = np.select([accepted, answers, still_open], ["accepted", "declined", "open"], "no_response").astype(
            object
        )
        reason = np.full(len(rows), None, dtype=object)
        refusals = np.array(["price", "timing", "no_need", "competitor", "no_budget", "other"], dtype=object)
        need = offered.p_accept[rows]
        weights = np.column_stack([
            0.5 * np.exp(0.7 * state.price_sensitivity[rows]), np.full(len(rows), 0.8), 1.4 * np.exp(-3 * need),
            np.full(len(rows), 0.15), 0.6 * np.exp(-0.6 * state.budget[rows]), np.full(len(rows), 0.3),
        ])  # fmt: skip
        which = (np.cumsum(weights, axis=1) <= ((u[rows, 17] * 613) % 1 * weights.sum(axis=1))[:, None]).sum(axis=1)
        reason[answers] = refusals[np.minimum(which, 5)][answers]
        channels = np.array([[*o.channels, *o.channels[:1] * 3][:3] for o in shop.offers], dtype=object)
        frames.append(
            pd.DataFrame(
                {
                    "account": rows,
                    "offer_id": names[offer],
                    "proposed_at": proposed,
                    "channel": np.where(none, np.array(None), channels[np.maximum(offer, 0), offered.channel[rows]]),
                    "discount_pct": offered.discount[rows],
                    "pscore": offered.pscore[rows],
                    "outcome": outcome,
                    "decided_at": np.where(accepted | answers, decided, np.datetime64("NaT")),
                    "reason": reason,
                }
            )
        )
    table = pd.concat(frames, ignore_index=True).sort_values(
        ["account", "proposed_at"], kind="stable", ignore_index=True
    )
    nth = table.groupby("account").cumcount() + 1
    rows = table.pop("account").to_numpy()
    table.insert(0, "account_id", ids[rows])
    table.insert(
        0, "proposal_id", [f"PRP-{history.numbers[a] + 1:06d}-{i:02d}" for a, i in zip(rows, nth, strict=True)]
    )
    return table
