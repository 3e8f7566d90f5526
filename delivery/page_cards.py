"""What the page's cards tell beside the list's own columns, as page.js reads it; null where there is nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from data.catalog import Text
from delivery.beside import Beside
from delivery.history import Story
from delivery.sentences import Phrase, Sentences

Told = list[Phrase] | None
NO_STORY = Story()


def cards(ids: Sequence[str], beside: Beside, as_of: pd.Timestamp, sentences: Sentences) -> dict[str, list[Any]]:
    """By what it is, one entry per account of `ids`; days are counted from `as_of`."""
    stories = [beside.stories.get(account, NO_STORY) for account in ids]
    return {
        "peers": [_one(beside.peers.get(account), sentences) for account in ids],
        "moved": [_one(beside.moved.get(account), sentences) for account in ids],
        "persuadable": _some(ids, beside.persuadable, sentences),
        "whatIfs": _some(ids, beside.what_ifs, sentences),
        "past": [_past(story, as_of, sentences) for story in stories],
        "lines": [_lines(story, sentences) for story in stories],
    }


def _one(text: Text | None, sentences: Sentences) -> Phrase | None:
    return None if text is None else sentences.add(text)


def _some(ids: Sequence[str], told: Mapping[str, tuple[Text, ...]], sentences: Sentences) -> list[Told]:
    return [[sentences.add(text) for text in told[account]] if account in told else None for account in ids]


def _past(story: Story, as_of: pd.Timestamp, sentences: Sentences) -> Told:
    """[[day, sentence, number, …], …], the newest first."""
    return [[(on - as_of).days, *sentences.add(text)] for on, text in story.moments] or None


def _lines(story: Story, sentences: Sentences) -> list[list[Any]] | None:
    """[[1 for money, [value, …], sentence, number, …], …]."""
    return [
        [int(line.is_money), [_short(value) for value in line.values], *sentences.add(line.name)]
        for line in story.lines
    ] or None


def _short(value: float) -> float | int:
    """As many digits as a small line can show.

    >>> _short(1234.56), _short(12.345), _short(7.0)
    (1235, 12.3, 7)
    """
    short = round(value, 1) if abs(value) < 100 else round(value)
    return int(short) if short == int(short) else short
