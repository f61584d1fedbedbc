"""What gammu, gnokii, ModemManager, minicom and modem libraries say before anything else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hil.equipment.device.serial_link import SerialLink
from hil.virtual.euicc import open_card
from hil.virtual.euicc.contacts import Contacts
from hil.wire.profile_package.generate import ProfileData, generate
from tests.virtual_device.conftest import BASE_KEYS, EID, ISD_R_KEYS, Workbench, key_fields

PIN, PUK = "1234", "87654321"


class Line:
    """A terminal program: sends text, shows what comes until it has seen enough."""

    def __init__(self, link: SerialLink) -> None:
        self._link = link

    def ask(self, text: str, *, until: str = "OK\r\n") -> str:
        self._link.write(text.encode())
        heard = ""
        while not heard.endswith(until):
            data = self._link.read(timeout_s=5)
            assert data, f"silence after {heard!r}"
            heard += data.decode()
        return heard

    def lines(self, command: str, *, until: str = "OK\r\n") -> list[str]:
        return self.ask(f"{command}\r", until=until).split()


@contextmanager
def line_to(workbench: Workbench, esim: str = "none") -> Iterator[Line]:
    device = workbench.start(esim=esim)
    device.close()
    with SerialLink(device.port, baudrate=921_600) as link:
        line = Line(link)
        line.ask("ATZ\r")
        line.ask("ATE0\r")
        yield line


@pytest.fixture
def line(workbench: Workbench) -> Iterator[Line]:
    with line_to(workbench) as line:
        yield line


def test_the_line_with_which_minicom_begins_is_taken(line: Line) -> None:
    assert line.ask("AT S7=45 S0=0 L1 V1 X4 &c1 E0 Q0\r") == "\r\nOK\r\n"


def test_result_codes_come_in_numbers_or_not_at_all(line: Line) -> None:
    assert line.ask("ATV0\r", until="0\r") == "0\r"
    assert line.ask("AT+CGMI\r", until="0\r") == "HIL\r\n0\r"
    assert line.ask("AT+NONE\r", until="4\r") == "4\r"
    line.ask("ATV1Q1\r+++\rATQ0\r")
    assert line.ask("AT\r") == "\r\nOK\r\n"


def test_reset_brings_back_what_the_factory_set(line: Line) -> None:
    line.ask("AT+CMEE=1\r")
    assert line.lines("AT+NONE", until="4\r\n") == ["+CME", "ERROR:", "4"]
    line.ask("ATZ\r")
    assert line.ask("AT+NONE\r", until="ERROR\r\n") == "AT+NONE\r\r\nERROR\r\n"


def test_the_last_line_again(line: Line) -> None:
    assert line.lines("AT+CGMI") == ["HIL", "OK"]
    assert line.ask("A/") == "\r\nHIL\r\n\r\nOK\r\n"
    assert line.ask("a/") == "\r\nHIL\r\n\r\nOK\r\n"


def test_registers_are_read_and_set_within_what_the_line_can(line: Line) -> None:
    assert line.lines("ATS3?") == ["013", "OK"]
    assert line.lines("ATS7=45S7?") == ["045", "OK"]
    assert line.lines("ATS3=10", until="ERROR\r\n") == ["ERROR"]
    assert line.lines("ATS99?", until="ERROR\r\n") == ["ERROR"]


def test_what_libraries_ask_for_is_told(line: Line) -> None:
    assert line.lines("AT+CSCS=?;+CSCS?") == ["+CSCS:", '("GSM","IRA")', "+CSCS:", '"IRA"', "OK"]
    assert line.lines('AT+CSCS="GSM";+CSCS?')[1] == '"GSM"'
    assert line.lines("AT+CMEE=?") == ["+CMEE:", "(0-2)", "OK"]
    assert line.lines("AT+CSQ;+GCAP")[1::2] == ["99,99", "+CGSM"]
    assert line.lines("AT+CREG?;+CGREG?")[:4] == ["+CREG:", "0,0", "+CGREG:", "0,0"]
    assert {"AT+CPIN", "ATV", "AT+HILID"} <= set(line.lines("AT+CLAC"))


@pytest.fixture
def esim(tmp_path: Path) -> Iterator[str]:
    data = ProfileData(
        iccid="8900112345678901239", imsi="001010123456789", k=bytes(16), pin1=PIN, puk1=PUK
    )
    card = open_card(
        tmp_path / "card",
        {
            "eid": EID,
            "isd_r": {"scp80": [], "scp03": [key_fields(ISD_R_KEYS) | {"counter": 0}]},
            "isd_p_base": key_fields(BASE_KEYS),
            "bootstrap_profile": generate(data, profile_class="provisioning").hex(),
        },
    )
    contacts = Contacts(card)
    host, port = contacts.serve("127.0.0.1", 0)
    yield f"socket:{host}:{port}"
    contacts.close()
    card.close()


def test_pin_and_puk_of_the_profile(workbench: Workbench, esim: str) -> None:
    with line_to(workbench, esim) as line:
        assert line.lines("AT+CPIN?") == ["+CPIN:", "READY", "OK"]
        assert "ERROR" in line.ask(f'AT+CPIN="{PIN}"\r', until="ERROR\r\n")
        assert "9000" in line.ask('AT+CSIM=14,"00A4000C023F00"\r')
        enable = "0028000108" + PIN.encode().hex() + "FFFFFFFF"
        assert "9000" in line.ask(f'AT+CSIM={len(enable)},"{enable}"\r')
        line.ask("AT+CFUN=1,1\r", until="RDY\r\n")
        line.ask("ATE0;+CMEE=1\r")
        assert line.lines("AT+CPIN?") == ["+CPIN:", "SIM", "PIN", "OK"]
        assert line.lines('AT+CPIN="12"', until="50\r\n") == ["+CME", "ERROR:", "50"]
        assert line.lines('AT+CPIN="0000"', until="16\r\n") == ["+CME", "ERROR:", "16"]
        assert line.lines(f'AT+CPIN="{PIN}"') == ["OK"]
        assert line.lines("AT+CPIN?") == ["+CPIN:", "READY", "OK"]
        line.ask("AT+CFUN=1,1\r", until="RDY\r\n")
        line.ask("ATE0;+CMEE=1\r")
        for code in ("16", "16", "12"):
            assert line.lines('AT+CPIN="0000"', until=f"{code}\r\n") == ["+CME", "ERROR:", code]
        assert line.lines("AT+CPIN?") == ["+CPIN:", "SIM", "PUK", "OK"]
        assert line.lines(f'AT+CPIN="{PIN}"', until="12\r\n") == ["+CME", "ERROR:", "12"]
        assert line.lines('AT+CPIN="00000000","5678"', until="16\r\n")[2] == "16"
        assert line.lines(f'AT+CPIN="{PUK}","5678"') == ["OK"]
        assert line.lines("AT+CPIN?") == ["+CPIN:", "READY", "OK"]


def test_without_an_esim_no_pin_is_told(line: Line) -> None:
    line.ask("AT+CMEE=1\r")
    assert line.lines("AT+CPIN?", until="10\r\n") == ["+CME", "ERROR:", "10"]
