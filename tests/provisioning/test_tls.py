"""Mutual TLS: who has no certificate of the right CA, id and role does not get in."""

from __future__ import annotations

import datetime
import json
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from hil.errors import ConfigError, LinkError
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.http.clients import SmDpClient
from hil.provisioning.http.revocations import RevocationWatch
from hil.provisioning.http.sm_sr_client import SmSrClient
from hil.provisioning.http.tls import client_context, server_context
from hil.provisioning.lab_ca import LabCa
from hil.provisioning.orders import ProfileRequest
from hil.provisioning.serve_config import parse_config
from hil.provisioning.servers import Servers
from tests.provisioning.serving import Bench, Clients


class Secured:
    """A running bench with certificates, and a second CA that nobody here trusts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "certificates"
        self.bench = Bench(None).secured(self.folder)
        self.revoked = self.bench.authority.issue("revoked-1", "operator")
        self.bench.authority.revoke(self.revoked)
        self.foreign = folder / "foreign"
        other = LabCa(self.foreign)
        for name, role in self.bench.ids.items():
            other.issue(name, role)
        (self.foreign / "ca.pem").write_bytes((self.folder / "ca.pem").read_bytes())
        self.servers = Servers(parse_config(self.bench.text(), "test"))

    @property
    def url(self) -> str:
        return self.servers.addresses["sm-sr-1"]

    def client(self, folder: Path, certificate: str, me: str = "operator-1") -> SmSrClient:
        keys = self.bench.keys(me, "sm-sr-1")
        tls = client_context(folder, certificate)
        return SmSrClient(self.url, "sm-sr-1", me, keys, tls=tls, server_name="sm-sr-1")


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    made = Secured(tmp_path_factory.mktemp("tls"))
    with made.servers:
        yield made


def test_who_shows_its_own_certificate_gets_in(secured: Secured) -> None:
    with secured.client(secured.folder, "operator-1") as client:
        assert client.euiccs() == (secured.bench.eid,)


def test_another_ca_is_refused_in_the_handshake(secured: Secured) -> None:
    with (
        secured.client(secured.foreign, "operator-1") as client,
        pytest.raises(LinkError, match=r"does it trust the certificate|TLS:"),
    ):
        client.euiccs()


def test_a_revoked_certificate_is_refused_in_the_handshake(secured: Secured) -> None:
    with secured.client(secured.folder, "revoked-1") as client, pytest.raises(LinkError):
        client.euiccs()


def test_a_certificate_that_is_revoked_while_the_servers_run_is_refused(
    secured: Secured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hil.provisioning.http.revocations.LOOK_SECONDS", 0.02)
    late = secured.bench.authority.issue("late-1", "operator")

    def refused_in_the_handshake() -> bool:
        try:
            with secured.client(secured.folder, "late-1") as client:
                client.euiccs()
        except LinkError:
            return True
        except Refusal:
            # The handshake was good; that no peer has this name is for the gate to say.
            return False
        return False

    assert not refused_in_the_handshake()
    deadline = time.monotonic() + 30
    while not refused_in_the_handshake():
        assert time.monotonic() < deadline
        # Of two lists the newer one counts, and their times are in seconds.
        secured.bench.authority.revoke(late)
        time.sleep(0.3)


def test_an_expired_certificate_is_refused_in_the_handshake(secured: Secured) -> None:
    yesterday = datetime.timedelta(days=-1)
    secured.bench.authority.issue("expired-1", "operator", life=yesterday)
    with secured.client(secured.folder, "expired-1") as client, pytest.raises(LinkError):
        client.euiccs()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("certificates", "told"),
    [(None, r"HANDSHAKE_FAILURE|CERTIFICATE_REQUIRED"), ("foreign", "UNKNOWN_CA")],
)
def test_who_is_refused_in_the_handshake_is_told_why(
    secured: Secured, version: ssl.TLSVersion, certificates: str | None, told: str
) -> None:
    context = ssl.create_default_context(cafile=str(secured.folder / "ca.pem"))
    context.minimum_version = context.maximum_version = version
    if certificates is not None:
        own = secured.foreign / "operator-1.pem"
        context.load_cert_chain(own, own.with_suffix(".key"))
    host, port = secured.url.removeprefix("https://").split(":")
    with (
        closing(socket.create_connection((host, int(port)), 10)) as plain,
        pytest.raises(ssl.SSLError) as caught,
        context.wrap_socket(plain, server_hostname="sm-sr-1") as client,
    ):
        # In TLS 1.3 the client has done before the server has seen its certificate.
        client.recv(1)
    assert re.search(told, str(caught.value.reason))


def test_no_certificate_no_answer(secured: Secured) -> None:
    context = ssl.create_default_context(cafile=str(secured.folder / "ca.pem"))
    with httpx2.Client(verify=context) as client, pytest.raises(httpx2.HTTPError):
        client.get(secured.url + "/health")


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_tls_is_refused(secured: Secured, version: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    host, port = secured.url.removeprefix("https://").split(":")
    with (
        closing(socket.create_connection((host, int(port)), 10)) as plain,
        pytest.raises(ssl.SSLError, match=r"(?i)protocol|alert|version"),
    ):
        context.wrap_socket(plain)


@pytest.mark.parametrize("role", ["sm-dp", "support-server", "line-station"])
def test_the_right_name_in_another_role_is_refused(
    secured: Secured, tmp_path: Path, role: str
) -> None:
    shutil.copytree(secured.folder, tmp_path / "c")
    authority = secured.bench.authority
    authority._folder = tmp_path / "c"
    authority.issue("operator-1", role)
    authority._folder = secured.folder
    with (
        secured.client(tmp_path / "c", "operator-1") as client,
        pytest.raises(Refusal, match="another role") as caught,
    ):
        client.euiccs()
    assert caught.value.code is RefusalCode.NOT_ALLOWED


def test_nobody_opens_a_session_in_the_name_of_another(
    secured: Secured, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        secured.client(secured.folder, "station-1") as client,
        pytest.raises(Refusal, match="certificate is that of station-1") as caught,
    ):
        client.euiccs()
    assert caught.value.code is RefusalCode.NOT_ALLOWED
    assert "station-1 tried to open a session as operator-1" in caplog.text


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "Bearer  "])
def test_a_stolen_session_is_of_no_use(
    secured: Secured, caplog: pytest.LogCaptureFixture, scheme: str
) -> None:
    with secured.client(secured.folder, "operator-1") as client:
        session = client.session()
    thief = client_context(secured.folder, "mno-1")
    with httpx2.Client(verify=thief) as http:
        answer = http.get(secured.url + "/euiccs", headers={"Authorization": scheme + session})
    assert answer.status_code == 403
    assert answer.json()["error"]["reason"] == "this session is not one of mno-1"
    assert "mno-1 came with a session of operator-1" in caplog.text
    assert session not in caplog.text


def test_a_certificate_alone_opens_nothing(secured: Secured) -> None:
    with httpx2.Client(verify=client_context(secured.folder, "operator-1")) as http:
        answer = http.get(secured.url + "/euiccs")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not-authenticated")


def test_a_server_must_be_the_one_that_was_meant(secured: Secured) -> None:
    keys = secured.bench.keys("operator-1", "sm-dp-1")
    tls = client_context(secured.folder, "operator-1")
    with (
        SmDpClient(
            secured.url, "sm-dp-1", "operator-1", keys, tls=tls, server_name="sm-dp-1"
        ) as client,
        pytest.raises(LinkError, match="cannot be reached"),
    ):
        client.place(ProfileRequest(amount=1))


def test_a_foreign_certificate_is_known_by_its_whole_subject(tmp_path: Path) -> None:
    bench = Bench(None).secured(tmp_path / "c")
    bench.authority.issue("lab.example", "Unit 7")
    config = bench.config()
    config["peers"][1]["subject"] = "CN=lab.example,OU=Unit 7"
    with Servers(parse_config(json.dumps(config), "test")) as servers:
        for certificate, welcome in (("lab.example", True), ("operator-1", False)):
            client = SmSrClient(
                servers.addresses["sm-sr-1"],
                "sm-sr-1",
                "operator-1",
                bench.keys("operator-1", "sm-sr-1"),
                tls=client_context(tmp_path / "c", certificate),
                server_name="sm-sr-1",
            )
            with client:
                if welcome:
                    assert client.euiccs() == (bench.eid,)
                else:
                    with pytest.raises(Refusal):
                        client.euiccs()


def test_openssl_and_curl_get_in_with_a_certificate_only(secured: Secured) -> None:
    folder = secured.folder
    own = ["--cert", str(folder / "operator-1.pem"), "--key", str(folder / "operator-1.key")]
    for extra, code in ((own, 0), ([], 56)):
        done = subprocess.run(
            ["curl", "-sS", "--cacert", str(folder / "ca.pem"), *extra, secured.url + "/health"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert (done.returncode == 0) is (code == 0), done.stderr
    done = subprocess.run(
        ["openssl", "verify", "-CAfile", folder / "ca.pem", folder / "sm-sr-1.pem"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout.strip().endswith("OK"), done.stderr


def test_plain_http_is_for_loopback_only() -> None:
    text = json.dumps(Bench(None).config() | {"host": "192.0.2.1"})
    with pytest.raises(ConfigError, match="not loopback"):
        parse_config(text, "test")


def test_a_missing_certificate_is_named(tmp_path: Path) -> None:
    bench = Bench(None).secured(tmp_path)
    (tmp_path / "mno-1.key").unlink()
    with (
        pytest.raises(ConfigError, match="certificates of mno-1"),
        Servers(parse_config(bench.text(), "test")),
    ):
        pytest.fail("it must not begin")


def test_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    Bench(None).secured(tmp_path)
    assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}


def test_clients_of_all_roles_meet_over_tls(tmp_path: Path) -> None:
    bench = Bench(None).secured(tmp_path)
    with Servers(parse_config(bench.text(), "test")) as servers:
        clients = Clients(bench, servers.addresses)
        receipt = clients.mno().request_profiles(ProfileRequest(amount=1, targets=(bench.eid,)))
        assert receipt.state == "delivered"
        clients.close()


def test_a_list_that_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    authority = LabCa(tmp_path)
    authority.issue("sm-sr-1", "sm-sr")
    context = server_context(tmp_path, "sm-sr-1")
    watch = RevocationWatch(tmp_path)
    watch.add(context)
    plain = context.verify_flags
    (tmp_path / "crl.pem").write_text("no list")
    watch.work()
    assert context.verify_flags == plain
    authority.revoke(authority.issue("gone-1", "operator"))
    watch.work()
    assert context.verify_flags & ssl.VERIFY_CRL_CHECK_LEAF
    assert context.num_tickets == 0
    (tmp_path / "crl.pem").unlink()
    watch.work()
    assert context.verify_flags & ssl.VERIFY_CRL_CHECK_LEAF
