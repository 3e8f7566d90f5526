"""The numbers of what goes together that a person may turn. No heavy imports."""

from typing import Annotated

from pydantic import Field

from data.settings import Settings


class Combine(Settings):
    """How long after one purchase another still counts as following it, and how much it takes to say so."""

    within_days: Annotated[int, Field(ge=1)] = 180
    # Accounts that are compared with one: the nearest in use, on the same plan and of the same size.
    n_peers: Annotated[int, Field(ge=2)] = 20
    # With fewer comparable accounts nothing is said of an account.
    min_peers: Annotated[int, Field(ge=1)] = 10
    # A pair is listed from so many accounts on that could have added the second, and suggested from so many that did.
    min_at_risk: Annotated[int, Field(ge=1)] = 20
    min_added: Annotated[int, Field(ge=1)] = 5
    # Purchases as the peers make them that a pair's lift is shrunk with.
    prior_events: Annotated[float, Field(ge=0)] = 5.0
    interval: Annotated[float, Field(gt=0, lt=1)] = 0.95
    # Seats from which on an account is of the next size.
    size_from_seats: tuple[float, ...] = (20, 100)
