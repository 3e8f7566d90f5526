"""Companies whose catalogue, policy, accounts and past are drawn at random, as dicts: the way they are handed over."""

from datetime import date, timedelta
from typing import Any

import numpy as np

AS_OF = date(2026, 6, 1)
FLAGS = ("has_reached_for_more", "needs_help")
NUMBERS = {"gated_events_28d": (0, 9), "adoption_rate": (0, 1), "health_score": (0, 100), "days_to_renewal": (0, 365)}
CHANNELS = ("csm", "email", "in_app")
KINDS = ("upgrade", "upgrade", "seats", "add_on", "add_on", "bundle", "annual", "trial", "enablement", "retention")


def _some(random: np.random.Generator, of: Any, least: int = 0) -> list[Any]:
    of = list(of)
    n = int(random.integers(least, len(of) + 1))
    return [of[i] for i in sorted(random.choice(len(of), n, replace=False))]


def _one(random: np.random.Generator, *of: Any) -> Any:
    return of[int(random.integers(len(of)))]


def catalog(random: np.random.Generator, n_offers: int = 12) -> dict[str, Any]:
    """Plans with holes between their tiers, add-ons that may add nothing, offers of every kind with conditions."""
    features = [f"feature_{i}" for i in range(int(random.integers(3, 8)))]
    metrics = [f"metric_{i}" for i in range(int(random.integers(1, 4)))]
    tiers = sorted(random.choice(20, int(random.integers(2, 6)), replace=False).tolist())
    plans = [
        {
            "id": f"plan_{tier}", "name": "plan", "tier": tier, "price_per_month": float(random.integers(0, 300)),
            "price_per_seat": float(_one(random, 0, 5, 12)), "features": _some(random, features, 1),
            "limits": {m: _one(random, None, 10.0, 100.0) for m in _some(random, metrics)},
        }
        for tier in tiers
    ]  # fmt: skip
    random.shuffle(plans)
    add_ons = [
        {
            "id": f"extra_{i}", "name": "extra", "price_per_month": float(random.integers(0, 90)),
            "features": _some(random, features) if random.random() < 0.7 else [],
            "limits": dict.fromkeys(_some(random, metrics), 50.0) if random.random() < 0.5 else {},
        }
        for i in range(int(random.integers(1, 5)))
    ]  # fmt: skip
    offers: list[dict[str, Any]] = []
    for i in range(n_offers):
        offers.append(_offer(random, f"offer_{i}", [a["id"] for a in add_ons], offers, [p["id"] for p in plans]))
    return {
        "currency": "EUR", "metrics": [{"id": m, "kind": "gauge", "unit": "u"} for m in metrics],
        "features": [{"id": f, "name": f} for f in features], "plans": plans, "add_ons": add_ons, "offers": offers,
    }  # fmt: skip


def _condition(random: np.random.Generator, plans: list[str]) -> dict[str, Any]:
    kind = random.random()
    if kind < 0.2:
        return {"when": _one(random, *FLAGS), "equals": bool(random.random() < 0.7)}
    if kind < 0.4:
        return {"when": "plan_id", "in": _some(random, plans, 1)}
    name = _one(random, *NUMBERS)
    low, high = NUMBERS[name]
    return {"when": name, _one(random, "at_least", "at_most"): round(float(random.uniform(low, high)), 2)}


def _offer(
    random: np.random.Generator, name: str, add_ons: list[str], before: list[dict[str, Any]], plans: list[str]
) -> dict[str, Any]:
    sells = [o["id"] for o in before if o["kind"] in ("upgrade", "seats", "add_on", "bundle")]
    kind = _one(random, *KINDS)
    kind = "upgrade" if kind == "trial" and not sells else kind
    changes: dict[str, Any] = {
        "upgrade": {"tier": 1}, "seats": {"seats_pct": float(_one(random, 10, 20, 50))},
        "add_on": {"add_ons": [_one(random, *add_ons)]}, "bundle": {"tier": 1, "add_ons": _some(random, add_ons, 1)},
        "annual": {"billing": "annual"}, "trial": {"trial_of": _one(random, *sells) if sells else None, "days": 30},
        "enablement": {}, "retention": {"tier": -1} if random.random() < 0.7 else {},
    }[kind]  # fmt: skip
    steps = sorted({float(s) for s in random.choice([0, 0, 5, 10, 15, 20, 30], int(random.integers(1, 5)))})
    offer = {
        "id": name, "kind": kind, "name": name, "changes": changes, "channels": _some(random, CHANNELS, 1),
        "contact_cost": float(_one(random, 0, 15, 60)),
        "discounts": {
            "steps_pct": steps, "approval_above_pct": float(_one(random, 0, 5, 10)),
            # a floor that the lowest step can meet: what contradicts itself is no catalogue
            "min_margin_pct": float(_one(random, 0, 55, 70, 80, 90, 95)) if 0.0 in steps else 60.0,
        },
    }  # fmt: skip
    random.shuffle(offer["channels"])
    for test in ("eligible", "applicable", "suitable"):
        if random.random() < 0.35:
            offer[test] = [_condition(random, plans) for _ in range(int(random.integers(1, 3)))]
    if random.random() < 0.15:
        offer["launched_on"] = (AS_OF + timedelta(days=int(random.integers(-20, 20)))).isoformat()
    if random.random() < 0.15:
        begins = date.fromisoformat(offer["launched_on"]) if "launched_on" in offer else AS_OF - timedelta(days=20)
        offer["valid_until"] = (begins + timedelta(days=int(random.integers(0, 40)))).isoformat()
    return offer


