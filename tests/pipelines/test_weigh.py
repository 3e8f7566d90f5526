"""The report of the decision's factors, from a list of a few accounts."""

import json

from data.catalog import Catalog
from decisions.candidates import candidates
from decisions.plan import plan
from decisions.ranking import ranked
from decisions.settings import Decide, Gates, Segments
from pipelines import weigh
from tests.decisions.accounts import accounts


class _Params:
    """What the report reads of the parameters."""

    decide = Decide(holdout_share=0.0, capacity_per_owner=1)


def test_the_report_says_what_each_factor_moves(catalog: Catalog) -> None:
    rows = accounts({"propensity": 0.2}, {"propensity": 0.6, "seats": 8.0}, {"tenure_days": 3}, {"owner_id": "CSM-2"})
    offered = candidates(rows, None, catalog, Gates(), _Params.decide)
    planned = plan(offered, rows, catalog, _Params.decide, seed=7).rows
    decisions = ranked(
        rows, offered, planned, catalog, base_rate=0.1, gate_settings=Gates(), money=_Params.decide, segments=Segments()
    )
    report = weigh.weighed(_Params(), catalog, offered, decisions)  # type: ignore[arg-type]
    json.dumps(report, allow_nan=False)
    assert report["n_contact"] == 2
    assert {row["factor"] for row in report["factors"]} == {
        "uplift", "context", "value", "levers", "harm", "contact_cost",
    }  # fmt: skip
    assert {row["gate"]: row["accounts"] for row in report["gates"]}["onboarding"] == 0.25
    text = weigh.as_markdown(report, "EUR")
    assert text.startswith("# What the decision rests on\n\n2 accounts are to be contacted;")
    assert "| onboarding | 25.0% |" in text
    assert "No account on the list is offered a discount." in text


def test_discounts_in_words() -> None:
    found = {"n_discounted": 12, "expected": 1300.0, "to_sure_things": 700.0, "share": 0.54}
    assert "Of that, 700 EUR (54%) go to accounts that would have bought anyway." in weigh._of_discount(found, "EUR")
    unknown = found | {"expected": None, "to_sure_things": None, "share": None}
    assert "is not known: the response to offers is not learnt yet." in weigh._of_discount(unknown, "EUR")
