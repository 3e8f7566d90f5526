"""Reasons in words: the model's own contributions, said with the account's own figures beside those of its peers."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd

from data.catalog import Catalog, Language, Text
from delivery import labels
from delivery.figures import said, spoken
from delivery.intervals import Notes
from delivery.unblocking import Wording
from features.feature import Feature, Unit
from features.triggers import Trigger

NOT_COMPARED = ("use_vs_peers", "adoption_vs_peers")  # these are comparisons already
REASONS = [f"reason_{i}" for i in range(1, 6)]
RAISES, LOWERS = "▲ ", "▼ "
LEAST = 0.001  # of probability: what moves less is no reason
ALIKE = 0.05  # of the median: within it, an account is as its peers are
NO_NOTES: Notes = MappingProxyType({})
LANGUAGES: tuple[Language, Language] = ("en", "ja")


def peers(features: pd.DataFrame, named: Sequence[Feature]) -> pd.DataFrame:
    """The median of each numeric feature among accounts on the same plan. One row per account of `features`."""
    numeric = [f.name for f in named if f.unit not in ("category", "flag")]
    values = features[numeric].apply(pd.to_numeric).astype("float64")
    return values.groupby(features["plan_id"].to_numpy()).transform("median")


def sentences(
    features: pd.DataFrame,
    named: Sequence[Feature],
    catalog: Catalog,
    language: Language,
    notes: Notes = NO_NOTES,
) -> dict[str, list[str]]:
    """What each feature says of each account: by feature, one sentence per row of `features`, its note behind it."""
    medians = peers(features, named)
    by_name = {f.name: f for f in named}
    plan_names = [catalog.plan(plan).name[language] for plan in features["plan_id"]]
    told: dict[str, list[str]] = {}
    for f in named:
        if f.unit in ("category", "flag"):
            told[f.name] = _categories(f, features, plan_names, catalog, language)
            continue
        values = pd.to_numeric(features[f.name]).astype("float64").to_numpy()
        compared = f.name not in NOT_COMPARED and f.unit != "sentiment"
        through = [by_name[name] for name in f.speaks_through if name in by_name]
        if through:
            found = _of_extreme(values, through, features, told)
            told[f.name] = [f.nothing[language] if np.isnan(v) else text for v, text in zip(values, found, strict=True)]
            continue
        told[f.name] = [
            _sentence(f, float(value), median if compared else float("nan"), plan, catalog.currency, language, note)
            for value, median, plan, note in zip(
                values,
                medians[f.name],
                plan_names,
                _noted(notes, f.name, features["account_id"], language),
                strict=True,
            )
        ]
    return told


def _of_extreme(
    values: np.ndarray, through: Sequence[Feature], features: pd.DataFrame, told: dict[str, list[str]]
) -> list[str]:
    """Of the features that this one is the extreme of, the sentence of the one that it equals."""
    found = list(told[through[0].name])
    for other in reversed(through):
        its = pd.to_numeric(features[other.name]).astype("float64").to_numpy()
        found = [told[other.name][i] if its[i] == values[i] else sentence for i, sentence in enumerate(found)]
    return found


def _noted(notes: Notes, feature: str, accounts: Iterable[str], language: Language) -> list[str]:
    """What stands behind a feature's sentence, by account; empty where nothing does."""
    of, space = notes.get(feature, {}), "" if language == "ja" else " "
    return [space + of[account][language] if account in of else "" for account in accounts]


def _sentence(
    f: Feature, value: float, median: float, plan: str, currency: str, language: Language, note: str = ""
) -> str:
    if np.isnan(value):
        return f.nothing[language]
    if value == 0 and f.zero:
        text = f.zero[language]
    else:
        text = said(f.sentence[language], value, f.unit, language, currency=currency)
    text += note
    peer = "" if np.isnan(median) else spoken(median, f.unit, language, currency=currency)
    is_alike = abs(value - median) <= ALIKE * abs(median)
    if not peer or is_alike or peer == spoken(value, f.unit, language, currency=currency):
        return text  # a comparison with the same figure, or nearly so, says nothing
    return f"{text}（{plan}の中央値：{peer}）" if language == "ja" else f"{text} (median on {plan}: {peer})"


