"""The catalogue (`catalog.yaml`): what the company sells, and how each of it may be offered."""

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from data.settings import Settings

Language = Literal["en", "ja"]
OfferKind = Literal["upgrade", "seats", "add_on", "bundle", "annual", "trial", "enablement", "retention"]
HELP = ("enablement", "retention")  # these sell nothing: they pass every gate but do_not_contact and contact_limit
Channel = Literal["csm", "email", "in_app"]
# the gates behind which an account may still be helped (decisions/gates.py has them all; a test holds both together)
NeedGate = Literal["no_consent", "onboarding", "serious_ticket", "unhappy", "falling_use", "recent_refusal"]
Days = Annotated[int, Field(ge=0)]


class Text(Settings):
    """A text that stands in both languages. A plain string is the same in both.

    >>> Text(en="Dashboards", ja="ダッシュボード").ja
    'ダッシュボード'
    >>> Text.model_validate("GB").ja
    'GB'
    """

    en: str
    ja: str

    @model_validator(mode="before")
    @classmethod
    def _same_in_both(cls, given: Any) -> Any:
        return {"en": given, "ja": given} if isinstance(given, str) else given

    def __getitem__(self, language: Language) -> str:
        return self.ja if language == "ja" else self.en


class Metric(Settings):
    """A metric of `meters`. A gauge is a level; a monthly counter adds up from the month's first day."""

    id: str
    kind: Literal["gauge", "monthly_counter"]
    unit: Text
    name: Text

    @model_validator(mode="before")
    @classmethod
    def _named_by_its_id(cls, given: Any) -> Any:
        return {"name": str(given.get("id", "")).replace("_", " "), **given} if isinstance(given, dict) else given


class ProductFeature(Settings):
    """A feature of the product, as `usage` names it. Core: what one must use to get the product's value."""

    id: str
    name: Text
    is_core: bool = False


class Plan(Settings):
    """A plan. `limits`: per metric, or `seats`; null is unlimited, and so is a metric that is not named."""

    id: str
    name: Text
    tier: int = Field(ge=0)
    price_per_month: float = Field(ge=0)
    price_per_seat: float = Field(ge=0)
    limits: dict[str, float | None] = {}
    features: list[str]


class AddOn(Settings):
    """An add-on: what it costs, the limits that it adds, the features that it opens."""

    id: str
    name: Text
    price_per_month: float = Field(ge=0)
    price_per_seat: float = Field(default=0, ge=0)
    limits: dict[str, float | None] = {}
    features: list[str] = []
    partner: str | None = None


class Condition(Settings):
    """A condition on an account feature (docs/features.md) or a column of the list.

    >>> Condition(when="plan_tier", at_most=1).at_most
    1.0
    """

    when: str
    at_least: float | None = None
    at_most: float | None = None
    equals: str | float | bool | None = None
    in_: list[str | float] | None = Field(default=None, alias="in")

    @field_validator("equals", mode="before")
    @classmethod
    def _equals_one_value(cls, given: Any) -> Any:
        if not isinstance(given, str | float | int | None):
            raise ValueError(
                "give one text (in quotes), a number, true or false; several texts or numbers go into `in`"
            )
        return given

    @field_validator("in_", mode="before")
    @classmethod
    def _in_several_values(cls, given: Any) -> Any:
        def is_plain(value: Any) -> bool:
            return isinstance(value, str | float | int) and not isinstance(value, bool)

        if not isinstance(given, list | None) or not all(is_plain(value) for value in given or []):
            raise ValueError("give a list of texts (in quotes) or of numbers; one value goes into `equals`")
        return given

    @model_validator(mode="after")
    def _has_a_test(self) -> Self:
        if self.at_least is None and self.at_most is None and self.equals is None and not self.in_:
            raise ValueError(f"the condition on {self.when} tests nothing: give at_least, at_most, equals or in")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(
                f"the condition on {self.when} never holds: at_least ({self.at_least:g}) is above at_most "
                f"({self.at_most:g})"
            )
        return self


class Discounts(Settings):
    """The steps a discount may take, who approves above a limit, and the margin that must remain."""

    steps_pct: list[Annotated[float, Field(ge=0, le=100)]] = Field(default=[0], min_length=1)
    approval_above_pct: float = Field(default=0, ge=0, le=100)
    approver: Text | None = None
    min_margin_pct: float = Field(default=0, ge=0, le=100)

    @field_validator("steps_pct")
    @classmethod
    def _ascend(cls, steps: list[float]) -> list[float]:
        if steps != sorted(set(steps)):
            raise ValueError("each step must be above the one before it")
        return steps


class Changes(Settings):
    """What accepting the offer changes."""

    tier: int | None = Field(default=None, ge=-1, le=1)  # never a leap
    seats_pct: float | None = Field(default=None, gt=0)
    add_ons: list[str] = []
    billing: Literal["monthly", "annual"] | None = None
    trial_of: str | None = None
    days: int | None = Field(default=None, gt=0)


class Roi(Settings):
    """The assumptions behind the sentence on return: stated, so that a customer may doubt them."""

    hours_saved_per_active_user_per_month: float = Field(ge=0)
    hourly_wage: float = Field(ge=0)


class Step(Settings):
    """A step of the playbook: who does what by when."""

    who: Text
    what: Text
    within_days: int = Field(ge=0)


class Proof(Settings):
    """What a similar customer got from it. Null segment or industry: fits all."""

    segment: Literal["small", "mid", "large"] | None = None
    industry: str | None = None
    text: Text


