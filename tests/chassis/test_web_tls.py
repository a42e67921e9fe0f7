"""TLS: certificates, clients' certificates, and changes of both without a restart."""

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme
from aiohttp import ClientConnectorError, ClientError, ClientOSError, ClientSession, TCPConnector

from chassis.service import StartFailed
from chassis.web import WebConfigFaulty, WebServer
from chassis.web_config import WebSettings
from tests.chassis.servers import asked, basic, overwrite, serving, users_file


class Files:
    """The files of a TLS server."""

    def __init__(self, folder: Path, authority: trustme.CA) -> None:
        self.folder = folder
        self.config = folder / "web.yml"
        self.issue(authority)
        self.configure()

    def issue(self, authority: trustme.CA) -> None:
        """Write another certificate and key."""
        certificate = authority.issue_cert("127.0.0.1", "localhost")
        chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
        (self.folder / "cert.pem").write_bytes(chain)
        (self.folder / "key.pem").write_bytes(certificate.private_key_pem.bytes())

    def key(self) -> bytes:
        """Return the key."""
        return (self.folder / "key.pem").read_bytes()

    def key_is(self, key: bytes) -> None:
        """Write another key."""
        (self.folder / "key.pem").write_bytes(key)

    def configure(self, *lines: str) -> None:
        """Write the web.config.file, with more lines about TLS."""
        tls = ["cert_file: cert.pem", "key_file: key.pem", *lines]
        self.config.write_text("tls_server_config:\n" + "".join(f"  {line}\n" for line in tls))

    def trust_clients_of(self, authority: trustme.CA) -> None:
        """Write the authority whose clients are trusted."""
        authority.cert_pem.write_to_path(str(self.folder / "clients.pem"))


@pytest.fixture
def authority() -> trustme.CA:
    """Return a certificate authority."""
    return trustme.CA()


@pytest.fixture
def files(tmp_path: Path, authority: trustme.CA) -> Files:
    """Return the files of a server that the authority vouches for."""
    return Files(tmp_path, authority)


def trusting(authority: trustme.CA, client: trustme.LeafCert | None = None) -> ssl.SSLContext:
    """Return a client's context."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if client is not None:
        client.configure_cert(context)
    return context


async def answered(server: WebServer, context: ssl.SSLContext, scheme: str = "https") -> bool:
    """Ask over a new connection; tell whether there was an answer."""
    address = server.addresses[0]
    async with ClientSession(connector=TCPConnector(ssl=context)) as client:
        try:
            async with client.get(f"{scheme}://{address}/hello") as answer:
                return answer.status == 200
        except (ClientConnectorError, ClientOSError, ClientError):
            return False


async def test_it_speaks_tls_and_says_so(files: Files, authority: trustme.CA) -> None:
    """Whoever speaks anything else or trusts another authority gets nothing."""
    async with serving(config=files.config) as server:
        assert server.url.startswith("https://127.0.0.1:")
        assert await answered(server, trusting(authority))
        assert not await answered(server, trusting(authority), scheme="http")
        assert not await answered(server, trusting(trustme.CA()))
        assert await answered(server, trusting(authority))


@pytest.mark.parametrize("minimum, spoken", [("TLS12", True), ("TLS13", False)])
async def test_older_versions_than_the_oldest_wanted_are_refused(
    minimum: str, files: Files, authority: trustme.CA, *, spoken: bool
) -> None:
    """A client that knows TLS 1.2 alone is served by TLS12 and not by TLS13."""
    files.configure(f"min_version: {minimum}")
    old = trusting(authority)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with serving(config=files.config) as server:
        assert await answered(server, old) is spoken
        assert await answered(server, trusting(authority))


@pytest.mark.parametrize(
    "kind, without, with_foreign",
    [
        ("RequireAndVerifyClientCert", False, False),
        ("VerifyClientCertIfGiven", True, False),
        ("RequestClientCert", True, True),
    ],
)
async def test_clients_certificates_are_asked_for(
    kind: str, files: Files, authority: trustme.CA, *, without: bool, with_foreign: bool
) -> None:
    """As exporter-toolkit's types say."""
    clients = trustme.CA()
    files.trust_clients_of(clients)
    files.configure(f"client_auth_type: {kind}", "client_ca_file: clients.pem")
    async with serving(config=files.config) as server:
        own = trusting(authority, clients.issue_cert("client@example.org"))
        foreign = trusting(authority, trustme.CA().issue_cert("client@example.org"))
        assert await answered(server, own)
        assert await answered(server, trusting(authority)) is without
        assert await answered(server, foreign) is with_foreign


async def test_a_new_certificate_serves_new_connections(
    files: Files, authority: trustme.CA
) -> None:
    """The socket stays, and so does a connection that stands."""
    newer = trustme.CA()
    async with serving(config=files.config) as server:
        connector = TCPConnector(ssl=trusting(authority))
        async with ClientSession(connector=connector) as standing:
            async with standing.get(server.url + "/hello") as answer:
                assert answer.status == 200
            before = server.addresses
            files.issue(newer)
            assert await answered(server, trusting(newer))
            assert not await answered(server, trusting(authority))
            assert server.addresses == before
            async with standing.get(server.url + "/hello") as answer:
                assert answer.status == 200


