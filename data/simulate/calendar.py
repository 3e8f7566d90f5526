"""The months that a company is simulated over, and which of its days proposals and answers fall on."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from data.simulate.world import World

PROPOSAL_DAYS, DECISION_DAYS = 17, 9


@dataclass(frozen=True)
class Month:
    """A calendar month; `index` counts from the window's first, and is negative before it."""

    index: int
    starts_on: date
    rise_on: date | None

    @property
    def of_year(self) -> int:
        """0 is January."""
        return self.starts_on.month - 1

    @property
    def n_days(self) -> int:
        """Days of the month."""
        return (following(self.starts_on) - self.starts_on).days

    @property
    def since_rise(self) -> int | None:
        """Months since the general rise of prices; None before it."""
        if self.rise_on is None or self.starts_on < self.rise_on:
            return None
        return (self.starts_on.year - self.rise_on.year) * 12 + self.starts_on.month - self.rise_on.month

    @property
    def notice_is_over(self) -> bool:
        """Whether accounts that pay by the month pay the new prices by now: two months after the rise."""
        return self.since_rise is not None and self.since_rise >= 2

    def price_level(self, world: World) -> float:
        """The list's level this month; 1 before the rise."""
        return 1.0 if self.since_rise is None else 1.0 + world.price_rise

    def proposal_day(self, u: NDArray[np.floating]) -> NDArray[np.int64]:
        """Day of the month (0 is the first) on which a proposal goes out: a working day among the first 19."""
        return self._working(np.minimum((u * PROPOSAL_DAYS).astype(int), PROPOSAL_DAYS - 1))

    def decision_day(self, u: NDArray[np.floating], v: NDArray[np.floating]) -> NDArray[np.int64]:
        """Day of the month on which it is decided, one to nine days later."""
        return self.proposal_day(u) + 1 + np.minimum((v * DECISION_DAYS).astype(int), DECISION_DAYS - 1)

    def decided_before(self, day: int) -> float:
        """Probability that `decision_day` is below `day`."""
        proposed = self._working(np.arange(PROPOSAL_DAYS))[:, None]
        return float((proposed + 1 + np.arange(DECISION_DAYS) < day).mean())

    def _working(self, days: NDArray[np.int64]) -> NDArray[np.int64]:
        weekday = (self.starts_on.weekday() + days) % 7
        return days + np.where(weekday == 5, 2, np.where(weekday == 6, 1, 0))


def following(day: date) -> date:
    """The first of the next month.

    >>> following(date(2024, 12, 1))
    datetime.date(2025, 1, 1)
    """
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def months_until(ends_on: date, window: int, before: int, rise_on: date | None) -> list[Month]:
    """`before` months, then the window's, the last of which ends where `ends_on` begins.

    >>> [m.starts_on.isoformat() for m in months_until(date(2026, 2, 1), 2, 1, None)]
    ['2025-11-01', '2025-12-01', '2026-01-01']
    """
    count = ends_on.year * 12 + ends_on.month - 1 - window - before
    found = []
    for index in range(-before, window):
        found.append(Month(index, date(count // 12, count % 12 + 1, 1), rise_on))
        count += 1
    return found


def horizon(month: Month, days: int) -> list[Month]:
    """The months that so many days from the start of `month` touch.

    >>> [m.starts_on.month for m in horizon(Month(0, date(2026, 2, 1), None), 90)]
    [2, 3, 4, 5]
    """
    found, covered = [], 0
    while covered < days:
        found.append(month)
        covered += month.n_days
        month = Month(month.index + 1, following(month.starts_on), month.rise_on)
    return found
