"""Access domains: what an application may do with files, and who administers them."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.virtual.euicc import open_card
from hil.virtual.euicc.application_store import Application, Kind
from hil.virtual.euicc.current_file import READ, RESIZE
from hil.virtual.euicc.files import Df, Ef, FileTree, Structure
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.remote_access import RemoteAccess
from hil.wire.profile_package.applications import AdfAccess
from tests.euicc.operator import (
    ADF_USIM,
    AID,
    MNO_SD,
    UICC,
    ask,
    compact,
    last,
    operator_profile,
    prepared,
)
from tests.euicc.terminal import Terminal, factory

SELECT_ICCID, READ_10 = "00A40004022FE2", "00B000000A"


def test_access_domain_of_pins(tmp_path: Path) -> None:
    """PIN1 only: what ADM1 guards is refused, and so is every ADF."""
    package = operator_profile(access=bytes.fromhex("02010001"))
    card = open_card(prepared(tmp_path, package), factory())
    terminal = Terminal(card)
    pin1 = compact("00A40004022F05", "00D60000015A")
    adm1 = compact("00A40004022F00", "00DC01042600" + "FF" * 37)
    assert last(ask(terminal, pin1, 1, UICC).data)[:2] == (2, "9000")
    assert last(ask(terminal, adm1, 2, UICC).data)[:2] == (2, "6982")
    in_adf = compact(f"00A404040C{ADF_USIM.hex()}", "00A40004026F07", "00B0000009")
    assert last(ask(terminal, in_adf, 3, UICC).data)[:2] == (3, "6982")
    # A PIN presented in the script counts in it, and only there.
    verify = "0020000A08" + "35" * 8
    adm_after_pin = compact("00A40004022F00", verify, "00DC010426" + "FF" * 38)
    assert last(ask(terminal, adm_after_pin, 4, UICC).data)[:2] == (3, "9000")
    assert last(ask(terminal, adm1, 5, UICC).data)[:2] == (2, "6982")
    card.close()


def test_no_access_at_all(tmp_path: Path) -> None:
    package = operator_profile(access=b"\xff", adf=AdfAccess(ADF_USIM, b"\x00", b"\xff"))
    card = open_card(prepared(tmp_path, package), factory())
    terminal = Terminal(card)
    closed = compact("00A40004023F00", SELECT_ICCID, READ_10)
    assert last(ask(terminal, closed, 1, UICC).data)[:2] == (3, "6982")
    assert last(ask(terminal, compact("00A40004026F07", "00B0000009"), 2, UICC).data)[1] == "9000"
    card.close()


CREATE = "00E00000186216 82024121 83026F99 8A0105 8B032F0603 80020004 8800".replace(" ", "")
DELETE = "00E40000026F99"


@pytest.mark.parametrize(
    ("domain", "allowed"),
    [("00", True), ("02000002", True), ("02010001", False), ("FF", False)],
    ids=["full", "ADM1", "PIN1", "none"],
)
@pytest.mark.parametrize("own", [False, True], ids=["UICC", "ADF"])
def test_administrative_access_domain(
    tmp_path: Path, domain: str, *, allowed: bool, own: bool
) -> None:
    """Files are made and deleted under the administrative domain alone."""
    admin = bytes.fromhex(domain)
    if own:
        package = operator_profile(
            admin_access=b"\xff", adf=AdfAccess(ADF_USIM, b"\xff", admin), access=b"\xff"
        )
    else:
        package = operator_profile(access=b"\xff", admin_access=admin)
    card = open_card(prepared(tmp_path, package), factory())
    terminal = Terminal(card)
    results = [
        last(ask(terminal, compact(*script), number, UICC).data)[1]
        for number, script in enumerate([(CREATE,), ("00A40004026F99", "00B0000001"), (DELETE,)], 1)
    ]
    # Reading the new file is not administration: the other domain closes it.
    assert results == (["9000", "6982", "9000"] if allowed else ["6982", "6A82", "6A82"])
    card.close()


@pytest.mark.parametrize(("use", "admin", "resized"), [(0x00, 0xFF, False), (0xFF, 0x00, True)])
def test_resizing_is_administration(use: int, admin: int, *, resized: bool) -> None:
    """A rule that lets everybody read and resize (AM_DO 84 01 D4)."""
    rule = bytes.fromhex("80010190008401D49000")
    mf = Df(0x3F00)
    mf.add(Ef(0x2F06, Structure.LINEAR, bytearray(rule), len(rule)))
    file = Ef(0x2F99, Structure.TRANSPARENT, bytearray(4), security=b"\x2f\x06\x01")
    mf.add(file)
    application = Application(
        AID, Kind.FILES, 1, 7, b"\x00", b"", b"", MNO_SD,
        access=bytes((use,)), admin_access=bytes((admin,)),
    )  # fmt: skip
    access = RemoteAccess(FileTree(mf), application, NoPins())
    allowed, closed = (RESIZE, READ) if resized else (READ, RESIZE)
    access.check(file, allowed)
    with pytest.raises(RefusalError, match="6982"):
        access.check(file, closed)


class NoPins:
    """Nothing has been presented."""

    def satisfied(self, key: int, file: Df | Ef) -> bool:
        return False


def test_use_of_files_needs_no_administrative_domain(tmp_path: Path) -> None:
    package = operator_profile(access=b"\x00", admin_access=b"\xff")
    card = open_card(prepared(tmp_path, package), factory())
    terminal = Terminal(card)
    update = compact("00A40004022F05", "00D60000015A")
    assert last(ask(terminal, update, 1, UICC).data)[:2] == (2, "9000")
    deactivate = compact("00A40004022F05", "0004000000", "0044000000")
    assert last(ask(terminal, deactivate, 2, UICC).data)[:2] == (3, "9000")
    for number, script in enumerate((CREATE, "00E40000022F05"), 3):
        assert last(ask(terminal, compact(script), number, UICC).data)[:2] == (1, "6982")
    card.close()
