"""The week's figures count whom the page and the workbook show, and no one else."""

import pandas as pd
import pytest

from delivery.summary import at_a_glance, shown
from tests.delivery.sample import AS_OF, make_week


def test_figures_are_of_the_accounts_to_contact() -> None:
    ranked = make_week(200).ranked
    week = at_a_glance(ranked)
    contact = ranked[ranked["assignment"] == "contact"]
    assert week.n_contact == len(contact)
    assert week.expected_arr == contact["expected_arr"].sum()
    assert sum(owner.n_contact for owner in week.owners) == week.n_contact
    assert week.n_help == (ranked["assignment"] == "nurture").sum()


def test_only_yearly_contracts_count_as_renewing() -> None:
    ranked = make_week(60).ranked.iloc[:4].assign(assignment="contact", mrr=10.0, renews_on=pd.Timestamp(AS_OF))
    ranked["triggers"] = [["renewal_30"], ["promoter", "renewal_30"], ["renewal_90"], []]
    week = at_a_glance(ranked)
    assert (week.n_renewing, week.renewing_mrr) == (2, 20.0)


@pytest.mark.parametrize("movement", [None, "new"])
def test_the_first_list_has_no_movement(movement: str | None) -> None:
    first = make_week(60).ranked.assign(movement=movement)
    assert shown(first)["movement"].isna().all()
    week = at_a_glance(first)
    assert (week.n_new, week.n_up, week.n_down) == (None, None, None)


def test_those_held_out_are_not_shown() -> None:
    ranked = make_week(200).ranked
    assert (ranked["assignment"] == "holdout").any()
    assert not (shown(ranked)["assignment"] == "holdout").any()
