"""What an offer adds, worked out by hand from the catalogue's prices."""

import pytest

from data.catalog import Catalog
from features.offers import added_mrr
from tests.decisions.accounts import accounts


def offer(catalog: Catalog, offer_id: str):  # type: ignore[no-untyped-def]
    return next(o for o in catalog.offers if o.id == offer_id)


@pytest.mark.parametrize(
    ("offer_id", "account", "mrr"),
    [
        # Pro for 10 seats is 99 + 150, Enterprise 499 + 240
        ("upgrade_next", {}, 490.0),
        # ... which holds the security pack's features (80 + 20) and lifts storage (35): they would be dropped
        ("upgrade_next", {"add_ons": "extra_storage security"}, 490.0 - 100 - 35),
        # ... but not what Analytics opens
        ("upgrade_next", {"add_ons": "analytics"}, 490.0),
        # on Starter (29 + 90) one up is Pro (249), where extra storage still adds room
        ("upgrade_next", {"plan_id": "starter", "add_ons": "extra_storage"}, 130.0),
        ("upgrade_next", {"current_discount_pct": 10.0}, 441.0),
        ("seats_20", {}, 2 * 15.0),
        ("add_analytics", {}, 40 + 30.0),
        ("trial_next", {}, 490.0),
        ("annual_billing", {}, 0.0),
    ],
)
def test_added_mrr(offer_id: str, account: dict[str, object], mrr: float, catalog: Catalog) -> None:
    found = added_mrr(offer(catalog, offer_id), accounts(account), catalog)
    assert found.tolist() == [pytest.approx(mrr)]
