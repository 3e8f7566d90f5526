"""A whole company, a block of accounts at a time."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa

from data.catalog import Catalog
from data.contract import RAW_TABLES
from data.errors import BadInput
from data.simulate.calendar import Month, horizon, months_until
from data.simulate.history import History, live
from data.simulate.identity import account_ids
from data.simulate.month import N_NORMALS, N_UNIFORMS
from data.simulate.outlook import look
from data.simulate.parallel import in_order
from data.simulate.people import accounts_and_changes
from data.simulate.pitches import proposals
from data.simulate.purchases import subscriptions
from data.simulate.relations import relations
from data.simulate.response import response
from data.simulate.shop import Shop, open_shop
from data.simulate.streams import FUTURES, futures
from data.simulate.truth import causes, p_expansion
from data.simulate.use import usage_and_meters
from data.simulate.world import World

BLOCK = 500  # accounts at a time: some 300 MB
TRUTH = {
    "expansion": pa.schema(
        [("account_id", pa.string()), ("as_of", pa.date32()), ("p_logged", pa.float64()),
         ("p_no_contact", pa.float64())]
    ),
    "response": pa.schema(
        [("account_id", pa.string()), ("as_of", pa.date32()), ("offer_id", pa.string()), ("channel", pa.string()),
         ("discount_pct", pa.float64()), ("p_accept", pa.float64()), ("value", pa.float64())]
    ),
    "causes": pa.schema(
        [("account_id", pa.string()), ("as_of", pa.date32()), ("group", pa.string()), ("log_odds", pa.float64())]
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """The rows of a block of accounts: raw tables and truth by name, sorted by account and time."""

    raw: dict[str, pa.Table]
    truth: dict[str, pa.Table]


def raw_schema(name: str) -> pa.Schema:
    """A raw table's columns as a company would give them: without `known_on`, which is worked out on reading."""
    schema = RAW_TABLES[name].arrow_schema()
    return schema.remove(schema.get_field_index("known_on"))


def simulate(
    catalog: Catalog, world: World, *, accounts: int, months: int, seed: int, ends_on: date, block: int = BLOCK,
    processes: int = 1, truth: Collection[str] = tuple(TRUTH),
) -> Iterator[Part]:  # fmt: skip
    """Yield the company in parts, in the order of accounts.

    An account's rows depend on the seed and its number: not on the block, nor on others, nor on the processes.
    `truth`: the tables of the truth that are wanted, most of whose cost is `expansion`.

    Raises BadInput where `ends_on` is not the first of a month, or the catalogue does not fit the world.
    """
    if ends_on.day != 1:
        raise BadInput(f"simulate.ends_on is {ends_on}; it must be the first of a month: the data ends the day before.")
    if months < 1:
        raise BadInput(f"simulate.months is {months}; it must be at least 1.")
    if len(world.arrivals.plan_shares) != len(catalog.plans):
        raise BadInput(
            f"simulate.world.arrivals.plan_shares has {len(world.arrivals.plan_shares)} shares and the catalogue has "
            f"{len(catalog.plans)} plans; give one share for each plan, in the order of tiers."
        )
    blocks = [range(first, min(first + block, accounts)) for first in range(0, accounts, block)]
    part = partial(_part, world, open_shop(catalog), months, seed, ends_on, tuple(truth))
    yield from in_order(part, blocks, min(processes, len(blocks)))


def _part(
    world: World, shop: Shop, months: int, seed: int, ends_on: date, truth: Collection[str], numbers: range
) -> Part:
    calendar = months_until(ends_on, months, world.arrivals.burn_in_months, world.price_rise_on)
    history = live(world, shop, calendar, numbers, seed)
    return Part(raw=_raw(world, shop, history, seed, ends_on), truth=_truth(world, shop, history, seed, truth))


def _raw(world: World, shop: Shop, history: History, seed: int, ends_on: date) -> dict[str, pa.Table]:
    table, known = accounts_and_changes(world, history, ends_on, seed)
    frames = {
        "accounts": table,
        "subscriptions": subscriptions(shop, history),
        "proposals": proposals(shop, history, ends_on),
        "account_changes": known,
        **relations(world, shop, history, ends_on, seed),
    }
    usage, meters = usage_and_meters(world, shop, history, seed)
    found = {"usage": usage.cast(raw_schema("usage")), "meters": meters.cast(raw_schema("meters"))}
    for name, frame in frames.items():
        found[name] = _arrow(frame, raw_schema(name))
    return {name: found[name] for name in RAW_TABLES}


def _arrow(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False).replace_schema_metadata(None)


def _truth(world: World, shop: Shop, history: History, seed: int, wanted: Collection[str]) -> dict[str, pa.Table]:
    """Snapshots: the first of each month of the window, and the day on which it ends; offers: that day only."""
    end = horizon(history.months[-1], history.months[-1].n_days + 1)[-1]
    frames: dict[str, pd.DataFrame] = {}
    if {"expansion", "causes"} & set(wanted):
        frames |= _snapshots(world, shop, history, seed, end)
    if "response" in wanted:
        frames["response"] = _answers(world, shop, history, seed, end)
    return {name: _arrow(frames[name], schema) for name, schema in TRUTH.items() if name in wanted}


def _snapshots(world: World, shop: Shop, history: History, seed: int, end: Month) -> dict[str, pd.DataFrame]:
    ids, numbers = account_ids(history.numbers), history.numbers.tolist()
    months, states = [*history.months, end], history.states
    snapshots = range(history.n_before, len(months))
    ahead = {t: horizon(months[t], world.horizon_days) for t in snapshots}
    longest = max(len(touched) for touched in ahead.values())
    shape = (longest, N_NORMALS + len(shop.metrics)), (longest, N_UNIFORMS)
    z, u = futures(seed, numbers, FUTURES, world.replicates, normals=shape[0], uniforms=shape[1])
    expansion, why = [], []
    for t in snapshots:
        here = np.flatnonzero(states[t].is_active)
        some = states[t].take(here)
        logged = p_expansion(world, shop, some, ahead[t], z[here], u[here], contact=True)
        alone = p_expansion(world, shop, some, ahead[t], z[here], u[here], contact=False)
        key = {"account_id": ids[here], "as_of": months[t].starts_on}
        expansion.append(pd.DataFrame({**key, "p_logged": logged.round(6), "p_no_contact": alone.round(6)}))
        by_group = causes(world, look(world, shop, some, months[t]))
        n_groups = len(by_group)
        rows = {"account_id": np.repeat(ids[here], n_groups), "as_of": months[t].starts_on}
        log_odds = np.column_stack(list(by_group.values())).ravel().astype(float).round(4)
        why.append(pd.DataFrame({**rows, "group": np.tile(list(by_group), len(here)), "log_odds": log_odds}))
    return {
        "expansion": pd.concat(expansion).sort_values(["account_id", "as_of"], kind="stable"),
        "causes": pd.concat(why).sort_values(["account_id", "as_of", "group"], kind="stable"),
    }


def _answers(world: World, shop: Shop, history: History, seed: int, end: Month) -> pd.DataFrame:
    ids, last = account_ids(history.numbers), history.states[-1]
    here = np.flatnonzero(last.is_active)
    answer = response(world, shop, last.take(here), end, seed, history.numbers[here].tolist())
    answer.insert(0, "account_id", ids[here[answer.pop("position").to_numpy()]])
    answer.insert(1, "as_of", end.starts_on)
    return answer.sort_values(["account_id", "offer_id", "channel", "discount_pct"], kind="stable")
