"""The response to offers, where the truth is known: right on average, in order, and by its own identities."""

import numpy as np
import pandas as pd
import pytest

from data.catalog import Catalog
from data.errors import BadInput
from features.build import dictionary
from features.health import Health
from features.lifecycle import Lifecycle
from models.response import MENU, RELATIVE, Response
from models.response_settings import Respond
from tests.models.offer_world import OFFERS, PREDICTORS, OfferWorld, by_itself, offer_world, p_accept

SETTINGS = Respond(max_organic_rows=4000)


@pytest.fixture(scope="module")
def world(catalog: Catalog) -> OfferWorld:
    return offer_world(catalog)


def learnt(world: OfferWorld, catalog: Catalog) -> Response:
    return Response.fit(world.log, world.snapshots, catalog, predictors=PREDICTORS, settings=SETTINGS, seed=3)


@pytest.fixture(scope="module")
def model(world: OfferWorld, catalog: Catalog) -> Response:
    return learnt(world, catalog)


@pytest.fixture(scope="module")
def menu(model: Response, world: OfferWorld, catalog: Catalog) -> pd.DataFrame:
    return model.menu(world.accounts, catalog)


def of(menu: pd.DataFrame, offer: str, discount: float = 0.0) -> pd.DataFrame:
    return menu[(menu["offer_id"] == offer) & (menu["channel"] == "csm") & (menu["discount_pct"] == discount)]


@pytest.mark.parametrize("offer", OFFERS)
def test_right_on_average_within_three_standard_errors(offer: str, menu: pd.DataFrame, world: OfferWorld) -> None:
    rows = of(menu, offer)
    truth = p_accept(world.accounts, offer)
    log = world.log[(world.log["offer_id"] == offer)]
    n = len(log)
    error = np.sqrt(truth.mean() * (1 - truth.mean()) / n) * 1.5  # of a mean that is carried to other accounts
    assert abs(rows["p_accept"].mean() - truth.mean()) < 3 * error


def test_the_log_alone_says_too_much(world: OfferWorld) -> None:
    """People asked those who would say yes: the mean answer is far above the mean over accounts, and no test for us."""
    truth = np.mean([p_accept(world.accounts, offer).mean() for offer in OFFERS])
    people = world.log[world.log["pscore"].isna()]
    assert (people["outcome"] == "accepted").mean() - truth > 3 * np.sqrt(truth * (1 - truth) / len(people))


@pytest.mark.parametrize("offer", OFFERS)
def test_tells_accounts_apart(offer: str, menu: pd.DataFrame, world: OfferWorld) -> None:
    assert np.corrcoef(of(menu, offer)["p_accept"], p_accept(world.accounts, offer))[0, 1] > 0.85


def test_what_they_do_by_themselves_within_three_standard_errors(menu: pd.DataFrame, world: OfferWorld) -> None:
    """Though half of those who added seats had been asked."""
    monthly = by_itself(world.snapshots).mean()
    truth = 1 - (1 - monthly) ** (90 / (365.25 / 12))
    watched = 0.65 * len(world.snapshots)  # account-months in which nobody asked
    error = 3 * np.sqrt(monthly * (1 - monthly) / watched)
    assert abs(of(menu, "seats_20")["p_organic"].mean() - truth) < 3 * error
    assert of(menu, "add_storage")["p_organic"].max() < 0.01  # nobody ever did


def test_menu_is_whole_and_its_identity_holds(menu: pd.DataFrame, world: OfferWorld, catalog: Catalog) -> None:
    assert list(menu.columns) == list(MENU)
    assert not menu.duplicated(["account_id", "offer_id", "channel", "discount_pct"]).any()
    assert np.allclose(menu["uplift"] * menu["context"] * menu["value"], menu["expected"], rtol=1e-9, atol=1e-9)
    sold = menu[menu["offer_id"].isin(OFFERS)]
    assert np.allclose(sold["p_accept"] - sold["p_organic"], sold["uplift"], rtol=0, atol=1e-12)
    assert menu["p_accept"].between(0, 1).all()
    offers = {o.id: o for o in catalog.offers}
    ways = menu[menu["account_id"] == world.accounts["account_id"].iloc[0]].groupby("offer_id").size()
    assert all(n == len(offers[o].channels) * len(offers[o].discounts.steps_pct) for o, n in ways.items())


def test_a_higher_discount_never_makes_an_acceptance_less_likely(menu: pd.DataFrame) -> None:
    rows = menu.sort_values("discount_pct")
    step = rows.groupby(["account_id", "offer_id", "channel"])["p_accept"].diff().dropna()
    assert (step >= -1e-12).all()
    assert step.mean() > 0


def test_same_rows_same_bytes_and_there_and_back(model: Response, world: OfferWorld, catalog: Catalog) -> None:
    files = model.to_files()
    assert learnt(world, catalog).to_files() == files
    again = Response.from_files(files)
    pd.testing.assert_frame_equal(
        again.menu(world.accounts, catalog), model.menu(world.accounts, catalog), check_exact=True
    )


def test_a_file_that_was_changed_is_refused(model: Response) -> None:
    files = model.to_files()
    with pytest.raises(BadInput, match=r"organic_year\.txt is not the file that was saved"):
        Response.from_files({**files, "organic_year.txt": files["organic_year.txt"] + " "})
    with pytest.raises(BadInput, match="was changed after it was saved"):
        Response.from_files({**files, "response.json": files["response.json"].replace('"slope": ', '"slope": 1')})


