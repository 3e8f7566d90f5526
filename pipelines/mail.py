"""Sending the digests: over TLS unless said otherwise, with a login where one is configured.

The server's certificate is verified against this machine's authorities (or those of SSL_CERT_FILE). The password comes
from the environment, goes to the server and nowhere else: no sentence of ours repeats it, nor what the server answered.
"""

import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage

from data.environment import from_environment
from data.errors import BadInput
from pipelines.params import Publish

PORTS = {"none": 25, "starttls": 587, "tls": 465}
SECONDS = 30
WHERE = "params.yaml: publish"


def send(messages: Sequence[EmailMessage], settings: Publish) -> int:
    """Send them, one after the other; gives how many. Raises BadInput where the server does not take them."""
    host, port = _place(from_environment(str(settings.smtp), f"{WHERE}.smtp"), PORTS[settings.smtp_security])
    user = from_environment(settings.smtp_user, f"{WHERE}.smtp_user") if settings.smtp_user else None
    password = from_environment(settings.smtp_password, f"{WHERE}.smtp_password") if settings.smtp_password else None
    try:
        with _connected(host, port, settings.smtp_security) as server:
            if user and password:
                server.login(user, password)
            for message in messages:
                server.send_message(message)
    except ssl.SSLCertVerificationError as error:
        raise BadInput(
            f"{WHERE}.smtp: the certificate of {host} is not to be trusted ({error.verify_message}); nothing was sent. "
            "Where the company has an authority of its own, let SSL_CERT_FILE name its certificate."
        ) from None
    except smtplib.SMTPNotSupportedError:
        lacking = "STARTTLS" if settings.smtp_security == "starttls" else "login"
        raise BadInput(
            f"{WHERE}.smtp: {host} offers no {lacking}; nothing was sent. Set smtp_security (starttls, tls or none) "
            "and smtp_user to what it takes."
        ) from None
    except smtplib.SMTPAuthenticationError as error:
        raise BadInput(
            f"{WHERE}.smtp: {host} refused the login of {user} (code {error.smtp_code}); nothing was sent. Check "
            "smtp_user and the variable that smtp_password names."
        ) from None
    except UnicodeEncodeError:
        raise BadInput(
            f"{WHERE}: smtp_user or the password has a letter that a login by mail can't carry; nothing was sent. Use "
            "plain ASCII."
        ) from None
    except smtplib.SMTPResponseException as error:
        raise BadInput(
            f"{WHERE}.smtp: {host} did not take the digests (code {error.smtp_code}); those not sent lie there."
        ) from None
    except (OSError, smtplib.SMTPException) as error:
        raise BadInput(
            f"{WHERE}.smtp: {host} did not take the digests ({type(error).__name__}); they lie there."
        ) from None
    return len(messages)


def _connected(host: str, port: int, security: str) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if security == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=context)
    server = smtplib.SMTP(host, port, timeout=SECONDS)
    if security == "starttls":
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server


def _place(text: str, port: int) -> tuple[str, int]:
    """Host and port of `host` or `host:port`.

    >>> _place("mail.example.com", 587), _place("mail.example.com:2525", 587)
    (('mail.example.com', 587), ('mail.example.com', 2525))
    """
    host, colon, given = text.rpartition(":")
    if not colon:
        return text, port
    if not given.isdigit():
        raise BadInput(f"{WHERE}.smtp: {given!r} is no port; write host:port, like mail.example.com:587.")
    return host, int(given)
