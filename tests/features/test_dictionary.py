"""The dictionary: every feature named once and explained in both languages; the catalogue asks for known ones."""

import re
from typing import get_args

import pytest

from data.catalog import Catalog
from decisions import conditions
from delivery.figures import spoken
from features.build import dictionary
from features.feature import Feature, Group, Unit
from features.health import Health
from features.lifecycle import Lifecycle
from features.triggers import Trigger, Triggers, triggers

JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
FIELDS = re.compile(r"{(.*?)}")


@pytest.fixture(scope="module")
def named(catalog: Catalog) -> list[Feature]:
    return dictionary(catalog, Health(), Lifecycle())


def test_sixty_features_each_named_once(named: list[Feature]) -> None:
    names = [f.name for f in named]
    assert len(names) >= 60
    assert len(set(names)) == len(names)
    for name in names:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name), name


def test_groups_stand_together_and_are_all_used(named: list[Feature]) -> None:
    groups = [f.group for f in named]
    first_seen = list(dict.fromkeys(groups))
    assert groups == [g for g in first_seen for _ in range(groups.count(g))]
    assert set(groups) == set(get_args(Group))


def test_every_text_stands_in_both_languages(named: list[Feature]) -> None:
    for f in named:
        for text in (f.description, f.sentence, f.nothing):
            assert text.en.strip(), f.name
            assert JAPANESE.search(text.ja), f"{f.name}: {text.ja}"
            assert not JAPANESE.search(text.en), f.name
        assert not FIELDS.search(f.description.en + f.description.ja + f.nothing.en + f.nothing.ja), f.name


def test_every_sentence_says_its_value(named: list[Feature]) -> None:
    for f in named:
        for language in ("en", "ja"):
            fields = FIELDS.findall(f.sentence[language])
            fields = [field for field in fields if (field, language) != ("s", "en")]  # an English plural
            assert fields == ([] if f.unit == "flag" else ["value"]), f"{f.name}: {f.sentence[language]}"


def test_sentences_and_descriptions_are_not_copied(named: list[Feature]) -> None:
    for language in ("en", "ja"):
        said = [f.description[language] for f in named]
        assert sorted({text for text in said if said.count(text) > 1}) == []


def test_every_unit_can_be_spoken(named: list[Feature]) -> None:
    for f in named:
        assert f.unit in get_args(Unit)
        if f.unit not in ("category", "flag"):
            assert spoken(1.0, f.unit, "en", currency="EUR")
            assert spoken(1.0, f.unit, "ja", currency="EUR")


def test_extremes_speak_through_features_of_their_unit(named: list[Feature]) -> None:
    by_name = {f.name: f for f in named}
    for f in named:
        for name in f.speaks_through:
            assert by_name[name].unit == f.unit


def test_the_model_reads_no_flag_and_no_attribute_known_only_today(named: list[Feature]) -> None:
    predictors = {f.name for f in named if f.is_predictor}
    assert not predictors & {"csm_sentiment", "owner_id", "has_opted_in", "do_not_contact_until"}
    assert not [f.name for f in named if f.unit == "flag" and f.is_predictor]


def test_something_can_be_acted_on_in_several_groups(named: list[Feature]) -> None:
    assert len({f.group for f in named if f.is_actionable and f.is_predictor}) >= 4


def test_the_catalogue_asks_for_known_names(named: list[Feature], catalog: Catalog) -> None:
    columns = ["health_band", "csm_sentiment", "has_opted_in", "propensity", "account_name", "owner_id", "renews_on"]
    conditions.check(catalog, [*[f.name for f in named], *columns])
    asked = {c.when for o in catalog.offers for c in [*o.eligible, *o.applicable, *o.suitable]}
    assert asked <= {f.name for f in named}


@pytest.fixture(scope="module")
def all_triggers(catalog: Catalog) -> list[Trigger]:
    return triggers(Triggers(), catalog)


def test_triggers_are_named_once_and_in_both_languages(all_triggers: list[Trigger], named: list[Feature]) -> None:
    ids = [t.id for t in all_triggers]
    assert len(set(ids)) == len(ids)
    for t in all_triggers:
        assert JAPANESE.search(t.name.ja)
        assert JAPANESE.search(t.evidence.ja)
        for language in ("en", "ja"):
            fields = FIELDS.findall(t.evidence[language])
            assert [field for field in fields if (field, language) != ("s", "en")] == ["value"], t.id
        assert t.value in {f.name for f in named} | {"days_since_executive"}


def test_closer_to_a_limit_never_lowers_the_score(named: list[Feature], catalog: Catalog) -> None:
    rises = {f.name: f.rises for f in named if f.rises}
    shares = {f"limit_{m.id}_{what}" for m in catalog.metrics for what in ("latest", "peak_28d")}
    days = {f"days_to_limit_{m.id}" for m in catalog.metrics}
    assert rises == dict.fromkeys(shares | {"limit_peak", "limits_over_80"}, 1) | dict.fromkeys(
        days | {"days_to_limit"}, -1
    )
