"""SCP81 to the ISD-R: how a session is asked for, opened and ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.equipment.card.admin_answers import HOLD, PATH, no_content, script
from hil.equipment.card.administration import PLACE, QUIET, asking
from hil.equipment.card.channel_terminal import PLAIN_PROFILE
from hil.equipment.card.euicc import ProfileState
from hil.evidence import step
from hil.wire import isdr_commands, sms
from hil.wire.admin_session import AdminRequest, RetryPolicy
from hil.wire.bip import TCP_CLIENT, OpenChannel
from hil.wire.cat_values import CommandType
from hil.wire.command_script import CommandScript
from hil.wire.identifiers import ISD_R_TAR
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
REQUEST = "SGP.02, 2.4.3.4; GlobalPlatform Amendment B, 3.7"
SESSION = "SGP.02, 2.4.4; GlobalPlatform Amendment B, 3.2"
CHANNEL = "ETSI TS 102 223, 6.4.27 to 6.4.30 and 7.5.10"
STATUS = isdr_commands.get_status()


@pytest.mark.conformance("EUICC-SCP81-SESSION-01", section=SESSION)
def test_a_request_opens_a_session_and_204_ends_it(administration: Administration) -> None:
    """A short message makes the card open a channel and post; 204 ends the session.

    Preconditions: the terminal has channels.

    Steps:
    1. A request with the address and the port of the server: OPEN CHANNEL for a TCP client with
       these, one TLS handshake, one POST.
    2. 204 without X-Admin-Next-URI: TLS is closed by the card, then CLOSE CHANNEL.
    3. STATUS and a reset: the card opens no channel again.
    """
    with step("1. The request"):
        (post,) = administration.serve()
        (opened,) = administration.terminal.opened
        assert (opened.protocol, opened.address, opened.port) == (
            TCP_CLIENT,
            PLACE.address,
            PLACE.port,
        )
        assert post.method == "POST"
    with step("2. 204"):
        assert administration.connection.closed_by_card
        assert administration.terminal.count(CommandType.CLOSE_CHANNEL) == 1
    with step("3. Nothing more"):
        assert administration.quiet()
        administration.start()
        assert administration.quiet()


@pytest.mark.conformance("EUICC-SCP81-SESSION-02", section=REQUEST)
def test_what_a_request_says_is_done(administration: Administration) -> None:
    """Channel, host, agent id and URI are those of the request.

    Preconditions: none.

    Steps:
    1. A request with address, port, buffer size, access name, key, host, agent id and URI: OPEN
       CHANNEL has the first four.
    2. The POST has the other ones: URI, Host, X-Admin-From.
    """
    place = OpenChannel(bytes((198, 51, 100, 7)), 4711, 700, b"\x03", "iot.hil")
    key = administration.key.identity
    request = asking(
        connection=place, kvn=key.kvn, kid=key.kid,
        host=b"other.hil.test", agent_id=b"//a/place/of/the/lab", uri=b"/begin?here=1",
    )  # fmt: skip
    with step("1. OPEN CHANNEL"):
        (post,) = administration.serve(request=request)
        (opened,) = administration.terminal.opened
        assert (opened.address, opened.port) == (place.address, place.port)
        assert (opened.buffer_size, opened.access_name) == (place.buffer_size, place.access_name)
    with step("2. POST"):
        assert post.uri == "/begin?here=1"
        assert post.get("Host") == "other.hil.test"
        assert post.get("X-Admin-From") == "//a/place/of/the/lab"


@pytest.mark.conformance("EUICC-SCP81-SESSION-03", section=REQUEST)
def test_what_a_request_leaves_out_is_as_stored(administration: Administration) -> None:
    """The card has a URI, an agent id and a key of its own for a request that brings none.

    Preconditions: none.

    Steps:
    1. A request with nothing but the channel: a POST to a path, with a Host.
    2. X-Admin-From and the PSK identity are those that SGP.02 gives to this eUICC.
    """
    with step("1. POST"):
        (post,) = administration.serve(request=asking(host=None, uri=None))
        assert post.uri.startswith("/")
        assert post.get("Host")
    with step("2. Who it is"):
        eid = administration.key.identity.eid
        agent = f"//se-id/eid/{eid};//aa-id/aid/A000000559/1010FFFFFFFF8900000100"
        assert (post.get("X-Admin-From") or "").upper() == agent.upper()
        assert administration.connection.identity == administration.key.identity.encode()


@pytest.mark.conformance("EUICC-SCP81-SESSION-04", section=REQUEST)
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
        row("EUICC-SCP81-SESSION-05", SESSION, "A request that was changed opens nothing",
            QUIET, 0x01),
        row("EUICC-SCP81-SESSION-06", SESSION, "A request without CC opens nothing",
            bytes.fromhex("1400"), 0),
        row("EUICC-SCP81-SESSION-07", SESSION, "A request that is not enciphered opens nothing",
            bytes.fromhex("1200"), 0),
        row("EUICC-SCP81-SESSION-08", SESSION, "A request without counter opens nothing",
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
@pytest.mark.conformance("EUICC-SCP81-SESSION-09", section=SESSION)
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
        row("EUICC-SCP81-SESSION-10", REQUEST, "A request cut off within its channel opens nothing",
            asking().encode()[:9].hex()),
        row("EUICC-SCP81-SESSION-11", REQUEST,
            "A request with a broken destination address opens nothing",
            asking().encode().hex().replace("21c0000251", "33c0000251")),
        row("EUICC-SCP81-SESSION-12", REQUEST,
            "A request whose URI would break the lines of HTTP opens nothing",
            asking(uri=b"/HTTP/1.1").encode().replace(b"/HTTP/1.1", b"/x\r\nHost:").hex()),
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
@pytest.mark.conformance("EUICC-SCP81-SESSION-13", section=REQUEST)
def test_a_key_that_is_not_there(administration: Administration) -> None:
    """A request for a key that the card does not have leads to no request to the server.

    Preconditions: the card has no pre-shared key of the version 4E.

    Steps:
    1. A request for the key with version 4E: no POST.
    2. A request for the card's key: a POST.
    """
    administration.push(asking(kvn=0x4E, kid=0x01))
    administration.quiet()
    assert administration.posts == []
    assert len(administration.serve()) == 1


@pytest.mark.conformance("EUICC-SCP81-SESSION-14", section=SESSION)
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


@pytest.mark.conformance("EUICC-SCP81-SESSION-15", section=CHANNEL)
def test_a_terminal_without_channels_is_not_asked(administration: Administration) -> None:
    """A card asks a terminal for channels only where its profile says that it has some.

    Preconditions: the terminal profile has no channels.

    Steps:
    1. A request: no OPEN CHANNEL.
    2. After a reset, with channels in the terminal profile: a request brings a session.
    """
    administration.start(PLAIN_PROFILE)
    administration.push()
    assert administration.quiet()
    administration.start()
    assert administration.serve()


@pytest.mark.conformance("EUICC-SCP81-SESSION-16", section=CHANNEL)
def test_a_terminal_that_gives_little_at_a_time(administration: Administration) -> None:
    """Data come whole through a terminal with a smaller buffer than was asked for.

    Preconditions: RECEIVE DATA brings 20 bytes at most; the terminal gives 1500 bytes of the buffer
    asked for (result 07).

    Steps:
    1. A session with a script: the answer to it is posted.
    """
    administration.terminal.piece = 20
    try:
        wide = OpenChannel(PLACE.address, PLACE.port, 4000)
        _, answered = administration.serve(script(STATUS), request=asking(connection=wide))
    finally:
        administration.terminal.piece = 237
    assert [one.sw for one in answered.script.answers] == [0x9000]


@pytest.mark.requirement("R-64", refusal=True)
@pytest.mark.conformance("EUICC-SCP81-SESSION-17", section=REQUEST)
def test_a_server_out_of_reach_is_tried_as_often_as_the_policy_says(
    administration: Administration,
) -> None:
    """A card whose channel is refused tries again as the retry policy says, and no more.

    Preconditions: the terminal answers OPEN CHANNEL with 3A, remote device not reachable.

    Steps:
    1. A request with a retry policy of 2 tries, 90 s apart: one OPEN CHANNEL; a timer of 90 s.
    2. The timer ends, twice: one more OPEN CHANNEL each time, the same as the first.
    3. After that: no timer runs, no OPEN CHANNEL.
    """
    administration.reachable = False
    with step("1. The request"):
        administration.serve(request=asking(retry=RetryPolicy(2, 90)))
        assert len(administration.terminal.opened) == 1
    for count in (2, 3):
        with step("2. The timer"):
            assert set(administration.terminal.timers.values()) == {90}
            administration.wait_for_retry()
            assert administration.terminal.opened == [PLACE] * count
    with step("3. The end"):
        assert administration.terminal.timers == {}
        assert administration.quiet()


@pytest.mark.conformance("EUICC-SCP81-SESSION-18", section=SESSION)
def test_a_request_while_a_session_runs(administration: Administration) -> None:
    """A request that comes while a session runs does not disturb it.

    Preconditions: none.

    Steps:
    1. A session whose server does not answer yet. Another request: no second OPEN CHANNEL.
    2. The server answers with a script: its answer comes on the same connection, and 204 ends it.
    """
    with step("1. Another request"):
        administration.serve(HOLD)
        administration.push()
        assert len(administration.terminal.opened) == 1
    with step("2. The first session goes on"):
        first = administration.connection
        administration.say(script(STATUS))
        assert [post.get("X-Admin-Script-Status") for post in first.posts] == [None, "ok"]
        assert first.closed_by_card


@pytest.mark.conformance("EUICC-SCP81-SESSION-19", section=SESSION)
def test_short_messages_are_served_while_a_session_runs(administration: Administration) -> None:
    """The card takes commands by SCP80 while an administration session is open.

    Preconditions: none.

    Steps:
    1. A session whose server does not answer yet. GetStatus by SCP80: a proof of receipt.
    2. The server ends the session with 204: the card closes.
    """
    with step("1. GetStatus"):
        administration.serve(HOLD)
        administration.push(CommandScript.of([STATUS]).encode(), spi=SGP02_SPI)
        assert len(administration.terminal.messages) == 1
    with step("2. The end"):
        administration.say(no_content())
        assert administration.connection.closed_by_card


@pytest.mark.conformance("EUICC-SCP81-SESSION-20", section="SGP.02, 3.2.1 and 4.1.1.2")
def test_a_profile_is_enabled_in_a_session(
    administration: Administration,
    over_the_air: OverTheAirSession,
    profile_maker: ProfileMaker,
    esim: Esim,
) -> None:
    """EnableProfile in a session: REFRESH comes when the session has ended, and not within it.

    Preconditions: a profile is DISABLED.

    Steps:
    1. EnableProfile in a script: 9000 in the next POST, on the same connection.
    2. 204: CLOSE CHANNEL, and REFRESH behind it. After the reset the profile is ENABLED.
    """
    profile = preparing.disabled(over_the_air, profile_maker)
    administration.start()
    with step("1. EnableProfile"):
        enable = isdr_commands.enable_profile(profile.aid)
        _, answered = administration.serve(script(enable, uri=f"{PATH}?enabled=1"))
        assert [one.sw for one in answered.script.answers] == [0x9000]
        assert len(administration.connections) == 1
    with step("2. REFRESH"):
        terminal = administration.terminal
        terminal.run(lambda: terminal.refreshed, timeout_s=5)
        kinds = [command.kind for command in terminal.served]
        assert kinds.index(CommandType.REFRESH) > kinds.index(CommandType.CLOSE_CHANNEL)
        administration.start()
        preparing.assert_state(esim, profile.aid, ProfileState.ENABLED)
