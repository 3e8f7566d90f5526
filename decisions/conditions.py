"""An offer's own conditions: may have it, makes sense now, is right for this customer."""

from collections.abc import Sequence

import pandas as pd

from data.catalog import Catalog, Condition
from data.errors import BadInput


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
        held &= pd.to_numeric(value).fillna(float("-inf")) >= condition.at_least
    if condition.at_most is not None:
        held &= pd.to_numeric(value).fillna(float("inf")) <= condition.at_most
    if condition.equals is not None:
        held &= value == condition.equals
    if condition.in_ is not None:
        held &= value.isin(condition.in_)
    return (held & known).astype(bool)


def all_hold(conditions: Sequence[Condition], accounts: pd.DataFrame) -> pd.Series:
    """Whether all of them hold; of none, they do."""
    held = pd.Series(True, index=accounts.index)
    for condition in conditions:
        held &= holds(condition, accounts)
    return held


def check(catalog: Catalog, known: Sequence[str]) -> None:
    """Raises BadInput where an offer asks for something that is neither a feature nor a column of the list."""
    import difflib

    for offer in catalog.offers:
        for name in ("eligible", "applicable", "suitable"):
            for condition in getattr(offer, name):
                if condition.when not in known:
                    near = difflib.get_close_matches(condition.when, known, n=1)
                    hint = f"did you mean {near[0]}?" if near else "see docs/features.md for what there is."
                    raise BadInput(f"catalog.yaml: offer {offer.id}: {name}: {condition.when} is no feature; {hint}")


def lacking(conditions: Sequence[Condition], accounts: pd.DataFrame) -> pd.DataFrame:
    """The first condition that an account does not meet: `unblock_feature`, `unblock_now`, `unblock_target` (null for
    one that is no matter of more or less). One row per row of `accounts`.

    >>> accounts = pd.DataFrame({"gated_events_28d": [1.0, 4.0]})
    >>> lacking([Condition(when="gated_events_28d", at_least=3)], accounts).to_dict("records")[0]
    {'unblock_feature': 'gated_events_28d', 'unblock_now': 1.0, 'unblock_target': 3.0}
    """
    feature = pd.Series(None, index=accounts.index, dtype="object")
    now = pd.Series(float("nan"), index=accounts.index)
    target = pd.Series(float("nan"), index=accounts.index)
    for condition in reversed(conditions):
        fails = ~holds(condition, accounts)
        bound = condition.at_least if condition.at_least is not None else condition.at_most
        feature = feature.mask(fails, condition.when)
        if bound is not None:
            now = now.mask(fails, pd.to_numeric(accounts[condition.when]).astype("float64"))
            target = target.mask(fails, bound)
        else:
            now, target = now.mask(fails, float("nan")), target.mask(fails, float("nan"))
    return pd.DataFrame({"unblock_feature": feature, "unblock_now": now, "unblock_target": target})
