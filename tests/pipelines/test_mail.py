"""Digests to a mail server that asks for a login, on this machine: encrypted or not at all, no password shown."""

from email.message import EmailMessage
from pathlib import Path

import pytest

from data.errors import BadInput
from pipelines.mail import send
from pipelines.params import Publish
from tests import mail_server

PASSWORD = "correct horse"  # noqa: S105  of the test's own server
LOGIN = {"smtp_user": "upsell", "smtp_password": "${MAIL_PASSWORD}"}


@pytest.fixture
def pem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate that this machine trusts, for the length of a test."""
    made = mail_server.certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made))
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    return made


def message() -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "upsell@example.test", "aiko@example.test", "8 customers"
    made.set_content("1. Norenona Mobility")
    return made


def settings(port: int, **more: str) -> Publish:
    return Publish.parse({"smtp": f"{mail_server.HOST}:{port}", **more}, file="params.yaml: publish")


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_the_login_and_the_mail_go_over_tls(pem: Path, security: str) -> None:
    with mail_server.running(pem, security=security, password=PASSWORD) as heard:
        assert send([message(), message()], settings(heard.port, smtp_security=security, **LOGIN)) == 2
    assert heard.logins == [(True, "upsell", PASSWORD)]
    assert [one["To"] for one in heard.messages] == ["aiko@example.test"] * 2


def test_a_relay_without_a_login_is_said_to_be_one() -> None:
    with mail_server.running(None, security="none", password=None) as heard:
        assert send([message()], settings(heard.port, smtp_security="none")) == 1
        with pytest.raises(BadInput, match="offers no STARTTLS; nothing was sent"):
            send([message()], settings(heard.port))
    assert len(heard.messages) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_gets_neither_login_nor_mail(
    pem: Path, security: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    says = r"the certificate of 127.0.0.1 is not to be trusted .self.signed"
    with (
        mail_server.running(pem, security=security, password=PASSWORD) as heard,
        pytest.raises(BadInput, match=says),
    ):
        send([message()], settings(heard.port, smtp_security=security, **LOGIN))
    assert (heard.logins, heard.messages) == ([], [])


def test_of_another_host_it_is_not_taken_either(tmp_path: Path, pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = mail_server.certificate(tmp_path, name="192.0.2.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(other))
    with (
        mail_server.running(other, security="tls", password=PASSWORD) as heard,
        pytest.raises(BadInput, match="is not to be trusted"),
    ):
        send([message()], settings(heard.port, smtp_security="tls", **LOGIN))
    assert heard.logins == []


def test_a_wrong_password_is_told_and_not_shown(pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "not-it")
    with mail_server.running(pem, security="starttls", password=PASSWORD) as heard, pytest.raises(BadInput) as told:
        send([message()], settings(heard.port, **LOGIN))
    assert "refused the login of upsell (code 535); nothing was sent" in str(told.value)
    assert "not-it" not in str(told.value)  # although the server says it back
    assert heard.messages == []


def test_a_password_that_no_login_can_carry_is_no_traceback(pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "pa\N{EURO SIGN}word")
    with (
        mail_server.running(pem, security="starttls", password=PASSWORD) as heard,
        pytest.raises(BadInput, match="a letter that a login by mail can't carry; nothing was sent"),
    ):
        send([message()], settings(heard.port, **LOGIN))
    assert heard.logins == []


def test_a_variable_that_is_not_set_is_named(pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAIL_PASSWORD")
    with pytest.raises(BadInput, match="smtp_password: the environment variable MAIL_PASSWORD is not set"):
        send([message()], settings(1, **LOGIN))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            {**LOGIN, "smtp_security": "none"},
            "the login would go over the network unencrypted; set it to starttls or tls",
        ),
        ({**LOGIN, "smtp_password": "hunter2"}, "a password stands in no file"),
        ({"smtp_user": "upsell"}, "smtp_user and smtp_password go together"),
        ({**LOGIN, "smtp_security": "ssl"}, "smtp_security: input should be 'starttls', 'tls' or 'none'"),
    ],
)
def test_an_unsafe_login_is_refused_in_a_sentence(given: dict[str, str], says: str) -> None:
    with pytest.raises(BadInput) as told:
        settings(25, **given)
    assert says in str(told.value)
    assert len(str(told.value).splitlines()) == 1
    assert "hunter2" not in str(told.value)