def _categories(
    f: Feature, features: pd.DataFrame, plan_names: Sequence[str], catalog: Catalog, language: Language
) -> list[str]:
    """What each account's category says, and how many accounts on its plan share it."""
    said_of = [_category(f, value, catalog, language) for value in features[f.name]]
    if f.name == "plan_id" or f.unit == "flag":
        return said_of
    by_plan = features.groupby("plan_id")[f.name]
    share = features.groupby(["plan_id", f.name])[f.name].transform("size") / by_plan.transform("size")
    form = "{text}（{plan}の{part:.0%}）" if language == "ja" else "{text} ({part:.0%} on {plan})"
    told = zip(said_of, share, plan_names, strict=True)
    return [text if part != part else form.format(text=text, part=part, plan=plan) for text, part, plan in told]


def _category(f: Feature, value: object, catalog: Catalog, language: Language) -> str:
    if value is None or value is pd.NA or value != value:
        return f.nothing[language]
    names: Mapping[str, object] = {
        "plan_id": {plan.id: plan.name[language] for plan in catalog.plans},
        "lifecycle_stage": {k: t[language] for k, t in labels.STAGES_SAID.items()},
        "billing": {k: t[language] for k, t in labels.BILLING.items()},
    }.get(f.name, {})
    return f.sentence[language].format(value=names.get(str(value), value))


def reasons(
    contributions: pd.DataFrame,
    features: pd.DataFrame,
    named: Sequence[Feature],
    catalog: Catalog,
    notes: Notes = NO_NOTES,
) -> pd.DataFrame:
    """The table `reasons` of the contract: one row per account × feature of the model, and a row `(base)`.

    contributions: account_id, as_of, feature, contribution (log-odds), points (share of probability).
    """
    by_name = {f.name: f for f in named}
    told = {language: sentences(features, named, catalog, language, notes) for language in LANGUAGES}
    place = {account: i for i, account in enumerate(features["account_id"])}
    rows = contributions.copy()
    at = rows["account_id"].map(place).to_numpy()
    names = rows["feature"].to_numpy()
    is_base = names == "(base)"
    rows["group"] = [by_name[n].group if n in by_name else None for n in names]
    columns = {n: features[n].to_numpy(dtype=object, na_value=None) for n in set(names) if n in by_name}
    raw = [columns[n][i] if n in columns else None for n, i in zip(names, at, strict=True)]
    is_text = np.array([isinstance(value, str) for value in raw])
    rows["value"] = [
        float("nan") if text or value is None else float(value) for value, text in zip(raw, is_text, strict=True)
    ]
    rows["value_text"] = [value if text else None for value, text in zip(raw, is_text, strict=True)]
    for language in LANGUAGES:
        mark = labels.INTERNAL[language] if language == "ja" else f" {labels.INTERNAL[language]}"
        inside = {n: mark if f.is_internal else "" for n, f in by_name.items()}
        rows[f"text_{language}"] = [
            told[language][n][i] + inside[n] if n in by_name else None for n, i in zip(names, at, strict=True)
        ]
    order = rows.assign(size=np.where(is_base, np.inf, rows["contribution"].abs()))
    order = order.sort_values(["account_id", "size", "feature"], ascending=[True, False, True], kind="stable")
    return rows.loc[order.index].assign(rank=order.groupby("account_id").cumcount())


