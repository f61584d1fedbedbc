"""GlobalPlatform and remote management at the MNO-SD of an enabled profile (RAM and RFM)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.wire import isdr_commands, scp80, tlv
from hil.wire.apdu import CommandApdu
from hil.wire.command_script import CommandScript
from hil.wire.identifiers import ISD_R_AID, encode_iccid
from hil.wire.put_key import put_key
from hil.wire.scp80 import (
    CounterMode,
    Integrity,
    OtaKeySet,
    ResponseStatus,
    SecurityParameters,
    Spi,
)
from testcases.conformance.euicc import preparing
from testcases.conformance.euicc.operating import life_cycle, management, set_status
from testcases.conformance.euicc.own_files import row
from testcases.conformance.euicc.preparing import MNO_SD_TAR

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import LabProfile, ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-44"),
    pytest.mark.severity("normal"),
]
RFM = "ETSI TS 102 226, 6 and 8.3"
RAM = "ETSI TS 102 226, 8.2; GlobalPlatform, 11"
LEVEL = "ETSI TS 102 226, 8.2.1.3.2.4; TS 102 225, 5.1.1"
UICC_TAR, USIM_TAR = bytes.fromhex("B00120"), bytes.fromhex("B00140")
"""Remote file management of the lab's profiles: of the UICC, of the USIM."""

MNO_SD = bytes.fromhex("A000000151000000")
ABSENT = bytes.fromhex("A0000001510000FF")
SD_PACKAGE, SD_MODULE = bytes.fromhex("A0000001515350"), bytes.fromhex("A000000151535041")
"""Where security domains come from (GlobalPlatform, Card Configuration)."""

OWN_SD = bytes.fromhex("A0000001510000C1")
INSTALL = CommandApdu(
    0x80,
    0xE6,
    0x0C,
    0x00,
    b"".join(
        bytes((len(value),)) + value
        for value in (SD_PACKAGE, SD_MODULE, OWN_SD, b"\x80", b"\xc9\x00", b"")
    ),
    256,
)
"""INSTALL [for install and make selectable] of a domain below the MNO-SD."""

KVN = 0x01


@pytest.fixture
def profile(over_the_air: OverTheAirSession, profile_maker: ProfileMaker) -> LabProfile:
    """An enabled profile with OTA keys of its own."""
    return preparing.operated(over_the_air, profile_maker)


@pytest.fixture
def mno(esim: Esim, profile: LabProfile) -> OverTheAirSession:
    """The operator of the enabled profile."""
    return preparing.operator(esim.card, profile)


def apdu(text: str) -> CommandApdu:
    """Return a command from its hex digits."""
    return CommandApdu.decode(bytes.fromhex(text))


def versions(mno: OverTheAirSession) -> set[int]:
    """Return the key versions of the MNO-SD (GET DATA E0)."""
    answer = management(mno, apdu("80CA00E000"))
    assert answer.sw == 0x9000, f"{answer.sw:04X}"
    return {part.value[1] for part in tlv.decode_one(answer.data)[0].children()}


@pytest.mark.conformance("EUICC-RFM-FILES-01", section=RFM)
def test_a_file_is_read_and_written_remotely(
    mno: OverTheAirSession, esim: Esim, profile: LabProfile
) -> None:
    """Remote file management reads and writes files of the enabled profile.

    Preconditions: a profile is ENABLED whose remote file management has full access.

    Steps:
    1. SELECT EF.ICCID and READ BINARY to TAR B00120: 9000 each, the ICCID of the profile.
    2. SELECT EF.PL and UPDATE BINARY: 9000 each.
    3. The terminal reads what was written.
    """
    with step("1. Read"):
        answers = mno.send(apdu("00A4000C022FE2"), apdu("00B000000A"), tar=UICC_TAR)
        assert [answer.sw for answer in answers] == [0x9000, 0x9000]
        assert answers[1].data == encode_iccid(profile.iccid)
    with step("2. Write"):
        answers = mno.send(apdu("00A4000C022F05"), apdu("00D60000026465"), tar=UICC_TAR)
        assert [answer.sw for answer in answers] == [0x9000, 0x9000]
    with step("3. The terminal's view"), esim.card.transaction() as card:
        card.select((0x3F00, 0x2F05))
        assert card.read_binary(2) == bytes.fromhex("6465")


