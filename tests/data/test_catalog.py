"""The catalogue as people write it: what is impossible is told with its place, and what is good is left as it is."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.catalog import Catalog, Condition, Discounts, Offer
from data.errors import BadInput
from data.settings import read_yaml

OFFER = {"id": "it", "kind": "upgrade", "name": "It", "channels": ["csm"]}


def told(content: Any, model: Any = Offer) -> str:
    with pytest.raises(BadInput) as found:
        model.parse(content, file="catalog.yaml")
    return str(found.value)


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ([], "steps_pct: list should have at least 1 item"),
        ([0, 101], "steps_pct.1: input should be less than or equal to 100 (it is 101)"),
        ([-5], "steps_pct.0: input should be greater than or equal to 0 (it is -5)"),
        ([10, 5], "steps_pct: each step must be above the one before it; change it."),
        ([0, 5, 5], "steps_pct: each step must be above the one before it; change it."),
    ],
)
def test_steps_of_a_discount_that_cannot_be(steps: list[float], says: str) -> None:
    assert told({"steps_pct": steps}, Discounts).startswith(f"catalog.yaml: {says}")


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.sets(st.floats(0, 100), min_size=1, max_size=5))
def test_steps_that_ascend_are_left_as_they_are(steps: set[float]) -> None:
    assert Discounts(steps_pct=sorted(steps)).steps_pct == sorted(steps)


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ({}, "tests nothing: give at_least, at_most, equals or in"),
        ({"equals": None}, "tests nothing: give at_least, at_most, equals or in"),
        ({"in": []}, "tests nothing: give at_least, at_most, equals or in"),
        ({"at_least": 5, "at_most": 3}, "the condition on x never holds: at_least (5) is above at_most (3)"),
        ({"equals": {"a": 1}}, "equals: give one text (in quotes), a number, true or false"),
        ({"in": "pro"}, "in: give a list of texts (in quotes) or of numbers"),
        ({"in": [True]}, "in: give a list of texts (in quotes) or of numbers"),
        ({"at_least": "many"}, "at_least: input should be a valid number"),
    ],
)
def test_conditions_that_test_nothing_or_never_hold(condition: dict[str, Any], says: str) -> None:
    assert says in told({"when": "x", **condition}, Condition)


def test_a_condition_keeps_the_type_that_was_written() -> None:
    assert [Condition(when="x", equals=value).equals for value in ("1", 1, 1.5, True)] == ["1", 1.0, 1.5, True]
    assert Condition(when="x", equals=True).equals is True
    assert Condition.model_validate({"when": "x", "in": ["a", 2]}).in_ == ["a", 2.0]


def test_an_offer_ends_after_it_begins() -> None:
    dates = {"launched_on": "2026-02-01", "valid_until": "2026-01-31"}
    assert told({**OFFER, **dates}) == (
        "catalog.yaml: the file: offer it never runs: valid_until (2026-01-31) is before launched_on (2026-02-01); "
        "change it."
    )
    one_day = {"launched_on": "2026-02-01", "valid_until": "2026-02-01"}
    assert Offer.parse({**OFFER, **one_day}, file="catalog.yaml").launched_on is not None


def test_an_item_of_a_list_is_named_by_its_id(catalog: Catalog) -> None:
    content = catalog.model_dump(mode="json", by_alias=True)
    content["offers"][3]["discounts"]["steps_pct"] = []
    assert told(content, Catalog).startswith(f"catalog.yaml: offers.{catalog.offers[3].id}.discounts.steps_pct: ")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 2026-13-45\n", "line 1, column 4: there is no day 2026-13-45; mend that line."),
        ("b:\n  - {from: 2026-02-30}\n", "line 2, column 12: there is no day 2026-02-30; mend that line."),
        ("a: 1\nb: 2\na: 3\n", "line 3, column 1: a stands twice; mend that line."),
        ("a: 0x_\n", "a value cannot be read (invalid literal for int() with base 16: ''); mend it"),
        ("a: [1\n", "this is not YAML at line 2, column 1"),
        ("? [1]\n: 2\n", "line 1, column 3: found unhashable key; mend that line."),
        ("- 1\n", "a mapping of keys to values was expected"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_told_with_its_place(text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "catalog.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as found:
        read_yaml(file)
    assert str(found.value).startswith(f"{file}: {says}")


def test_a_file_in_another_encoding_is_told(tmp_path: Path) -> None:
    file = tmp_path / "catalog.yaml"
    file.write_bytes("currency: \xa3".encode("latin-1"))
    with pytest.raises(BadInput, match="this is not UTF-8; save it as UTF-8"):
        read_yaml(file)


def test_what_is_written_once_may_be_used_twice(tmp_path: Path) -> None:
    file = tmp_path / "catalog.yaml"
    file.write_text("a: &one {x: 1, y: 2026-02-28}\nb: {<<: *one, x: 2}\n", encoding="utf-8")
    content = read_yaml(file)
    assert content["b"] == {"x": 2, "y": content["a"]["y"]}
    assert str(content["a"]["y"]) == "2026-02-28"
