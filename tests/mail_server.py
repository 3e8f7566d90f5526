"""A mail server on this machine for one test: STARTTLS or TLS with a certificate made on the spot, and a login."""

import base64
import datetime
import ipaddress
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from pathlib import Path

HOST = "127.0.0.1"


@dataclass
class Heard:
    """What came: the messages, and of each login whether it was encrypted, and its user and password."""

    port: int = 0
    messages: list[Message] = field(default_factory=list)
    logins: list[tuple[bool, str, str]] = field(default_factory=list)


def certificate(folder: Path, *, name: str = HOST) -> Path:
    """A self-signed certificate, with its key in the same file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@contextmanager
def running(pem: Path | None, *, security: str, password: str | None) -> Iterator[Heard]:
    """Answers until the block ends. password: of any user; None: the server knows no login."""
    heard = Heard()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if pem:
        context.load_cert_chain(pem)

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.is_encrypted = False
            try:
                if security == "tls":
                    self.encrypt()
                self.say("220 test")
                while line := self.rfile.readline().decode().strip():
                    if not self.answer(line):
                        return
            except OSError:  # who does not trust the certificate hangs up
                return
            finally:
                if self.is_encrypted:
                    self.request.close()  # the server closes the socket beneath it, only

        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

        def encrypt(self) -> None:
            self.request = context.wrap_socket(self.request, server_side=True)
            self.setup()
            self.is_encrypted = True

        def answer(self, line: str) -> bool:
            verb = line.split()[0].upper()
            if verb == "EHLO":
                can = ["STARTTLS"] if security == "starttls" and not self.is_encrypted else []
                can += ["AUTH PLAIN"] if password else []
                told = ["test", *can]
                for i, text in enumerate(told):
                    self.say(f"250{' ' if i == len(told) - 1 else '-'}{text}")
            elif verb == "STARTTLS":
                self.say("220 go")
                self.encrypt()
            elif verb == "AUTH":
                _, user, given = base64.b64decode(line.split()[2]).decode().split("\0")
                heard.logins.append((self.is_encrypted, user, given))
                self.say("235 welcome" if given == password else f"535 no, {given} is wrong")
            elif verb == "DATA":
                self.say("354 go on")
                rows = []
                while (row := self.rfile.readline()) != b".\r\n":
                    rows.append(row)
                heard.messages.append(message_from_bytes(b"".join(rows)))
                self.say("250 taken")
            elif verb == "QUIT":
                self.say("221 bye")
                return False
            else:
                self.say("250 well")
            return True

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server((HOST, 0), Session) as server:
        heard.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield heard
        finally:
            server.shutdown()
            thread.join()
