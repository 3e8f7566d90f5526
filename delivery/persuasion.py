"""Why an account is persuadable: what makes its yes to the offer likelier than its doing so by itself, in words."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pandas as pd

from data.catalog import Text
from delivery import labels
from delivery.figures import spoken
from delivery.words import LANGUAGES, LOWERS, RAISES
from features.feature import Feature, Unit
from features.offer_relative import FAR_DAYS

N_NAMED = 6
N_FOR, N_AGAINST = 2, 1  # of the few that a card has room for
LEAST = 0.01  # of log-odds: what moves less is no reason
BASE, PRODUCT = "(base)", "(product)"
FIGURES = ("offered", "alone", "uplift")
NO_FIGURES: Mapping[str, Any] = MappingProxyType({})
# The columns that describe an offer as the account meets it (features/offer_relative.py, models/response.py).
OF_OFFER = {
    "press_peak": Text(en="How full the limit was that it lifts", ja="提案で緩和される上限の逼迫度（ピーク）"),
    "press_latest": Text(en="How full the limit is that it lifts", ja="提案で緩和される上限の逼迫度（直近）"),
    "press_days": Text(en="Days until the limit that it lifts", ja="提案で緩和される上限までの日数"),
    "press_seats": Text(en="How many of the seats are in use", ja="シートの利用率"),
    "met_tier": Text(en="Tries of what the next plan opens", ja="上位プランの機能に触れた回数"),
    "met_add_on": Text(en="Tries of what the add-on opens", ja="アドオンの機能に触れた回数"),
    "locked_features": Text(en="Locked features that were tried", ja="試された未契約機能の数"),
    "idle_seats": Text(en="Seats that nobody uses", ja="使われていないシート"),
    "opens_features": Text(en="Features that it opens", ja="提案で使えるようになる機能の数"),
    "added_share": Text(en="What it adds to the bill, as a share of it", ja="請求額に対する増加の割合"),
    "added_log": Text(en="What it adds to the bill", ja="請求額の増加"),
    "tier_steps": Text(en="Whether it moves the plan", ja="プランの変更の有無"),
    "adds_add_ons": Text(en="How many add-ons it holds", ja="含まれるアドオンの数"),
    "is_monthly": Text(en="Monthly billing", ja="月払い"),
    "renewal_days": Text(en="Days until the renewal", ja="更新までの日数"),
    "alone": Text(en="How readily it does this by itself", ja="提案なしでも行う傾向"),
    "wants_most": Text(en="How readily it grows by itself", ja="提案なしでも拡大する傾向"),
    "leaves": Text(en="How readily it leaves", ja="解約の傾向"),
    "together_lift": Text(en="What it took lately", ja="最近追加した商品との相性"),
    PRODUCT: Text(en="Which product is offered", ja="提案する商品の種類"),
    "(channel and discount)": Text(en="Channel and discount", ja="連絡手段と割引"),
}

# What their values are, where a reader can use them. Those of press_… and the days are no figure at nought and at FAR,
# which stand for "none".
UNITS: dict[str, Unit] = {
    "press_peak": "share", "press_latest": "share", "press_days": "days", "press_seats": "share", "met_tier": "count",
    "met_add_on": "count", "locked_features": "count", "idle_seats": "share", "opens_features": "count",
    "added_share": "share", "adds_add_ons": "count", "renewal_days": "days",
}  # fmt: skip
LOGGED = ("met_tier", "met_add_on")


def told(
    contributions: pd.DataFrame, named: Sequence[Feature], own: Mapping[str, Any] = NO_FIGURES, currency: str = ""
) -> list[dict[str, Any]]:
    """The columns that move the uplift of one account most, in log-odds, and the rest of them together as one.

    contributions: of models/response.py for one account: feature, offered, alone, uplift, the base among them. own: the
    account's features, whose figures stand behind their names.
    """
    rows = _by_size(contributions)
    found = [_row(row, _words(row, named, own, currency)) for row in rows.head(N_NAMED).to_dict("records")]
    rest = {name: float(rows[name].iloc[N_NAMED:].sum()) for name in FIGURES}
    base = contributions[contributions["feature"] == BASE]
    start = {name: float(base[name].sum()) for name in FIGURES}
    n = max(len(rows) - N_NAMED, 0)
    return [
        _row({"feature": BASE, **start}, Text(en="Where every account starts", ja="全体の出発点")),
        *found,
        _row({"feature": "(rest)", **rest}, Text(en=f"{n} others together", ja=f"その他{n}項目の合計")),
    ]


def briefly(
    contributions: pd.DataFrame, named: Sequence[Feature], own: Mapping[str, Any] = NO_FIGURES, currency: str = ""
) -> tuple[Text, ...]:
    """The same for a card: what speaks most for asking and what most against it, marked; none where nothing speaks for
    it.

    >>> rows = pd.DataFrame({"feature": ["idle_seats", "alone", "(base)"], "uplift": [0.2, -0.4, -1.0]})
    >>> [text.en for text in briefly(rows, [])]
    ['▲ Seats that nobody uses', '▼ How readily it does this by itself']
    >>> briefly(rows.assign(uplift=-0.1), [])
    ()
    """
    rows = _by_size(contributions)
    # what the list itself chose (the product, the channel, the discount) tells nothing of the account
    rows = rows[~rows["feature"].str.startswith("(") & (rows["uplift"].abs() >= LEAST)]
    speak_for, against = rows[rows["uplift"] > 0].head(N_FOR), rows[rows["uplift"] < 0].head(N_AGAINST)
    if not len(speak_for):
        return ()
    marked = [(RAISES, row) for row in speak_for.to_dict("records")]
    marked += [(LOWERS, row) for row in against.to_dict("records")]
    texts = [(mark, _words(row, named, own, currency)) for mark, row in marked]
    return tuple(Text(en=mark + text.en, ja=mark + text.ja) for mark, text in texts)


def _by_size(contributions: pd.DataFrame) -> pd.DataFrame:
    """The columns, the largest first, those that say of which product the offer is as one."""
    rows = contributions[contributions["feature"] != BASE]
    rows = rows.assign(feature=rows["feature"].mask(rows["feature"].str.startswith("part="), PRODUCT))
    figures: dict[str, str] = {name: "sum" for name in FIGURES if name in rows} | {"value": "first"}
    rows = rows.assign(value=rows.get("value", float("nan")))
    rows = rows.groupby("feature", sort=False, as_index=False).agg(figures)
    rows = rows.assign(size=rows["uplift"].abs())
    return rows.sort_values(["size", "feature"], ascending=[False, True], kind="stable")


def _words(row: Mapping[Any, Any], named: Sequence[Feature], own: Mapping[str, Any], currency: str) -> Text:
    """What a column is, with the account's figure as a change of it is told; what is for the team alone is marked."""
    column = str(row["feature"])
    if column in OF_OFFER:
        return _with(OF_OFFER[column], _figure_of_offer(column, float(row["value"])))
    name, _, level = column.partition("=")  # of a category, a column for each of its levels
    f = next((f for f in named if f.name == name), None)
    if f is None:
        return labels.spelled(column)
    text = _with(f.description, _level(level, own.get(name)) if level else _figure(f, own.get(name), currency))
    inside = labels.INTERNAL
    return Text(en=f"{text.en} {inside.en}", ja=f"{text.ja}{inside.ja}") if f.is_internal else text


