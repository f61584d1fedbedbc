"""SCP81 to the ISD-R: TLS 1.2 with a pre-shared key, as SGP.02 wants it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from hil.equipment.card.admin_answers import PATH, Answer, script
from hil.equipment.card.administration import asking
from hil.equipment.card.forged_tls import Manner
from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.wire import isdr_commands
from hil.wire.admin_session import RetryPolicy
from hil.wire.tls.alerts import Alert
from hil.wire.tls.messages import Suite
from testcases.conformance.euicc.own_files import row

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.bench.esim import Esim
    from hil.bench.profile_maker import ProfileMaker
    from hil.equipment.card.administration import Administration

pytestmark = [
    pytest.mark.requires("card", "card.keys", "card.scp81"),
    pytest.mark.applies("O_HTTPS"),
    pytest.mark.requirement("R-64"),
    pytest.mark.severity("critical"),
]
TLS = "SGP.02, 2.4.3; RFC 5246; RFC 4279; RFC 5487"
STATUS = isdr_commands.get_status()
SUITES = frozenset(Suite)
SESSION_TICKET = 35


@pytest.mark.conformance("EUICC-SCP81-TLS-01", section=TLS)
def test_what_the_card_offers(administration: Administration) -> None:
    """The card offers TLS 1.2, the cipher suites of SGP.02, no compression and no old session.

    Preconditions: none.

    Steps:
    1. A request: ClientHello with version 3.3, null compression, an empty session id, no session
       ticket.
    2. One of TLS_PSK_WITH_AES_128_GCM_SHA256 and TLS_PSK_WITH_AES_128_CBC_SHA256 is offered, and no
       cipher suite without a pre-shared key or with less.
    """
    administration.serve()
    hello = administration.connection.hello()
    with step("1. ClientHello"):
        assert hello.version == bytes.fromhex("0303")
        assert 0 in hello.compressions
        assert hello.session_id == b""
        assert SESSION_TICKET not in hello.extensions
    with step("2. Cipher suites"):
        signalling = 0x00FF
        assert set(hello.suites) - {signalling} <= SUITES
        assert set(hello.suites) & SUITES


@pytest.mark.parametrize(
    "suite",
    [
        row("EUICC-SCP81-TLS-02", TLS, "A session with TLS_PSK_WITH_AES_128_GCM_SHA256",
            Suite.PSK_AES_128_GCM_SHA256),
        row("EUICC-SCP81-TLS-03", TLS, "A session with TLS_PSK_WITH_AES_128_CBC_SHA256",
            Suite.PSK_AES_128_CBC_SHA256),
    ],
)  # fmt: skip
def test_a_session_with_each_suite(administration: Administration, suite: Suite) -> None:
    """A session with the cipher suite of the title carries scripts and their answers.

    Preconditions: the card offers the suite.

    Steps:
    1. A server with that suite alone: the handshake ends with it.
    2. A script with 20 GetStatus: 20 answers in the next POST.
    """
    administration.manner = Manner(suites=(suite,))
    posts = administration.serve(script(*[STATUS] * 20))
    if suite not in administration.connection.hello().suites:
        not_applicable(f"the card does not offer cipher suite {suite:04X}")
    assert administration.connection.suite == suite
    assert len(posts) == 2
    assert posts[1].statuses == [0x9000] * 20


@pytest.mark.conformance("EUICC-SCP81-TLS-04", section="SGP.02, 2.4.3; RFC 4279, 5.1")
def test_who_the_card_says_it_is(administration: Administration) -> None:
    """The PSK identity names the eUICC, the ISD-R and the key, whatever hint the server gives.

    Preconditions: none.

    Steps:
    1. A server that gives an identity hint: the identity is the text 8001028110 EID 4F10 AID of the
       ISD-R 8201 key identifier 8301 key version; the handshake ends.
    """
    administration.manner = Manner(hint=b"somebody else")
    administration.serve()
    own = administration.key.identity
    aid = "A0000005591010FFFFFFFF8900000100"
    expected = f"8001028110{own.eid}4F10{aid}8201{own.kid:02X}8301{own.kvn:02X}"
    assert administration.connection.identity.decode("ascii").upper() == expected
    assert administration.connection.established


@pytest.mark.requirement("R-64", refusal=True)
@pytest.mark.parametrize(
    ("manner", "alerts"),
    [
        row("EUICC-SCP81-TLS-05", TLS, "A server with another key gets no request",
            lambda: Manner(psk=secrets.token_bytes(16)), {Alert.BAD_RECORD_MAC}),
        row("EUICC-SCP81-TLS-06", TLS, "A server whose Finished is wrong gets no request",
            lambda: Manner(finished=True), {Alert.DECRYPT_ERROR, Alert.HANDSHAKE_FAILURE}),
        row("EUICC-SCP81-TLS-07", TLS, "A server that wants TLS 1.1 gets no key exchange",
            lambda: Manner(version=bytes.fromhex("0302")), {Alert.PROTOCOL_VERSION}),
        row("EUICC-SCP81-TLS-08", TLS, "A suite that was not offered is refused",
            lambda: Manner(suite=0x008C), {Alert.ILLEGAL_PARAMETER, Alert.HANDSHAKE_FAILURE}),
        row("EUICC-SCP81-TLS-09", TLS, "Compression that was not offered is refused",
            lambda: Manner(compression=1), {Alert.ILLEGAL_PARAMETER, Alert.HANDSHAKE_FAILURE}),
        row("EUICC-SCP81-TLS-15", "RFC 5246, 7.4.1.4",
            "An extension that was not offered is refused",
            lambda: Manner(extension=SESSION_TICKET), {Alert.UNSUPPORTED_EXTENSION}),
    ],
)  # fmt: skip
def test_a_server_that_is_not_trusted(
    administration: Administration, manner: Callable[[], Manner], alerts: set[Alert]
) -> None:
    """A server that does not prove the key, or breaks TLS, gets nothing but an alert.

    Preconditions: none.

    Steps:
    1. The server of the title: the handshake ends with an alert that says why (RFC 5246, 7.2.2); no
       request of HTTP; CLOSE CHANNEL.
    2. The server as it should be: a session.
    """
    with step("1. The server of the title"):
        administration.manner = manner()
        administration.serve(script(STATUS))
        assert administration.posts == []
        assert administration.connection.alert in alerts
        if administration.manner.psk is None and not administration.manner.finished:
            assert administration.connection.identity == b""
    with step("2. As it should be"):
        administration.manner = Manner()
        assert len(administration.serve()) == 1


@pytest.mark.conformance("EUICC-SCP81-TLS-10", section=TLS)
def test_no_session_is_resumed(administration: Administration) -> None:
    """The card resumes no TLS session, though the server offers to.

    Preconditions: none.

    Steps:
    1. A session whose server gives it a session id.
    2. The next session: ClientHello has an empty session id, and another random value.
    """
    administration.manner = Manner(session_id=secrets.token_bytes(32))
    assert len(administration.serve()) == 1
    first = administration.connection.hello()
    assert len(administration.serve()) == 1
    second = administration.connection.hello()
    assert second.session_id == b""
    assert second.random != first.random


@pytest.mark.requirement("R-64", refusal=True)
@pytest.mark.parametrize(
    "change",
    [
        row("EUICC-SCP81-TLS-11", TLS, "A record that was changed is not taken",
            lambda _, records: records[:-1] + bytes((records[-1] ^ 0x01,))),
        row("EUICC-SCP81-TLS-12", TLS, "A record in clear is not taken",
            lambda http, _: bytes.fromhex("170303") + len(http).to_bytes(2, "big") + http),
    ],
)  # fmt: skip
def test_a_changed_record(
    administration: Administration,
    profile_maker: ProfileMaker,
    esim: Esim,
    change: Callable[[bytes, bytes], bytes],
) -> None:
    """A record that was changed on its way ends the connection, and nothing of it is done.

    Preconditions: none.

    Steps:
    1. CreateISDP in the record of the title: the connection ends with an alert (RFC 5246, 7.2.2),
       no further POST.
    2. GetStatus: no such ISD-P.
    """
    aid = profile_maker.profile().aid
    http = script(isdr_commands.create_isdp(aid)).http
    posts = administration.serve(Answer(http, changed=lambda records: change(http, records)))
    assert len(posts) == 1
    assert administration.connection.alert in {Alert.BAD_RECORD_MAC, Alert.DECRYPT_ERROR}
    assert esim.profile(aid) is None


@pytest.mark.requirement("R-64", refusal=True)
@pytest.mark.conformance("EUICC-SCP81-TLS-13", section=TLS)
def test_a_record_that_comes_twice(administration: Administration) -> None:
    """A record that was replayed ends the connection.

    Preconditions: none.

    Steps:
    1. A script whose record comes twice: one answer at most is posted; the connection ends with the
       alert bad_record_mac.
    """
    answer = script(STATUS, uri=f"{PATH}?once=1")
    posts = administration.serve(Answer(answer.http, changed=lambda records: records * 2))
    assert len(posts) <= 2
    assert administration.connection.alert == Alert.BAD_RECORD_MAC
    assert not administration.connection.closed_by_card


@pytest.mark.requirement("R-64", refusal=True)
@pytest.mark.conformance("EUICC-SCP81-TLS-14", section=TLS)
def test_a_refused_handshake_is_tried_again_as_the_policy_says(
    administration: Administration,
) -> None:
    """A handshake that failed counts as a broken session: the retry policy decides.

    Preconditions: none.

    Steps:
    1. A request with one retry after 30 s; the server has another key: a timer of 30 s.
    2. The timer ends, the server is as it should be: a session.
    """
    administration.manner = Manner(psk=secrets.token_bytes(16))
    administration.serve(request=asking(retry=RetryPolicy(1, 30)))
    assert set(administration.terminal.timers.values()) == {30}
    administration.manner = Manner()
    assert len(administration.wait_for_retry()) == 1
