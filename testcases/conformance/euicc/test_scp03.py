"""SCP03 to the ISD-R."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hil.evidence import step
from hil.wire import isdr_commands
from hil.wire.identifiers import ISD_R_AID
from hil.wire.scp03 import HostSession, card_challenge
from testcases.conformance.euicc import preparing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.bench.esim import Esim
    from hil.equipment.card import Card
    from hil.wire.apdu import CommandApdu

pytestmark = [
    pytest.mark.requires("card", "card.keys"),
    pytest.mark.requirement("R-43"),
    pytest.mark.severity("critical"),
]
INITIALIZE = "GlobalPlatform Amendment D, 7.1.1"
AUTHENTICATE = "GlobalPlatform Amendment D, 7.1.2"
MESSAGES = "GlobalPlatform Amendment D, 6.2"
CHALLENGE = bytes(range(1, 9))
STATUS = isdr_commands.get_status()


@pytest.fixture
def isd_r(esim: Esim) -> Iterator[Card]:
    """The card with its ISD-R selected, held alone."""
    with esim.card.transaction() as card:
        card.select(ISD_R_AID)
        yield card


def opened(card: Card, esim: Esim, level: int = 0x33) -> HostSession:
    """Open a session with the lab's key set."""
    host = HostSession(esim.audit_keys, CHALLENGE)
    host.open(card.expect(host.initialize_update()), aid=ISD_R_AID)
    card.expect(host.external_authenticate(level=level))
    return host


def flipped(command: CommandApdu, place: int) -> CommandApdu:
    """Return the command with one bit of its data changed."""
    data = bytearray(command.data)
    data[place] ^= 0x01
    return replace(command, data=bytes(data))


@pytest.mark.conformance("EUICC-SCP03-INIT-01", section=INITIALIZE)
def test_the_challenge_follows_from_the_counter(isd_r: Card, esim: Esim) -> None:
    """INITIALIZE UPDATE answers with the pseudo-random challenge of its counter.

    Preconditions: the ISD-R is selected; its key set has i = 70.

    Steps:
    1. INITIALIZE UPDATE: 32 bytes, the key version asked for, protocol 03, i 70.
    2. The card challenge is the one derived from K-ENC, the counter and the AID of the ISD-R.
    3. INITIALIZE UPDATE again, nobody having authenticated: the same counter or one more.
    """
    keys = esim.audit_keys
    with step("1. INITIALIZE UPDATE"):
        host = HostSession(keys, CHALLENGE)
        answer = isd_r.expect(host.initialize_update()).data
        assert len(answer) == 32
        assert answer[10:13] == bytes((keys.kvn, 0x03, 0x70))
    with step("2. The card challenge"):
        counter = int.from_bytes(answer[-3:], "big")
        assert answer[13:21] == card_challenge(keys, counter, ISD_R_AID)
    with step("3. INITIALIZE UPDATE again"):
        again = isd_r.expect(host.initialize_update()).data
        assert int.from_bytes(again[-3:], "big") - counter in (0, 1)


@pytest.mark.requirement("R-43", refusal=True)
@pytest.mark.conformance("EUICC-SCP03-INIT-02", section=INITIALIZE)
def test_an_unknown_key_version_is_refused(isd_r: Card, esim: Esim) -> None:
    """INITIALIZE UPDATE with a key version that the ISD-R does not have is refused.

    Preconditions: the ISD-R is selected; it has no key version 3F.

    Steps:
    1. INITIALIZE UPDATE with key version 3F: 6A88, no data.
    """
    host = HostSession(replace(esim.audit_keys, kvn=0x3F), CHALLENGE)
    answer = isd_r.send(host.initialize_update())
    assert (answer.sw, answer.data) == (0x6A88, b"")


@pytest.mark.requirement("R-43", refusal=True)
@pytest.mark.conformance("EUICC-SCP03-INIT-03", section=INITIALIZE)
def test_a_short_host_challenge_is_refused(isd_r: Card, esim: Esim) -> None:
    """INITIALIZE UPDATE with a host challenge of 7 bytes is refused.

    Preconditions: the ISD-R is selected.

    Steps:
    1. INITIALIZE UPDATE with 7 bytes: 6700 or 6A80, no data.
    """
    command = HostSession(esim.audit_keys, CHALLENGE).initialize_update()
    answer = isd_r.send(replace(command, data=CHALLENGE[:7]))
    assert answer.sw in (0x6700, 0x6A80)
    assert answer.data == b""


