"""An account's address in the CRM, from a pattern that a person wrote into params.yaml."""

from urllib.parse import quote, urlsplit

ID = "{account_id}"


def checked(pattern: str) -> str:
    """The pattern, where addresses can be made of it; empty: no links. Raises ValueError that says what is wrong.

    >>> checked("https://example.my.salesforce.com/{account_id}"), checked("")
    ('https://example.my.salesforce.com/{account_id}', '')
    >>> checked("https://crm.example.com/accounts/")
    Traceback (most recent call last):
    ValueError: write {account_id} where the account's id belongs, as in https://crm.example.com/accounts/{account_id}
    """
    if not pattern:
        return pattern
    if any(character.isspace() or not character.isprintable() or character in '<>"`\\^|' for character in pattern):
        raise ValueError(
            "an address holds no space, quote, angle bracket or control character; write it percent-encoded"
        )
    try:
        parts = urlsplit(pattern)
        host = parts.hostname
    except ValueError:
        raise ValueError("this is no address; write one like https://crm.example.com/accounts/{account_id}") from None
    if parts.scheme not in ("https", "http") or not host:
        raise ValueError("the address begins with https:// (or http://) and a host")
    if ID not in pattern:
        raise ValueError(f"write {ID} where the account's id belongs, as in https://crm.example.com/accounts/{ID}")
    if "{" in pattern.replace(ID, "") or "}" in pattern.replace(ID, ""):
        raise ValueError(f"{ID} is the only thing that is filled in; take the other braces out")
    if ID in parts.netloc or "@" in parts.netloc:
        raise ValueError("the host is a fixed one, without an id or a login in it")
    return pattern


def address(pattern: str, account_id: str) -> str:
    """The address of an account; its id is percent-encoded, so that it cannot lead elsewhere.

    >>> address("https://crm.example.com/a/{account_id}?tab=1", "A/1 &ü")
    'https://crm.example.com/a/A%2F1%20%26%C3%BC?tab=1'
    """
    return pattern.replace(ID, quote(account_id, safe=""))
