"""The ten tables: they satisfy the contract, hang together, and depend on nothing but catalogue, world and seed."""

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from data.catalog import Catalog
from data.contract import PANDAS, RAW_TABLES
from data.errors import BadInput
from data.simulate.company import Part, simulate
from data.simulate.world import World

STARTS, ENDS = pd.Timestamp("2024-06-01"), pd.Timestamp("2026-06-01")
SMALL = World(replicates=2, year_replicates=1)


@pytest.mark.parametrize("name", RAW_TABLES)
def test_every_table_passes_its_schema(company: dict[str, pd.DataFrame], name: str) -> None:
    columns = RAW_TABLES[name].columns
    frame = company[name].astype({column: PANDAS[spec.type] for column, spec in columns.items()})
    assert list(frame.columns) == list(columns)
    assert len(frame) > 50
    RAW_TABLES[name].pandera_schema().validate(frame, lazy=True)


@pytest.mark.parametrize("name", [name for name, table in RAW_TABLES.items() if table.key])
def test_keys_are_unique_and_rows_are_in_their_order(company: dict[str, pd.DataFrame], name: str) -> None:
    key = list(RAW_TABLES[name].key)
    frame = company[name]
    assert not frame.duplicated(key).any()
    if name in ("usage", "meters", "accounts"):
        assert frame[key].equals(frame[key].sort_values(key, ignore_index=True))


def test_every_row_is_of_a_known_account_product_feature_metric_and_offer(
    company: dict[str, pd.DataFrame], catalog: Catalog
) -> None:
    accounts = set(company["accounts"]["account_id"])
    for frame in company.values():
        assert set(frame["account_id"]) <= accounts
    assert set(company["subscriptions"]["product_id"]) <= set(catalog.products)
    assert set(company["usage"]["feature"]) == {feature.id for feature in catalog.features}
    assert set(company["meters"]["metric"]) == {metric.id for metric in catalog.metrics}
    assert set(company["proposals"]["offer_id"]) <= {offer.id for offer in catalog.offers} | {"none"}


def test_rows_lie_within_the_window_and_after_sign_up(company: dict[str, pd.DataFrame]) -> None:
    signed_up = company["accounts"].set_index("account_id")["signed_up_on"]
    for name, table in RAW_TABLES.items():
        stamp = company[name][table.stamp]
        assert (stamp < ENDS).all(), name
        assert (stamp.dt.normalize() >= company[name]["account_id"].map(signed_up)).all(), name
        if name not in ("accounts", "subscriptions", "account_changes"):
            assert (stamp >= STARTS).all(), name
    for name, column in (("tickets", "closed_at"), ("proposals", "decided_at"), ("subscriptions", "valid_to_on")):
        assert not (company[name][column] >= ENDS).any()


def test_periods_of_a_product_do_not_overlap_and_add_ons_stand_beside_a_plan(
    company: dict[str, pd.DataFrame], catalog: Catalog
) -> None:
    rows = company["subscriptions"].sort_values(["account_id", "product_id", "valid_from_on"])
    assert (rows["valid_to_on"].isna() | (rows["valid_to_on"] > rows["valid_from_on"])).all()
    before = rows.groupby(["account_id", "product_id"])["valid_to_on"].shift()
    first = rows.groupby(["account_id", "product_id"]).cumcount() == 0
    assert (first | (before <= rows["valid_from_on"])).all()
    plans = {plan.id for plan in catalog.plans}
    ends = rows["valid_to_on"].fillna(ENDS)
    for day in pd.date_range("2024-07-01", "2026-05-01", freq="3MS"):
        running = rows[(rows["valid_from_on"] <= day) & (ends > day)]
        n_plans = running["product_id"].isin(plans).groupby(running["account_id"]).sum()
        assert set(n_plans) == {1}


def test_prices_are_the_list_less_the_discount_before_the_rise(
    company: dict[str, pd.DataFrame], catalog: Catalog
) -> None:
    rows = company["subscriptions"]
    rows = rows[rows["valid_from_on"] < pd.Timestamp("2025-10-01")]
    for product_id, some in rows.groupby("product_id"):
        product = catalog.products[str(product_id)]
        seats = some["quantity"] if product.price_per_seat else 0
        expected = (product.price_per_month + product.price_per_seat * seats) * (1 - some["discount_pct"] / 100)
        np.testing.assert_allclose(some["mrr"], expected, atol=0.006)


