"""Blocks in time, one horizon apart: no label's window touches the features of a later block."""

from collections.abc import Sequence
from datetime import date, timedelta

from data.errors import BadInput


def blocks(
    as_ofs: Sequence[date], *, horizon_days: int, last_known: date, n_test: int, n_validation: int
) -> dict[date, str]:
    """Which block each snapshot is in: train, validation, test, gap, or unlabelled (its window is not over yet).

    >>> months = [date(2026, month, 1) for month in range(1, 13)]
    >>> named = blocks(months, horizon_days=60, last_known=date(2026, 12, 31), n_test=2, n_validation=2)
    >>> " ".join(block[0] for block in named.values())
    't t t t t g v v g t t u'
    >>> blocks(months[:3], horizon_days=90, last_known=date(2026, 12, 31), n_test=1, n_validation=1)
    Traceback (most recent call last):
    data.errors.BadInput: params.yaml: split: 3 labelled snapshots (2026-01-01 to 2026-03-01) do not hold 1 for ...
    """
    horizon = timedelta(days=horizon_days)
    named = {day: "gap" if day + horizon <= last_known else "unlabelled" for day in sorted(as_ofs)}
    labelled = [day for day, block in named.items() if block == "gap"]

    test = labelled[-n_test:]
    before_test = [day for day in labelled if test and day + horizon <= test[0]]
    validation = before_test[-n_validation:]
    train = [day for day in before_test if validation and day + horizon <= validation[0]]
    if len(test) < n_test or len(validation) < n_validation or not train:
        span = f" ({labelled[0]} to {labelled[-1]})" if labelled else ""
        raise BadInput(
            f"params.yaml: split: {len(labelled)} labelled snapshots{span} do not hold {n_test} for testing, "
            f"{n_validation} for validation and one for training with a gap of {horizon_days} days between; "
            "bring more history, or shorten label.horizon_days."
        )
    for block, days in (("test", test), ("validation", validation), ("train", train)):
        named |= dict.fromkeys(days, block)
    return named
