"""Sentences of the page, each kept once: most of what forty thousand reasons say is the same but for its numbers."""

import json
import re
from typing import Any

from data.catalog import Text

NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
Phrase = list[Any]  # [sentence, number, …]: an index into Sentences, and the numbers that fill it


class Sentences:
    """Sentences kept once each, with their numbers taken out: forty thousand reasons are a few hundred sentences.

    >>> sentences = Sentences()
    >>> sentences.add(Text(en="Used 23 of 28 days", ja="28日のうち23日利用"))
    [0, '23', '28']
    >>> sentences.add(Text(en="Used 4 of 28 days", ja="28日のうち4日利用"))
    [0, '4', '28']
    >>> sentences.kept
    [[['Used ', 0, ' of ', 1, ' days'], [1, '日のうち', 0, '日利用']]]
    """

    def __init__(self) -> None:
        self.kept: list[list[list[str | int]]] = []
        self._places: dict[str, int] = {}

    def add(self, text: Text) -> Phrase:
        """The text as a sentence's place and its numbers."""
        numbers: list[str] = []
        both = [_without_numbers(text.en, numbers), _without_numbers(text.ja, numbers)]
        key = json.dumps(both)
        if key not in self._places:
            self._places[key] = len(self.kept)
            self.kept.append(both)
        return [self._places[key], *numbers]


def _without_numbers(text: str, numbers: list[str]) -> list[str | int]:
    """The parts of `text`, numbers replaced by their places in `numbers`, which grows where one is not there yet."""
    parts: list[str | int] = []
    end = 0
    for found in NUMBER.finditer(text):
        if found.start() > end:
            parts.append(text[end : found.start()])
        if found.group() not in numbers:
            numbers.append(found.group())
        parts.append(numbers.index(found.group()))
        end = found.end()
    if end < len(text):
        parts.append(text[end:])
    return parts
