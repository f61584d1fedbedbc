"""Counters of SCP80 at the MNO-SD: their end, whose they are, and packets that do without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from hil.evidence import step
from hil.wire.apdu import CommandApdu
from hil.wire.command_script import CommandScript
from hil.wire.scp80 import CounterMode, OtaKeySet, ResponseStatus, SecurityParameters, Spi
from testcases.conformance.euicc import preparing
from testcases.conformance.euicc.operating import KEYS
from testcases.conformance.euicc.own_files import row
from testcases.conformance.euicc.preparing import MNO_SD_TAR

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import LabProfile, ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-64"),
    pytest.mark.severity("critical"),
]
COUNTER: Final = "ETSI TS 102 225, 5.1.1 and 5.1.4"
UICC_TAR: Final = bytes.fromhex("B00120")
LAST: Final = 0xFFFFFFFFFF
USED: Final = (ResponseStatus.COUNTER_BLOCKED, ResponseStatus.COUNTER_LOW)
"""Of a counter that is at its end; which of the two comes then is not sure."""

_MANAGE: Final = CommandScript.of([KEYS]).encode()
_READ: Final = CommandScript.of(
    [CommandApdu(0x00, 0xA4, 0x00, 0x0C, b"\x2f\xe2"), CommandApdu(0x00, 0xB0, 0x00, 0x00, le=10)]
).encode()


@pytest.fixture
def profile(over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim) -> LabProfile:
    """An enabled profile with two OTA key sets of its own, versions 01 and 02."""
    keys = (preparing.operator_keys(1), preparing.operator_keys(2))
    made = profile_maker.profile(ota_keys=keys)
    preparing.taken_up(over_the_air, esim, made)
    return made


@pytest.fixture
def mno(esim: Esim, profile: LabProfile) -> OverTheAirSession:
    """The operator of the enabled profile, with its first key set."""
    return preparing.operator(esim.card, profile)


def status(
    mno: OverTheAirSession,
    counter: int,
    mode: CounterMode = CounterMode.HIGHER,
    *,
    tar: bytes = MNO_SD_TAR,
) -> int | None:
    """Send a harmless script with a counter; return the status of its proof of receipt.

    Held to running the script with status 00, and only then.
    """
    parameters = SecurityParameters(Spi(counter=mode).encode(), tar)
    script = _MANAGE if tar == MNO_SD_TAR else _READ
    receipt = mno.deliver(mno.secured(script, counter, parameters), parameters)
    ran = receipt.packet is not None and bool(receipt.packet.data)
    assert ran is (receipt.status == ResponseStatus.OK)
    return receipt.status


@pytest.mark.conformance("EUICC-SCP80-COUNTER-05", section=COUNTER)
def test_a_counter_at_its_end(mno: OverTheAirSession) -> None:
    """A counter that has reached FFFFFFFFFF is used up: it does not begin anew.

    Preconditions: a profile with OTA keys of its own is ENABLED.

    Steps:
    1. A packet with the counter FFFFFFFFFE: status 00.
    2. With FFFFFFFFFF: status 00 or 04.
    3. With FFFFFFFFFF again, with 0000000001, with 0000000000: status 04 or 02, nothing is run;
       so too where the counter is to be exactly one higher.
    """
    with step("1. The last but one"):
        assert status(mno, LAST - 1) == ResponseStatus.OK
    with step("2. The last"):
        assert status(mno, LAST) in (ResponseStatus.OK, ResponseStatus.COUNTER_BLOCKED)
    with step("3. Anew"):
        for counter in (LAST, 1, 0):
            for mode in (CounterMode.HIGHER, CounterMode.EXACTLY_ONE_HIGHER):
                found = status(mno, counter, mode)
                assert found in USED, f"counter {counter:010X}: {found}"


@pytest.mark.parametrize(
    "mode",
    [
        row("EUICC-SCP80-COUNTER-06", COUNTER, "A packet without counter is run, whatever it was",
            CounterMode.NONE),
        row("EUICC-SCP80-COUNTER-07", COUNTER,
            "A packet whose counter is not to be checked is run, whatever it was",
            CounterMode.NOT_CHECKED),
    ],
)  # fmt: skip
def test_a_counter_that_does_not_count(mno: OverTheAirSession, mode: CounterMode) -> None:
    """Where the packet asks for no check, its counter is not checked.

    Preconditions: a profile is ENABLED whose remote file management wants CC alone (level 02).

    Steps:
    1. To TAR B00120 a packet with counter 100, to be higher: status 00.
    2. With the SPI of the title and counter 50: status 00. The same again: status 00.
    """
    assert status(mno, 100, tar=UICC_TAR) == ResponseStatus.OK
    for _ in range(2):
        assert status(mno, 50, mode, tar=UICC_TAR) == ResponseStatus.OK


@pytest.mark.conformance("EUICC-SCP80-COUNTER-08", section=COUNTER)
def test_each_key_set_has_its_own_counter(mno: OverTheAirSession, profile: LabProfile) -> None:
    """A counter belongs to a key set: to all its packets, and to no other key set.

    Preconditions: a profile with two OTA key sets is ENABLED.

    Steps:
    1. To the MNO-SD with the first key set, counter 100: status 00.
    2. To TAR B00120 with the same key set and counter: status 02. With counter 101: status 00.
    3. With the second key set, counter 1: status 00.
    4. After a reset, with the first key set and counter 101: status 02.
    """
    second = profile.data.ota_keys[1]
    other = type(mno)(mno.card, OtaKeySet(second.kvn, second.kic, second.kid, second.dek))
    with step("1. The MNO-SD"):
        assert status(mno, 100) == ResponseStatus.OK
    with step("2. Remote file management"):
        assert status(mno, 100, tar=UICC_TAR) == ResponseStatus.COUNTER_LOW
        assert status(mno, 101, tar=UICC_TAR) == ResponseStatus.OK
    with step("3. The second key set"):
        assert status(other, 1) == ResponseStatus.OK
    with step("4. After a reset"):
        mno.card.reset()
        assert status(mno, 101) == ResponseStatus.COUNTER_LOW