@pytest.mark.conformance("EUICC-RFM-FILES-02", section=RFM)
def test_a_script_ends_at_its_first_error(mno: OverTheAirSession, esim: Esim) -> None:
    """A script of remote file management ends at the first command that fails.

    Preconditions: a profile is ENABLED.

    Steps:
    1. To TAR B00120: SELECT of a file that is not there, then SELECT EF.PL, then UPDATE BINARY:
       one answer, 6A82.
    2. The terminal reads EF.PL as it was.
    """

    def language() -> bytes:
        with esim.card.transaction() as card:
            card.select((0x3F00, 0x2F05))
            return card.read_binary(6)

    before = language()
    commands = ("00A4000C026FFF", "00A4000C022F05", "00D60000026465")
    answers = mno.send(*map(apdu, commands), tar=UICC_TAR)
    assert [answer.sw for answer in answers] == [0x6A82]
    assert language() == before


@pytest.mark.conformance("EUICC-RFM-FILES-03", section=RFM)
def test_the_usim_is_current_for_its_own_tar(
    mno: OverTheAirSession, esim: Esim, profile: LabProfile
) -> None:
    """To the TAR of a USIM its ADF is current at the start of a script.

    Preconditions: a profile with a USIM is ENABLED.

    Steps:
    1. SELECT EF.IMSI by id and READ BINARY to TAR B00140: 9000 each, the IMSI of the profile.
    2. The same to TAR B00120, where the MF is current: 6A82.
    """
    select, read = apdu("00A4000C026F07"), apdu("00B0000009")
    answers = mno.send(select, read, tar=USIM_TAR)
    assert [answer.sw for answer in answers] == [0x9000, 0x9000]
    assert answers[1].data == profile.data.imsi_file
    assert [answer.sw for answer in mno.send(select, read, tar=UICC_TAR)] == [0x6A82]
    assert esim.imsi() == profile.imsi


@pytest.mark.parametrize(
    "weaker",
    [
        row("EUICC-RFM-LEVEL-01", LEVEL, "A packet without CC is refused: status 0A or silence",
            Spi(integrity=Integrity.NONE)),
        row("EUICC-RFM-LEVEL-02", LEVEL,
            "A packet with neither CC nor ciphering is refused: status 0A or silence",
            Spi(integrity=Integrity.NONE, ciphered=False, counter=CounterMode.NONE)),
    ],
)  # fmt: skip
def test_the_minimum_security_level(mno: OverTheAirSession, esim: Esim, weaker: Spi) -> None:
    """A packet below the minimum security level of the profile is refused.

    Preconditions: a profile is ENABLED whose remote file management wants CC (level 02).

    Steps:
    1. SELECT EF.PL and UPDATE BINARY to TAR B00120 in the packet of the title: no proof of receipt,
       or one with another status than 00.
    2. The terminal reads EF.PL as it was.
    3. The same with CC and ciphering: 9000 each.
    """

    def language() -> bytes:
        with esim.card.transaction() as card:
            card.select((0x3F00, 0x2F05))
            return card.read_binary(2)

    before = language()
    script = CommandScript.of([apdu("00A4000C022F05"), apdu("00D60000027878")]).encode()
    with step("1. The weaker packet"):
        parameters = SecurityParameters(weaker.encode(), UICC_TAR)
        assert mno.run(script, parameters=parameters).status != ResponseStatus.OK
    with step("2. Nothing has changed"):
        assert language() == before
    with step("3. As it should be"):
        receipt = mno.run(script, tar=UICC_TAR)
        assert [answer.sw for answer in receipt.answers] == [0x9000, 0x9000]


