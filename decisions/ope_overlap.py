"""Whether a log can tell anything of a policy: how alike what was done is to what the policy would do, and a refusal.

Weights alone do not show a missing overlap: where the log never took the policy's action there is no row to weigh. So
the chance of every action is estimated in every row (decisions/policy_log.py: `chances`), and looked at too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.errors import BadInput
from decisions.ope import Rows, effective_size

MIN_EFFECTIVE_SIZE = 100.0
# The policy's action counts as hardly ever taken below this chance; the log is refused where that is so in more rows.
HARDLY_EVER, MOST_UNSEEN = 0.01, 0.05
# Weights average 1 where pscores are right and the log has what the policy does; so far off, and so surely, is refused.
MOST_OFF, SURELY_OFF = 0.1, 4.0
EDGES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True)
class Overlap:
    """`effective_size`: see decisions/ope.py. `mean_weight` and its standard error. `unseen`: the share of the policy's
    choices that the log hardly ever made in such contexts. `table`: see `overlap`."""

    rows: int
    effective_size: float
    mean_weight: float
    mean_weight_se: float
    max_weight: float
    unseen: float
    table: pd.DataFrame


def overlap(rows: Rows, chances: np.ndarray) -> Overlap:
    """Measure it. `chances` (rows, actions): how likely the log was to take each action in each row's context.

    `table` has one row per bin of the chance of the policy's own action: `from_chance`, `to_chance`, `share` of the
    policy's choices, and the `rows` whose action was taken there although the chance was no larger.

    >>> rows = Rows(np.eye(2)[[0, 1] * 100], np.array([0, 1, 1, 0] * 50), np.ones(200), np.full(200, 0.5),
    ...             np.zeros((200, 2)))
    >>> found = overlap(rows, np.full((200, 2), 0.5))
    >>> found.effective_size, found.mean_weight, found.unseen
    (100.0, 1.0, 0.0)
    >>> found.table[found.table["share"] > 0].values.tolist()
    [[0.5, 1.0, 1.0, 200.0]]
    """
    weight, n = rows.weight, len(rows.action)
    at = np.arange(n), rows.action
    places = np.clip(np.searchsorted(EDGES, chances, side="right") - 1, 0, len(EDGES) - 2)
    table = pd.DataFrame(
        {
            "from_chance": EDGES[:-1],
            "to_chance": EDGES[1:],
            "share": np.bincount(places.ravel(), weights=rows.policy.ravel(), minlength=len(EDGES) - 1) / n,
            "rows": np.bincount(places[at], minlength=len(EDGES) - 1),
        }
    )
    se = float(weight.std(ddof=1) / np.sqrt(n)) if n > 1 else np.inf
    unseen = float(rows.policy[chances < HARDLY_EVER].sum()) / n
    return Overlap(n, effective_size(weight), float(weight.mean()), se, float(weight.max(initial=0.0)), unseen, table)


def check(found: Overlap, *, least: float = MIN_EFFECTIVE_SIZE) -> None:
    """Raises BadInput, in a sentence, for a log that cannot judge this policy.

    >>> table = pd.DataFrame()
    >>> check(Overlap(5000, 12.4, 1.0, 0.3, 900.0, 0.01, table))
    Traceback (most recent call last):
    data.errors.BadInput: the log's 5,000 rows tell as much of this policy as 12 rows of its own would (effective \
sample size; at least 100 are needed): it did mostly other things; log more, or judge a policy closer to it.
    """
    if found.unseen > MOST_UNSEEN:
        raise BadInput(
            f"there is no overlap: {found.unseen:.0%} of what this policy does was hardly ever done in such rows "
            f"(chance below {HARDLY_EVER:.0%}), so nothing tells what it earns; let the log explore, or judge a policy "
            "closer to it."
        )
    if found.effective_size < least:
        raise BadInput(
            f"the log's {found.rows:,} rows tell as much of this policy as {found.effective_size:,.0f} rows of its own "
            f"would (effective sample size; at least {least:,.0f} are needed): it did mostly other things; log more, "
            "or judge a policy closer to it."
        )
    off = found.mean_weight - 1
    if abs(off) > MOST_OFF and abs(off) > SURELY_OFF * found.mean_weight_se:
        raise BadInput(
            f"the weights average {found.mean_weight:.2f}, and 1 is expected: either pscore is not the probability "
            "with which each row's action was drawn, or the log never did what this policy does in some rows; look at "
            "both."
        )
