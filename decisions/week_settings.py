"""The numbers of the team's week that a person may turn: limits, fairness, turnover, exploration."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from data.settings import Settings

Channel = Literal["csm", "email", "in_app"]
Use = Literal["contacts", "hours", "contact_cost", "discount", "money"]  # money: contact cost and discount together
Count = Annotated[float, Field(ge=0)]


class Limit(Settings):
    """A limit of the week: how much of something may be used, of all or for each value of a column.

    >>> Limit(id="e-mails", max=500, channels=["email"]).max
    500.0
    """

    id: str
    uses: Use = "contacts"
    max: float = Field(ge=0)
    per: str | None = None  # a column of accounts or of the offers; null: one limit for all together
    max_of: dict[str, Count] = {}  # another number for some values of `per`; "" is for accounts that have none
    channels: list[Channel] = []  # only contacts by these count; none named: all do
    offers: list[str] = []  # only contacts about these count; none named: all do
    days: int = Field(default=7, ge=1)  # the period; what was used earlier in it counts too

    @model_validator(mode="after")
    def _numbers_have_a_column(self) -> Self:
        if self.max_of and self.per is None:
            raise ValueError(f"limit {self.id}: max_of needs per, the column whose values it names")
        return self


class Quality(Settings):
    """A floor on the mean of a column over all who are contacted."""

    column: str
    at_least_mean: float


class Fairness(Settings):
    """What each owner gets at least, as a share of what would be theirs if nothing were shared."""

    of: Literal["money", "contacts"] = "money"
    share: float = Field(gt=0, le=1)


class Exploration(Settings):
    """How much of the week is drawn at random, and how."""

    kind: Literal["none", "epsilon", "thompson"] = "none"
    share: float = Field(default=0.1, gt=0, le=1)  # each place on the list is drawn with this probability at least
    temperature: float = Field(default=1.0, gt=0)  # thompson: times the standard error
    n_draws: int = Field(default=200, ge=20, le=10_000)  # thompson: draws that the probabilities are counted from
    spare_places: int = Field(default=0, ge=0)  # per owner: places left over, for accounts that only no_gain blocks


class Week(Settings):
    """The team's week."""

    owner_counts: Literal["contacts", "hours"] = "contacts"  # what decide.capacity_per_owner is a number of
    owner_channels: list[Channel] = Field(
        default=["csm", "email", "in_app"], min_length=1
    )  # these take an owner's time
    hours: dict[Channel, Count] = {"csm": 1.0, "email": 0.25, "in_app": 0.1}  # of an owner, per contact
    hours_of: dict[str, Count] = {}  # for these offers instead, when a CSM talks about them
    budget: float | None = Field(default=None, ge=0)  # contact cost and discount of a week, in money
    limits: list[Limit] = []
    quality: Quality | None = None
    fairness: Fairness | None = None
    max_turnover: float | None = Field(
        default=None, ge=0, le=1
    )  # share of last week's that may leave each owner's list
    explore: Exploration = Exploration()
    within: float = Field(default=1e-6, ge=0, lt=0.1)  # of the best there can be: proven so near is near enough
    nodes: int = Field(default=1_000, ge=1)  # of each search by HiGHS; beyond, the best found, with its gap

    @model_validator(mode="after")
    def _ids_are_their_own(self) -> Self:
        ids = [limit.id for limit in self.limits]
        if twice := sorted({i for i in ids if ids.count(i) > 1 or i in ("owner", "budget")}):
            raise ValueError(f"limits: the id {twice[0]} stands twice; owner and budget are the week's own")
        return self
