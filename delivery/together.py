"""What accounts like this one took, in a sentence that a CSM can repeat; and the report of what goes together."""

from typing import Any

import pandas as pd

from data.catalog import Catalog, Language, Offer, Text
from models.product_runs import added_by

ENOUGH = 2  # one account is an accident
NUMBERS = {30: "a month", 60: "two months", 90: "three months", 180: "six months", 365: "a year", 360: "a year"}


def sentence(
    n_took: float, n_peers: float, offer: Offer, plan_id: str, catalog: Catalog, language: Language, *, days: int = 180
) -> str | None:
    """`14 of 20 accounts like this one on Pro added Analytics within six months`; None where too few did.

    n_took, n_peers: of models/similar.py, which looks at the account's plan, its size, and the nearest use.
    """
    products = added_by(offer, plan_id, catalog)
    if not products or n_peers != n_peers or n_took != n_took or n_took < ENOUGH:
        return None
    names = [catalog.products[product].name[language] for product in products]
    plan, moves = catalog.plan(plan_id).name[language], products[0] in {p.id for p in catalog.plans}
    k, n = f"{n_took:,.0f}", f"{n_peers:,.0f}"
    if language == "ja":
        span = f"{days // 30}か月以内" if days % 30 == 0 else f"{days}日以内"
        add_ons = "・".join(names[1:] if moves else names)
        did = f"{names[0]}へ移行" if moves else f"{add_ons}を追加"
        did += f"し、{add_ons}を追加" if moves and add_ons else ""
        return f"同じ{plan}で利用状況の近い{n}社のうち{k}社が、{span}に{did}しています"
    add_ons = " and ".join(names[1:] if moves else names)
    did = f"moved to {names[0]}" + (f" and added {add_ons}" if add_ons else "") if moves else f"added {add_ons}"
    return f"{k} of {n} accounts like this one on {plan} {did} within {NUMBERS.get(days, f'{days} days')}"


def peers(ranked: pd.DataFrame, took: pd.DataFrame, catalog: Catalog, *, days: int) -> dict[str, Text]:
    """By account_id, what accounts like it did about the offer of the list; nothing where too few did.

    ranked: account_id, plan_id, offer_id. took: models/similar.py's account_id, offer_id, n_took, n_peers.
    """
    offers = {offer.id: offer for offer in catalog.offers}
    rows = ranked.loc[ranked["offer_id"].notna(), ["account_id", "plan_id", "offer_id"]]
    rows = rows.merge(took[["account_id", "offer_id", "n_took", "n_peers"]], on=["account_id", "offer_id"])
    found = {}
    for account, plan, offer, took_it, of in rows.itertuples(index=False, name=None):
        en = sentence(took_it, of, offers[offer], plan, catalog, "en", days=days)
        ja = sentence(took_it, of, offers[offer], plan, catalog, "ja", days=days)
        if en and ja:
            found[account] = Text(en=en, ja=ja)
    return found


def report(pairs: pd.DataFrame, bundles: pd.DataFrame, catalog: Catalog, *, until: str, days: int) -> str:
    """What goes together, for people: every pair with its interval, and bundles that nobody offers yet."""
    lines = [
        "# What goes together",
        "",
        f"From subscriptions known before {until}, where what may be learnt from ends. A row says: of the accounts",
        f"that took the first and could still add the second, so many added it within {days} days; how many would, had",
        "they been as their peers (same plan, same months, the first not taken lately); and their ratio with its",
        "interval. It is a likeness, no effect: what makes an account take both may be something third.",
        "",
        "| took | then added | of | share | peers | ratio | interval | began with the first |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [_row(row, catalog) for row in pairs.to_dict("records")]
    lines += ["", "## Bundles to think about", ""]
    if not len(bundles):
        lines.append(
            f"None. {len(pairs)} pairs have enough accounts to be looked at; of those that no offer holds yet, none "
            "follow one another so often that chance is ruled out for all pairs together."
        )
    for row in bundles.to_dict("records"):
        one, other = (catalog.products[row[name]].name.en for name in ("taken", "then"))
        lines.append(
            f"- {one} with {other}: {row['n_added']} of {row['n_at_risk']} added the second within {days} days, "
            f"{row['lift']:.1f} times as many as peers ({row['low']:.1f} to {row['high']:.1f})."
        )
    return "\n".join(lines) + "\n"


def _row(row: dict[Any, Any], catalog: Catalog) -> str:
    one, other = (catalog.products[row[name]].name.en for name in ("taken", "then"))

    def number(name: str, form: str) -> str:
        return "" if row[name] != row[name] else format(row[name], form)

    interval = f"{number('low', '.2f')} to {number('high', '.1f')}" if row["high"] == row["high"] else ""
    return (
        f"| {one} | {other} | {row['n_added']} of {row['n_at_risk']} | {number('share', '.1%')} | "
        f"{number('peers_share', '.1%')} | {number('lift', '.2f')} | {interval} | {number('first_share', '.0%')} |"
    )
