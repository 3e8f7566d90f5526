"""What moved an account since the last list: its likelihood then and now, and the reasons that changed most."""

import pandas as pd

from data.catalog import Text
from delivery import labels
from delivery.outputs import BASE

LEAST_POINTS = 0.005  # half a percentage point: less is not worth a sentence
N_NAMED = 2


def moved_by(reasons: pd.DataFrame, previous: pd.DataFrame | None) -> dict[str, Text]:
    """By account_id, for those that both lists know and whose reasons moved by half a point or more.

    reasons, previous: of two weeks, as in `reasons.parquet`. Of features of one idea the changes are summed, and the
    feature that changed most speaks for them, as it is now. Where another model scored the earlier week, part of the
    change is the model's; the reader sees what the list says, then and now.

    >>> now = pd.DataFrame({"account_id": "a", "feature": ["(base)", "seats", "users"], "group": [None, "use", "use"],
    ...     "points": [0.1, 0.09, 0.02], "text_en": [None, "26 seats used", "9 users"], "text_ja": None})
    >>> moved_by(now, now.assign(points=[0.1, 0.02, 0.02]))["a"].en
    'Since the last list: 14% → 21%. +7.0 points: 26 seats used'
    """
    if previous is None:
        return {}
    key = ["account_id", "feature"]
    rows = reasons.merge(previous[[*key, "points"]], on=key, suffixes=("", "_then"))
    before, after = (frame.groupby("account_id")["points"].sum() for frame in (previous, reasons))
    rows = rows[rows["feature"] != BASE]
    rows = rows.assign(change=rows["points"] - rows["points_then"])
    rows = rows.assign(size=rows["change"].abs())
    rows = rows.assign(total=rows.groupby(["account_id", "group"])["change"].transform("sum"))
    rows = rows.sort_values(["account_id", "group", "size", "feature"], ascending=[True, True, False, True])
    rows = rows.drop_duplicates(["account_id", "group"])
    rows = rows[rows["total"].abs() >= LEAST_POINTS].assign(size=lambda t: t["total"].abs())
    rows = rows.sort_values(["account_id", "size", "group"], ascending=[True, False, True])
    found = {}
    for account, mine in rows.groupby("account_id").head(N_NAMED).groupby("account_id", sort=True):
        then, now = f"{before[account]:.0%}", f"{after[account]:.0%}"
        spelled = mine["feature"].map(lambda name: labels.spelled(name).en)
        english, japanese = mine["text_en"].fillna(spelled), mine["text_ja"].fillna(spelled)
        en = "; ".join(f"{100 * by:+.1f} points: {text}" for by, text in zip(mine["total"], english, strict=True))
        ja = "、".join(f"{text}（{100 * by:+.1f}ポイント）" for by, text in zip(mine["total"], japanese, strict=True))
        found[str(account)] = Text(
            en=f"Since the last list: {then} → {now}. {en}", ja=f"前回のリストから：{then} → {now}。{ja}"
        )
    return found