def chosen(reasons: pd.DataFrame, named: Sequence[Feature], *, n: int, language: Language) -> pd.DataFrame:
    """The few reasons that stand on the list: `reason_1` … `reason_n`, one row per account_id.

    Features that say much the same (a group) speak once, by the one that weighs most in the group's direction; groups
    come by what they add up to. At least one is a thing that the customer or the CSM can act on, where there is any.
    """
    acts = {f.name for f in named if f.is_actionable}
    inside = {f.name for f in named if f.is_internal}
    rows = reasons[reasons["feature"] != "(base)"]
    total = rows.groupby(["account_id", "group"])["points"].transform("sum")
    rows = rows.assign(total=total, acts=rows["feature"].isin(acts), against=rows["points"] < 0)
    rows = rows.assign(size=rows["points"].abs(), weight=rows["total"].abs())
    rows = rows.sort_values(["account_id", "group", "size", "feature"], ascending=[True, True, False, True])
    speaks = (np.sign(rows["points"]) == np.sign(rows["total"])) & (rows["weight"] >= LEAST)
    kept = rows[speaks].drop_duplicates(["account_id", "group"])
    kept = kept.sort_values(["account_id", "weight"], ascending=[True, False], kind="stable")
    kept = kept.assign(place=kept.groupby("account_id").cumcount())
    kept = _with_something_to_do(kept[kept["place"] < n], rows[rows["acts"] & (rows["size"] >= LEAST)], n)
    if not len(kept):  # a model without signal has no reasons to give
        return pd.DataFrame(columns=["account_id", *REASONS])
    # what speaks for the account first, then what speaks against it; what the customer may hear first, each by weight
    rows = kept.assign(inside=kept["feature"].isin(inside))
    order = ["account_id", "against", "inside", "weight"]
    rows = rows.sort_values(order, ascending=[True, True, True, False], kind="stable")
    mark = np.where(rows["against"], LOWERS, RAISES)
    rows = rows.assign(text=mark + rows[f"text_{language}"], place=rows.groupby("account_id").cumcount() + 1)
    wide = rows.pivot(index="account_id", columns="place", values="text")
    wide = wide.reindex(columns=range(1, 6)).rename(columns=lambda i: f"reason_{i}")
    return wide.astype(object).where(wide.notna(), None).reset_index()


def _with_something_to_do(kept: pd.DataFrame, actionable: pd.DataFrame, n: int) -> pd.DataFrame:
    """The reasons kept; where none can be acted on, the strongest that can be, first among those that speak for the
    account and with their group, takes its group's place, or the last one."""
    has_one = kept.loc[kept["acts"], "account_id"]
    best = actionable[~actionable["account_id"].isin(has_one)]
    best = best.assign(differs=np.sign(best["points"]) != np.sign(best["total"]))
    order = ["account_id", "against", "differs", "weight", "size"]
    best = best.sort_values(order, ascending=[True, True, True, False, False], kind="stable")
    best = best.drop_duplicates("account_id")
    group = kept["account_id"].map(best.set_index("account_id")["group"])
    is_of_group = kept["group"] == group
    has_its_group = is_of_group.groupby(kept["account_id"]).transform("any")
    gives_way = is_of_group | (group.notna() & ~has_its_group & (kept["place"] == n - 1))
    return pd.concat([kept[~gives_way], best.drop(columns="differs")])


def evidence(
    fired: pd.DataFrame,
    named: Sequence[Feature],
    triggers: Sequence[Trigger],
    catalog: Catalog,
    notes: Notes = NO_NOTES,
) -> pd.DataFrame:
    """The table `triggers` of the contract: each trigger that fired, with its evidence in both languages, and with
    what is noted of the feature that it tells."""
    units: dict[str, Unit] = {f.name: f.unit for f in named} | {"days_since_executive": "days"}
    by_id = {trigger.id: trigger for trigger in triggers}
    rows = fired.copy()
    for language in LANGUAGES:
        rows[f"evidence_{language}"] = [
            said(by_id[t].evidence[language], v, units[by_id[t].column], language, currency=catalog.currency)
            + _noted(notes, by_id[t].column, [account], language)[0]
            for account, t, v in zip(rows["account_id"], rows["trigger"], rows["value"], strict=True)
        ]  # fmt: skip
    return rows.drop(columns="value")


def would_unblock(decisions: pd.DataFrame, named: Sequence[Feature], catalog: Catalog, language: Language) -> pd.Series:
    """The nearest change that would open what blocks the account, in words; null where nothing blocks it."""
    wording = Wording(named, catalog, language)
    said_of = [wording.of(row) for row in decisions.to_dict("records")]
    return pd.Series(said_of, index=decisions.index, dtype=object)


def unblock_in_both(decisions: pd.DataFrame, named: Sequence[Feature], catalog: Catalog) -> dict[str, Text]:
    """What `would_unblock` says, in both languages, by account_id."""
    en, ja = (would_unblock(decisions, named, catalog, language) for language in LANGUAGES)
    said_of = zip(decisions["account_id"], en, ja, strict=True)
    return {account: Text(en=one, ja=other) for account, one, other in said_of if isinstance(one, str)}