@pytest.mark.conformance("EUICC-RAM-KEYS-01", section=RAM)
def test_wrong_keys_reach_nothing(mno: OverTheAirSession, esim: Esim, profile: LabProfile) -> None:
    """A packet secured with other keys is not executed.

    Preconditions: a profile with OTA keys of its own is ENABLED.

    Steps:
    1. GET DATA E0 to the MNO-SD, secured with keys of the same version that are not its own: no
       proof of receipt, or one with another status than 00.
    2. The same with a key version that it does not have: as step 1.
    3. The same with its own keys: 9000.
    """
    own = profile.data.ota_keys[0]
    strange = (
        OtaKeySet(KVN, own.kic, secrets.token_bytes(16), own.dek),
        OtaKeySet(0x0E, own.kic, own.kid, own.dek),
    )
    for keys in strange:
        session = type(mno)(esim.card, keys, counter=50)
        receipt = session.execute(apdu("80CA00E000"), tar=MNO_SD_TAR)
        assert receipt.status != ResponseStatus.OK
    assert management(mno, apdu("80CA00E000")).sw == 0x9000


@pytest.mark.conformance("EUICC-RAM-KEYS-02", section=f"{RAM}.8; Amendment D, 7.2")
def test_keys_are_put_and_deleted(mno: OverTheAirSession, esim: Esim, profile: LabProfile) -> None:
    """The operator adds a key set to its MNO-SD, uses it, and deletes it.

    Preconditions: a profile is ENABLED; its MNO-SD has no key version 05.

    Steps:
    1. PUT KEY of three AES keys under version 05, under the DEK: 9000, 05 and three check values.
    2. GET DATA E0 lists version 05. GET DATA E0 secured with the new keys: 9000.
    3. PUT KEY of the same once more with P1 00: 6A80 or 6985.
    4. DELETE of version 05: 9000. GET DATA E0 does not list it. A packet with its keys: no receipt,
       or one with another status than 00.
    5. DELETE of version 05 again: 6A88.
    """
    keys = [secrets.token_bytes(16) for _ in range(3)]
    put = put_key(0x05, keys, profile.data.ota_keys[0].dek)
    delete = apdu("80E4000003D2010500")
    new = type(mno)(esim.card, OtaKeySet(0x05, keys[0], keys[1], keys[2]))
    with step("1. PUT KEY"):
        answer = management(mno, put)
        assert answer.sw == 0x9000, f"{answer.sw:04X}"
        assert len(answer.data) == 10
        assert answer.data[:1] == b"\x05"
    with step("2. The new keys"):
        assert versions(mno) == {KVN, 0x05}
        assert versions(new) == {KVN, 0x05}
    with step("3. Again"):
        assert management(mno, put).sw in (0x6A80, 0x6985)
    with step("4. DELETE"):
        assert management(mno, delete).sw == 0x9000
        assert versions(mno) == {KVN}
        gone = new.execute(apdu("80CA00E000"), tar=MNO_SD_TAR)
        assert gone.status != ResponseStatus.OK
    with step("5. Again"):
        assert management(mno, delete).sw == 0x6A88


@pytest.mark.conformance("EUICC-RAM-KEYS-03", section=f"{RAM}.8")
def test_a_key_with_a_wrong_check_value(mno: OverTheAirSession, profile: LabProfile) -> None:
    """PUT KEY of a key whose check value is wrong is refused whole.

    Preconditions: a profile is ENABLED; its MNO-SD has no key version 06.

    Steps:
    1. PUT KEY of three keys, the last one's check value changed: 9485 or 6A80.
    2. GET DATA E0: version 06 is not listed.
    """
    good = put_key(0x06, [bytes([n] * 16) for n in (1, 2, 3)], profile.data.ota_keys[0].dek)
    data = good.data[:-1] + bytes((good.data[-1] ^ 0x01,))
    wrong = CommandApdu(good.cla, good.ins, good.p1, good.p2, data, 256)
    assert management(mno, wrong).sw in (0x9485, 0x6A80)
    assert versions(mno) == {KVN}