def test_seats_press_on_the_limit_but_do_not_burst_it(company: dict[str, pd.DataFrame], catalog: Catalog) -> None:
    meters = company["meters"]
    users = meters[meters["metric"] == "active_users"]
    plans = [plan.id for plan in catalog.plans]
    rows = company["subscriptions"][company["subscriptions"]["product_id"].isin(plans)]
    joined = users.merge(rows, on="account_id")
    inside = (joined["valid_from_on"] <= joined["measured_on"]) & ~(joined["valid_to_on"] <= joined["measured_on"])
    share = (joined["value"] / joined["quantity"])[inside]
    assert share.max() <= 1.03
    assert (share > 0.9).mean() > 0.05


def test_use_happens_only_while_a_plan_runs_and_gates_are_met_only_where_the_feature_is_locked(
    company: dict[str, pd.DataFrame], catalog: Catalog
) -> None:
    usage = company["usage"].merge(company["subscriptions"], on="account_id")
    inside = (usage["valid_from_on"] <= usage["used_on"]) & ~(usage["valid_to_on"] <= usage["used_on"])
    running = usage[inside]
    features = {product_id: set(product.features) for product_id, product in catalog.products.items()}
    opens = np.array([f in features[p] for f, p in zip(running["feature"], running["product_id"], strict=True)])
    key = ["account_id", "used_on", "feature", "kind"]
    is_open = pd.Series(opens, index=pd.MultiIndex.from_frame(running[key])).groupby(level=list(range(4))).max()
    assert len(is_open) == len(company["usage"])  # no row without a running plan
    kind = is_open.index.get_level_values("kind")
    assert is_open[kind == "used"].all()
    assert not is_open[kind != "used"].any()
    assert set(kind) == {"used", "gated", "trial"}


def test_random_proposals_carry_their_probability_and_chosen_ones_do_not(company: dict[str, pd.DataFrame]) -> None:
    proposals = company["proposals"]
    is_random = proposals["pscore"].notna()
    assert 0.1 < is_random.mean() < 0.3
    assert is_random[proposals["offer_id"] == "none"].all()
    assert proposals["pscore"].dropna().between(0.01, 1).all()
    assert (proposals["channel"].isna() == (proposals["offer_id"] == "none")).all()
    decided = proposals["outcome"].isin(["accepted", "declined"])
    assert (proposals["decided_at"].notna() == decided).all()
    assert (proposals["reason"].notna() == (proposals["outcome"] == "declined")).all()
    assert (proposals["decided_at"] > proposals["proposed_at"])[decided].all()
    opted_in = company["accounts"].set_index("account_id")["has_opted_in"]
    assert proposals["account_id"].map(opted_in).eq(True).all()


def test_accounts_are_as_their_changes_leave_them(company: dict[str, pd.DataFrame]) -> None:
    changes = company["account_changes"].sort_values(["account_id", "field", "changed_at"])
    last = changes.groupby(["account_id", "field"]).tail(1).set_index(["account_id", "field"])["value"].unstack()
    accounts = company["accounts"].set_index("account_id")
    assert last["owner_id"].equals(accounts["owner_id"].rename("owner_id"))
    assert last["csm_sentiment"].equals(accounts["csm_sentiment"].rename("csm_sentiment"))
    assert (last["employee_count"].astype(int) == accounts["employee_count"]).all()
    until = pd.to_datetime(last["do_not_contact_until"])
    pd.testing.assert_series_equal(until, accounts["do_not_contact_until"], check_names=False, check_dtype=False)


def test_no_latent_column_is_written(company: dict[str, pd.DataFrame]) -> None:
    for name, frame in company.items():
        assert set(frame.columns) == set(RAW_TABLES[name].columns)


def test_no_row_is_made_of_the_truth(simulated: Callable[..., list[Part]]) -> None:
    """However finely the truth is reckoned, and were it not reckoned at all, the tables are the same."""
    few, many = (simulated(World(replicates=r, year_replicates=r), accounts=25)[0] for r in (1, 5))
    assert few.raw == many.raw
    assert few.truth["expansion"] != many.truth["expansion"]
    assert few.truth["response"] != many.truth["response"]
    assert set(many.raw) == set(RAW_TABLES)


def test_neither_ids_nor_the_order_of_rows_tell_the_truth(midmarket: tuple) -> None:  # type: ignore[type-arg]
    raw, truth = midmarket
    mean = truth["expansion"].groupby("account_id")["p_logged"].mean()
    number = pd.Series(mean.index.str[4:].astype(int), index=mean.index)
    assert abs(mean.corr(number, method="spearman")) < 3 / np.sqrt(len(mean))
    for name in ("surveys", "tickets", "proposals", "subscriptions"):
        assert raw[name]["account_id"].is_monotonic_increasing, name
    # What the programme logs is what the draw was, not what would come of it.
    assert set(raw["proposals"]["pscore"].dropna().round(6)) <= {
        0.25,
        *(round(0.75 / n, 6) for n in range(1, 14)),
    }  # as many as the catalogue offers