@pytest.mark.conformance("EUICC-SCP03-AUTH-01", section=AUTHENTICATE)
def test_every_level_is_served(esim: Esim) -> None:
    """A session opens at every security level of i = 70, and answers are protected as it says.

    Preconditions: none.

    Steps:
    1. For each of the levels 01, 03, 11, 13 and 33: SELECT the ISD-R, INITIALIZE UPDATE, EXTERNAL
       AUTHENTICATE: 9000.
    2. GetStatus in each session: 9000, and the answer opens.
    """
    for level in (0x01, 0x03, 0x11, 0x13, 0x33):
        with step(f"Level {level:02X}"), esim.card.transaction() as card:
            card.select(ISD_R_AID)
            host = opened(card, esim, level)
            answer = host.unwrap(card.send(host.wrap(STATUS)))
            assert answer.sw == 0x9000
            assert answer.data[:1] == b"\xe3"


@pytest.mark.conformance("EUICC-SCP03-AUTH-02", section=AUTHENTICATE)
def test_a_wrong_cryptogram_opens_nothing(isd_r: Card, esim: Esim) -> None:
    """EXTERNAL AUTHENTICATE with a wrong host cryptogram or C-MAC is refused, and nothing is open.

    Preconditions: the ISD-R is selected.

    Steps:
    1. EXTERNAL AUTHENTICATE with one bit of the host cryptogram changed: 6300 or 6982.
    2. EXTERNAL AUTHENTICATE with one bit of the C-MAC changed: 6982 or 6300.
    3. After each, a secured GetStatus: refused, no data.
    4. A good handshake: 9000.
    """
    for place in (0, 15):
        with step(f"Byte {place} changed"):
            host = HostSession(esim.audit_keys, CHALLENGE)
            host.open(isd_r.expect(host.initialize_update()), aid=ISD_R_AID)
            wrong = flipped(host.external_authenticate(), place)
            assert isd_r.send(wrong).sw in (0x6300, 0x6982)
            look = isd_r.send(host.wrap(STATUS))
            assert look.sw in (0x6982, 0x6985)
            assert look.data == b""
    with step("4. A good handshake"):
        opened(isd_r, esim)


@pytest.mark.conformance("EUICC-SCP03-AUTH-03", section=AUTHENTICATE)
def test_authentication_needs_a_challenge(isd_r: Card, esim: Esim) -> None:
    """EXTERNAL AUTHENTICATE without INITIALIZE UPDATE, or a second time, is refused.

    Preconditions: the ISD-R is selected.

    Steps:
    1. A good handshake, then a new selection of the ISD-R.
    2. The same EXTERNAL AUTHENTICATE again: 6985 or 6982.
    """
    host = HostSession(esim.audit_keys, CHALLENGE)
    host.open(isd_r.expect(host.initialize_update()), aid=ISD_R_AID)
    command = host.external_authenticate()
    isd_r.expect(command)
    isd_r.select(ISD_R_AID)
    assert isd_r.send(command).sw in (0x6985, 0x6982)


@pytest.mark.requirement("R-43", refusal=True)
@pytest.mark.conformance("EUICC-SCP03-AUTH-04", section=AUTHENTICATE)
def test_external_authenticate_in_the_wrong_class(isd_r: Card, esim: Esim) -> None:
    """EXTERNAL AUTHENTICATE without the mark of secure messaging in its class opens nothing.

    Preconditions: the ISD-R is selected.

    Steps:
    1. INITIALIZE UPDATE, then EXTERNAL AUTHENTICATE with the right cryptogram and C-MAC in class
       80: 6E00, 6982 or 6985.
    2. GetStatus protected by the keys of that session: an error, no data.
    3. INITIALIZE UPDATE and EXTERNAL AUTHENTICATE in class 84: 9000.
    """
    host = HostSession(esim.audit_keys, CHALLENGE)
    host.open(isd_r.expect(host.initialize_update()), aid=ISD_R_AID)
    with step("1. Class 80"):
        proof = host.external_authenticate(level=0x33)
        assert isd_r.send(replace(proof, cla=0x80)).sw in (0x6E00, 0x6982, 0x6985)
    with step("2. GetStatus"):
        answer = isd_r.send(host.wrap(STATUS))
        assert answer.sw not in (0x9000, 0x6310)
        assert answer.data == b""
    with step("3. Class 84"):
        opened(isd_r, esim)


