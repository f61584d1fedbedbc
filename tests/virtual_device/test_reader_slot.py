"""The eSIM of the device in a PC/SC reader, shared with other programs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.bench.pcscd import PrivatePcscd, missing
from hil.virtual.euicc import open_card
from hil.virtual.euicc.contacts import Contacts
from tests.virtual_device.conftest import (
    BASE_KEYS,
    EID,
    ICCIDS,
    ISD_R_KEYS,
    Workbench,
    authenticate,
    key_fields,
    make_image,
    seal_image,
)

SELECT_MF = bytes.fromhex("00A4000C023F00")
OTHER_CLIENT = """
import sys
from smartcard import scard
code, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
code, readers = scard.SCardListReaders(context, [])
(reader,) = [r for r in readers if sys.argv[1] in r]
protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
code, card, protocol = scard.SCardConnect(context, reader, scard.SCARD_SHARE_SHARED, protocols)
assert code == 0, hex(code & 0xFFFFFFFF)
for apdu in sys.argv[3:]:
    code, answer = scard.SCardTransmit(card, protocol, list(bytes.fromhex(apdu)))
    assert code == 0, hex(code & 0xFFFFFFFF)
    print(bytes(answer).hex())
scard.SCardDisconnect(card, getattr(scard, sys.argv[2]))
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivatePcscd]:
    """A private PC/SC service with the virtual card in its reader."""
    lacking = missing()
    if lacking:
        pytest.skip(str(lacking[0]))
    card = open_card(
        tmp_path_factory.mktemp("card"),
        {
            "eid": EID,
            "isd_r": {"scp80": [], "scp03": [key_fields(ISD_R_KEYS) | {"counter": 0}]},
            "isd_p_base": key_fields(BASE_KEYS),
            "memory": 500_000,
        },
    )
    contacts = Contacts(card)
    with PrivatePcscd.start(readers=1, timeout_s=20) as service:
        contacts.insert("127.0.0.1", service.vpcd_port, connected=lambda: None)
        yield service
        contacts.close()
    card.close()


def other_client(service: PrivatePcscd, leaving: str, *apdus: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", OTHER_CLIENT, "00 00", leaving, *apdus],
        env=service.environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    return done.stdout.split()


def test_image_to_card_in_a_reader_that_others_use_and_reset(
    workbench: Workbench, service: PrivatePcscd, tmp_path: Path
) -> None:
    running = workbench.start_process(
        esim=f"pcsc:{service.reader_patterns[0]}", environment=service.environment
    )
    device = running.device
    assert device.identity().eid == EID
    for leaving in ("SCARD_LEAVE_CARD", "SCARD_RESET_CARD", "SCARD_UNPOWER_CARD"):
        assert other_client(service, leaving, SELECT_MF.hex()) == ["9000"]
        assert device.csim(SELECT_MF) == b"\x90\x00"
    authenticate(device)
    device.send_image(seal_image(make_image()))
    device.reboot()
    report = device.wait_installed(timeout_s=10)
    assert (report.result, report.reason) == ("installed", "")
    iccid = other_client(
        service, "SCARD_LEAVE_CARD", SELECT_MF.hex(), "00A4000C022FE2", "00B000000A"
    )
    swapped = ICCIDS["operational"] + "F"
    assert (
        iccid[-1]
        == "".join(b + a for a, b in zip(swapped[::2], swapped[1::2], strict=True)).lower() + "9000"
    )
    assert not list(tmp_path.glob("**/*.new"))
