"""Registration at the device's end: what it says to the network, and what AT commands show."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.equipment.device import Device, DeviceRefusal, DeviceTimeoutError, RegistrationState
from hil.virtual.euicc import open_card
from hil.virtual.euicc.contacts import Contacts
from hil.wire.aka import Milenage, make_autn, read_auts
from hil.wire.profile_package.generate import ProfileData, generate
from tests.virtual_device.air import Air
from tests.virtual_device.conftest import BASE_KEYS, EID, ISD_R_KEYS, Workbench, key_fields

IMSI = "001010123456789"
K, OPC = bytes(range(16)), bytes(range(16, 32))
USIM = Milenage(K, OPC)


@pytest.fixture
def air() -> Iterator[Air]:
    air = Air()
    yield air
    air.close()


@pytest.fixture
def esim(tmp_path: Path) -> Iterator[str]:
    data = ProfileData(iccid="8900112345678901239", imsi=IMSI, k=K, opc=OPC)
    card = open_card(
        tmp_path / "card",
        {
            "eid": EID,
            "isd_r": {"scp80": [], "scp03": [key_fields(ISD_R_KEYS) | {"counter": 0}]},
            "isd_p_base": key_fields(BASE_KEYS),
            "memory": 500_000,
            "bootstrap_profile": generate(data, profile_class="provisioning").hex(),
        },
    )
    contacts = Contacts(card)
    host, port = contacts.serve("127.0.0.1", 0)
    yield f"socket:{host}:{port}"
    contacts.close()
    card.close()


@pytest.fixture
def device(workbench: Workbench, air: Air, esim: str) -> Device:
    """A device that has met a network which authenticates."""
    device = workbench.start(esim=esim, radio=air.address)
    air.attach()
    air.say({"network": {"plmn": "00101"}})
    return device


def challenge(air: Air, sqn: int, algorithm: Milenage = USIM) -> bytes:
    """Send a challenge; return its RAND."""
    rand = secrets.token_bytes(16)
    autn = make_autn(algorithm, rand, sqn, bytes.fromhex("8000"))
    air.say({"challenge": {"rand": rand.hex(), "autn": autn.hex()}})
    return rand


def test_the_usim_answers_for_the_device(device: Device, air: Air) -> None:
    assert air.read() == {"register": {"imsi": IMSI}}
    rand = challenge(air, 1 << 5)
    assert air.read() == {"res": USIM.f2345(rand).res.hex()}
    assert device.registration().state is RegistrationState.SEARCHING
    air.say({"registered": {"imsi": IMSI, "plmn": "00101"}})
    report = device.wait_registered(timeout_s=5)
    assert (report.state, report.network) == (RegistrationState.HOME, "00101")
    assert device.imsi() == IMSI


def test_a_used_sequence_number_is_answered_with_auts(device: Device, air: Air) -> None:
    air.read()
    challenge(air, 9 << 5)
    assert "res" in air.read()
    rand = challenge(air, 9 << 5)
    assert read_auts(USIM, rand, bytes.fromhex(air.read()["auts"])) == 9 << 5


def test_a_network_with_another_key_is_told_so(device: Device, air: Air) -> None:
    air.read()
    challenge(air, 1 << 5, Milenage(bytes(16), OPC))
    assert air.read() == {"mac_failure": True}
    air.say({"rejected": {"cause": 3}})
    report = device.wait_registered(timeout_s=5)
    assert (report.state, report.network) == (RegistrationState.DENIED, "")
    assert report.cause == "Illegal UE (3)"


@pytest.mark.parametrize(
    "message",
    [
        {"challenge": {"rand": "00", "autn": "00"}},
        {"challenge": 7},
        {"rejected": {}},
        {"rejected": {"cause": "x"}},
    ],
)
def test_a_network_that_makes_no_sense_leaves_the_device_usable(
    device: Device, air: Air, message: dict[str, object]
) -> None:
    air.read()
    air.say(message)
    with pytest.raises(DeviceTimeoutError, match="no network has decided"):
        device.wait_registered(timeout_s=0.3)
    assert device.imsi() == IMSI


def test_the_registration_ends_with_the_network(device: Device, air: Air) -> None:
    air.read()
    air.say({"registered": {"imsi": IMSI, "plmn": "00101"}})
    device.wait_registered(timeout_s=5)
    air.attach()
    assert device.registration().state is RegistrationState.SEARCHING
    air.say({"network": {"plmn": "00101"}})
    assert air.read() == {"register": {"imsi": IMSI}}


def test_after_a_restart_the_device_registers_anew(device: Device, air: Air) -> None:
    air.read()
    air.say({"registered": {"imsi": IMSI, "plmn": "00101"}})
    device.wait_registered(timeout_s=5)
    device.reboot()
    air.attach()
    air.say({"network": {"plmn": "00101"}})
    assert air.read() == {"register": {"imsi": IMSI}}


def test_the_host_s_selection_is_left_alone(device: Device, air: Air) -> None:
    device.csim(bytes.fromhex("00A4000C023F00"))
    device.csim(bytes.fromhex("00A4000C022FE2"))
    assert device.imsi() == IMSI
    air.read()
    challenge(air, 1 << 5)
    air.read()
    assert device.csim(bytes.fromhex("00B000000A"))[-2:] == b"\x90\x00"


def test_without_a_usim_nothing_registers(workbench: Workbench, air: Air) -> None:
    device = workbench.start(radio=air.address)
    air.attach()
    air.say({"network": {"plmn": "00101"}})
    with pytest.raises(DeviceRefusal, match="SIM not inserted"):
        device.imsi()
    with pytest.raises(DeviceTimeoutError):
        device.wait_registered(timeout_s=0.3)
    assert "no eSIM" in device.registration().cause
