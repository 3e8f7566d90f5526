"""An offer's own conditions: may have it, makes sense now, is right for this customer."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Literal

import pandas as pd

from data.catalog import Catalog, Condition
from data.contract import ACCOUNTS, SUBSCRIPTIONS
from data.errors import BadInput
from features.feature import Feature

Kind = Literal["number", "flag", "text", "date"]

# what an account has beside its features: its terms and attributes (data/cohort.py), its health, its score
COLUMNS: dict[str, Kind] = {
    "account_id": "text", "as_of": "date", "account_name": "text", "signed_up_on": "date", "owner_id": "text",
    "csm_sentiment": "text", "has_opted_in": "flag", "do_not_contact_until": "date", "renews_on": "date",
    "add_ons": "text", "health_band": "text", "margin": "number", "propensity": "number", "segment": "text",
    "stars": "number",
}  # fmt: skip
# the only values that these texts ever have
FIXED: dict[str, tuple[str, ...]] = {
    "billing": SUBSCRIPTIONS.columns["billing"].among,
    "csm_sentiment": ACCOUNTS.columns["csm_sentiment"].among,
    "health_band": ("green", "yellow", "red"),
    "lifecycle_stage": ("onboarding", "adopting", "established", "renewal", "at_risk"),
    "segment": ("small", "mid", "large"),
}


def holds(condition: Condition, accounts: pd.DataFrame) -> pd.Series:
    """Whether the condition holds, per row of `accounts`. A value that is not known holds nothing.

    >>> accounts = pd.DataFrame({"plan_tier": [1, 2, None]})
    >>> holds(Condition(when="plan_tier", at_most=1), accounts).tolist()
    [True, False, False]
    """
    value = accounts[condition.when]
    known = value.notna()
    held = pd.Series(True, index=accounts.index)
    if condition.at_least is not None:
        held &= _numbers(condition, value).fillna(float("-inf")) >= condition.at_least
    if condition.at_most is not None:
        held &= _numbers(condition, value).fillna(float("inf")) <= condition.at_most
    if condition.equals is not None:
        held &= value == condition.equals
    if condition.in_ is not None:
        held &= value.isin(condition.in_)
    return (held & known).astype(bool)


def _numbers(condition: Condition, value: pd.Series) -> pd.Series:
    try:
        return pd.to_numeric(value)
    except (TypeError, ValueError):
        raise BadInput(
            f"catalog.yaml: a condition asks whether {condition.when} is more or less than a number, which it is not; "
            "use equals or in."
        ) from None


def all_hold(conditions: Sequence[Condition], accounts: pd.DataFrame) -> pd.Series:
    """Whether all of them hold; of none, they do."""
    held = pd.Series(True, index=accounts.index)
    for condition in conditions:
        held &= holds(condition, accounts)
    return held


def kinds(features: Sequence[Feature]) -> dict[str, Kind]:
    """What a condition may be about, and of what kind each is: the features, and the other columns of an account."""
    of_unit: dict[str, Kind] = {"flag": "flag", "category": "text"}
    return COLUMNS | {feature.name: of_unit.get(feature.unit, "number") for feature in features}


def check(catalog: Catalog, known: Sequence[str] | Mapping[str, Kind]) -> None:
    """Raises BadInput, a line a problem, where an offer's condition asks for what is neither a feature nor a column.

    Where `known` says of what kind each is (see `kinds`), also where a condition could not be tested, or never held.
    """
    of_kind = known if isinstance(known, Mapping) else {}
    values = FIXED | {"plan_id": tuple(plan.id for plan in catalog.plans)}
    problems = []
    for offer in catalog.offers:
        for name in ("eligible", "applicable", "suitable"):
            for condition in getattr(offer, name):
                if condition.when not in known:
                    near = difflib.get_close_matches(condition.when, list(known), n=1)
                    hint = f"did you mean {near[0]}?" if near else "see docs/features.md for what there is."
                    wrong: str | None = f"{condition.when} is no feature; {hint}"
                else:
                    wrong = _misfit(condition, of_kind.get(condition.when), values.get(condition.when))
                if wrong:
                    problems.append(f"catalog.yaml: offer {offer.id}: {name}: {wrong}")
    if problems:
        raise BadInput("\n".join(problems))


def _misfit(condition: Condition, kind: Kind | None, among: Sequence[str] | None) -> str | None:
    """Why the condition cannot be tested, or never holds; None where it is as it should be."""
    when = condition.when
    compared = [name for name in ("at_least", "at_most") if getattr(condition, name) is not None]
    asked = ([] if condition.equals is None else [condition.equals]) + list(condition.in_ or [])
    if kind == "date":
        return f"{when} is a date, and no condition can be on one; use a number of days, see docs/features.md."
    if kind == "flag" and (compared or condition.in_ is not None or not isinstance(condition.equals, bool)):
        return f"{when} is true or false; write equals: true or equals: false, and nothing else."
    if kind == "number" and (odd := [value for value in asked if not _is_number(value)]):
        return f"{when} is a number and never {_shown(odd[0])}; give a number."
    if kind == "text":
        if compared:
            return f"{when} is a text, which is not more or less than another; use equals or in, not {compared[0]}."
        if odd := [value for value in asked if not isinstance(value, str)]:
            return f"{when} is a text and never {_shown(odd[0])}; give a text, in quotes."
    if among is not None and (odd := [value for value in asked if value not in among]):
        return f"{when} is never {_shown(odd[0])}; it is one of {', '.join(among)}."
    return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: object) -> str:
    """As it stands in YAML."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
