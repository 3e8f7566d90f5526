"""How long until an effect can be seen: weeks of list against holdout.

A two-sided test of the difference of two means, by account. Each week `accounts_per_week` accounts are due; a share h
of them is held out. An account that comes back brings a second outcome that resembles its first (correlation ρ), so m
outcomes of each of n accounts weigh as n·m / (1 + (m − 1) ρ) (Kish's design effect, 1965). Once all accounts have been
seen, more weeks add only repeats, and with ρ > 0 there are effects that no number of weeks will show.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from data.errors import BadInput


@dataclass(frozen=True)
class Design:
    """What is compared.

    accounts_per_week: due for contact each week, held out or not. n_accounts: how many there are in all.
    holdout_share: in (0, 1). sd: of one outcome, in its unit (of a rate p: √(p (1 − p)), see `of_rate`).
    correlation: of two outcomes of one account. known_after_days: when an outcome is known.
    """

    accounts_per_week: float
    n_accounts: float
    holdout_share: float
    sd: float
    correlation: float = 0.0
    known_after_days: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.holdout_share < 1:
            raise BadInput(
                f"power: holdout_share is {self.holdout_share:g}; nothing can be compared unless it is in (0, 1)."
            )
        if min(self.accounts_per_week, self.n_accounts, self.sd) <= 0:
            raise BadInput("power: accounts_per_week, n_accounts and sd must be above 0.")
        if not 0 <= self.correlation <= 1:
            raise BadInput(f"power: correlation is {self.correlation:g}; it lies in [0, 1].")


def of_rate(rate: float) -> float:
    """Standard deviation of an outcome that happens with this rate.

    >>> round(of_rate(0.1), 9)
    0.3
    """
    return float(np.sqrt(rate * (1 - rate)))


def standard_error(design: Design, weeks: float) -> float:
    """Of the difference of the two means, after so many weeks."""
    accounts = min(design.n_accounts, design.accounts_per_week * weeks)
    repeats = design.accounts_per_week * weeks / accounts
    each = design.sd**2 * (1 + (repeats - 1) * design.correlation) / repeats / accounts
    return float(np.sqrt(each / design.holdout_share + each / (1 - design.holdout_share)))


def power(design: Design, effect: float, weeks: float, *, level: float = 0.05) -> float:
    """Probability that a two-sided test at this level calls the effect, if it is there.

    >>> round(power(Design(1000, 20_000, 0.5, sd=1.0), 0.0, 4), 3)
    0.05
    """
    z, shift = stats.norm.ppf(1 - level / 2), effect / standard_error(design, weeks)
    return float(stats.norm.sf(z - shift) + stats.norm.cdf(-z - shift))


def weeks_until(
    design: Design, effect: float, *, wanted: float = 0.8, level: float = 0.05, at_most: int = 520
) -> int | None:
    """Weeks until the effect is seen with probability `wanted`, the wait for outcomes included; None: not in `at_most`.

    Weeks of contact are counted first, then the days until the last of them is known.

    >>> weeks_until(Design(400, 20_000, 0.1, sd=of_rate(0.12)), 0.03)
    26
    >>> weeks_until(Design(400, 2_000, 0.05, sd=of_rate(0.12), correlation=0.5), 0.01) is None
    True
    """
    if effect == 0:
        return None
    if power(design, effect, at_most, level=level) < wanted:
        return None
    low, high = 0, at_most  # power grows with the weeks
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(design, effect, middle, level=level) >= wanted else (middle, high)
    return high + -(-design.known_after_days // 7)


def smallest_effect(design: Design, weeks: float, *, wanted: float = 0.8, level: float = 0.05) -> float:
    """The effect that is seen with probability `wanted` after so many weeks of contact (the far tail left out)."""
    return float((stats.norm.ppf(1 - level / 2) + stats.norm.ppf(wanted)) * standard_error(design, weeks))
