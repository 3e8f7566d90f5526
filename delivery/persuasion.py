"""Why an account is persuadable: what makes its yes to the offer likelier than its doing so by itself, in words."""

from typing import Any

import pandas as pd

from data.catalog import Text
from delivery import labels
from features.feature import Feature

N_NAMED = 6
BASE = "(base)"
# The columns that describe an offer as the account meets it (features/offer_relative.py, models/response.py).
OF_OFFER = {
    "press_peak": Text(en="How full the limit was that it lifts", ja="提案で緩和される上限の逼迫度（ピーク）"),
    "press_latest": Text(en="How full the limit is that it lifts", ja="提案で緩和される上限の逼迫度（直近）"),
    "press_days": Text(en="Days until the limit that it lifts", ja="提案で緩和される上限までの日数"),
    "press_seats": Text(en="How many of the seats are in use", ja="シートの利用率"),
    "met_tier": Text(en="Meetings with what the next plan opens", ja="上位プランの機能に触れた回数"),
    "met_add_on": Text(en="Meetings with what the add-on opens", ja="アドオンの機能に触れた回数"),
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
    "(channel and discount)": Text(en="Channel and discount", ja="連絡手段と割引"),
}


def told(contributions: pd.DataFrame, named: list[Feature]) -> list[dict[str, Any]]:
    """The columns that move the uplift of one account most, in log-odds, and the rest of them together as one.

    contributions: of models/response.py for one account: feature, offered, alone, uplift, the base among them.
    """
    words = {f.name: f.description for f in named} | OF_OFFER
    rows = contributions[contributions["feature"] != BASE]
    rows = rows.assign(size=rows["uplift"].abs())
    rows = rows.sort_values(["size", "feature"], ascending=[False, True], kind="stable")
    most = rows.head(N_NAMED).to_dict("records")
    found = [_row(row, words.get(row["feature"]) or labels.spelled(row["feature"])) for row in most]
    rest = {name: float(rows[name].iloc[N_NAMED:].sum()) for name in ("offered", "alone", "uplift")}
    base = contributions[contributions["feature"] == BASE]
    start = {name: float(base[name].sum()) for name in ("offered", "alone", "uplift")}
    others = f"{max(len(rows) - N_NAMED, 0)} others together"
    return [
        _row({"feature": BASE, **start}, Text(en="Where every account starts", ja="全体の出発点")),
        *found,
        _row({"feature": "(rest)", **rest}, Text(en=others, ja=f"その他{max(len(rows) - N_NAMED, 0)}項目の合計")),
    ]


def _row(row: Any, words: Text) -> dict[str, Any]:
    figures = {name: float(row[name]) for name in ("offered", "alone", "uplift")}
    return {"feature": str(row["feature"]), **figures, "text_en": words.en, "text_ja": words.ja}
