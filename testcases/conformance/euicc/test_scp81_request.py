"""SCP81 to the ISD-R: requests for a session, and what is none."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hil.equipment.card.administration import PLACE, QUIET, asking
from hil.evidence import step
from hil.wire import sms
from hil.wire.admin_session import AdminRequest
from hil.wire.bip import TCP_CLIENT, OpenChannel
from hil.wire.identifiers import ISD_R_TAR, tar_of
from hil.wire.scp80 import SGP02_SPI, SecurityParameters
from testcases.conformance.euicc import preparing
from testcases.conformance.euicc.own_files import row

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import ProfileMaker
    from hil.equipment.card.administration import Administration
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card", "card.keys", "card.scp81"),
    pytest.mark.applies("O_HTTPS"),
    pytest.mark.requirement("R-64"),
    pytest.mark.severity("critical"),
]
REQUEST = "SGP.02, 2.4.3; GlobalPlatform Amendment B, session triggering parameters"
SESSION = "SGP.02, 2.4.3 and 2.4.4; GlobalPlatform Amendment B, administration session"
CHANNEL = "ETSI TS 102 223, 6.4.27 to 6.4.30 and 7.5.10"
GPRS = bytes.fromhex("02030403041F02")
"""Bearer: packet data by GPRS with a quality of service (ETSI TS 102 223, 8.52)."""


@pytest.mark.conformance("EUICC-SCP81-REQUEST-01", section=REQUEST)
def test_what_a_request_says_is_done(administration: Administration) -> None:
    """Channel, host, agent id and URI are those of the request.

    Preconditions: none.

    Steps:
    1. A request with address, port, buffer size, bearer, access name, key, host, agent id and URI:
       OPEN CHANNEL has the first five.
    2. The POST has the other ones: URI, Host, X-Admin-From.
    """
    place = OpenChannel(bytes((198, 51, 100, 7)), 4711, 700, GPRS, "iot.hil")
    key = administration.key.identity
    request = asking(
        connection=place, kvn=key.kvn, kid=key.kid,
        host=b"other.hil.test", agent_id=b"//a/place/of/the/lab", uri=b"/begin?here=1",
    )  # fmt: skip
    with step("1. OPEN CHANNEL"):
        (post,) = administration.serve(request=request, posts=1)
        (opened,) = administration.terminal.opened
        assert opened == place
    with step("2. POST"):
        assert post.uri == "/begin?here=1"
        assert post.get("Host") == "other.hil.test"
        assert post.get("X-Admin-From") == "//a/place/of/the/lab"


@pytest.mark.conformance("EUICC-SCP81-REQUEST-02", section=REQUEST)
def test_what_a_request_leaves_out_is_as_stored(administration: Administration) -> None:
    """The card has a URI, an agent id and a key of its own for a request that brings none.

    Preconditions: none.

    Steps:
    1. A request with nothing but the channel: a POST to a path, with a Host.
    2. X-Admin-From and the PSK identity are those that SGP.02 gives to this eUICC.
    """
    with step("1. POST"):
        (post,) = administration.serve(request=asking(host=None, uri=None), posts=1)
        assert post.uri.startswith("/")
        assert post.get("Host")
    with step("2. Who it is"):
        eid = administration.key.identity.eid
        agent = f"//se-id/eid/{eid};//aa-id/aid/A000000559/1010FFFFFFFF8900000100"
        assert (post.get("X-Admin-From") or "").upper() == agent.upper()
        assert administration.connection.identity == administration.key.identity.encode()


@pytest.mark.conformance("EUICC-SCP81-REQUEST-03", section=REQUEST)
def test_a_request_without_parameters(administration: Administration) -> None:
    """A request that leaves all to the card leads to the channel it has stored, or to none.

    Preconditions: none.

    Steps:
    1. A request without any parameter: no OPEN CHANNEL, or one for a TCP client with an address and
       a port.
    2. A request with parameters: a session.
    """
    with step("1. As stored"):
        administration.push(AdminRequest())
        administration.quiet()
        for opened in administration.terminal.opened:
            assert opened.protocol == TCP_CLIENT
            assert opened.address
            assert opened.port
    with step("2. With parameters"):
        assert len(administration.serve()) == 1


@pytest.mark.requirement("R-64", refusal=True)
@pytest.mark.parametrize(
    ("spi", "change"),
    [
        row("EUICC-SCP81-REQUEST-04", SESSION, "A request that was changed opens nothing",
            QUIET, 0x01),
        row("EUICC-SCP81-REQUEST-05", SESSION, "A request without CC opens nothing",
            bytes.fromhex("1400"), 0),
        row("EUICC-SCP81-REQUEST-06", SESSION, "A request that is not enciphered opens nothing",
            bytes.fromhex("1200"), 0),
        row("EUICC-SCP81-REQUEST-07", SESSION, "A request without counter opens nothing",
            bytes.fromhex("0600"), 0),
    ],
)  # fmt: skip
def test_a_weak_or_unauthentic_request_opens_nothing(
    administration: Administration, over_the_air: OverTheAirSession, spi: bytes, change: int
) -> None:
    """A request that does not come from the SM-SR opens no channel.

    Preconditions: none.

    Steps:
    1. The request of the title: no OPEN CHANNEL.
    2. The same request as SGP.02 wants it: a session.
    """
    over_the_air.counter += 1
    parameters = SecurityParameters(spi, ISD_R_TAR)
    packet = over_the_air.secured(asking().encode(), over_the_air.counter, parameters)
    with step("1. The request"):
        administration.deliver(packet[:-1] + bytes((packet[-1] ^ change,)))
        assert administration.quiet()
    with step("2. As it should be"):
        assert len(administration.serve()) == 1


@pytest.mark.requirement("R-64", refusal=True)
@pytest.mark.conformance("EUICC-SCP81-REQUEST-08", section=SESSION)
def test_a_request_that_comes_again_opens_nothing(
    administration: Administration, over_the_air: OverTheAirSession
) -> None:
    """A replayed request opens no session.

    Preconditions: none.

    Steps:
    1. A request: a session, ended by 204.
    2. The same short message again: no OPEN CHANNEL.
    """
    assert len(administration.serve()) == 1
    parameters = SecurityParameters(QUIET, ISD_R_TAR)
    packet = over_the_air.secured(asking().encode(), over_the_air.counter, parameters)
    administration.deliver(packet)
    assert administration.quiet()


@pytest.mark.requirement("R-64", refusal=True)
@pytest.mark.parametrize(
    "broken",
    [
        row("EUICC-SCP81-REQUEST-09", REQUEST, "A request cut off within its channel opens nothing",
            asking().encode()[:9].hex()),
        row("EUICC-SCP81-REQUEST-10", REQUEST,
            "A request with a broken destination address opens nothing",
            asking().encode().hex().replace("21c0000251", "33c0000251")),
        row("EUICC-SCP81-REQUEST-11", REQUEST,
            "A request whose host would break the lines of HTTP opens nothing",
            asking(host=b"hil.test--X:1").encode().replace(b"--", b"\r\n").hex()),
        row("EUICC-SCP81-REQUEST-19", REQUEST, "A request for a channel without TCP opens nothing",
            asking(connection=replace(PLACE, protocol=0x01)).encode().hex()),
    ],
)  # fmt: skip
def test_a_broken_request_opens_nothing(administration: Administration, broken: str) -> None:
    """What is no request opens no channel, and the card goes on.

    Preconditions: none.

    Steps:
    1. The request of the title, secured as it should be: no OPEN CHANNEL.
    2. A request that is whole: a session.
    """
    administration.push(bytes.fromhex(broken))
    assert administration.quiet()
    assert len(administration.serve()) == 1


@pytest.mark.requirement("R-64", refusal=True)
@pytest.mark.parametrize(
    ("version", "identifier"),
    [
        row("EUICC-SCP81-REQUEST-12", REQUEST, "A request for a key version that is not there",
            0x4E, None),
        row("EUICC-SCP81-REQUEST-17", REQUEST, "A request for a key identifier that is not there",
            None, 0x7E),
    ],
)  # fmt: skip
def test_a_key_that_is_not_there(
    administration: Administration, version: int | None, identifier: int | None
) -> None:
    """A request for a key that the card does not have leads to no request to the server.

    Preconditions: the card has no pre-shared key with version 4E, and none with identifier 7E.

    Steps:
    1. A request for the key of the title: no POST.
    2. A request for the card's key: a POST.
    """
    own = administration.key.identity
    administration.push(asking(kvn=version or own.kvn, kid=identifier or own.kid))
    administration.quiet()
    assert administration.posts == []
    assert len(administration.serve()) == 1


@pytest.mark.requirement("R-64", refusal=True)
@pytest.mark.conformance(
    "EUICC-SCP81-REQUEST-13", section="GlobalPlatform Card Specification, 11.1.8"
)
def test_a_key_of_another_kind(administration: Administration, esim: Esim) -> None:
    """A key of another kind is not taken for a pre-shared key.

    Preconditions: the ISD-R has the lab's SCP03 key set, and its keys are AES keys (88).

    Steps:
    1. A request for the first key of that set; the server has it: no POST.
    2. A request for the card's pre-shared key: a POST.
    """
    keys = esim.audit_keys
    own = administration.key.identity
    administration.other_keys[replace(own, kvn=keys.kvn, kid=0x01).encode()] = keys.enc
    administration.push(asking(kvn=keys.kvn, kid=0x01))
    administration.quiet()
    assert administration.posts == []
    assert len(administration.serve()) == 1


@pytest.mark.conformance("EUICC-SCP81-REQUEST-14", section=SESSION)
def test_the_receipt_of_a_request(administration: Administration) -> None:
    """A request has a proof of receipt where it asks for one, and a session either way.

    Preconditions: none.

    Steps:
    1. A request with SPI 16 39: one short message to the sender, a response packet; a session.
    2. A request with SPI 16 00: no short message; a session.
    """
    with step("1. SPI 16 39"):
        assert len(administration.serve(spi=SGP02_SPI)) == 1
        (message,) = administration.terminal.messages
        assert sms.read_part(sms.SmsSubmit.decode(message).user_data).kind == "response"
    with step("2. SPI 16 00"):
        assert len(administration.serve()) == 1
        assert administration.terminal.messages == []


@pytest.mark.conformance("EUICC-SCP81-REQUEST-15", section="RFC 9110, 7.2; RFC 3986, 3.2.2")
def test_an_address_of_version_6(administration: Administration) -> None:
    """A request may bring an IPv6 address; as a Host it stands in brackets.

    Preconditions: none.

    Steps:
    1. A request with an IPv6 address and no host: OPEN CHANNEL has the address.
    2. Host is a name, an IPv4 address or an IPv6 address in brackets, each with a port or without.
    """
    place = OpenChannel(ipaddress.ip_address("2001:db8::81").packed, 8443)
    (post,) = administration.serve(request=asking(connection=place, host=None), posts=1)
    (opened,) = administration.terminal.opened
    assert (opened.address, opened.port) == (place.address, place.port)
    host = post.get("Host") or ""
    assert re.fullmatch(r"([^:/?#]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?", host), host


@pytest.mark.conformance("EUICC-SCP81-REQUEST-16", section=REQUEST)
def test_an_identity_that_the_request_brings(administration: Administration) -> None:
    """The PSK identity of a request takes the place of the card's own, for this session.

    Preconditions: none.

    Steps:
    1. A request with a PSK identity and the card's key: the handshake has this identity, and ends.
    2. A request without: the card's own identity.
    """
    own, name = administration.key.identity, b"somebody of the lab"
    administration.other_keys[name] = administration.key.psk
    request = asking(psk_identity=name, kvn=own.kvn, kid=own.kid)
    assert len(administration.serve(request=request)) == 1
    assert administration.connection.identity == name
    assert len(administration.serve()) == 1
    assert administration.connection.identity == own.encode()


@pytest.mark.requirement("R-64", refusal=True)
@pytest.mark.conformance("EUICC-SCP81-REQUEST-18", section=SESSION)
def test_a_request_to_an_isd_p(
    administration: Administration, over_the_air: OverTheAirSession, profile_maker: ProfileMaker
) -> None:
    """A request to the TAR of an ISD-P opens nothing: sessions are the ISD-R's.

    Preconditions: an ISD-P was created.

    Steps:
    1. A request in a packet to the TAR of the ISD-P: no OPEN CHANNEL.
    2. A request to the ISD-R: a session.
    """
    profile = profile_maker.profile()
    preparing.created(over_the_air, profile)
    administration.start()
    parameters = SecurityParameters(QUIET, tar_of(profile.aid))
    over_the_air.counter += 1
    packet = over_the_air.secured(asking().encode(), over_the_air.counter, parameters)
    administration.deliver(packet)
    assert administration.quiet()
    assert len(administration.serve()) == 1
