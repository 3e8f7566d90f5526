"""Sentences that stand beside an account on the page and in the workbook, in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from data.catalog import Text


@dataclass(frozen=True)
class Beside:
    """Each by account_id; an account of which there is nothing to say is not in it.

    unblock: what would open what keeps it from being sold to. peers: what accounts like it did about the offer of the
    list. moved: what moved its likelihood since the last list.
    """

    unblock: Mapping[str, Text] = field(default_factory=dict)
    peers: Mapping[str, Text] = field(default_factory=dict)
    moved: Mapping[str, Text] = field(default_factory=dict)
