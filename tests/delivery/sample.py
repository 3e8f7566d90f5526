"""A made-up week of a made-up company, for looking at and for testing: seeded, any size, with names that bite."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data.catalog import Catalog, Text
from delivery.beside import Beside
from delivery.history import EVENTS, LINES, MRR, USE, Past, stories
from delivery.labels import CHANNELS
from delivery.outputs import CANDIDATES, RANKED_ACCOUNTS, REASONS, TRIGGERS
from delivery.summary import Summary
from delivery.words import LOWERS, RAISES

AS_OF = date(2026, 6, 1)
NASTY = (
    "<script>alert(1)</script>",
    '=HYPERLINK("http://x.example","click")',
    "🚀 Rocket & Söhne <b>GmbH</b>",
    "شركة النور للتجارة",
    "A" + "very long name " * 14,
    "株式会社サンプル製作所",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "{{ 7 * 7 }} </script><!--",
)
FIRST = [
    "Aster",
    "Birch",
    "Cobalt",
    "Delta",
    "Ember",
    "Fjord",
    "Granite",
    "Harbor",
    "Juniper",
    "Lumen",
    "Maple",
    "Orbit",
]
SECOND = [
    "Analytics",
    "Bank",
    "Clinics",
    "Design",
    "Energy",
    "Foods",
    "Games",
    "Insurance",
    "Labs",
    "Logistics",
    "Media",
]
JAPANESE = ["株式会社青葉物流", "みなとデザイン株式会社", "東雲銀行", "株式会社ひかりフーズ", "北斗エネルギー"]
OWNERS = ["Aiko Tanaka", "Ben Okafor", "Carla Rossi", "Daniel Weiss", "Emi Sato", "Farah Haddad", None]
# (feature, group, en, ja, lowest, highest)
SENTENCES = [
    (
        "limit_active_users",
        "limits",
        "{n} % of the seats were in use in the last 28 days",
        "直近28日間でシートの{n}%が利用されています",
        40,
        99,
    ),
    (
        "gated_events_28d",
        "adoption",
        "Tried a locked feature {n} times in 28 days",
        "28日間で契約外の機能を{n}回試しています",
        1,
        40,
    ),
    ("active_days_28d", "use", "Used on {n} of the last 28 days", "直近28日のうち{n}日利用しています", 2, 28),
    ("trend_8w", "use", "Use grew by {n} % over eight weeks", "8週間で利用が{n}%増えています", 1, 60),
    ("adoption_rate", "adoption", "Uses {n} % of the plan's features", "プランの機能の{n}%を利用しています", 10, 95),
    ("tenure_days", "tenure", "Customer for {n} days", "ご契約から{n}日が経過しています", 40, 900),
    ("nps", "sentiment", "Gave an NPS of {n}", "NPSは{n}点でした", 3, 10),
    ("days_since_touch", "relationship", "Last talked to {n} days ago", "前回の面談から{n}日が経過しています", 1, 200),
    ("open_tickets", "support", "Has {n} open tickets", "未解決の問い合わせが{n}件あります", 0, 6),
    ("storage_gb", "limits", "{n} % of the storage is used", "ストレージの{n}%を使用しています", 10, 99),
    ("days_to_renewal", "commerce", "Renews in {n} days", "契約更新まで{n}日です", 3, 350),
    ("declined_365d", "proposals", "Turned down {n} offers in a year", "1年間で{n}回お断りがありました", 0, 3),
]
FIRED = [
    ("limit_90", "Reached {n} % of the seats", "シートの{n}%に達しました"),
    ("gated_use", "Met a locked feature {n} times in a week", "1週間で契約外の機能に{n}回触れました"),
    ("promoter", "Answered the survey with a {n}", "アンケートで{n}点の回答がありました"),
    ("funding", "Announced a funding round", "資金調達を発表しました"),
]
SELLS = ["upgrade_next", "seats_20", "add_analytics", "add_storage", "add_api_pack", "add_security", "trial_next"]
GATES = ["no_consent", "serious_ticket", "unhappy", "onboarding", "falling_use", "recent_refusal", "not_applicable"]


@dataclass(frozen=True)
class Week:
    """The four tables of a week, and what is said about it."""

    ranked: pd.DataFrame
    reasons: pd.DataFrame
    candidates: pd.DataFrame
    triggers: pd.DataFrame
    catalog: Catalog
    summary: Summary


def make_beside(week: Week, seed: int = 7) -> Beside:
    """What stands beside those to contact and to help: stories as long as they get, offers under NASTY names."""
    rng = np.random.default_rng(seed)
    catalog = with_nasty_names(week.catalog)
    called = week.ranked[week.ranked["assignment"].isin(["contact", "nurture"])]
    contact = called.loc[called["assignment"] == "contact", "account_id"].tolist()
    past = Past(_events(called["account_id"], catalog, rng), _lines(called["account_id"], rng))
    persuadable, what_ifs = {}, {}
    for account in contact:
        some = [SENTENCES[i] for i in rng.permutation(len(SENTENCES))[:3]]
        told = [(en.format(n=low), ja.format(n=low)) for _, _, en, ja, low, _ in some]
        marked = zip((RAISES, RAISES, LOWERS), told, strict=True)
        persuadable[account] = tuple(Text(en=mark + en, ja=mark + ja) for mark, (en, ja) in marked)
        now, then = (f"{n}" for n in rng.integers(3, 90, 2))
        what_ifs[account] = tuple(
            Text(en=f"Events, last {days} days: {now} → {then}", ja=f"直近{days}日の操作回数: {now} → {then}")
            for days in (7, 28, 90)
        )
    return Beside(persuadable=persuadable, what_ifs=what_ifs, stories=stories(past, catalog))


def _events(accounts: Iterable[str], catalog: Catalog, rng: np.random.Generator) -> pd.DataFrame:
    """Four proposals, four changes of terms and three lists of each account."""
    rows = []
    for account in accounts:
        for n, ago in enumerate(rng.choice(900, 11, replace=False) + 1):
            offer, before = str(rng.choice([o.id for o in catalog.offers])), int(rng.integers(3, 90))
            row = {"account_id": account, "on": pd.Timestamp(AS_OF) - pd.Timedelta(days=int(ago)), "what": offer}
            if n < 4:
                row |= {"kind": "proposed", "channel": str(rng.choice(list(CHANNELS))), "discount_pct": 5.0}
                row |= {"answer": "declined", "reason": "price", "after": 6}
            elif n < 6:
                row |= {"kind": "added", "what": str(rng.choice([a.id for a in catalog.add_ons]))}
            elif n < 8:
                row |= {"kind": "seats", "what": None, "before": before, "after": before + n}
            else:
                row |= {"kind": "listed", "after": before}
            rows.append(row)
    return pd.DataFrame(rows).reindex(columns=list(EVENTS))


def _lines(accounts: Iterable[str], rng: np.random.Generator) -> pd.DataFrame:
    rows = [
        (account, line, ago, value)
        for account in accounts
        for line, n in ((MRR, 13), (USE, 12))
        for ago, value in enumerate(np.round(rng.lognormal(7, 0.2, n), 2))
    ]
    return pd.DataFrame(rows, columns=list(LINES))


def with_nasty_names(catalog: Catalog) -> Catalog:
    """The catalogue, its offers and add-ons named by what bites."""
    names = [Text(en=name, ja=name) for name in NASTY]

    def named(items: Sequence[Any]) -> list[Any]:
        return [item.model_copy(update={"name": names[i % len(names)]}) for i, item in enumerate(items)]

    return catalog.model_copy(update={"offers": named(catalog.offers), "add_ons": named(catalog.add_ons)})


def make_week(n: int, seed: int = 7, language: str = "en") -> Week:
    """`n` accounts, the first eight with NASTY names. About one in sixteen is held out."""
    catalog = Catalog.load(Path(__file__).parents[2] / "catalog.yaml")
    rng = np.random.default_rng(seed)
    day = pd.Timestamp(AS_OF)
    n_contact = max(8, n // 12)
    assignment = np.array(
        ["contact"] * n_contact
        + list(rng.choice(["beyond_capacity", "nurture", "none", "holdout"], n - n_contact, p=[0.15, 0.25, 0.53, 0.07]))
    )
    names = [
        rng.choice(JAPANESE) if rng.random() < 0.2 else f"{rng.choice(FIRST)} {rng.choice(SECOND)}" for _ in range(n)
    ]
    names[: len(NASTY)] = NASTY
    propensity = np.clip(rng.beta(1.6, 8, n) + np.linspace(0.35, 0, n), 0.002, 0.95)
    sold = np.isin(assignment, ["contact", "beyond_capacity", "holdout"])
    offers = np.where(sold, rng.choice(SELLS, n), np.where(assignment == "nurture", "training", None))
    gates = np.where(sold, None, rng.choice(GATES[:6], n))
    health = np.where(sold, rng.uniform(52, 98, n), rng.uniform(15, 80, n))
    accept = np.clip(propensity + rng.uniform(0.02, 0.3, n), 0, 0.97)
    organic = np.clip(propensity * rng.uniform(0.2, 0.6, n), 0, 1)
    mrr = np.round(rng.lognormal(6.2, 1.0, n), 2)
    is_new = rng.random(n) < 0.2
    moved = rng.integers(-30, 30, n)
    ids = [f"A{i:05d}" for i in range(n)]
    discount = np.where(sold, rng.choice([0, 5, 10], n, p=[0.7, 0.2, 0.1]), np.nan)

    why = []
    for i in range(n):
        base = 0.12
        swings = rng.normal(0, 0.02, len(SENTENCES))
        points = swings + (propensity[i] - base - swings.sum()) * rng.dirichlet(np.ones(len(SENTENCES)))
        logits = points * 6
        order = np.argsort(-np.abs(points))
        why.append((ids[i], "(base)", None, None, -2.0, base, 0, None, None))
        for rank, j in enumerate(order, start=1):
            feature, group, en, ja, low, high = SENTENCES[j]
            number = int(rng.integers(low, high + 1))
            why.append(
                (ids[i], feature, group, number, logits[j], points[j], rank, en.format(n=number), ja.format(n=number))
            )
    reasons = pd.DataFrame(
        why,
        columns=["account_id", "feature", "group", "value", "contribution", "points", "rank", "text_en", "text_ja"],
    ).assign(as_of=day, value_text=None)[REASONS.schema.names]
    said = reasons[(reasons["rank"] > 0) & (reasons["points"] > 0)].sort_values(["account_id", "rank"])
    by_account = (RAISES + said[f"text_{language}"]).groupby(said["account_id"]).agg(list).to_dict()

    fired = []
    for i in range(n):
        for j in rng.permutation(len(FIRED))[: rng.integers(0, 3)]:
            trigger, en, ja = FIRED[j]
            number = int(rng.integers(85, 100)) if j == 0 else int(rng.integers(8, 11))
            fired_on = day - pd.Timedelta(days=int(rng.integers(1, 25)))
            fired.append((ids[i], trigger, fired_on, en.format(n=number), ja.format(n=number)))
    triggers = pd.DataFrame(fired, columns=["account_id", "trigger", "fired_on", "evidence_en", "evidence_ja"]).assign(
        as_of=day, expires_on=lambda t: t["fired_on"] + pd.Timedelta(days=30)
    )[TRIGGERS.schema.names]
    triggers_of = triggers.groupby("account_id")["trigger"].agg(list).to_dict()

    rivals = []
    for i in range(n):
        rank = 2
        for offer in catalog.offers:
            is_chosen = offer.id == offers[i]
            is_allowed = is_chosen or (bool(sold[i]) and rng.random() < 0.25)
            worth = float(mrr[i] * 12 * rng.uniform(0.1, 0.8))
            gate = None if is_allowed else (gates[i] or "not_applicable")
            place = (1 if is_chosen else rank) if is_allowed else None
            rivals.append((ids[i], offer.id, is_allowed, gate, accept[i], organic[i], worth, worth * accept[i], place))
            rank += int(is_allowed and not is_chosen)
    candidates = pd.DataFrame(
        rivals,
        columns=[
            "account_id",
            "offer_id",
            "is_allowed",
            "blocked_by",
            "p_accept",
            "p_organic",
            "value",
            "priority",
            "rank",
        ],
    ).assign(
        as_of=day,
        channel="csm",
        discount_pct=0.0,
        uplift=lambda c: c["p_accept"] - c["p_organic"],
        context=1.0,
        lever=1.0,
    )
    candidates = candidates[CANDIDATES.schema.names]

    ranked = pd.DataFrame(
        {
            "rank": range(1, n + 1),
            "account_id": ids,
            "account_name": names,
            "owner_id": rng.choice(np.array(OWNERS, dtype=object), n),
            "segment": rng.choice(["small", "mid", "large"], n, p=[0.5, 0.35, 0.15]),
            "as_of": day,
            "plan_id": rng.choice(["free", "starter", "pro", "enterprise"], n, p=[0.15, 0.4, 0.35, 0.1]),
            "mrr": mrr,
            "renews_on": np.where(rng.random(n) < 0.12, pd.NaT, day + pd.to_timedelta(rng.integers(2, 360, n), "D")),
            "lifecycle_stage": rng.choice(["adopting", "established", "renewal"], n),
            "health_score": np.where(rng.random(n) < 0.05, np.nan, health),
            "propensity": propensity,
            "stars": np.clip(np.ceil(pd.Series(propensity).rank(pct=True) * 5), 1, 5).astype(int),
            "offer_id": offers,
            "channel": np.where(offers == None, None, rng.choice(["csm", "email", "in_app"], n)),  # noqa: E711
            "discount_pct": discount,
            "approval": np.where(discount > 5, "Head of Sales" if language == "en" else "営業部長", None),
            "p_accept": np.where(sold, accept, np.nan),
            "p_organic": np.where(sold, organic, np.nan),
            "uplift": np.where(sold, accept - organic, np.nan),
            "expected_arr": np.where(sold, mrr * 12 * 0.3 * (accept - organic) - 30, np.nan),
            "priority": np.where(sold, mrr, 0.0),
            "contact_by_on": np.where(sold, day + pd.to_timedelta(rng.integers(1, 14, n), "D"), pd.NaT),
            "triggers": [triggers_of.get(i, []) for i in ids],
            **{
                f"reason_{k + 1}": [by_account.get(i, [])[k] if len(by_account.get(i, [])) > k else None for i in ids]
                for k in range(5)
            },
            "blocked_by": gates,
            "would_unblock": None,
            "movement": np.where(is_new, "new", np.where(moved > 0, "up", np.where(moved < 0, "down", "same"))),
            "movement_ranks": np.where(is_new, np.nan, moved),
            "assignment": assignment,
            "pscore": 1.0,
            "model_version": "3f9a1c77d0b24e11",
        }
    )
    ranked["renews_on"] = pd.to_datetime(ranked["renews_on"])
    ranked["contact_by_on"] = pd.to_datetime(ranked["contact_by_on"])
    score = ranked["health_score"]
    ranked["health_band"] = np.where(
        score.isna(), None, np.where(score >= 75, "green", np.where(score >= 50, "yellow", "red"))
    )
    summary = Summary(
        company="Northwind Cloud",
        as_of=AS_OF,
        horizon_days=90,
        model_version="3f9a1c77d0b24e11",
        auc=0.79,
        auc_low=0.75,
        auc_high=0.83,
        warnings=(
            Text(
                en="12 rows of usage were set aside because they break the contract.",
                ja="利用データのうち12行は形式に合わないため、除外しました。",
            ),
        ),
    )
    return Week(ranked[RANKED_ACCOUNTS.schema.names], reasons, candidates, triggers, catalog, summary)
