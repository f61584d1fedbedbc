"""SCP80 to the ISD-R: kinds of proof of receipt, strict counters, mixed messages, script chains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.evidence import step
from hil.wire import cat, isdr_commands, sms
from hil.wire.command_script import CommandScript
from hil.wire.identifiers import ISD_R_TAR, isd_p_aid, tar_of
from hil.wire.scp80 import (
    CounterMode,
    Integrity,
    ProofOfReceipt,
    ResponseStatus,
    SecurityParameters,
    Spi,
)
from hil.wire.tlv import Tlv
from testcases.conformance.euicc import preparing
from testcases.conformance.euicc.own_files import row

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card", "card.keys"),
    pytest.mark.requirement("R-64"),
    pytest.mark.severity("critical"),
]
MINIMUM_SECTION = "SGP.02, 2.4.3"
COUNTER = "ETSI TS 102 225, 5.1.4"
RECEIPT = "ETSI TS 102 225, 5.1.1; 3GPP TS 31.115, 4.3"
SMS = "3GPP TS 31.115, 4; TS 23.040, 9.2.3.24"
CHAINING = "ETSI TS 102 226, 5.2.1.2"
STATUS = CommandScript.of([isdr_commands.get_status()]).encode()
OTHER_SENDER = sms.Address.international("15550100998")
_CHAINING = 0x83


def secured(spi: Spi, tar: bytes = ISD_R_TAR) -> SecurityParameters:
    """Return the parameters of a packet."""
    return SecurityParameters(spi.encode(), tar)


@pytest.mark.requirement("R-64", refusal=True)
@pytest.mark.parametrize(
    "weaker",
    [
        row("EUICC-SCP80-MINIMUM-06", MINIMUM_SECTION,
            "A packet that asks for a proof of receipt in clear is dropped",
            Spi(por_ciphered=False)),
        row("EUICC-SCP80-MINIMUM-07", MINIMUM_SECTION,
            "A packet that asks for a proof of receipt without CC is dropped",
            Spi(por_integrity=Integrity.NONE)),
    ],
)  # fmt: skip
def test_a_weak_receipt_is_not_given(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim, weaker: Spi
) -> None:
    """A packet whose proof of receipt would be weaker than SGP.02 wants is dropped.

    Preconditions: none.

    Steps:
    1. CreateISDP in a packet with the SPI of the title: nothing comes back.
    2. GetStatus: nothing has changed.
    """
    aid = profile_maker.profile().aid
    over_the_air.run(STATUS)
    before = esim.profiles()
    script = CommandScript.of([isdr_commands.create_isdp(aid)]).encode()
    parameters = secured(weaker)
    over_the_air.counter += 1
    packet = over_the_air.secured(script, over_the_air.counter, parameters)
    with esim.card.transaction() as card:
        answers = [
            card.send(cat.envelope_sms_pp(sms.SmsDeliver(OTHER_SENDER, part).encode()))
            for part in sms.split(packet, reference=0xB1)
        ]
    assert [(answer.sw, answer.data) for answer in answers] == [(0x9000, b"")] * len(answers)
    assert esim.profiles() == before


@pytest.mark.requirement("R-64", refusal=True)
@pytest.mark.conformance("EUICC-SCP80-MINIMUM-08", section=MINIMUM_SECTION)
def test_a_weaker_packet_to_an_isd_p(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker
) -> None:
    """A packet to an ISD-P is held to the same minimum as one to the ISD-R.

    Preconditions: an ISD-P was created.

    Steps:
    1. A script with an SCP03t INITIALIZE UPDATE in a packet without ciphering to the TAR of the
       ISD-P: no proof of receipt.
    2. The same with SPI 16 39: status 00, a data object 84 in answer.
    """
    profile = profile_maker.profile()
    preparing.created(over_the_air, profile)
    tar = tar_of(profile.aid)
    hello = bytes.fromhex("0102030405060708")
    script = CommandScript((Tlv(0x84, bytes((0, 0)) + hello),)).encode()
    assert over_the_air.run(script, parameters=secured(Spi(ciphered=False), tar)).packet is None
    receipt = over_the_air.run(script, tar=tar)
    assert receipt.status == ResponseStatus.OK
    assert [item.tag for item in receipt.script.items] == [0x84]


@pytest.mark.conformance("EUICC-SCP80-COUNTER-04", section=COUNTER)
def test_a_counter_that_must_be_exactly_one_higher(over_the_air: OverTheAirSession) -> None:
    """With "process if exactly one higher" a counter that skips is answered with status 03.

    Preconditions: none.

    Steps:
    1. GetStatus with a counter two above the last: status 03, no answer to a command.
    2. With one above the last: status 00. With the same again: status 02.
    """
    over_the_air.run(STATUS)
    strict = secured(Spi(counter=CounterMode.EXACTLY_ONE_HIGHER))
    last = over_the_air.counter
    over_the_air.counter = last + 1
    for counter, expected in (
        (last + 2, ResponseStatus.COUNTER_HIGH),
        (last + 1, ResponseStatus.OK),
        (last + 1, ResponseStatus.COUNTER_LOW),
    ):
        with step(f"Counter {counter - last:+d}: status {expected:02X}"):
            packet = over_the_air.secured(STATUS, counter, strict)
            receipt = over_the_air.deliver(packet, strict)
            assert receipt.status == expected
            assert receipt.packet is not None
            assert bool(receipt.packet.data) is (expected == ResponseStatus.OK)


@pytest.mark.conformance("EUICC-SCP80-POR-03", section=RECEIPT)
def test_a_receipt_on_error_comes_on_error(over_the_air: OverTheAirSession) -> None:
    """A packet that asks for a proof of receipt on error gets one for an error.

    Preconditions: none.

    Steps:
    1. A packet with the counter of the last one: proof of receipt with status 02.
    """
    over_the_air.run(STATUS)
    parameters = secured(Spi(por=ProofOfReceipt.ON_ERROR))
    packet = over_the_air.secured(STATUS, over_the_air.counter, parameters)
    assert over_the_air.deliver(packet, parameters).status == ResponseStatus.COUNTER_LOW


@pytest.mark.conformance("EUICC-SCP80-POR-04", section=RECEIPT)
def test_a_receipt_in_the_delivery_report(over_the_air: OverTheAirSession) -> None:
    """A proof of receipt by delivery report is the answer to the ENVELOPE, not a message.

    Preconditions: none.

    Steps:
    1. A packet with the counter of the last one, SPI 16 19: the receipt, status 02, comes with the
       ENVELOPE; no proactive command waits.
    2. The same with SPI 16 39: a proactive command waits (91xx).
    """
    over_the_air.run(STATUS)
    for by_submit in (False, True):
        parameters = secured(Spi(por_by_submit=by_submit))
        packet = over_the_air.secured(STATUS, over_the_air.counter, parameters)
        receipt = over_the_air.deliver(packet, parameters)
        assert receipt.status == ResponseStatus.COUNTER_LOW
        assert (receipt.envelope_sw >> 8 == 0x91) is by_submit, f"{receipt.envelope_sw:04X}"


@pytest.mark.conformance("EUICC-SCP80-SMS-03", section=SMS)
def test_messages_of_two_senders_are_kept_apart(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """Messages are put together by sender and reference, and by one number of parts.

    Preconditions: none.

    Steps:
    1. The first of two messages of a packet; the second one from another sender; and a message with
       the same reference that says it is one of three: 9000 each, nothing is executed.
    2. The second message from the first sender: a proactive command waits, the packet is executed.
    """
    first = int.from_bytes(tar_of(profile_maker.profile().aid), "big")
    aids = [isd_p_aid(first + n) for n in range(3)]
    over_the_air.run(STATUS)
    over_the_air.counter += 1
    parameters = secured(Spi())
    script = CommandScript.of(isdr_commands.create_isdp(aid) for aid in aids).encode()
    packet = over_the_air.secured(script, over_the_air.counter, parameters)
    one, two, *more = sms.split(packet, reference=0xB2)
    strange = bytes.fromhex("050003B20902") + bytes(16)
    with esim.card.transaction() as card:

        def sent(part: bytes, sender: sms.Address) -> int:
            return card.send(cat.envelope_sms_pp(sms.SmsDeliver(sender, part).encode())).sw

        with step("1. Not one packet"):
            assert sent(one, OTHER_SENDER) == 0x9000
            assert [sent(part, sms.Address.international("15550100997")) for part in (two, *more)]
            assert sent(strange, OTHER_SENDER) == 0x9000
            assert all(esim.profile(aid) is None for aid in aids)
        with step("2. The second message"):
            assert [sent(part, OTHER_SENDER) for part in (two, *more)][-1] >> 8 == 0x91
    over_the_air.run(STATUS)
    assert all(esim.profile(aid) is not None for aid in aids)


@pytest.mark.conformance("EUICC-SCP80-SCRIPT-04", section="ETSI TS 102 226, 5.2.1")
def test_the_answer_has_the_form_of_the_script(over_the_air: OverTheAirSession) -> None:
    """A script of indefinite length is answered in that form, without the number executed.

    Preconditions: none.

    Steps:
    1. GetStatus in a script AE 80 … 00 00: an answer AF 80 … 00 00 with one R-APDU, 9000.
    2. GetStatus in a script AA: an answer AB with the number executed, 1.
    """
    for indefinite in (True, False):
        command = isdr_commands.get_status()
        receipt = over_the_air.run(CommandScript.of([command], indefinite=indefinite).encode())
        assert receipt.script.indefinite is indefinite
        assert receipt.script.executed == (None if indefinite else 1)
        assert [answer.sw for answer in receipt.answers] == [0x9000]


@pytest.mark.conformance("EUICC-SCP80-CHAIN-01", section=CHAINING)
def test_a_script_that_goes_on_with_nothing(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """A script that says it continues a chain is executed only while there is that chain.

    Preconditions: the card was reset, no chain of scripts is open.

    Steps:
    1. CreateISDP in a script with chaining 03 (last): not executed.
    2. GetStatus with chaining 01 (first), with 02 (more), with 03 (last): 9000 each.
    3. CreateISDP with chaining 02: not executed, the chain has ended.
    """
    aid = profile_maker.profile().aid

    def run(chaining: int, script: CommandScript) -> list[int]:
        items = (Tlv(_CHAINING, bytes((chaining,))), *script.items)
        return [answer.sw for answer in over_the_air.run(CommandScript(items).encode()).answers]

    look = CommandScript.of([isdr_commands.get_status()])
    create = CommandScript.of([isdr_commands.create_isdp(aid)])
    over_the_air.run(STATUS)
    with esim.card.transaction() as card:
        # A card may take scripts without chaining for a chain until then.
        card.reset()
    with step("1. Nothing to go on with"):
        assert run(0x03, create) == []
        assert esim.profile(aid) is None
    with step("2. A chain"):
        assert [run(chaining, look) for chaining in (0x01, 0x02, 0x03)] == [[0x9000]] * 3
    with step("3. After its end"):
        assert run(0x02, create) == []
        assert esim.profile(aid) is None
