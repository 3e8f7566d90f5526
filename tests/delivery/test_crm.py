"""Addresses in the CRM: a pattern that cannot be one is refused in a sentence, and an id cannot lead elsewhere."""

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import BadInput
from data.settings import read_yaml
from delivery.crm import address
from pipelines import paths
from pipelines.params import Params

PATTERN = "https://example.my.salesforce.com/{account_id}"


def load(pattern: object) -> str:
    content = read_yaml(paths.PARAMS)
    content["deliver"] = {"crm_url": pattern}
    return Params.parse(content, file="params.yaml").deliver.crm_url


def test_it_is_off_unless_somebody_gives_one() -> None:
    assert Params.load().deliver.crm_url == ""
    assert load("") == ""


@pytest.mark.parametrize("pattern", [PATTERN, "http://crm.local:8080/a?id={account_id}#top"])
def test_a_pattern_that_is_one(pattern: str) -> None:
    assert load(f" {pattern} ") == pattern


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("https://crm.example.com/", "write {account_id} where the account's id belongs"),
        ("javascript:alert('{account_id}')", "the address begins with https:// (or http://) and a host"),
        ("ftp://crm.example.com/{account_id}", "the address begins with https:// (or http://) and a host"),
        ("crm.example.com/{account_id}", "the address begins with https:// (or http://) and a host"),
        ("https:///{account_id}", "the address begins with https:// (or http://) and a host"),
        ("https://{account_id}.example.com/", "the host is a fixed one, without an id or a login in it"),
        ("https://me:secret@crm.example.com/{account_id}", "the host is a fixed one, without an id or a login in it"),
        ("https://crm.example.com/{account_id}/{name}", "{account_id} is the only thing that is filled in"),
        ("https://crm.example.com/a b/{account_id}", "an address holds no space"),
        ('https://crm.example.com/"{account_id}', "an address holds no space, quote"),
        ("https://[crm/{account_id}", "this is no address"),
        (7, "input should be a valid string"),
    ],
)
def test_a_pattern_that_is_none_is_refused_in_one_sentence(pattern: object, why: str) -> None:
    with pytest.raises(BadInput) as refused:
        load(pattern)
    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"params.yaml: deliver.crm_url: {why}")
    assert line.endswith("; change it.")


@given(st.text(min_size=1))
def test_an_id_stays_within_its_place(account_id: str) -> None:
    found = urlsplit(address("https://crm.example.com/a/{account_id}?x=1", account_id))
    assert (found.scheme, found.netloc, found.query, found.fragment) == ("https", "crm.example.com", "x=1", "")
    assert unquote(found.path.removeprefix("/a/")) == account_id
    assert found.path.count("/") == 2
