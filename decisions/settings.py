"""The numbers of deciding that a person may turn: gates, capacity, holdout, money."""

from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from data.catalog import Channel, CoolDown, OfferKind
from data.settings import Settings
from decisions.week_settings import Week


class ContactLimit(Settings):
    """At most `max` offers put to an account in `days` days, by one channel or (null) by all of them together."""

    channel: Channel | None = None
    max: int = Field(ge=0)
    days: int = Field(ge=1)


class AccountCoolDown(CoolDown):
    """Days in which nothing is sold to an account after its answer to any offer; null: none.

    After a refusal the gate is called `recent_refusal`, after the others `contact_limit`.
    """

    accepted: int | None = Field(default=30, ge=0)
    declined: int | None = Field(default=90, ge=0)
    no_response: int | None = Field(default=14, ge=0)


class Gates(Settings):
    """When not to sell. Each gate of the contract with its number; null switches a gate off."""

    requires_consent: bool = True
    onboarding_days: int | None = Field(default=60, ge=0)
    blocks_serious_tickets: bool = True
    unhappy_nps_below: int | None = Field(default=7, ge=0, le=10)
    unhappy_nps_days: int = Field(default=90, ge=1)
    falling_use_below: float | None = Field(default=-0.3, le=0)  # use_change_28d at or under this
    cool_down_days: AccountCoolDown = AccountCoolDown()
    same_offer_refusal_days: int = Field(default=180, ge=0)
    contact_limits: tuple[ContactLimit, ...] = (ContactLimit(max=2, days=30),)
    exclusion_days: int = Field(default=30, ge=0)  # between two offers of which one excludes the other
    open_proposal_days: int | None = Field(default=90, ge=1)  # unanswered for longer it is no longer open; null: ever

    @field_validator("contact_limits")
    @classmethod
    def _one_limit_each(cls, limits: tuple[ContactLimit, ...]) -> tuple[ContactLimit, ...]:
        scopes = [(limit.channel, limit.days) for limit in limits]
        if twice := [scope for scope in scopes if scopes.count(scope) > 1]:
            raise ValueError(f"two limits are on {twice[0][0] or 'all channels'} in {twice[0][1]} days; keep one")
        return limits


class Segments(Settings):
    """Sizes of customers by seats: mid from here, large from there."""

    mid_from_seats: int = Field(default=20, ge=1)
    large_from_seats: int = Field(default=100, ge=1)

    @model_validator(mode="after")
    def _mid_is_below_large(self) -> Self:
        if self.mid_from_seats >= self.large_from_seats:
            raise ValueError(
                f"mid_from_seats ({self.mid_from_seats}) must be below large_from_seats ({self.large_from_seats})"
            )
        return self


class Factors(Settings):
    """Which factors of the priority count; one that does not is 1, a cost 0 (decisions/menu.py)."""

    uplift: bool = True
    context: bool = True
    value: bool = True
    levers: bool = True
    harm: bool = True
    contact_cost: bool = True


class Decide(Settings):
    """Money and the team's week."""

    capacity_per_owner: int = Field(default=12, ge=0)  # accounts that a CSM can talk to in a week
    capacity_without_owner: int = Field(default=5, ge=0)  # taken by whoever has time
    holdout_share: float = Field(default=0.05, ge=0, lt=1)
    holdout_salt: str = "2026"
    contact_within_days: int = Field(default=7, ge=1)
    # a lever weighs a kind of offer on purpose; a trial earns only if it is bought in the end
    levers: dict[OfferKind, Annotated[float, Field(ge=0)]] = {"trial": 0.3}
    factors: Factors = Factors()
    gross_margin_pct: float = Field(default=80.0, gt=0, le=100)  # of revenue, before a discount; floors are held to it
    needs_signal: bool = True  # sell nothing where the model was judged, and not found better than the base rate
    nurture: bool = True  # offer help where nothing may be sold
    week: Week = Week()
    stars_from_lift: tuple[float, float, float, float] = (0.75, 1.5, 2.5, 4.0)  # of the base rate, for 2, 3, 4, 5 stars

    @field_validator("stars_from_lift")
    @classmethod
    def _stars_ascend(cls, lifts: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        if lifts[0] <= 0 or any(above <= below for below, above in pairwise(lifts)):
            raise ValueError("the first must be above 0, and each other above the one before it")
        return lifts
