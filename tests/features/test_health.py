"""The health score on rows made for it: redistribution, staleness, the first month, the red word, the bands."""

from typing import Any

import ibis
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.health import Health, Weights, band, parts, score

FINE = {
    "active_days_28d": 10, "use_change_28d": 0.1, "adoption_rate": 0.3, "core_adoption_rate": 0.5, "open_tickets": 1,
    "open_serious_tickets": 0, "csat_180d": 4.0, "nps_latest": 8.0, "nps_age_days": 10, "csm_sentiment_level": 1.0,
    "days_since_touchpoint": 60, "tenure_days": 400,
}  # fmt: skip
FLOATS = {"use_change_28d", "adoption_rate", "core_adoption_rate", "csat_180d", "nps_latest", "csm_sentiment_level"}
SCHEMA = {name: "float64" if name in FLOATS else "int64" for name in FINE}


def health(engine: Any, h: Health | None = None, **changed: Any) -> dict[str, Any]:
    h = h or Health()
    row = FINE | changed
    rows = ibis.memtable({name: [value] for name, value in row.items()}, schema=SCHEMA)
    rows = rows.mutate(**{f.name: f.of(rows) for f in parts(h)})
    rows = rows.mutate(**{f.name: f.of(rows) for f in score(h)})
    found = engine.to_pyarrow(rows.mutate(band=band(rows.health_score, h))).to_pylist()[0]
    return {name.removeprefix("health_"): found[name] for name in found if name.startswith(("health_", "band"))}


def test_the_parts_and_their_mean(engine: Any) -> None:
    found = health(engine)
    assert found["usage"] == pytest.approx(0.65 * 50 + 0.35 * 70)
    assert found["adoption"] == pytest.approx(0.6 * 50 + 20)
    assert found["support"] == pytest.approx(0.6 * 92 + 0.4 * 75)
    assert found["sentiment"] == pytest.approx((80 + 50) / 2)
    assert found["engagement"] == pytest.approx(80)
    by_weight = {"usage": 30, "adoption": 20, "support": 20, "sentiment": 15, "engagement": 15}
    assert found["score"] == pytest.approx(sum(found[name] * weight for name, weight in by_weight.items()) / 100)


@pytest.mark.parametrize(
    ("gone", "part"),
    [
        ({"adoption_rate": None, "core_adoption_rate": None}, "adoption"),
        ({"open_tickets": None, "open_serious_tickets": None, "csat_180d": None}, "support"),
        ({"nps_latest": None, "nps_age_days": None, "csm_sentiment_level": None}, "sentiment"),
        ({"nps_age_days": 181, "csm_sentiment_level": None}, "sentiment"),  # stale
        ({"days_since_touchpoint": None}, "engagement"),
        ({"days_since_touchpoint": 181}, "engagement"),  # stale
    ],
)
def test_a_missing_or_stale_part_gives_its_weight_to_the_others(gone: dict[str, Any], part: str, engine: Any) -> None:
    found = health(engine, **gone)
    assert found[part] is None
    weights = {n: w for n, w in Weights().model_dump().items() if n != part}
    assert found["score"] == pytest.approx(sum(found[n] * w for n, w in weights.items()) / sum(weights.values()))


@pytest.mark.parametrize(("days", "expected"), [(0, 100), (30, 100), (105, 50), (180, 0), (181, None)])
def test_engagement_fades_and_then_drops_out(days: int, expected: float | None, engine: Any) -> None:
    found = health(engine, days_since_touchpoint=days)["engagement"]
    assert found == (None if expected is None else pytest.approx(expected))


def test_an_old_nps_leaves_the_csms_word_alone(engine: Any) -> None:
    assert health(engine, nps_age_days=180)["sentiment"] == pytest.approx(65)
    assert health(engine, nps_age_days=181)["sentiment"] == pytest.approx(50)


def test_none_in_the_first_thirty_days(engine: Any) -> None:
    young = health(engine, tenure_days=29)
    assert (young["score"], young["band"]) == (None, None)
    assert health(engine, tenure_days=30)["score"] is not None


def test_a_red_word_overrides(engine: Any) -> None:
    full = {"active_days_28d": 28, "use_change_28d": 1.0, "adoption_rate": 1.0, "core_adoption_rate": 1.0}
    full |= {"open_tickets": 0, "csat_180d": 5.0, "nps_latest": 10.0, "days_since_touchpoint": 3}
    red, yellow = (health(engine, **full, csm_sentiment_level=level) for level in (0.0, 1.0))
    assert yellow["band"] == "green"
    assert (red["score"], red["band"]) == (49, "red")


def test_weights_of_nothing_give_no_score(engine: Any) -> None:
    only = Health(weights=Weights(usage=0, adoption=0, support=0, sentiment=0, engagement=1))
    assert health(engine, only)["score"] == pytest.approx(80)
    assert health(engine, only, days_since_touchpoint=None)["score"] is None


@pytest.mark.parametrize(("value", "expected"), [(75.0, "green"), (74.99, "yellow"), (50.0, "yellow"), (49.99, "red")])
def test_the_bands_begin_at_their_borders(value: float, expected: str, engine: Any) -> None:
    rows = ibis.memtable({"s": [value]})
    assert engine.to_pyarrow(rows.select(b=band(rows.s, Health()))).to_pylist() == [{"b": expected}]


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    row=st.fixed_dictionaries(
        {
            "active_days_28d": st.integers(0, 28),
            "use_change_28d": st.none() | st.floats(-1, 50),
            "adoption_rate": st.none() | st.floats(0, 1),
            "core_adoption_rate": st.none() | st.floats(0, 1),
            "open_tickets": st.none() | st.integers(0, 40),
            "open_serious_tickets": st.none() | st.integers(0, 40),
            "csat_180d": st.none() | st.floats(1, 5),
            "nps_latest": st.none() | st.floats(0, 10),
            "csm_sentiment_level": st.none() | st.sampled_from([0.0, 1.0, 2.0]),
            "days_since_touchpoint": st.none() | st.integers(1, 900),
        }
    )
)
def test_every_part_lies_between_0_and_100(row: dict[str, Any], engine: Any) -> None:
    found = health(engine, **row)
    for name, value in found.items():
        assert name == "band" or value is None or -1e-9 <= value <= 100 + 1e-9, name
    assert found["usage"] is not None
    assert found["score"] is not None
