"""By hand: health (points of 100) and stage of an account, from its other figures by hand.

The documents name the parts and `params.yaml` their numbers, but no page gives the rule: it was read off the product's
own points. So these two hold the rows and the arithmetic against the product, and not the rule (`RULE_READ_OFF`).
"""

from __future__ import annotations

from typing import Any

import pandas as pd

# Features, or metrics' days, whose rule is written nowhere to the digit.
RULE_READ_OFF = ("health_score", "lifecycle_stage", "days_to_limit_api_calls")
FULL_TOUCH_DAYS = 30  # a meeting so long ago counts in full
RED_IS_BELOW = 50


def health(figures: pd.DataFrame, asked: dict[str, Any]) -> pd.DataFrame:
    """The five parts and the score by account; asked: `health` of params.yaml. Null: nothing to tell, or too new."""
    f = figures
    found = pd.DataFrame(index=f.index)
    days = (100 * f["active_days_28d"] / asked["full_active_days"]).clip(upper=100)
    trend = (60 + 100 * f["use_change_28d"]).clip(0, 100)
    found["health_usage"] = (0.65 * days + 0.35 * trend).where(trend.notna(), days)
    rate = (f["adoption_rate"] / asked["full_adoption"]).clip(upper=1)
    found["health_adoption"] = 60 * rate + 40 * f["core_adoption_rate"]
    still = asked["serious_ticket_costs"] * f["open_serious_tickets"] + asked["open_ticket_costs"] * f["open_tickets"]
    quiet, rated = (100 - still).clip(lower=0), 25 * (f["csat_180d"] - 1)
    found["health_support"] = (0.6 * quiet + 0.4 * rated).where(rated.notna(), quiet)
    nps = (10 * f["nps_latest"]).where(f["nps_age_days"] <= asked["nps_stale_after_days"])
    found["health_sentiment"] = pd.concat([nps, 50 * f["csm_sentiment_level"]], axis=1).mean(axis=1)
    stale = asked["touch_stale_after_days"]
    met = (100 * (stale - f["days_since_touchpoint"]) / (stale - FULL_TOUCH_DAYS)).clip(upper=100)
    found["health_engagement"] = met.where(met >= 0)
    weights = pd.Series({f"health_{part}": weight for part, weight in asked["weights"].items()})
    score = (found * weights).sum(axis=1) / (found.notna() * weights).sum(axis=1)
    score = score.where(f["csm_sentiment_level"] != 0, score.clip(upper=RED_IS_BELOW - 1))  # a red CSM is a red account
    found["health_score"] = score.where(f["tenure_days"] >= asked["none_before_days"])
    return found


def stage(figures: pd.DataFrame, score: pd.Series, asked: dict[str, Any]) -> pd.Series:
    """The stage by account, the first of these that holds; asked: `lifecycle` of params.yaml."""
    f = figures
    is_adopting = (f["tenure_days"] < asked["adopting_days"]) | (f["adoption_rate"] < asked["adopting_below_adoption"])
    ends_soon = (f["billing"] == "annual") & (f["days_to_renewal"] <= asked["renewal_within_days"])
    at_risk = (score < RED_IS_BELOW) | (f["use_change_28d"] <= asked["at_risk_use_change"])
    found = pd.Series("established", index=f.index).mask(is_adopting, "adopting").mask(ends_soon, "renewal")
    return found.mask(at_risk, "at_risk").mask(f["tenure_days"] < asked["onboarding_days"], "onboarding")