async def test_other_trusted_clients_count_at_once(files: Files, authority: trustme.CA) -> None:
    """An authority that is taken out of the file is trusted no more."""
    before, after = trustme.CA(), trustme.CA()
    old = trusting(authority, before.issue_cert("client@example.org"))
    new = trusting(authority, after.issue_cert("client@example.org"))
    files.trust_clients_of(before)
    files.configure("client_auth_type: RequireAndVerifyClientCert", "client_ca_file: clients.pem")
    async with serving(config=files.config) as server:
        assert (await answered(server, old), await answered(server, new)) == (True, False)
        files.trust_clients_of(after)
        assert (await answered(server, old), await answered(server, new)) == (False, True)


async def test_tls_comes_and_goes_with_the_file(files: Files, authority: trustme.CA) -> None:
    """The next connection speaks what the file says."""
    with_tls = await asyncio.to_thread(files.config.read_text)
    async with serving(config=files.config) as server:
        assert await answered(server, trusting(authority))
        users_file(files.config, anna="right")
        assert await asked(server, "/hello", login="anna:right") == (200, "hello")
        overwrite(files.config, with_tls)
        assert await answered(server, trusting(authority))


async def test_a_faulty_certificate_changes_nothing_and_is_said_once(
    files: Files, authority: trustme.CA, caplog: pytest.LogCaptureFixture
) -> None:
    """A key that is written after its certificate is a fault for a moment only."""
    newer = trustme.CA()
    async with serving(config=files.config) as server:
        key = files.key()
        files.issue(newer)
        new_key = files.key()
        files.key_is(key)
        for _ in range(3):
            assert await answered(server, trusting(authority))
        assert [r.levelname for r in caplog.records].count("ERROR") == 1
        files.key_is(new_key)
        assert await answered(server, trusting(newer))


@pytest.mark.parametrize("fault", ["no keys", "no certificate", "any certificate"])
async def test_a_server_does_not_start_with_a_faulty_file(fault: str, files: Files) -> None:
    """It says which file, and asks nobody for a password."""
    if fault == "no keys":
        overwrite(files.config, "{}")
    elif fault == "no certificate":
        overwrite(files.folder / "cert.pem", "nonsense")
    else:
        files.configure("client_auth_type: RequireAnyClientCert")
    with pytest.raises(StartFailed, match=r"web\.yml"):
        async with serving(config=files.config):
            pass


async def test_other_settings_are_used_from_a_reload_on(
    files: Files, authority: trustme.CA, tmp_path: Path
) -> None:
    """A faulty file is an error of the reload, and changes nothing."""
    other, empty = users_file(tmp_path / "other.yml", anna="x"), tmp_path / "empty.yml"
    overwrite(empty, "")
    async with serving(config=files.config) as server:
        with pytest.raises(WebConfigFaulty, match="empty"):
            server.reload(WebSettings(listen="127.0.0.1:0", web_config_file=empty))
        assert await answered(server, trusting(authority))
        server.reload(WebSettings(listen="127.0.0.1:0", web_config_file=other))
        assert server.url.startswith("http://")
        assert not await answered(server, trusting(authority))


async def test_a_fault_of_tls_names_its_line(files: Files) -> None:
    """As every other fault of a config does."""
    files.config.write_text("# ours\n" + files.config.read_text())
    async with serving() as server:
        overwrite(files.folder / "cert.pem", "nonsense")
        with pytest.raises(WebConfigFaulty) as caught:
            server.reload(WebSettings(listen="127.0.0.1:0", web_config_file=files.config))
    (fault,) = caught.value.faults
    assert (fault.file, fault.line, fault.path) == (str(files.config), 2, "tls_server_config")


async def test_a_reload_to_loopback_does_not_open_what_others_can_reach(
    files: Files, authority: trustme.CA
) -> None:
    """The new address takes a restart: until then users and TLS stay, as the socket does."""
    users = users_file(files.folder / "users.yml", anna="right").read_text()
    overwrite(files.config, files.config.read_text() + users)
    async with serving(config=files.config, listen="0.0.0.0:0") as server:
        server.reload(WebSettings(listen="127.0.0.1:0"))
        assert not server.addresses[0].is_loopback
        own = f"127.0.0.1:{server.addresses[0].port}/hello"
        async with ClientSession(connector=TCPConnector(ssl=trusting(authority))) as client:
            for login, status in (("anna:wrong", 401), ("anna:right", 200)):
                headers = {"Authorization": basic(login)}
                async with client.get(f"https://{own}", headers=headers) as answer:
                    assert answer.status == status
            with pytest.raises(ClientError):
                await client.get(f"http://{own}")
