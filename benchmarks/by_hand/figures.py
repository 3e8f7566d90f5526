"""Every figure that the weekly list can say of an account, from raw tables alone.

Written from the contract of the tables and the one line that docs/features.md has for each feature, without the code
that computes them for the list. Where both agree at once, both read the line the same way: so for all but these, whose
line left room, and where the reading taken here was changed to the product's after the two were compared:

- events, days and users count what is used on trial; features in use do not
- what moved (`use_change_28d`, `users_change_28d`, `use_trend_8w`) is null before an account is 56 days old
- `close_hours_180d`, `csat_180d`: of tickets opened in the window; `nps_change`, `days_since_growth_event`,
  `days_since_upheaval`: of what happened within a year
- `term_changes_365d`: each product by itself, and another price or discount alone is none
- `days_to_limit_…`: null after a single reading; of a counter, and health and stage, no line gives the rule at all
"""

from __future__ import annotations

import pandas as pd

from benchmarks.by_hand import figures_health, figures_limits, figures_people, figures_terms, figures_use
from benchmarks.by_hand.raw import Raw


def figures(raw: Raw) -> pd.DataFrame:
    """One row per active account (a plan runs), one column per feature, in the feature's unit of docs/features.md.

    Shares and changes are fractions, days whole, money per month; null where there is nothing to tell. `…_ever`: the
    figure without the window that the feature has, or without what it asks of an account before it tells anything.
    """
    terms = figures_terms.commerce(raw)
    accounts, plan, seats = terms.index, terms["plan_id"], terms["seats"]
    found = terms.join(figures_terms.profile(raw, accounts))
    found["seat_penetration"] = seats / found["employee_count"]
    found = pd.concat(
        [
            found,
            figures_use.use(raw, seats, plan, found["tenure_days"]),
            figures_use.adoption(raw, plan),
            figures_limits.headroom(raw, plan, seats, figures_terms.running(raw)),
            figures_people.support(raw, accounts),
            figures_people.sentiment(raw, accounts),
            figures_people.relationship(raw, accounts),
            figures_people.proposals(raw, accounts),
            figures_people.life(raw, accounts),
        ],
        axis=1,
    )
    health = figures_health.health(found, raw.settings["health"])
    stage = figures_health.stage(found, health["health_score"], raw.settings["lifecycle"])
    return pd.concat([found, health, stage.rename("lifecycle_stage")], axis=1)


def medians(found: pd.DataFrame) -> pd.DataFrame:
    """The median of each numeric figure on each plan: one row per plan, over all active accounts on it."""
    numbers = found.select_dtypes("number")
    return numbers.groupby(found["plan_id"]).median()
