"""`upsell measure` for the terminal: the figures where there are any, and words where there are none."""

from collections.abc import Mapping
from typing import Any

from delivery.figures import money


def as_text(found: Mapping[str, Any]) -> str:
    """The total first, then a line a week."""
    total, currency = found["total"], found["currency"]
    lines = [f"{len(found['weeks'])} lists, as known before {found['as_of']}. {total['lift']['verdict']}", ""]
    lines += _lift(total["lift"], currency)
    lines += _did(total)
    lines += ["", "Accepted, of what was decided"]
    lines += [f"  {offer}: {_acceptance(one)}" for offer, one in total["acceptance"].items()] or ["  nothing yet"]
    lines += ["", "Worked on, of what the list gave"]
    lines += [f"  {owner}: {_of(one['n_worked_on'], one['n_listed'])}" for owner, one in total["owners"].items()]
    lines += ["", f"First {total['top']['ranks']} ranks: {_top(total['top'])}", _discount(total["discount"])]
    lines += ["", _company(found["company"], currency), "", "By week"]
    lines += [f"  {day}: {_week(week)}" for day, week in found["weeks"].items()]
    if found["n_later"]:
        lines += [
            "",
            f"{found['n_later']} answers were given on {found['as_of']} or later: they count after their day.",
        ]
    return "\n".join(lines)


def _lift(lift: Mapping[str, Any], currency: str) -> list[str]:
    if lift["difference"] is None:
        return []
    told = {name: money(lift[name], currency) for name in ("mean_list", "mean_held_out", "difference", "low", "high")}
    lines = [
        f"Expansion MRR an account: {told['mean_list']} on the list ({lift['n_list']}), {told['mean_held_out']} held "
        f"out ({lift['n_held_out']}); difference {told['difference']} ({told['low']} to {told['high']})"
    ]
    if each := lift["per_contacted"]:
        low, middle, high = (money(each[name], currency) for name in ("low", "difference", "high"))
        share = f"{lift['share_contacted']:.0%}"
        lines.append(f"  for each account that was contacted ({share}): {middle} ({low} to {high})")
    if lift["smallest_visible"] is not None:
        lines.append(f"  the smallest difference that would show by now: {money(lift['smallest_visible'], currency)}")
    return [*lines, ""]


def _did(block: Mapping[str, Any]) -> list[str]:
    answers = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in block["answers"].items() if n)
    return [
        f"{block['n_listed']} to contact, {block['n_held_out']} held out; {block['n_worked_on']} worked on, "
        f"{block['n_contacted']} contacted, {block['n_answered']} answered.",
        f"  {answers or 'nobody has answered'}",
    ]


def _acceptance(one: Mapping[str, Any]) -> str:
    counted = f"{one['n_accepted']} of {one['n_decided']}"
    if one["share"] is None:
        return f"{counted}; {one['note']}"
    told = f"{counted}, {one['share']:.0%} ({one['low']:.0%} to {one['high']:.0%})"
    return told if one["predicted"] is None else f"{told}; {one['predicted']:.0%} predicted: {one['verdict']}"


def _of(k: int, n: int) -> str:
    return f"{k} of {n}"


def _top(top: Mapping[str, Any]) -> str:
    if top["share"] is None:
        return str(top["note"])
    spread = f"{top['share']:.0%} ({top['low']:.0%} to {top['high']:.0%})"
    return f"{top['n_expanded']} of {top['n']} expanded within the horizon, {spread}; {top['base_rate']:.0%} of all"


def _discount(one: Mapping[str, Any]) -> str:
    if not one["n_accepted"]:
        return "Discounts: nothing was accepted yet"
    counted = _of(one["n_discounted"], one["n_accepted"])
    return f"Discounts: {counted} accepted offers had one; {one['mean_pct']:.1f} % over all"


def _company(one: Mapping[str, Any], currency: str) -> str:
    if one["nrr"] is None:
        return f"From {one['from']} to {one['to']}: no account paid on the first day."
    parts = {name: money(one[f"{name}_mrr"], currency) for name in ("expansion", "contraction", "churned")}
    return (
        f"From {one['from']} to {one['to']}, of {one['n_customers']} customers: expansion {parts['expansion']}, "
        f"contraction {parts['contraction']}, churned {parts['churned']} MRR; NRR {one['nrr']:.1%}, "
        f"GRR {one['grr']:.1%}; upsell conversion {one['upsell_conversion']:.1%}"
    )


def _week(week: Mapping[str, Any]) -> str:
    worked, said = _of(week["n_worked_on"], week["n_listed"]), week["answers"]
    contacted = f"{worked} worked on, {week['n_contacted']} contacted"
    return f"{contacted}, {said['accepted']} accepted, {said['declined']} declined"
