"""The page's cards as a test reads them: what each account's card tells, in one language."""

import json
import re
from typing import Any


def cards_of(html: str, language: int = 0) -> dict[str, dict[str, Any]]:
    """By account_id: list, persuadable, whatIfs, past as (day, text), lines as (name, values). language: 0 en, 1 ja."""
    found = re.search(r'id="content">(.*?)</script>', html, re.DOTALL)
    assert found
    data = json.loads(found.group(1))

    def said(phrase: list[Any]) -> str:
        place, *numbers = phrase
        return "".join(numbers[p] if isinstance(p, int) else p for p in data["sentences"][place][language])

    return {
        account: {
            "list": data["accounts"]["list"][i],
            **{name: [said(phrase) for phrase in data[name][i] or []] for name in ("persuadable", "whatIfs")},
            "past": [(day, said(phrase)) for day, *phrase in data["past"][i] or []],
            "lines": [(said(phrase), values) for _, values, *phrase in data["lines"][i] or []],
        }
        for i, account in enumerate(data["accounts"]["id"])
    }