class CoolDown(Settings):
    """Days to wait after an answer, counted from the day on which it was known; null: none.

    An offer that nobody answered counts as `no_response` from its 31st day on.
    """

    accepted: Days | None = None
    declined: Days | None = None
    no_response: Days | None = None


class Offer(Settings):
    """Something to say to a customer: sell, try, help or keep.

    excludes: the offers that are not made beside this one, in both directions: neither within `gates.exclusion_days` of
        the other nor while the other is still open.
    cool_down_days: how long this very offer rests after an answer, where the policy's numbers are not enough.
    instead_of: of help, the gates behind which it comes before all other help.
    """

    id: str
    kind: OfferKind
    name: Text
    changes: Changes = Changes()
    channels: list[Channel] = Field(min_length=1)
    contact_cost: float = Field(default=0, ge=0)
    launched_on: date | None = None
    valid_until: date | None = None
    discounts: Discounts = Discounts()
    eligible: list[Condition] = []
    applicable: list[Condition] = []
    suitable: list[Condition] = []
    excludes: list[str] = []
    cool_down_days: CoolDown = CoolDown()
    instead_of: list[NeedGate] = []
    roi: Roi | None = None
    playbook: list[Step] = []
    talk_track: Text | None = None
    proof: list[Proof] = []

    @property
    def is_help(self) -> bool:
        """Whether it sells nothing and so passes the not-now gates."""
        return self.kind in HELP

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.launched_on and self.valid_until and self.valid_until < self.launched_on:
            raise ValueError(
                f"offer {self.id} never runs: valid_until ({self.valid_until}) is before launched_on "
                f"({self.launched_on})"
            )
        return self

    @model_validator(mode="after")
    def _only_help_stands_in(self) -> Self:
        if self.instead_of and not self.is_help:
            raise ValueError(
                f"offer {self.id} sells something and stands in for nothing: instead_of is for {' and '.join(HELP)}"
            )
        return self


class Catalog(Settings):
    """All that is sold, in one currency."""

    currency: str
    metrics: list[Metric]
    features: list[ProductFeature]
    plans: list[Plan] = Field(min_length=1)
    add_ons: list[AddOn] = []
    offers: list[Offer] = []

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        for kind in ("metrics", "features", "plans", "add_ons", "offers"):
            ids = [item.id for item in getattr(self, kind)]
            if twice := sorted({i for i in ids if ids.count(i) > 1}):
                raise ValueError(f"{kind}: the id {twice[0]} stands twice")
        tiers = [plan.tier for plan in self.plans]
        if twice_tier := sorted({t for t in tiers if tiers.count(t) > 1}):
            raise ValueError(f"plans: two of them have tier {twice_tier[0]}; each needs its own")
        if both := sorted({plan.id for plan in self.plans} & {add_on.id for add_on in self.add_ons}):
            raise ValueError(f"{both[0]} is both a plan and an add-on; give one another id")
        known = {feature.id for feature in self.features}
        metrics = {metric.id for metric in self.metrics} | {"seats"}
        add_ons = {add_on.id for add_on in self.add_ons}
        offers = {offer.id for offer in self.offers} | {"none"}
        if "none" in {offer.id for offer in self.offers}:
            raise ValueError("offers: `none` is the name of holding an account out; give the offer another id")
        for product in self.products.values():
            if unknown := sorted(set(product.features) - known):
                raise ValueError(f"{product.id}: feature {unknown[0]} is not among the features")
            if unknown := sorted(set(product.limits) - metrics):
                raise ValueError(f"{product.id}: limit {unknown[0]} is neither a metric nor seats")
        for offer in self.offers:
            if unknown := sorted(set(offer.changes.add_ons) - add_ons):
                raise ValueError(f"offer {offer.id}: add-on {unknown[0]} is not among the add-ons")
            if offer.changes.trial_of and offer.changes.trial_of not in offers:
                raise ValueError(f"offer {offer.id}: trial of {offer.changes.trial_of}, which is no offer")
            if unknown := sorted(set(offer.excludes) - (offers - {"none"})):
                raise ValueError(f"offer {offer.id}: excludes {unknown[0]}, which is no offer")
            if offer.id in offer.excludes:
                raise ValueError(
                    f"offer {offer.id}: excludes itself; how soon it may be made again is said by cool_down_days"
                )
        return self

    def excluded_by(self, offer: Offer) -> list[str]:
        """The offers that are not made beside this one, whichever of the two says so, in the catalogue's order."""
        return [other.id for other in self.offers if other.id in offer.excludes or offer.id in other.excludes]

    @property
    def products(self) -> dict[str, Plan | AddOn]:
        """Plans and add-ons by their ids: what a subscription may be of."""
        plans: dict[str, Plan | AddOn] = {plan.id: plan for plan in self.plans}
        return plans | {add_on.id: add_on for add_on in self.add_ons}

    def plan(self, plan_id: str) -> Plan:
        """The plan with this id."""
        return next(plan for plan in self.plans if plan.id == plan_id)

    def plan_beside(self, plan_id: str, steps: int) -> Plan | None:
        """The plan `steps` places up (or down) the order of tiers; None at the end.

        Places, not numbers: where tiers are 0, 10 and 20, one up from 0 is 10.
        """
        ladder = sorted(self.plans, key=lambda plan: plan.tier)
        place = next(i for i, plan in enumerate(ladder) if plan.id == plan_id) + steps
        return ladder[place] if 0 <= place < len(ladder) else None

    def pressing_metric(self, limit: str) -> str:
        """The metric that presses on a limit: the limit named `seats` is pressed on by `active_users`."""
        return "active_users" if limit == "seats" else limit
