"""Sentences that stand beside an account on the page and in the workbook, in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from data.catalog import Text
from delivery.history import Story


@dataclass(frozen=True)
class Beside:
    """Each by account_id; an account of which there is nothing to say is not in it.

    unblock: what would open what keeps it from being sold to. peers: what accounts like it did about the offer of the
    list. moved: what moved its likelihood since the last list. persuadable: what makes it likelier to accept if asked
    than to do the same by itself, marked. what_ifs: the nearest changes that would bring the next star. stories: what
    happened before.
    """

    unblock: Mapping[str, Text] = field(default_factory=dict)
    peers: Mapping[str, Text] = field(default_factory=dict)
    moved: Mapping[str, Text] = field(default_factory=dict)
    persuadable: Mapping[str, tuple[Text, ...]] = field(default_factory=dict)
    what_ifs: Mapping[str, tuple[Text, ...]] = field(default_factory=dict)
    stories: Mapping[str, Story] = field(default_factory=dict)
