"""PUT KEY at the MNO-SD: which keys it takes, what it replaces, and what it answers."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

import pytest

from hil.evidence import step
from hil.wire.aes import kcv
from hil.wire.apdu import CommandApdu
from hil.wire.put_key import put_key
from hil.wire.scp80 import OtaKeySet, ResponseStatus
from testcases.conformance.euicc import preparing
from testcases.conformance.euicc.operating import KEYS, keys_listed, management
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
PUT_KEY: Final = "GlobalPlatform, 11.8; Amendment D, 7.2"
KVN: Final = 0x05
_AES: Final = 0x88
REFUSED: Final = (0x6A80, 0x6A88, 0x6985, 0x9484, 0x9485)
"""What may refuse key data; GlobalPlatform names a status word for some of it only."""


@pytest.fixture
def profile(over_the_air: OverTheAirSession, profile_maker: ProfileMaker) -> LabProfile:
    """An enabled profile with OTA keys of its own, under version 01."""
    return preparing.operated(over_the_air, profile_maker)


@pytest.fixture
def mno(esim: Esim, profile: LabProfile) -> OverTheAirSession:
    """The operator of the enabled profile."""
    return preparing.operator(esim.card, profile)


@pytest.fixture
def dek(profile: LabProfile) -> bytes:
    """The key that enciphers keys on their way to the MNO-SD."""
    return profile.data.ota_keys[0].dek


def fresh(size: int = 16) -> list[bytes]:
    """Return three keys that nobody has."""
    return [secrets.token_bytes(size) for _ in range(3)]


def opens(mno: OverTheAirSession, kic: bytes, kid: bytes) -> bool:
    """Whether the MNO-SD takes a packet that is secured with these keys under version 05."""
    session = type(mno)(mno.card, OtaKeySet(KVN, kic, kid))
    return session.execute(KEYS, tar=MNO_SD_TAR).status == ResponseStatus.OK


def with_data(command: CommandApdu, data: bytes) -> CommandApdu:
    """Return PUT KEY with other data."""
    return CommandApdu(command.cla, command.ins, command.p1, command.p2, data, 256)


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.conformance("EUICC-RAM-KEYS-05", section=PUT_KEY)
def test_key_versions_that_there_are_not(mno: OverTheAirSession, dek: bytes) -> None:
    """A key version number is 01 to 7F.

    Preconditions: a profile is ENABLED.

    Steps:
    1. PUT KEY of three AES keys under version 00, and under 80: refused.
    2. GET DATA E0: the keys are as before.
    """
    before = keys_listed(mno)
    for version in (0x00, 0x80):
        answer = management(mno, put_key(version, fresh(), dek))
        assert answer.sw in REFUSED, f"version {version:02X}: {answer.sw:04X}"
    assert keys_listed(mno) == before


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.parametrize(
    "wrong",
    [
        row("EUICC-RAM-KEYS-06", PUT_KEY, "PUT KEY of a key of 15 bytes is refused whole", "short"),
        row("EUICC-RAM-KEYS-09", PUT_KEY, "PUT KEY whose last key is cut off is refused whole",
            "cut off"),
        row("EUICC-RAM-KEYS-10", PUT_KEY, "PUT KEY with a type that there is not is refused whole",
            "type"),
    ],
)  # fmt: skip
def test_key_data_that_is_none(mno: OverTheAirSession, dek: bytes, wrong: str) -> None:
    """PUT KEY with wrong data is refused, and none of its keys is stored.

    Preconditions: a profile is ENABLED; its MNO-SD has no key version 05.

    Steps:
    1. PUT KEY of three AES keys under version 05; the third is as the title says: refused.
    2. GET DATA E0: the keys are as before.
    """
    before = keys_listed(mno)
    good = put_key(KVN, fresh(), dek)
    size = (len(good.data) - 1) // 3
    last = bytearray(good.data[-size:])
    if wrong == "short":
        # Behind type and length stands how many of the enciphered bytes are the key.
        last[2] = 15
    elif wrong == "type":
        last[0] = 0x99
    else:
        del last[-5:]
    answer = management(mno, with_data(good, good.data[:-size] + bytes(last)))
    assert answer.sw in REFUSED, f"{answer.sw:04X}"
    assert keys_listed(mno) == before


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.conformance("EUICC-RAM-KEYS-07", section=PUT_KEY)
def test_a_key_is_replaced_by_one_of_its_length(mno: OverTheAirSession, dek: bytes) -> None:
    """A key that is replaced keeps its type and length.

    Preconditions: a profile is ENABLED; its MNO-SD has no key version 05.

    Steps:
    1. PUT KEY of three AES-128 keys under version 05: 9000.
    2. PUT KEY with P1 05 of three AES-256 keys under version 05: refused.
    3. GET DATA E0: as after step 1. A packet with the keys of step 1: status 00.
    """
    keys = fresh()
    with step("1. PUT KEY"):
        assert management(mno, put_key(KVN, keys, dek)).sw == 0x9000
    before = keys_listed(mno)
    with step("2. Longer keys"):
        longer = put_key(KVN, fresh(32), dek, replaces=KVN)
        assert management(mno, longer).sw in REFUSED
    with step("3. The keys before"):
        assert keys_listed(mno) == before
        assert opens(mno, keys[0], keys[1])


@pytest.mark.conformance("EUICC-RAM-KEYS-08", section=PUT_KEY)
def test_one_key_of_a_set_is_replaced(mno: OverTheAirSession, dek: bytes) -> None:
    """PUT KEY of one key replaces that one; the answer tells version and check values.

    Preconditions: a profile is ENABLED; its MNO-SD has no key version 05.

    Steps:
    1. PUT KEY of three AES keys under version 05: 9000, 05 and the check value of each key: the
       first three bytes of sixteen bytes 01 enciphered with it.
    2. PUT KEY with P1 05, P2 02 of another KID: 9000, 05 and its check value.
    3. GET DATA E0 lists three keys of version 05. A packet with the new KID: status 00; with the
       one before: no proof of receipt, or another status.
    """
    kic, kid, other, new = *fresh(), secrets.token_bytes(16)
    with step("1. PUT KEY"):
        answer = management(mno, put_key(KVN, [kic, kid, other], dek))
        told = bytes((KVN,)) + kcv(kic) + kcv(kid) + kcv(other)
        assert (answer.sw, answer.data) == (0x9000, told)
    with step("2. Another KID"):
        answer = management(mno, put_key(KVN, [new], dek, replaces=KVN, first_id=2))
        assert (answer.sw, answer.data) == (0x9000, bytes((KVN,)) + kcv(new))
    with step("3. The keys"):
        listed = {one for one in keys_listed(mno) if one[0] == KVN}
        assert listed == {(KVN, number, _AES, 16) for number in (1, 2, 3)}
        assert opens(mno, kic, new)
        assert not opens(mno, kic, kid)
