"""What-ifs in words: a change of one thing, and what the model makes of it; the audit's sentence and the card's."""

from collections.abc import Mapping, Sequence
from typing import Any

from data.catalog import Text

N_BRIEFLY = 3


def said(change: Mapping[str, Any]) -> Text:
    """A change of pipelines/what_ifs.py with the probability before and after.

    >>> words = {"text_en": "Logins: 3 → 9", "text_ja": "ログイン: 3 → 9"}
    >>> said({**words, "propensity_now": 0.1, "propensity_then": 0.204}).ja
    'ログイン: 3 → 9（10.0% → 20.4%）'
    """
    then = f"{change['propensity_now']:.1%} → {change['propensity_then']:.1%}"
    return Text(en=f"{change['text_en']} ({then})", ja=f"{change['text_ja']}（{then}）")


def briefly(changes: Sequence[Mapping[str, Any]]) -> tuple[Text, ...]:
    """The nearest few of the changes, which come by goal and then by size."""
    return tuple(said(change) for change in changes[:N_BRIEFLY])