@pytest.mark.conformance("EUICC-SCP03-MAC-01", section=MESSAGES)
def test_a_changed_command_ends_the_session(isd_r: Card, esim: Esim) -> None:
    """A command with a wrong C-MAC is refused with 6982, and the session is over.

    Preconditions: a session is open.

    Steps:
    1. GetStatus with one bit of its C-MAC changed: 6982, no data.
    2. The same command unchanged: refused, no data.
    """
    host = opened(isd_r, esim)
    command = host.wrap(STATUS)
    with step("1. The changed command"):
        answer = isd_r.send(flipped(command, -1))
        assert (answer.sw, answer.data) == (0x6982, b"")
    with step("2. The command itself"):
        answer = isd_r.send(command)
        assert answer.sw in (0x6982, 0x6985)
        assert answer.data == b""


@pytest.mark.requirement("R-43", refusal=True)
@pytest.mark.conformance("EUICC-SCP03-MAC-02", section=MESSAGES)
def test_a_repeated_command_is_refused(isd_r: Card, esim: Esim) -> None:
    """A command that comes a second time in its session is refused with 6982.

    Preconditions: a session is open.

    Steps:
    1. GetStatus: 9000.
    2. The same secured command again: 6982, no data.
    """
    host = opened(isd_r, esim)
    command = host.wrap(STATUS)
    assert host.unwrap(isd_r.send(command)).sw == 0x9000
    answer = isd_r.send(command)
    assert (answer.sw, answer.data) == (0x6982, b"")


@pytest.mark.conformance("EUICC-SCP03-MAC-03", section=MESSAGES)
def test_a_command_left_out_is_noticed(isd_r: Card, esim: Esim) -> None:
    """A command that follows one which never arrived is refused with 6982.

    Preconditions: a session is open.

    Steps:
    1. A command is secured and not sent.
    2. The next one: 6982, no data.
    """
    host = opened(isd_r, esim)
    host.wrap(STATUS)
    answer = isd_r.send(host.wrap(STATUS))
    assert (answer.sw, answer.data) == (0x6982, b"")


@pytest.mark.conformance("EUICC-SCP03-SESSION-01", section="GlobalPlatform, 10.2")
def test_a_session_ends_with_its_selection(isd_r: Card, esim: Esim) -> None:
    """A session does not outlive the selection of another application, nor a reset.

    Preconditions: a session is open.

    Steps:
    1. SELECT the MF, SELECT the ISD-R, then a command of the old session: refused, no data.
    2. A new session, a reset, SELECT the ISD-R, then a command of the old session: the same.
    """
    for close in (lambda: isd_r.select(0x3F00), isd_r.reset):
        host = opened(isd_r, esim)
        close()
        isd_r.select(ISD_R_AID)
        answer = isd_r.send(host.wrap(STATUS))
        assert answer.sw in (0x6982, 0x6985)
        assert answer.data == b""


@pytest.mark.conformance("EUICC-SCP03-INIT-04", section=INITIALIZE)
def test_the_counter_moves_by_one(esim: Esim) -> None:
    """Each session has the sequence counter of the one before, plus one.

    Preconditions: none.

    Steps:
    1. Three sessions with the ISD-R, one after the other: three counters in a row. With a random
       challenge there is none.
    """
    counters = [preparing.opened_counter(esim, ISD_R_AID, esim.audit_keys) for _ in range(3)]
    first = counters[0]
    expected = [None] * 3 if first is None else [first, first + 1, first + 2]
    assert counters == expected
