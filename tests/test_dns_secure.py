"""DNS over TLS and over HTTPS, against servers on loopback with a certificate of their own."""

import asyncio
import base64
import datetime
import ipaddress
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import dns.message
import dns.query
import dns.rdatatype
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from senderauth.dns import Answer, LiveResolver, Question, Status, crowd, drive, run, together
from tests.dnsserver import Server

RECORDS: dict[tuple[str, str], Any] = {
    ("a.example", "TXT"): [b"v=spf1 -all"],
    ("w.example", "CNAME"): ["a.example"],
    ("bad.example", "A"): Status.SERVFAIL,
}
A = Question("a.example", "TXT")


def answer_to(octets: bytes) -> bytes:
    query = dns.message.from_wire(octets)
    helper = Server.__new__(Server)
    from senderauth.dns import ZoneResolver

    helper.zone, helper.negative_ttl, helper.max_udp = ZoneResolver.from_records(RECORDS), 60, 65_535
    asked = query.question[0]
    name = asked.name.to_text(omit_final_dot=True).lower()
    rdtype = dns.rdatatype.to_text(asked.rdtype)
    answer = drive(helper.zone.resolve(Question(name, rdtype)))
    return helper._reply(query, answer, name, rdtype, "", "tcp")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dns.example")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("dns.example"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


class TLSHandler(socketserver.StreamRequestHandler):
    connections = 0

    def handle(self) -> None:
        type(self).connections += 1
        while size := self.rfile.read(2):
            reply = answer_to(self.rfile.read(int.from_bytes(size, "big")))
            self.wfile.write(len(reply).to_bytes(2, "big") + reply)
            self.wfile.flush()


class HTTPHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def do_GET(self) -> None:
        text = parse_qs(urlsplit(self.path).query)["dns"][0]
        self._answer(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))

    def _answer(self, octets: bytes) -> None:
        if self.path.startswith("/broken"):
            self.send_error(503)
            return
        reply = answer_to(octets)
        self.send_response(200)
        self.send_header("Content-Type", "application/dns-message")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


class TLSServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_: Any) -> None:
        """A client that refuses the certificate is no error here."""


class HTTPSServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """As above."""


def serve(server: Any, certificate: Path) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def tls(certificate: Path) -> Iterator[int]:
    yield from serve(TLSServer(("127.0.0.1", 0), TLSHandler), certificate)


@pytest.fixture(scope="module")
def https(certificate: Path) -> Iterator[int]:
    yield from serve(HTTPSServer(("127.0.0.1", 0), HTTPHandler), certificate)


def skip_without_https() -> None:
    if not dns.query.have_doh:
        pytest.skip("DNS over HTTPS needs pip install dnspython[doh]")


@pytest.fixture(params=["tls", "https"])
def where(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, certificate: Path) -> str:
    if request.param == "https":
        skip_without_https()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    port = request.getfixturevalue(request.param)
    return (
        f"tls://127.0.0.1:{port}#dns.example"
        if request.param == "tls"
        else f"https://127.0.0.1:{port}/dns-query"
    )


@pytest.mark.parametrize("driver", [run, asyncio.run])
def test_answers(where: str, driver: Any) -> None:
    with LiveResolver([where]) as resolver:
        questions = [
            A,
            Question("w.example", "TXT"),
            Question("nope.example", "A"),
            Question("bad.example", "A"),
        ]

        async def work() -> list[Answer]:
            return await together(*map(resolver.resolve, questions))

        answers = driver(work())
        assert [answer.status.value for answer in answers] == ["NOERROR", "NOERROR", "NXDOMAIN", "SERVFAIL"]
        assert answers[1].records == (b"v=spf1 -all",)
        assert answers[1].chain == ("a.example",)
        assert answers[2].ttl == 60
        assert answers[0].server == where


def test_many_questions_over_few_connections(where: str) -> None:
    TLSHandler.connections = 0
    resolver = LiveResolver([where])
    works = (resolver.resolve(Question(f"{n}.example", "A")) for n in range(60))
    assert {answer.status for _, answer in crowd(works)} == {Status.NXDOMAIN}
    assert TLSHandler.connections <= 8


def test_a_certificate_for_another_name_is_refused(
    tls: int, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    answer = run(LiveResolver([f"tls://127.0.0.1:{tls}#other.example"]).resolve(A))
    assert (answer.status, answer.note) == (Status.TIMEOUT, "tls-certificate")


def test_a_certificate_that_nobody_vouches_for_is_refused(tls: int, https: int) -> None:
    skip_without_https()
    for where in (f"tls://127.0.0.1:{tls}", f"https://127.0.0.1:{https}/dns-query"):
        answer = run(LiveResolver([where]).resolve(A))
        assert answer.status is Status.TIMEOUT
        assert answer.note == f"{where.partition(':')[0]}-certificate"


@pytest.mark.parametrize("scheme", ["tls", "https"])
def test_a_server_that_is_not_there(scheme: str) -> None:
    if scheme == "https":
        skip_without_https()
    start = time.monotonic()
    answer = run(LiveResolver([f"{scheme}://127.0.0.1:1"]).resolve(A))
    assert (answer.status, answer.note) == (Status.TIMEOUT, f"{scheme}-refused")
    assert time.monotonic() - start < 3


def test_a_web_server_that_fails(https: int, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    skip_without_https()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with Server(RECORDS) as second:
        broken = f"https://127.0.0.1:{https}/broken"
        answer = run(LiveResolver([broken]).resolve(A))
        assert (answer.status, answer.note) == (Status.TIMEOUT, "https-nonsense")
        assert run(LiveResolver([broken, second.where]).resolve(A)).records
