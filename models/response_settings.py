"""The numbers of learning the response to offers that a person may turn."""

from typing import Annotated

from pydantic import Field

from data.settings import Settings


class Respond(Settings):
    """How the response to offers is learnt.

    >>> Respond(min_proposals=0).min_proposals
    0
    """

    # With fewer answered proposals nothing is learnt, and decisions go by propensity.
    min_proposals: Annotated[int, Field(ge=0)] = 300
    # The span of p_organic, and of nothing else.
    horizon_days: Annotated[int, Field(ge=28, le=365)] = 90
    # Rows from which the organic model learns, for each span; of more, some at random.
    max_organic_rows: Annotated[int, Field(ge=1000)] = 60_000
    # Of the latest proposals, this share judges the calibration.
    later_share: Annotated[float, Field(gt=0, lt=1)] = 0.25
    # A (offer | features) proposed less often than this times its fair share was hardly ever proposed.
    overlap_floor: Annotated[float, Field(gt=0, lt=1)] = 0.1
