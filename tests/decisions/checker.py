"""An independent reading of the contract's gates and limits: plain Python over plain dicts, nothing of decisions/.

It takes what a company would hand over (catalog.yaml as it is parsed, the sections of params.yaml, accounts as rows,
proposals as rows) and what was decided, and says which rules were broken. Slow and literal on purpose: it is the twin
against which the decision is held, so it shares no code and no table with it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

Row = Mapping[str, Any]
HELP = ("enablement", "retention")
SILENT_AFTER_DAYS = 30


@dataclass(frozen=True)
class Broken:
    """One rule, broken once."""

    rule: str
    account_id: str
    offer_id: str
    what: str


@dataclass
class Checker:
    """A company's rules on one day.

    catalog: as YAML gives it. gates, week: sections of params.yaml, with their defaults filled in. accounts: rows by
    account_id. proposals: rows `account_id`, `offer_id`, `proposed_on`, `channel`, `outcome`, `decided_on` (dates).
    """

    catalog: Row
    gates: Row
    accounts: Mapping[str, Row]
    proposals: Iterable[Row]
    as_of: date
    week: Row = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.offers = {offer["id"]: offer for offer in self.catalog["offers"]}
        self.plans = {plan["id"]: plan for plan in self.catalog["plans"]}
        self.ladder = [plan["id"] for plan in sorted(self.catalog["plans"], key=lambda plan: plan["tier"])]
        self.add_ons = {add_on["id"]: add_on for add_on in self.catalog.get("add_ons", [])}
        self.past: dict[str, list[Row]] = defaultdict(list)
        for row in self.proposals:
            if row["offer_id"] != "none" and row["proposed_on"] < self.as_of:
                self.past[row["account_id"]].append(row)

    # ---- candidates -------------------------------------------------------------------------------------------

    def of_candidates(self, rows: Iterable[Row]) -> list[Broken]:
        """What is wrong with candidates that are said to be allowed."""
        found = []
        for row in rows:
            account, offer = self.accounts[row["account_id"]], self.offers[row["offer_id"]]
            for rule, what in self.shut(account, offer, row.get("channel"), row.get("discount_pct")):
                found.append(Broken(rule, row["account_id"], row["offer_id"], what))
        return found

    def shut(self, account: Row, offer: Row, channel: str | None, discount: float | None) -> Iterable[tuple[str, str]]:
        """Each rule that forbids this offer to this account, by this channel and at this discount."""
        if offer["kind"] not in HELP:
            yield from self._not_now(account)
            yield from self._refused(account, offer)
        until = account.get("do_not_contact_until")
        if until is not None and until > self.as_of:
            yield "do_not_contact", f"until {until}"
        yield from self._contacted(account, offer, channel)
        yield from self._rests(account, offer)
        yield from self._excluded(account, offer)
        for name, rule in (
            ("eligible", "not_eligible"),
            ("applicable", "not_applicable"),
            ("suitable", "not_suitable"),
        ):
            for condition in offer.get(name, []):
                if not _holds(condition, account.get(condition["when"])):
                    yield rule, f"{condition} but {account.get(condition['when'])}"
        yield from self._impossible(account, offer)
        begins, ends = offer.get("launched_on"), offer.get("valid_until")
        if (begins and self.as_of < _day(begins)) or (ends and self.as_of > _day(ends)):
            yield "offer_ended", f"runs {begins} to {ends}"
        if channel is not None and channel not in offer["channels"]:
            yield "channel", f"{channel} is not one of {offer['channels']}"
        if discount is not None:
            yield from self._discount(offer, discount)

    def _not_now(self, account: Row) -> Iterable[tuple[str, str]]:
        gates = self.gates
        if gates["requires_consent"] and account.get("has_opted_in") is not True:
            yield "no_consent", "has not opted in"
        days = account.get("tenure_days")
        if gates["onboarding_days"] is not None and days is not None and days < gates["onboarding_days"]:
            yield "onboarding", f"day {days}"
        if gates["blocks_serious_tickets"] and (account.get("open_serious_tickets") or 0) > 0:
            yield "serious_ticket", f"{account['open_serious_tickets']} open"
        if "red" in (account.get("health_band"), account.get("csm_sentiment")):
            yield "unhappy", "red"
        below, nps, age = gates["unhappy_nps_below"], account.get("nps_latest"), account.get("nps_age_days")
        if None not in (below, nps, age) and nps < below and age <= gates["unhappy_nps_days"]:
            yield "unhappy", f"NPS {nps}"
        change = account.get("use_change_28d")
        if None not in (gates["falling_use_below"], change) and change <= gates["falling_use_below"]:
            yield "falling_use", f"{change}"

    def _answers(self, account: Row, answer: str) -> Iterable[tuple[str, int]]:
        """Offer and days since such an answer was known, for each that is."""
        for row in self.past[account["account_id"]]:
            decided = row.get("decided_on")
            if row["outcome"] == answer and decided is not None and decided < self.as_of:
                yield row["offer_id"], (self.as_of - decided).days
            elif row["outcome"] == answer == "no_response" and decided is None:
                age = (self.as_of - row["proposed_on"]).days
                if age > SILENT_AFTER_DAYS:
                    yield row["offer_id"], age - SILENT_AFTER_DAYS

    def _refused(self, account: Row, offer: Row) -> Iterable[tuple[str, str]]:
        gates = self.gates
        rest = gates.get("cool_down_days", {}).get("declined", gates.get("refusal_days"))
        if rest is None:
            return
        own = (offer.get("cool_down_days") or {}).get("declined")
        for which, days in self._answers(account, "declined"):
            if days < rest:
                yield "recent_refusal", f"{which} declined {days} days ago"
            if which == offer["id"] and days < (own if own is not None else gates["same_offer_refusal_days"]):
                yield "recent_refusal", f"this very offer was declined {days} days ago"

    def _contacted(self, account: Row, offer: Row, channel: str | None) -> Iterable[tuple[str, str]]:
        limits = self.gates.get("contact_limits")
        if limits is None:
            most = self.gates.get("max_contacts_30d")
            limits = [] if most is None else [{"channel": None, "max": most, "days": 30}]
        for limit in limits:
            if limit.get("channel") is not None and limit["channel"] != channel:
                continue
            count = sum(
                (self.as_of - row["proposed_on"]).days <= limit["days"]
                and limit.get("channel") in (None, row.get("channel"))
                for row in self.past[account["account_id"]]
            )
            if count >= limit["max"]:
                yield "contact_limit", f"{count} contacts in {limit['days']} days"

    def _rests(self, account: Row, offer: Row) -> Iterable[tuple[str, str]]:
        """Cool-downs after an answer other than a refusal, of the account and of the offer itself."""
        policy = self.gates.get("cool_down_days", {}) if offer["kind"] not in HELP else {}
        own = offer.get("cool_down_days") or {}
        for answer in ("accepted", "no_response", "declined"):
            for which, days in self._answers(account, answer):
                if answer != "declined" and (policy.get(answer) or 0) > days:
                    yield "contact_limit", f"{which}: {answer} {days} days ago"
                if which == offer["id"] and (own.get(answer) or 0) > days:
                    yield "contact_limit", f"this very offer: {answer} {days} days ago"

    def _excluded(self, account: Row, offer: Row) -> Iterable[tuple[str, str]]:
        rest = self.gates.get("exclusion_days")
        if rest is None:
            return
        against = {o["id"] for o in self.catalog["offers"] if offer["id"] in o.get("excludes", [])}
        against |= set(offer.get("excludes", []))
        lapses = self.gates.get("open_proposal_days")
        for row in self.past[account["account_id"]]:
            age = (self.as_of - row["proposed_on"]).days
            if row["offer_id"] in against and age < rest:
                yield "not_applicable", f"{row['offer_id']}, which it excludes, was made {age} days ago"
            decided = row.get("decided_on")
            is_silent = row["outcome"] == "no_response" and age > SILENT_AFTER_DAYS
            is_open = not (decided is not None and decided < self.as_of) and not is_silent
            if is_open and row["offer_id"] in against | {offer["id"]} and (lapses is None or age <= lapses):
                yield "not_applicable", f"{row['offer_id']} is still open"

    def _impossible(self, account: Row, offer: Row) -> Iterable[tuple[str, str]]:
        """It would change nothing, or leap over a tier."""
        changes = offer.get("changes", {})
        if changes.get("trial_of"):
            changes = self.offers[changes["trial_of"]].get("changes", {})
        place = self.ladder.index(account["plan_id"])
        target = place + (changes.get("tier") or 0)
        if abs(target - place) > 1:
            yield "not_eligible", "a leap over a tier"
        if not 0 <= target < len(self.ladder):
            yield "not_eligible", "no plan there"
            return
        plan = self.plans[self.ladder[target]]
        for name in changes.get("add_ons", []):
            add_on = self.add_ons[name]
            if name in (account.get("add_ons") or "").split():
                yield "not_eligible", f"{name} is owned"
            opens = [f for f in add_on.get("features", []) if f not in plan["features"]]
            widens = [m for m, more in add_on.get("limits", {}).items() if more and plan["limits"].get(m) is not None]
            if (add_on.get("features") or add_on.get("limits")) and not opens and not widens:
                yield "not_eligible", f"{name} adds nothing to {plan['id']}"
        if changes.get("billing") and changes["billing"] == account["billing"]:
            yield "not_eligible", "billed so already"
        if changes.get("seats_pct") and (
            not account["seats"] or not self.plans[account["plan_id"]].get("price_per_seat")
        ):
            yield "not_eligible", "no seats to add"

    def _discount(self, offer: Row, discount: float) -> Iterable[tuple[str, str]]:
        rules = offer.get("discounts", {})
        if discount not in rules.get("steps_pct", [0]):
            yield "discount_step", f"{discount} is not one of {rules.get('steps_pct', [0])}"
        if discount and 100 - discount < rules.get("min_margin_pct", 0):
            yield "discount_floor", f"{discount} % off leaves less than {rules['min_margin_pct']} %"

    # ---- the week ---------------------------------------------------------------------------------------------

    def of_week(self, rows: Iterable[Row], candidates: Iterable[Row], withheld: Iterable[str] = ()) -> list[Broken]:
        """What is wrong with those who are to be contacted.

        rows: who is contacted about what. candidates: what was allowed. withheld: accounts of the holdout.
        """
        rows, held = list(rows), set(withheld)
        allowed = {(c["account_id"], c["offer_id"], c["channel"], c["discount_pct"]) for c in candidates}
        found = self.of_candidates(rows)
        seen: set[str] = set()
        for row in rows:
            account_id, offer_id = row["account_id"], row["offer_id"]
            if account_id in seen:
                found.append(Broken("one_action", account_id, offer_id, "contacted twice"))
            seen.add(account_id)
            if account_id in held:
                found.append(Broken("holdout", account_id, offer_id, "is held out"))
            if (account_id, offer_id, row["channel"], row["discount_pct"]) not in allowed:
                found.append(Broken("not_a_candidate", account_id, offer_id, "was not allowed"))
            above = self.offers[offer_id].get("discounts", {}).get("approval_above_pct", 0)
            if row.get("needs_approval") is False and row["discount_pct"] > above:
                found.append(Broken("approval", account_id, offer_id, f"{row['discount_pct']} % without approval"))
        return found + self._limits(rows)

    def _limits(self, rows: list[Row]) -> list[Broken]:
        week = self.week
        if not week:
            return []
        limits = [
            {
                "id": "owner", "uses": week["owner_counts"], "per": "owner_id", "channels": week["owner_channels"],
                "max": week["per_owner"], "max_of": {"": week["without_owner"]},
            }
        ]  # fmt: skip
        if week.get("budget") is not None:
            limits.append({"id": "budget", "uses": "money", "max": week["budget"]})
        found = []
        for limit in [*limits, *week.get("limits", [])]:
            used: dict[str, float] = defaultdict(float)
            for row in rows:
                if limit.get("channels") and row["channel"] not in limit["channels"]:
                    continue
                if limit.get("offers") and row["offer_id"] not in limit["offers"]:
                    continue
                group = self._group(row, limit.get("per"))
                used[group] += self._amount(row, limit.get("uses", "contacts"))
            for group, amount in used.items():
                most = limit.get("max_of", {}).get(group, limit["max"])
                if amount > most + 1e-6 * max(1.0, most):
                    found.append(Broken(f"limit {limit['id']}", "", "", f"{group!r}: {amount} of {most}"))
        return found

    def _group(self, row: Row, per: str | None) -> str:
        if per is None:
            return ""
        value = row[per] if per in ("offer_id", "channel") else self.accounts[row["account_id"]].get(per)
        return "" if value is None else str(value)

    def _amount(self, row: Row, uses: str) -> float:
        offer, channel = self.offers[row["offer_id"]], row["channel"]
        cost = float(offer.get("contact_cost", 0))
        share = row["discount_pct"] / 100
        chance = row.get("p_accept")
        if chance is None or chance != chance:  # null
            chance = self.accounts[row["account_id"]]["propensity"]
        given_away = chance * row["value"] / (1 - share) * share if 0 < share < 1 else 0.0
        if uses == "contacts":
            return 1.0
        if uses == "hours":
            own = self.week["hours_of"].get(row["offer_id"]) if channel == "csm" else None
            return float(own if own is not None else self.week["hours"].get(channel, 0))
        return {"contact_cost": cost, "discount": given_away, "money": cost + given_away}[uses]


def _holds(condition: Row, value: Any) -> bool:
    if value is None:
        return False
    if condition.get("at_least") is not None and not value >= condition["at_least"]:
        return False
    if condition.get("at_most") is not None and not value <= condition["at_most"]:
        return False
    if condition.get("equals") is not None and value != condition["equals"]:
        return False
    return condition.get("in") is None or value in condition["in"]


def _day(given: str | date) -> date:
    return given if isinstance(given, date) else date.fromisoformat(given)