def same(a: Part, b: Part) -> bool:
    return all(a.raw[n].equals(b.raw[n]) for n in a.raw) and all(a.truth[n].equals(b.truth[n]) for n in a.truth)


def joined(parts: list[Part]) -> Part:
    def both(folder: str) -> dict[str, pa.Table]:
        return {n: pa.concat_tables([getattr(p, folder)[n] for p in parts]) for n in getattr(parts[0], folder)}

    return Part(both("raw"), both("truth"))


def test_same_seed_same_rows_and_another_seed_others(simulated: Callable[..., list[Part]]) -> None:
    assert same(simulated(accounts=25)[0], simulated(accounts=25)[0])
    assert not same(simulated(accounts=25)[0], simulated(accounts=25, seed=8)[0])


@settings(max_examples=5, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # shrinking takes hours
@given(block=st.integers(1, 11), seed=st.integers(0, 2**31))
@example(block=1, seed=413)  # a block to whose one account nothing can be offered
def test_neither_blocks_nor_neighbours_change_an_account(catalog: Catalog, block: int, seed: int) -> None:
    def make(accounts: int, block: int) -> Part:
        arguments = {"months": 4, "seed": seed, "ends_on": date(2026, 6, 1)}
        return joined(list(simulate(catalog, SMALL, accounts=accounts, block=block, **arguments)))

    twelve = make(12, block)
    assert same(twelve, make(12, 12))
    # The first five of twelve are what five alone would be.
    five = make(5, 5)
    for folder in ("raw", "truth"):
        for name, table in getattr(five, folder).items():
            few = getattr(twelve, folder)[name]
            kept = few.filter(pa.compute.is_in(few["account_id"], pa.array([f"ACC-{i:06d}" for i in range(1, 6)])))
            assert kept.equals(table), name


@settings(max_examples=4, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # shrinking takes hours
@given(number=st.integers(0, 9), other=st.integers(8, 2**31))
@example(number=0, other=8)
@example(number=9, other=8)
def test_changing_one_accounts_seed_changes_no_other_account(catalog: Catalog, number: int, other: int) -> None:
    """All rows of all the others stay, in the tables and in the truth, whichever account it is."""

    def make() -> Part:
        arguments = {"months": 5, "seed": 7, "ends_on": date(2026, 6, 1)}
        return joined(list(simulate(catalog, SMALL, accounts=10, block=4, **arguments)))

    def key(entropy: list[int]) -> np.random.BitGenerator:
        seed, purpose, account = entropy
        return stream([other if account == number else seed, purpose, account])

    stream = np.random.SFC64
    before = make()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np.random, "SFC64", key)
        after = make()
    changed = f"ACC-{number + 1:06d}"
    for folder in ("raw", "truth"):
        for name, table in getattr(before, folder).items():
            now = getattr(after, folder)[name]
            assert without(now, changed).equals(without(table, changed)), name
    for name in ("usage", "meters", "accounts"):  # its own are others
        assert not after.raw[name].equals(before.raw[name]), name
    assert not after.truth["causes"].equals(before.truth["causes"])


def without(table: pa.Table, account_id: str) -> pa.Table:
    return table.filter(pa.compute.not_equal(table["account_id"], account_id))


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        ({"ends_on": date(2026, 6, 2)}, "simulate.ends_on is 2026-06-02; it must be the first of a month"),
        ({"months": 0}, "simulate.months is 0"),
    ],
)
def test_bad_settings_are_told_in_a_sentence(
    simulated: Callable[..., list[Part]], given_: dict[str, object], says: str
) -> None:
    with pytest.raises(BadInput, match=says):
        simulated(**given_)


def test_plan_shares_must_fit_the_catalogue(simulated: Callable[..., list[Part]]) -> None:
    world = SMALL.model_copy(update={"arrivals": SMALL.arrivals.model_copy(update={"plan_shares": (1.0,)})})
    with pytest.raises(BadInput, match="plan_shares has 1 shares and the catalogue has 4 plans"):
        simulated(world)


def test_processes_change_nothing(simulated: Callable[..., list[Part]]) -> None:
    given_ = {"accounts": 30, "months": 3, "block": 8}
    alone, spread = simulated(**given_), simulated(**given_, processes=2)
    assert len(alone) == len(spread) == 4
    assert all(same(a, b) for a, b in zip(alone, spread, strict=True))
    assert same(joined(spread), simulated(accounts=30, months=3)[0])
