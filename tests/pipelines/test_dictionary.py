"""docs/features.md is what the features say of themselves."""

from pathlib import Path

import pytest

from pipelines import dictionary

ROOT = Path(__file__).parents[2]


def test_the_page_is_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = (ROOT / dictionary.PAGE).read_text(encoding="utf-8")
    assert found == dictionary.text(), "run `python -m pipelines.dictionary` and commit docs/features.md"
