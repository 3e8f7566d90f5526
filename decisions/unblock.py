"""The nearest change that would open what blocks an offer: the feature, how much of it is missing, or the days.

Figures and ids only; the words are the delivery room's.
"""

from collections.abc import Sequence

import pandas as pd

from data.catalog import Catalog, Offer
from decisions import gates, past
from decisions.lacks import COLUMNS, Lack, Spreads, empty, lack, nearest, of_conditions
from decisions.settings import Gates
from features.feature import Feature
from features.health import Health

STAGES = ("not_eligible", "not_applicable", "not_suitable")


def unblock(
    accounts: pd.DataFrame,
    candidates: pd.DataFrame,
    catalog: Catalog,
    settings: Gates,
    *,
    refusals: pd.DataFrame | None = None,
    named: Sequence[Feature] = (),
    health: Health | None = None,
) -> pd.DataFrame:
    """One row per blocked row of `candidates`: account_id, offer_id, and what would open its first gate.

    unblock_feature, _now, _target: the condition that lacks least, in standard deviations of the accounts on the same
        plan; null where it is no matter of more or less. A flag that comes true in several ways stands for the nearest.
    unblock_missing, _unit: how much is missing, in the feature's unit; of a share of a limit in the metric's own (two
        users rather than five per cent), where the catalogue knows the limit.
    unblock_days: days until it opens by itself.
    unblock_more: how many conditions of the offer fail beside the one that is named.
    unblock_offer_id: the offer that was put to the account and has no answer yet, where it waits for that.

    accounts, refusals: as `candidates` was made from. named: the features, for units and for the ways of flags; without
    them a flag is named as it is. health: for the border of the red band.
    """
    mine = accounts.reset_index(drop=True)
    place = pd.Series(mine.index, index=mine["account_id"])
    by_name, spreads = {f.name: f for f in named}, Spreads(mine)
    parts = []
    for offer in catalog.offers:
        rows = candidates[(candidates["offer_id"] == offer.id) & ~candidates["is_allowed"].astype(bool)]
        if not len(rows):
            continue
        its = mine.loc[place[rows["account_id"]]].reset_index(drop=True)
        rows = rows.reset_index(drop=True)
        found = of_gates(its, rows["blocked_by"], settings, health=health, spreads=spreads)
        found = _waiting(found, offer, its, rows["blocked_by"], past.waits(offer, its, refusals, catalog, settings))
        lists = {
            stage: of_conditions(conditions, its, catalog, by_name)
            for stage, conditions in zip(STAGES, (offer.eligible, offer.applicable, offer.suitable), strict=True)
        }
        for stage in STAGES:
            found = _filled(found, rows["blocked_by"] == stage, lists[stage], its, spreads)
        found = _with_the_others(found, rows["blocked_by"], [one for of in lists.values() for one in of])
        found = _filled(found, rows["blocked_by"] == "no_gain", [_of_gain(offer, its, rows)], its, spreads)
        parts.append(found.assign(account_id=its["account_id"], offer_id=offer.id))
    columns = ["account_id", "offer_id", *COLUMNS]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def of_gates(
    accounts: pd.DataFrame,
    blocked_by: pd.Series,
    settings: Gates,
    *,
    health: Health | None = None,
    spreads: Spreads | None = None,
) -> pd.DataFrame:
    """Per row of `accounts`, what would open the account's own gate in `blocked_by`; all null for other ids.

    >>> rows = pd.DataFrame({"open_serious_tickets": [2.0]})
    >>> of_gates(rows, pd.Series(["serious_ticket"]), Gates())[["unblock_feature", "unblock_missing"]].values.tolist()
    [['open_serious_tickets', 2.0]]
    """
    found = empty(accounts.index)
    spreads = spreads or Spreads(accounts)
    for gate in gates.GATES:
        at = (blocked_by == gate.id).fillna(False).astype(bool)
        if not at.any():
            continue
        if gate.opens_in_days is not None:
            found.loc[at, "unblock_days"] = gate.opens_in_days(accounts[at], settings).astype("float64")
        found = _filled(found, at, _of_gate(gate.id, accounts, settings, health), accounts, spreads)
    return found