def test_an_offer_that_was_never_made_begins_where_its_kind_does(catalog: Catalog, world: OfferWorld) -> None:
    """The API pack was not among the proposals; it answers to the same pressure as storage, its kind."""
    model = learnt(world, catalog)
    accounts = world.accounts.assign(limit_api_calls_peak_28d=0.95, limit_api_calls_latest=0.95)
    accounts = accounts.assign(limit_storage_gb_peak_28d=0.95, limit_storage_gb_latest=0.95)
    found = model.menu(accounts, catalog)
    new, known = of(found, "add_api_pack")["p_accept"], of(found, "add_storage")["p_accept"]
    assert abs(np.log(new.mean() / (1 - new.mean())) - np.log(known.mean() / (1 - known.mean()))) < 0.7
    low = accounts.assign(limit_api_calls_peak_28d=0.1, limit_api_calls_latest=0.1)
    assert of(model.menu(low, catalog), "add_api_pack")["p_accept"].mean() < 0.7 * new.mean()


def test_too_few_proposals_are_said_so(catalog: Catalog, world: OfferWorld) -> None:
    few = Response.fit(world.log.head(50), world.snapshots, catalog, predictors=PREDICTORS, settings=SETTINGS, seed=3)
    assert not few.is_learnt
    assert "50 answered proposals" in few.facts["note"]
    assert few.menu(world.accounts, catalog).empty
    assert not Response.from_files(few.to_files()).is_learnt


@pytest.mark.parametrize("pscore", [0.0, -0.1, 1.5])
def test_a_pscore_that_is_none_is_refused(pscore: float, catalog: Catalog, world: OfferWorld) -> None:
    log = world.log.assign(pscore=world.log["pscore"].where(world.log.index != 7, pscore))
    with pytest.raises(BadInput, match=r"pscore of P00007 is .* above 0 and at most 1"):
        Response.fit(log, world.snapshots, catalog, predictors=PREDICTORS, settings=SETTINGS, seed=3)


def test_withheld_without_its_probability_is_refused(catalog: Catalog, world: OfferWorld) -> None:
    log = world.log.assign(offer_id=world.log["offer_id"].where(world.log.index != 7, "none"))
    log.loc[7, "pscore"] = np.nan
    with pytest.raises(BadInput, match="pscore is missing for 1 of 1 withheld at random"):
        Response.fit(log, world.snapshots, catalog, predictors=PREDICTORS, settings=SETTINGS, seed=3)


@pytest.mark.parametrize("offer", ["upgrade_next", "bundle_growth", "training"])
def test_contributions_add_up_to_both_margins(
    offer: str, model: Response, menu: pd.DataFrame, world: OfferWorld, catalog: Catalog
) -> None:
    accounts = world.accounts.head(40)
    found = model.contributions(accounts, offer, catalog, channel="csm", discount_pct=0.0)
    sums = found.groupby("account_id")[["offered", "alone", "uplift"]].sum()
    rows = of(menu, offer).set_index("account_id").loc[sums.index]
    assert np.allclose(1 / (1 + np.exp(-sums["offered"])), rows["p_accept"], atol=1e-9)
    if offer != "training":
        assert np.allclose(1 / (1 + np.exp(-sums["alone"])), rows["p_organic"], atol=1e-6)
    assert np.allclose(found["offered"] - found["alone"], found["uplift"], atol=1e-12)


def test_accounts_asked_together_are_told_as_each_alone_by_its_own_channel_and_discount(
    model: Response, world: OfferWorld, catalog: Catalog
) -> None:
    accounts = world.accounts.head(6).reset_index(drop=True)
    channels, discounts = np.array(["csm", "email"] * 3, dtype=object), np.array([0.0, 5.0, 10.0] * 2)
    together = model.contributions(accounts, "seats_20", catalog, channel=channels, discount_pct=discounts)
    alone = pd.concat(
        [
            model.contributions(accounts.iloc[[i]], "seats_20", catalog, channel=channels[i], discount_pct=discounts[i])
            for i in range(6)
        ],
        ignore_index=True,
    )
    pd.testing.assert_frame_equal(together, alone, rtol=0, atol=1e-12)
    shown = together.set_index(["account_id", "feature"])["value"]
    for _, row in accounts.iterrows():
        assert shown[row["account_id"], "press_peak"] == pytest.approx(row["limit_active_users_peak_28d"])
    assert together.loc[together["feature"] == "(base)", "value"].isna().all()


def test_what_presses_is_why(model: Response, world: OfferWorld, catalog: Catalog) -> None:
    """An account whose seats are full is persuadable to seats because of its seats."""
    accounts = world.accounts.sort_values("limit_active_users_peak_28d").iloc[[0, -1]]
    found = model.contributions(accounts, "seats_20", catalog, channel="csm")
    press = found[found["feature"].isin(["press_peak", "press_latest", "press_seats", "limit_active_users_peak_28d"])]
    by_account = press.groupby("account_id")["offered"].sum()
    low, high = accounts["account_id"]
    assert by_account[high] - by_account[low] > 0.5


def test_all_ways_at_once_are_each_by_itself(model: Response, world: OfferWorld, catalog: Catalog) -> None:
    """The fast way of the menu against the slow one."""
    made = world.log.head(60).assign(row=range(60))
    table, what = model.rows(made[made["offer_id"] == "seats_20"], world.snapshots, catalog)
    assert model.acceptance is not None
    ways = [what.assign(channel=c, discount_pct=d) for c in ("csm", "email", "in_app") for d in (0.0, 5.0)]
    fast, _ = model.acceptance.margins(table, ways)
    for way, margin in zip(ways, fast, strict=True):
        assert np.allclose(margin, model.acceptance.margin(table, way), atol=1e-9)


def test_no_column_of_an_offer_is_named_like_one_of_an_account(catalog: Catalog) -> None:
    """Contributions are told by name: two columns of one name could not be told apart."""
    named = {f.name for f in dictionary(catalog, Health(), Lifecycle())}
    assert not set(RELATIVE) & named