@pytest.mark.conformance("EUICC-RAM-STATUS-01", section=f"{RAM}.4")
def test_the_mno_sd_shows_itself(mno: OverTheAirSession) -> None:
    """GET STATUS at the MNO-SD shows it, and nothing of the ISD-R's.

    Preconditions: a profile is ENABLED.

    Steps:
    1. GET STATUS with P1 80: 9000, one E3 with the AID of the MNO-SD, 9F70 0F.
    2. GET STATUS with P1 40: 9000 or 6A88; no ISD-P is in it.
    3. GET STATUS of an AID that is not there: 6A88.
    """
    answer = management(mno, apdu("80F28002024F0000"))
    assert answer.sw == 0x9000
    (shown,) = tlv.decode_all(answer.data)
    assert tlv.require(shown.children(), 0x4F, where="GET STATUS") == MNO_SD
    assert tlv.require(shown.children(), 0x9F70, where="GET STATUS")[:1] == b"\x0f"
    others = management(mno, apdu("80F24002024F0000"))
    assert others.sw in (0x9000, 0x6310, 0x6A88)
    assert ISD_R_AID[:12] not in others.data
    absent = management(mno, apdu(f"80F240020A4F08{ABSENT.hex()}00"))
    assert (absent.sw, absent.data) == (0x6A88, b"")


def install(mno: OverTheAirSession) -> None:
    """Make a domain below the MNO-SD; NOT APPLICABLE where the card has no module for it."""
    answer = management(mno, INSTALL)
    if answer.sw == 0x6A88:
        module = SD_MODULE.hex().upper()
        not_applicable(f"the card has no module {module} for security domains", item="O_OWN_SD")
    assert answer.sw == 0x9000, f"{answer.sw:04X}"


@pytest.mark.applies("O_OWN_SD")
@pytest.mark.conformance("EUICC-RAM-INSTALL-01", section=f"{RAM}.5 and 11.2")
def test_a_domain_is_installed_and_deleted(mno: OverTheAirSession, esim: Esim) -> None:
    """The operator makes a security domain below its own, and deletes it.

    Preconditions: a profile is ENABLED; the card has the module for security domains.

    Steps:
    1. INSTALL [for install and make selectable] of a domain: 9000.
    2. GET STATUS shows it, SELECTABLE (07). SELECT of it by the terminal: 9000.
    3. The same INSTALL again: 6985 or 6A80.
    4. DELETE of it: 9000. GET STATUS: 6A88. SELECT by the terminal: 6A82.
    """
    with step("1. INSTALL"):
        install(mno)
    with step("2. GET STATUS and SELECT"):
        assert life_cycle(mno, OWN_SD) == 0x07
        assert selected(esim) == 0x9000
    with step("3. Again"):
        again = management(mno, INSTALL)
        assert again.sw in (0x6985, 0x6A80), f"{again.sw:04X}"
    with step("4. DELETE"):
        assert management(mno, apdu(f"80E400000A4F08{OWN_SD.hex()}00")).sw == 0x9000
        assert life_cycle(mno, OWN_SD) is None
        assert selected(esim) == 0x6A82


def selected(esim: Esim) -> int:
    """SELECT the domain of the lab's as a terminal does; return the status word."""
    with esim.card.transaction() as card:
        card.reset()
        return card.send(CommandApdu(0x00, 0xA4, 0x04, 0x00, OWN_SD, 256)).sw