def gates(random: np.random.Generator) -> dict[str, Any]:
    """Numbers of the not-now gates, some switched off."""
    return {
        "requires_consent": bool(random.random() < 0.8), "onboarding_days": _one(random, None, 0, 30, 60),
        "blocks_serious_tickets": bool(random.random() < 0.8), "unhappy_nps_below": _one(random, None, 5, 7),
        "unhappy_nps_days": int(_one(random, 30, 90)), "falling_use_below": _one(random, None, -0.5, -0.3, 0.0),
        "refusal_days": _one(random, None, 0, 60, 90), "same_offer_refusal_days": int(_one(random, 0, 90, 180)),
        "max_contacts_30d": _one(random, None, 0, 1, 2, 3),
    }  # fmt: skip


def week(random: np.random.Generator) -> dict[str, Any]:
    """Limits of the week: owners' time in contacts or hours, a budget, channels, regions, offers."""
    limits = [
        {"id": "e-mails", "channels": ["email"], "max": float(random.integers(0, 40))},
        {"id": "region", "per": "region", "max": float(random.integers(1, 60)), "max_of": {"APAC": 2.0}},
        {"id": "offer", "per": "offer_id", "max": float(random.integers(1, 30))},
        {"id": "cost", "uses": "contact_cost", "per": "owner_id", "max": float(random.integers(50, 900))},
    ]
    return {
        "owner_counts": _one(random, "contacts", "hours"), "owner_channels": _some(random, CHANNELS, 1),
        "hours": {"csm": 1.0, "email": 0.25, "in_app": 0.1}, "hours_of": {"offer_1": 2.0, "offer_2": 0.5},
        "per_owner": int(random.integers(0, 14)), "without_owner": int(random.integers(0, 6)),
        "budget": _one(random, None, 500.0, 4_000.0), "limits": _some(random, limits),
    }  # fmt: skip


def accounts(random: np.random.Generator, n: int, of: dict[str, Any]) -> list[dict[str, Any]]:
    """Accounts, each with the facts that gates, conditions and money ask for; some of them not known."""

    def maybe(value: Any, null: float = 0.15) -> Any:
        return None if random.random() < null else value

    rows = []
    for i in range(n):
        plan = _one(random, *of["plans"])
        # half of them are well, so that enough is allowed
        well = random.random() < 0.6
        row = {
            "account_id": f"A-{i:05}", "account_name": "A", "owner_id": maybe(f"CSM-{int(random.integers(8))}", 0.1),
            "region": maybe(_one(random, "EMEA", "APAC", "AMER")), "plan_id": plan["id"], "plan_tier": plan["tier"],
            "seats": float(random.integers(0, 80)), "mrr": float(random.integers(0, 900)),
            "billing": _one(random, "monthly", "annual"),
            "add_ons": " ".join(_some(random, [a["id"] for a in of["add_ons"]])) or None,
            "current_discount_pct": maybe(float(_one(random, 0, 10, 50))),
            "has_opted_in": True if well else _one(random, True, False, None),
            "do_not_contact_until": None if well else maybe(AS_OF + timedelta(days=int(random.integers(-3, 4)))),
            "tenure_days": int(random.integers(50, 900)) if well else int(random.integers(0, 90)),
            "open_serious_tickets": 0 if well else maybe(int(random.integers(0, 2))),
            "open_tickets": int(random.integers(0, 3)),
            "health_band": "green" if well else maybe(_one(random, "green", "yellow", "red")),
            "csm_sentiment": "green" if well else maybe(_one(random, "green", "yellow", "red")),
            "nps_latest": maybe(9.0) if well else maybe(float(random.integers(0, 11))),
            "use_change_28d": 0.1 if well else maybe(float(np.round(random.uniform(-0.8, 0.5), 1))),
            "lifecycle_stage": _one(random, "adopting", "established", "at_risk"), "propensity": float(random.random()),
        }  # fmt: skip
        row["nps_age_days"] = None if row["nps_latest"] is None else float(random.integers(0, 120))
        row |= {flag: bool(random.random() < 0.6) for flag in FLAGS}
        for name, (low, high) in NUMBERS.items():
            row[name] = maybe(round(float(random.uniform(low, high)), 2), 0.1)
        rows.append(row)
    return rows


def proposals(
    random: np.random.Generator, of_accounts: list[dict[str, Any]], of: dict[str, Any]
) -> list[dict[str, Any]]:
    """What was put to them before, on the day itself and after it: what must not be read is there to be read."""
    rows = []
    offers = [*(offer["id"] for offer in of["offers"]), "none"]
    for account in of_accounts:
        for _ in range(int(random.poisson(0.7))):
            proposed = AS_OF - timedelta(days=int(random.integers(-3, 200)))
            outcome = _one(random, "accepted", "declined", "declined", "no_response", "open")
            decided = proposed + timedelta(days=int(random.integers(0, 30)))
            rows.append(
                {
                    "account_id": account["account_id"], "offer_id": _one(random, *offers), "proposed_on": proposed,
                    "channel": _one(random, *CHANNELS), "outcome": outcome,
                    "decided_on": decided if outcome in ("accepted", "declined") else None,
                }
            )  # fmt: skip
    return rows
