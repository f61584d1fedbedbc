"""SCP81 to the ISD-R: sessions over channels of the terminal, and what runs beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.equipment.card.admin_answers import HANG_UP, HOLD, PATH, Answer, no_content, script
from hil.equipment.card.administration import PLACE, asking
from hil.equipment.card.channel_terminal import PLAIN_PROFILE
from hil.equipment.card.euicc import ProfileState
from hil.evidence import step
from hil.wire import isdr_commands, toolkit_events
from hil.wire.admin_session import RetryPolicy
from hil.wire.bip import TCP_CLIENT, ChannelStatus, OpenChannel
from hil.wire.cat_values import CommandType
from hil.wire.command_script import CommandScript
from hil.wire.scp80 import SGP02_SPI
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
ENABLE = "SGP.02, 3.2 and 4.1.1.2"
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
    3. STATUS and a reset: the card opens no channel again, although its retry policy has tries.
    """
    with step("1. The request"):
        (post,) = administration.serve(request=asking(retry=RetryPolicy(3, 60)), posts=1)
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


@pytest.mark.conformance("EUICC-SCP81-SESSION-02", section=CHANNEL)
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


@pytest.mark.conformance("EUICC-SCP81-SESSION-03", section=CHANNEL)
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
        _, answered = administration.serve(script(STATUS), request=asking(connection=wide), posts=2)
    finally:
        administration.terminal.piece = 237
    assert answered.statuses == [0x9000]


@pytest.mark.requirement("R-64", refusal=True)
@pytest.mark.conformance("EUICC-SCP81-SESSION-04", section=REQUEST)
def test_a_server_out_of_reach_is_tried_as_often_as_the_policy_says(
    administration: Administration,
) -> None:
    """A card whose channel is refused tries again as the retry policy says, and no more.

    Preconditions: the terminal answers OPEN CHANNEL with 3A, remote device not reachable.

    Steps:
    1. A request with a retry policy of 2 tries, 90 s apart: one OPEN CHANNEL; a timer of 90 s.
    2. The timer ends, twice: one more OPEN CHANNEL each time, the same as the first. The end of a
       timer that the card has not started: none.
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
        with step("Another timer"):
            tries = len(administration.terminal.opened)
            administration.terminal.send(toolkit_events.timer_expiration(8, 90))
            assert len(administration.terminal.opened) == tries
    with step("3. The end"):
        assert administration.terminal.timers == {}
        assert administration.quiet()


@pytest.mark.conformance("EUICC-SCP81-SESSION-05", section=SESSION)
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


@pytest.mark.conformance("EUICC-SCP81-SESSION-06", section=CHANNEL)
def test_events_of_another_channel(administration: Administration) -> None:
    """Events of a channel that is not the session's do not disturb it.

    Preconditions: none.

    Steps:
    1. A session on channel 1 whose server does not answer yet. Channel status, link dropped, and
       data available of channel 2: no CLOSE CHANNEL, no RECEIVE DATA.
    2. The server answers with a script: its answer is posted.
    """
    administration.serve(HOLD)
    terminal = administration.terminal
    before = len(terminal.served)
    with step("1. Channel 2"):
        dropped = ChannelStatus(2, established=False, information=0x05)
        terminal.send(toolkit_events.channel_status(dropped))
        terminal.send(toolkit_events.data_available(ChannelStatus(2, established=True), 10))
        assert terminal.served[before:] == []
    with step("2. Channel 1"):
        (answered,) = administration.say(script(STATUS), posts=1)
        assert answered.statuses == [0x9000]


@pytest.mark.conformance("EUICC-SCP81-SESSION-07", section=SESSION)
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


@pytest.mark.parametrize(
    "last",
    [
        row("EUICC-SCP81-SESSION-08", ENABLE,
            "EnableProfile in a session: REFRESH comes when it has ended, and not within it",
            no_content()),
        row("EUICC-SCP81-SESSION-09", ENABLE,
            "EnableProfile in a session whose link breaks: REFRESH comes all the same", HANG_UP),
    ],
)  # fmt: skip
def test_a_profile_is_enabled_in_a_session(
    administration: Administration,
    over_the_air: OverTheAirSession,
    profile_maker: ProfileMaker,
    esim: Esim,
    last: Answer,
) -> None:
    """EnableProfile in a session: REFRESH comes behind it.

    Preconditions: a profile is DISABLED.

    Steps:
    1. EnableProfile in a script: 9000 in the next POST, on the same connection.
    2. 204, or the link is cut: CLOSE CHANNEL, and REFRESH behind it. After the reset the profile is
       ENABLED.
    """
    profile = preparing.disabled(over_the_air, profile_maker)
    administration.start()
    with step("1. EnableProfile"):
        enable = isdr_commands.enable_profile(profile.aid)
        uri = f"{PATH}?enabled=1"
        _, answered = administration.serve(script(enable, uri=uri), last, posts=2)
        assert answered.statuses == [0x9000]
        assert len(administration.connections) == 1
    with step("2. REFRESH"):
        terminal = administration.terminal
        assert terminal.run(lambda: terminal.refreshed, timeout_s=5), "no REFRESH came"
        kinds = [command.kind for command in terminal.served]
        assert kinds.index(CommandType.REFRESH) > kinds.index(CommandType.CLOSE_CHANNEL)
        administration.start()
        preparing.assert_state(esim, profile.aid, ProfileState.ENABLED)
