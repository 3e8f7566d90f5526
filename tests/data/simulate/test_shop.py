"""The catalogue's tables by plan and add-ons, against reading the catalogue one account at a time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.catalog import Catalog
from data.simulate.shop import open_shop


@given(plan=st.integers(0, 3), owned=st.sets(st.integers(0, 3)), seats=st.integers(1, 500))
def test_price_limits_and_features_are_the_catalogues(catalog: Catalog, plan: int, owned: set[int], seats: int) -> None:
    shop = open_shop(catalog)
    bits = np.array([sum(1 << k for k in owned)])
    products = [sorted(catalog.plans, key=lambda p: p.tier)[plan], *(catalog.add_ons[k] for k in sorted(owned))]
    price = sum(p.price_per_month + p.price_per_seat * seats for p in products)
    assert shop.gross(np.array([plan]), np.array([float(seats)]), bits)[0] == pytest.approx(price)
    code = shop.code(np.array([plan]), bits)[0]
    opened = {f for p in products for f in p.features}
    assert {f for f, is_open in zip(shop.features, shop.open_features[code], strict=True) if is_open} == opened
    for m, metric in enumerate(shop.metrics):
        own = products[0].limits.get(metric)
        expected = np.inf if own is None else own + sum(p.limits.get(metric) or 0 for p in products[1:])
        assert shop.limit[code, m] == expected