@pytest.mark.applies("O_OWN_SD")
@pytest.mark.conformance("EUICC-RAM-STATUS-02", section=f"{RAM}.10")
def test_a_domain_goes_through_its_states(mno: OverTheAirSession) -> None:
    """SET STATUS brings a domain forward, locks it and unlocks it; never backward.

    Preconditions: a profile is ENABLED; the operator made a domain below its own, SELECTABLE.

    Steps:
    1. SET STATUS to PERSONALIZED (0F): 9000. GET STATUS: 0F.
    2. SET STATUS to LOCKED (8F): 9000. GET STATUS: locked, b8 is set.
    3. SET STATUS to 0F: 9000. GET STATUS: 0F.
    4. SET STATUS back to SELECTABLE (07): 6985 or 6A80. GET STATUS: 0F.
    """
    install(mno)
    with step("1. Forward"):
        assert set_status(mno, OWN_SD, 0x0F) == 0x9000
        assert life_cycle(mno, OWN_SD) == 0x0F
    with step("2. Locked"):
        assert set_status(mno, OWN_SD, 0x8F) == 0x9000
        assert (life_cycle(mno, OWN_SD) or 0) & 0x80
    with step("3. Unlocked"):
        assert set_status(mno, OWN_SD, 0x0F) == 0x9000
        assert life_cycle(mno, OWN_SD) == 0x0F
    with step("4. Backward"):
        assert set_status(mno, OWN_SD, 0x07) in (0x6985, 0x6A80)
        assert life_cycle(mno, OWN_SD) == 0x0F


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.parametrize(
    ("command", "expected"),
    [
        row("EUICC-RAM-REFUSED-01", f"{RAM}.10", "SET STATUS of an AID that is not there (6A88)",
            f"80F0400708{ABSENT.hex()}", (0x6A88,)),
        row("EUICC-RAM-REFUSED-02", f"{RAM}.10", "SET STATUS of the MNO-SD back to 07 (6985, 6A80)",
            f"80F0800708{MNO_SD.hex()}", (0x6985, 0x6A80)),
        row("EUICC-RAM-REFUSED-03", f"{RAM}.10", "SET STATUS with a P1 it does not have (6A86)",
            f"80F0100F08{MNO_SD.hex()}", (0x6A86,)),
        row("EUICC-RAM-REFUSED-04", f"{RAM}.2", "DELETE of an AID that is not there (6A88)",
            f"80E400000A4F08{ABSENT.hex()}00", (0x6A88,)),
        row("EUICC-RAM-REFUSED-05", f"{RAM}.2", "DELETE of the MNO-SD by itself (6985)",
            f"80E400000A4F08{MNO_SD.hex()}00", (0x6985,)),
        row("EUICC-RAM-REFUSED-06", f"{RAM}.2", "DELETE of a key version that is not there (6A88)",
            "80E4000003D2010900", (0x6A88,)),
        row("EUICC-RAM-REFUSED-07", f"{RAM}.5", "INSTALL of a load file that is not there (6A88)",
            "80E60C001E" "07A0000001515359" "08A000000151535941" "08A000000151000077" "0180" "00"
            "00" "00", (0x6A88, 0x6A80)),
        row("EUICC-RAM-REFUSED-08", f"{RAM}.5", "INSTALL of a kind that is none (6A86, 6A80)",
            "80E68100050000000000", (0x6A86, 0x6A80)),
        row("EUICC-RAM-REFUSED-09", f"{RAM}.11", "STORE DATA of a grouping that is none (6A88)",
            "80E28800043A7F010000", (0x6A88, 0x6A80)),
        row("EUICC-RAM-REFUSED-10", "ETSI TS 102 226, 8.2; SGP.02, 4.1.1",
            "EnableProfile by the operator (6A88, 6A80)",
            "80E28800153A03124F10A0000005591010FFFFFFFF8900FFFE0000", (0x6A88, 0x6A80)),
    ],
)  # fmt: skip
def test_what_the_mno_sd_refuses(
    mno: OverTheAirSession, esim: Esim, command: str, expected: tuple[int, ...]
) -> None:
    """The MNO-SD refuses a command.

    Preconditions: a profile is ENABLED.

    Steps:
    1. The command of the title, over the air by the operator: the status word of the title.
    2. GET DATA E0: its keys are as before. GetStatus of the ISD-R: nothing has changed.
    """
    before = esim.profiles()
    answer = management(mno, apdu(command))
    assert answer.sw in expected, f"{answer.sw:04X}"
    assert versions(mno) == {KVN}
    assert esim.profiles() == before


@pytest.mark.conformance("EUICC-RAM-ISDR-01", section="SGP.02, 2.2.1 and 2.4")
def test_the_operator_does_not_reach_the_isd_r(mno: OverTheAirSession, esim: Esim) -> None:
    """A packet to the ISD-R with the operator's keys is not executed.

    Preconditions: a profile with OTA keys of its own is ENABLED.

    Steps:
    1. GetStatus to TAR 000001 with the operator's keys: no proof of receipt, or one with another
       status than 00.
    2. GetStatus of the ISD-R: nothing has changed.
    """
    before = esim.profiles()
    script = CommandScript.of([isdr_commands.get_status()]).encode()
    parameters = SecurityParameters(scp80.SGP02_SPI, bytes.fromhex("000001"))
    receipt = mno.run(script, parameters=parameters)
    assert receipt.status != ResponseStatus.OK
    assert esim.profiles() == before