def _with(what: Text, figure: Text | None) -> Text:
    return what if figure is None else Text(en=f"{what.en}: {figure.en}", ja=f"{what.ja}: {figure.ja}")


def _figure_of_offer(column: str, value: float) -> Text | None:
    is_none = (column.startswith("press_") and value == 0) or (column.endswith("_days") and value >= FAR_DAYS)
    if column not in UNITS or is_none or pd.isna(value):
        return None
    return _spoken(math.expm1(value) if column in LOGGED else value, UNITS[column])


def _level(level: str, value: Any) -> Text:
    is_it = value is not None and str(value) == level
    return Text(en=level, ja=level) if is_it else Text(en=f"not {level}", ja=f"{level}以外")


def _figure(f: Feature, value: Any, currency: str) -> Text | None:
    if value is None or pd.isna(value) or f.unit in ("category", "flag"):
        return None
    return _spoken(float(value), f.unit, currency)


def _spoken(value: float, unit: Unit, currency: str = "") -> Text:
    en, ja = (spoken(value, unit, language, currency=currency) for language in LANGUAGES)
    return Text(en=en, ja=ja)


def _row(row: Any, words: Text) -> dict[str, Any]:
    figures = {name: float(row[name]) for name in FIGURES}
    return {"feature": str(row["feature"]), **figures, "text_en": words.en, "text_ja": words.ja}
