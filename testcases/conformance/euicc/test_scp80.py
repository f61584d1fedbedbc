"""SCP80 to the ISD-R."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.evidence import step
from hil.wire import isdr_commands, scp80, sms
from hil.wire.apdu import CommandApdu
from hil.wire.command_script import CommandScript
from hil.wire.identifiers import ISD_R_TAR, isd_p_aid
from hil.wire.scp80 import (
    CounterMode,
    Integrity,
    ProofOfReceipt,
    ResponseStatus,
    SecurityParameters,
    Spi,
)

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card", "card.keys"),
    pytest.mark.requirement("R-64"),
    pytest.mark.severity("critical"),
]
SPI_SECTION = "SGP.02, 2.4.3; ETSI TS 102 225, 5.1.1"
COUNTER_SECTION = "ETSI TS 102 225, 5.1.3 and 5.1.4"
SMS_SECTION = "3GPP TS 31.115, 4; TS 23.040, 9.2.3.24"
MINIMUM = SecurityParameters(scp80.SGP02_SPI, ISD_R_TAR)
STATUS = CommandScript.of([isdr_commands.get_status()]).encode()


@pytest.mark.conformance("EUICC-SCP80-MINIMUM-01", section=SPI_SECTION)
def test_the_minimum_of_sgp02_is_served(over_the_air: OverTheAirSession) -> None:
    """A packet with SPI 16 39 is executed, and its proof of receipt is secured as it asks.

    Preconditions: none.

    Steps:
    1. GetStatus in a packet with SPI 16 39: status 00, the counter is echoed.
    2. The proof of receipt opens with CC and ciphering, and came by SMS-SUBMIT.
    """
    receipt = over_the_air.run(STATUS)
    assert receipt.packet is not None
    assert receipt.packet.status == ResponseStatus.OK
    assert receipt.packet.counter == over_the_air.counter
    assert receipt.envelope_sw >> 8 == 0x91


@pytest.mark.parametrize(
    "weaker",
    [
        pytest.param(
            Spi(integrity=Integrity.NONE),
            marks=pytest.mark.conformance(
                "EUICC-SCP80-MINIMUM-02",
                section=SPI_SECTION,
                title="A packet without CC is dropped",
            ),
        ),
        pytest.param(
            Spi(ciphered=False),
            marks=pytest.mark.conformance(
                "EUICC-SCP80-MINIMUM-03",
                section=SPI_SECTION,
                title="A packet that is not enciphered is dropped",
            ),
        ),
        pytest.param(
            Spi(counter=CounterMode.NOT_CHECKED),
            marks=pytest.mark.conformance(
                "EUICC-SCP80-MINIMUM-04",
                section=SPI_SECTION,
                title="A packet whose counter is not to be checked is dropped",
            ),
        ),
        pytest.param(
            Spi(counter=CounterMode.NONE),
            marks=pytest.mark.conformance(
                "EUICC-SCP80-MINIMUM-05",
                section=SPI_SECTION,
                title="A packet without counter is dropped",
            ),
        ),
    ],
)
def test_a_weaker_packet_is_dropped(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim, weaker: Spi
) -> None:
    """A packet weaker than SGP.02 wants is dropped.

    Preconditions: none.

    Steps:
    1. CreateISDP in a packet with the weaker SPI: no proof of receipt.
    2. GetStatus: nothing has changed.
    3. The same command with SPI 16 39: status 00, 9000.
    """
    before = esim.profiles()
    create = isdr_commands.create_isdp(profile_maker.profile().aid)
    with step("1. The weaker packet"):
        parameters = SecurityParameters(weaker.encode(), ISD_R_TAR)
        receipt = over_the_air.run(CommandScript.of([create]).encode(), parameters=parameters)
        assert receipt.packet is None
    with step("2. GetStatus"):
        assert esim.profiles() == before
    with step("3. SPI 16 39"):
        (answer,) = over_the_air.send(create)
        assert answer.sw == 0x9000


@pytest.mark.conformance("EUICC-SCP80-COUNTER-01", section=COUNTER_SECTION)
def test_a_packet_that_comes_again_is_not_executed(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """A replayed packet is answered with status 02 and not executed.

    Preconditions: none.

    Steps:
    1. CreateISDP in a packet: status 00, 9000.
    2. DeleteProfile for the same ISD-P: 9000.
    3. The packet of step 1 again: status 02, no answer to a command.
    4. GetStatus: there is no such ISD-P.
    """
    aid = profile_maker.profile().aid
    with step("1. CreateISDP"):
        over_the_air.run(STATUS)
        over_the_air.counter += 1
        script = CommandScript.of([isdr_commands.create_isdp(aid)]).encode()
        packet = over_the_air.secured(script, over_the_air.counter, MINIMUM)
        assert over_the_air.deliver(packet, MINIMUM).status == ResponseStatus.OK
    with step("2. DeleteProfile"):
        (answer,) = over_the_air.send(isdr_commands.delete_profile(aid))
        assert answer.sw == 0x9000
    with step("3. The packet again"):
        replayed = over_the_air.deliver(packet, MINIMUM).packet
        assert replayed is not None
        assert (replayed.status, replayed.data) == (ResponseStatus.COUNTER_LOW, b"")
    with step("4. GetStatus"):
        assert esim.profile(aid) is None


@pytest.mark.conformance("EUICC-SCP80-COUNTER-02", section=COUNTER_SECTION)
def test_a_counter_may_skip_but_not_fall(over_the_air: OverTheAirSession) -> None:
    """With "process if higher" a counter may leave values out, and none below the last is taken.

    Preconditions: none.

    Steps:
    1. GetStatus with a counter 5 above the last: status 00.
    2. GetStatus with a counter 1 below that: status 02.
    3. GetStatus with a counter 1 above that of step 1: status 00.
    """
    over_the_air.run(STATUS)
    last = over_the_air.counter
    over_the_air.counter = last + 6
    for counter, expected in (
        (last + 5, ResponseStatus.OK),
        (last + 4, ResponseStatus.COUNTER_LOW),
        (last + 6, ResponseStatus.OK),
    ):
        with step(f"Counter {counter - last:+d}: status {expected:02X}"):
            packet = over_the_air.secured(STATUS, counter, MINIMUM)
            assert over_the_air.deliver(packet, MINIMUM).status == expected


@pytest.mark.conformance("EUICC-SCP80-COUNTER-03", section=COUNTER_SECTION)
def test_the_last_counter_is_not_taken_again(over_the_air: OverTheAirSession) -> None:
    """A packet whose counter equals the last one is answered with status 02.

    Preconditions: none.

    Steps:
    1. GetStatus in a packet: status 00.
    2. The same packet at once again: status 02, no answer to a command.
    3. Another packet with the same counter: status 02.
    4. GetStatus with the next counter: status 00.
    """
    over_the_air.run(STATUS)
    over_the_air.counter += 1
    packet = over_the_air.secured(STATUS, over_the_air.counter, MINIMUM)
    with step("1. The packet"):
        assert over_the_air.deliver(packet, MINIMUM).status == ResponseStatus.OK
    other = CommandScript.of([isdr_commands.get_memory()]).encode()
    for again in (packet, over_the_air.secured(other, over_the_air.counter, MINIMUM)):
        with step("2. and 3. Its counter again"):
            replayed = over_the_air.deliver(again, MINIMUM).packet
            assert replayed is not None
            assert (replayed.status, replayed.data) == (ResponseStatus.COUNTER_LOW, b"")
    with step("4. The next counter"):
        assert over_the_air.run(STATUS).status == ResponseStatus.OK


@pytest.mark.conformance("EUICC-SCP80-INTEGRITY-01", section="ETSI TS 102 225, 5.1.2")
def test_a_changed_packet_is_dropped(over_the_air: OverTheAirSession, esim: Esim) -> None:
    """A packet that was changed on its way is dropped, and moves no counter.

    Preconditions: none.

    Steps:
    1. A packet with one bit changed, in turn in its CC, its data and its counter: no proof of
       receipt.
    2. The same packet unchanged: status 00, so the counter has not moved.
    """
    over_the_air.run(STATUS)
    over_the_air.counter += 1
    packet = over_the_air.secured(STATUS, over_the_air.counter, MINIMUM)
    before = esim.profiles()
    with step("1. Changed packets"):
        for place in (10, 18, len(packet) - 1):
            changed = packet[:place] + bytes((packet[place] ^ 0x01,)) + packet[place + 1 :]
            assert over_the_air.deliver(changed, MINIMUM).packet is None, f"byte {place}"
    with step("2. The packet itself"):
        assert over_the_air.deliver(packet, MINIMUM).status == ResponseStatus.OK
        assert esim.profiles() == before


@pytest.mark.conformance("EUICC-SCP80-TAR-01", section="ETSI TS 102 225, 5.1.4")
def test_an_unknown_tar_is_told(over_the_air: OverTheAirSession) -> None:
    """A packet for an application that is not there is answered with status 09.

    Preconditions: no ISD-P has the TAR 00FFFE.

    Steps:
    1. GetStatus in a packet for the TAR 00FFFE: status 09.
    """
    assert isd_p_aid(0xFFFE)[12:15] == bytes.fromhex("00FFFE")
    receipt = over_the_air.run(STATUS, tar=bytes.fromhex("00FFFE"))
    assert receipt.status == ResponseStatus.TAR_UNKNOWN


@pytest.mark.conformance("EUICC-SCP80-SMS-01", section=SMS_SECTION)
def test_messages_may_come_in_any_order(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """A packet in several messages is put together whatever their order, doubled ones included.

    Preconditions: none.

    Steps:
    1. A script in three messages, the last first, the second one twice: status 00.
    2. GetStatus: its commands were executed once.
    """
    profile = profile_maker.profile()
    first = int.from_bytes(profile.aid[12:15], "big")
    aids = [isd_p_aid(first + n) for n in range(4)]
    over_the_air.run(STATUS)
    over_the_air.counter += 1
    script = CommandScript.of(isdr_commands.create_isdp(aid) for aid in aids).encode()
    parts = sms.split(over_the_air.secured(script, over_the_air.counter, MINIMUM), reference=0xA5)
    with step("1. Messages out of order"):
        assert len(parts) == 3
        mixed = [parts[2], parts[1], parts[1], parts[0]]
        receipt = over_the_air.deliver_messages(mixed, MINIMUM)
        assert receipt.status == ResponseStatus.OK
        assert [answer.sw for answer in receipt.answers] == [0x9000] * 4
    with step("2. GetStatus"):
        assert {row.aid for row in esim.profiles()} >= set(aids)


@pytest.mark.conformance("EUICC-SCP80-SMS-02", section=SMS_SECTION)
def test_a_packet_with_a_missing_message_is_not_executed(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """A packet whose messages did not all come is neither executed nor answered.

    Preconditions: none.

    Steps:
    1. A script in several messages, one of them left out: no proof of receipt.
    2. GetStatus: nothing has changed.
    """
    before = esim.profiles()
    profile = profile_maker.profile()
    first = int.from_bytes(profile.aid[12:15], "big")
    script = CommandScript.of(isdr_commands.create_isdp(isd_p_aid(first + n)) for n in range(4))
    over_the_air.run(STATUS)
    over_the_air.counter += 1
    packet = over_the_air.secured(script.encode(), over_the_air.counter, MINIMUM)
    parts = sms.split(packet, reference=0xA6)
    assert over_the_air.deliver_messages([parts[0], *parts[2:]], MINIMUM).packet is None
    assert esim.profiles() == before


@pytest.mark.parametrize(
    "por",
    [
        pytest.param(
            ProofOfReceipt.NEVER,
            marks=pytest.mark.conformance(
                "EUICC-SCP80-POR-01",
                section=SPI_SECTION,
                title="A packet that asks for no proof of receipt gets none",
            ),
        ),
        pytest.param(
            ProofOfReceipt.ON_ERROR,
            marks=pytest.mark.conformance(
                "EUICC-SCP80-POR-02",
                section=SPI_SECTION,
                title="A packet that asks for a proof of receipt on error gets none for a success",
            ),
        ),
    ],
)
def test_no_proof_of_receipt_unless_asked(
    over_the_air: OverTheAirSession, por: ProofOfReceipt
) -> None:
    """The proof of receipt comes as the packet asks.

    Preconditions: none.

    Steps:
    1. GetStatus in a packet with that SPI: no proof of receipt.
    """
    parameters = SecurityParameters(Spi(por=por).encode(), ISD_R_TAR)
    assert over_the_air.run(STATUS, parameters=parameters).packet is None


@pytest.mark.conformance("EUICC-SCP80-SCRIPT-01", section="ETSI TS 102 226, 5.2.1")
def test_a_script_ends_at_the_first_failure(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """A script ends at the first command that fails; what came before stays done.

    Preconditions: none.

    Steps:
    1. CreateISDP, DeleteProfile of an unknown ISD-P, GetStatus in one script: two answers, 9000
       and 6A88, and the number executed is 2.
    2. GetStatus: the ISD-P of the first command exists.
    """
    aid = profile_maker.profile().aid
    with step("1. The script"):
        receipt = over_the_air.execute(
            isdr_commands.create_isdp(aid),
            isdr_commands.delete_profile(isd_p_aid(0xFFFE)),
            isdr_commands.get_status(),
        )
        assert [answer.sw for answer in receipt.answers] == [0x9000, 0x6A88]
        assert receipt.script.executed == 2
    with step("2. GetStatus"):
        assert esim.profile(aid) is not None


@pytest.mark.conformance("EUICC-SCP80-SCRIPT-02", section="ETSI TS 102 226, 5.2.1")
def test_an_unknown_instruction_is_answered_in_the_script(over_the_air: OverTheAirSession) -> None:
    """An instruction that the ISD-R does not know is answered by its status word.

    Preconditions: none.

    Steps:
    1. A command with INS FE in a script: status 00, one answer, 6D00.
    """
    (answer,) = over_the_air.send(CommandApdu(0x80, 0xFE, 0x00, 0x00))
    assert answer.sw == 0x6D00


@pytest.mark.conformance("EUICC-SCP80-SCRIPT-03", section="ETSI TS 102 226, 5.2.1.3")
def test_a_script_of_wrong_format_is_told(over_the_air: OverTheAirSession) -> None:
    """Data that is no script is answered with status 00 and the bad format object 90.

    Preconditions: none.

    Steps:
    1. A packet whose data is a script cut off in a command: a response script with the object 90.
    """
    receipt = over_the_air.run(STATUS[:-3])
    assert receipt.script.bad_format is not None
