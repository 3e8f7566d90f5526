"""The numbers of `upsell measure` that a person may turn."""

from pydantic import Field

from data.settings import Settings


class Measure(Settings):
    """From how much on `upsell measure` tells a figure, and how sure its intervals are.

    min_answers: decided proposals of an offer, accounts of an owner. min_accounts: on either side of the holdout, and
    among the top ranks.
    """

    interval: float = Field(default=0.95, gt=0, lt=1)
    min_answers: int = Field(default=10, ge=1)
    min_accounts: int = Field(default=20, ge=2)
    top_ranks: int = Field(default=20, ge=1)
