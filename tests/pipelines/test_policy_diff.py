"""`upsell policy diff`: which parameters it takes from a file, and what it says."""

from pathlib import Path

import pytest

from data.errors import BadInput
from decisions.difference import difference
from pipelines import policy_diff
from tests.decisions.test_difference import AFTER, BEFORE

ROOT = Path(__file__).parents[2]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the project's params.yaml and catalogue, and no list."""
    for name in ("params.yaml", "catalog.yaml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_file_of_a_few_keys_is_laid_over_and_a_whole_one_replaces(here: Path) -> None:
    (here / "few.yaml").write_text("gates: {onboarding_days: 90}\nrun: {seed: 8}\n")
    params, others = policy_diff._params(here / "few.yaml")
    assert params.gates.onboarding_days == 90
    assert params.gates.contact_limits[0].max == 2
    assert others == ["run"]  # played no part, and it says so
    whole = (here / "params.yaml").read_text().replace("levers: {trial: 0.3}", "levers: {}")
    (here / "whole.yaml").write_text(whole)
    params, others = policy_diff._params(here / "whole.yaml")
    assert params.decide.levers == {}  # a key that was taken out is out
    assert others == []


def test_what_is_not_as_it_should_be_is_told_in_a_sentence(here: Path) -> None:
    with pytest.raises(BadInput, match=r"decisions\.parquet: there is no such file yet; run `dvc repro`"):
        policy_diff.policy_diff()
    (here / "typo.yaml").write_text("gates: {onboarding_day: 90}\n")
    with pytest.raises(BadInput, match="onboarding_day is not a known key; did you mean onboarding_days"):
        policy_diff._params(here / "typo.yaml")
    with pytest.raises(BadInput, match="there is no such file"):
        policy_diff._params(here / "none.yaml")


def test_what_it_says() -> None:
    about = {"as_of": "2026-06-01", "currency": "EUR", "not_looked_at": ["run"]}
    text = policy_diff.as_text(about | difference(BEFORE, AFTER))
    for line in (
        "Differs too, and is not part of this: run.",
        "To contact: 3 before, 3 after. Expected ARR: €240 before, €460 after (+€220).",
        "Of that, entering +€300, leaving -€80, offered something else +€10, the same at another value -€10.",
        "  enters         y          upgrade by csm at -5 %  +€300  (was none, onboarding)",
        "  leaves         x          seats by csm  -€80  (now none, contact_limit)",
        "  changes        y          seats by csm -> seats by email  +€10",
        "onboarding                      1        0       -1",
        "y                               1        2       +1           +€310",
    ):
        assert line in text.splitlines()
    assert policy_diff.as_text(about | difference(BEFORE, BEFORE)).endswith("Nothing would change.")