def _filled(
    found: pd.DataFrame, at: pd.Series, lacks: Sequence[Lack], accounts: pd.DataFrame, spreads: Spreads
) -> pd.DataFrame:
    """`found`, with the nearest of the lacks where `at`; what was found before stands."""
    if not lacks or not at.any():
        return found
    lacking = nearest(lacks, accounts, spreads)
    return found.assign(**{name: found[name].mask(at & found[name].isna(), lacking[name]) for name in COLUMNS})


def _waiting(
    found: pd.DataFrame, offer: Offer, accounts: pd.DataFrame, gate: pd.Series, wait: pd.DataFrame
) -> pd.DataFrame:
    """`found`, with the days that the past of this very offer asks for, or those until it is launched."""
    days = found["unblock_days"]
    for name in ("recent_refusal", "contact_limit", "not_applicable"):
        longer = past.longer(days.fillna(0.0), wait[name]).replace(past.NEVER, float("nan"))
        days = days.mask((gate == name) & (wait[name] > 0), longer)
    if offer.launched_on:
        until = (pd.Timestamp(offer.launched_on) - accounts["as_of"]).dt.days.astype("float64")
        days = days.mask((gate == "offer_ended") & (until > 0), until)
    return found.assign(unblock_days=days, unblock_offer_id=wait["awaits"].where(gate == "not_applicable"))


def _with_the_others(found: pd.DataFrame, gate: pd.Series, lacks: Sequence[Lack]) -> pd.DataFrame:
    """`found`, with the number of the offer's other conditions that fail, in this list and those after it."""
    of_offer = gate.isin(STAGES)
    failing = pd.Series(0.0, index=found.index)
    for one in lacks:
        failing += one.fails
    others = failing - (found["unblock_feature"].notna() & of_offer)
    return found.assign(unblock_more=found["unblock_more"].mask(of_offer, others))


def _of_gain(offer: Offer, accounts: pd.DataFrame, rows: pd.DataFrame) -> Lack:
    """From which chance on the offer is worth its cost: uplift, or propensity where the response is not learnt."""
    is_learnt = bool(rows["uplift"].notna().any())
    name = "uplift" if is_learnt else "propensity"
    now = (rows if is_learnt else accounts)[name].astype("float64")
    harm = rows["harm"].fillna(0.0) if "harm" in rows else 0.0
    net = 1.0 if is_learnt else 1 - rows["discount_pct"].astype("float64") / 100
    worth = rows["value"] * rows["context"] * rows["lever"] * net
    wanted = (offer.contact_cost + harm) / worth.where(worth > 0)
    # a chance above 1 is none; and where it is enough, something else than money blocks, such as no signal
    target = wanted.where((wanted <= 1) & (wanted >= now))
    return lack(name, pd.Series(True, index=rows.index), now, target, "share")


def _of_gate(gate: str, accounts: pd.DataFrame, settings: Gates, health: Health | None) -> list[Lack]:
    """What an account's own gate is shut for, where that is a number."""

    def number(name: str) -> pd.Series:
        return pd.to_numeric(accounts[name]).astype("float64")

    if gate == "serious_ticket":
        now = number("open_serious_tickets")
        return [lack("open_serious_tickets", now > 0, now, 0.0, "count")]
    if gate == "falling_use" and settings.falling_use_below is not None:
        now = number("use_change_28d")
        return [lack("use_change_28d", now <= settings.falling_use_below, now, settings.falling_use_below, "change")]
    if gate != "unhappy":
        return []
    border = health.yellow_from if health else float("nan")
    nothing = pd.Series(0.0, index=accounts.index)
    is_said = (accounts["csm_sentiment"] == "red").fillna(False).astype(bool)
    # a red word of the CSM caps the health score: what is missing is a better word, and not a point of health
    is_red = (accounts["health_band"] == "red").fillna(False).astype(bool) & ~is_said
    found = [
        lack("csm_sentiment_level", is_said, nothing, 1.0, "sentiment"),
        lack("health_score", is_red, number("health_score"), border, "score"),
    ]
    if settings.unhappy_nps_below is not None:
        nps, age = number("nps_latest"), number("nps_age_days")
        is_low = (nps < settings.unhappy_nps_below) & (age <= settings.unhappy_nps_days)
        border = float(settings.unhappy_nps_below)
        found.append(lack("nps_latest", is_low, nps, border, "nps", days=settings.unhappy_nps_days + 1 - age))
    return found
