"""An operator that sends anything: packages, commands and scripts never trip the card."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hil.virtual.euicc import open_card
from hil.virtual.euicc.factory import read_factory
from hil.virtual.euicc.install_error import InstallError
from hil.virtual.euicc.installer import install
from hil.virtual.euicc.key_store import StoredKey
from hil.virtual.euicc.nvm import Nvm
from hil.virtual.euicc.persistent import Persistent
from hil.virtual.euicc.profile_domains import ProfileDomains
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.store_data import Chain
from hil.wire.apdu import CommandApdu
from hil.wire.profile_package.package import split
from tests.euicc.operator import (
    AES_KEYS,
    AID,
    MNO_SD,
    RAM,
    TDES_KEYS,
    UICC,
    ask,
    operator_profile,
    prepared,
)
from tests.euicc.terminal import Terminal, factory

PACKAGE = operator_profile()
PLACES = [
    place
    for element in split(PACKAGE)
    if element.name in ("header", "pinCodes", "pukCodes", "akaParameter", "securityDomain", "rfm")
    for place in range(element.offset, element.offset + element.size)
]
SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.integers(0, 255)), min_size=1, max_size=3))
def test_any_changed_package_is_installed_or_refused(changes: list[tuple[int, int]]) -> None:
    raw = bytearray(PACKAGE)
    for place, value in changes:
        raw[place] = value
    refused = 0
    try:
        response = install(bytes(raw), AID).response
    except InstallError as err:
        refused = err.status.status
    else:
        refused = 0 if response.ok else -1
    assert refused >= 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory.mktemp("card"), PACKAGE)


@pytest.fixture(scope="module")
def domains(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProfileDomains]:
    copy = tmp_path_factory.mktemp("copy")
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    nvm = Nvm(copy)
    yield ProfileDomains(Persistent(nvm, read_factory(factory())), AID)
    nvm.close()


@settings(deadline=None, max_examples=400)
@given(
    st.sampled_from([0xCA, 0xD8, 0xE2, 0xE4, 0xE6, 0xE8, 0xF0, 0xF2, 0x00]),
    st.integers(0, 255),
    st.integers(0, 255),
    st.one_of(
        st.binary(max_size=60),
        st.binary(max_size=20).map(lambda raw: b"\x4f" + bytes((len(raw),)) + raw),
        st.binary(max_size=20).map(lambda raw: b"\x00\x70" + bytes((len(raw),)) + raw),
        st.binary(max_size=20).map(lambda raw: b"\x3a\x07" + bytes((len(raw),)) + raw),
    ),
)
@example(0xE6, 0x0C, 0, b"\x00" * 6)
def test_any_command_is_answered_or_refused(
    domains: ProfileDomains, ins: int, p1: int, p2: int, data: bytes
) -> None:
    domain = next(one for one in domains.all() if one.aid == MNO_SD)
    chain = Chain()
    chain.dek = StoredKey(0x88, bytes(16))
    try:
        sw = domain.execute(CommandApdu(0x80, ins, p1, p2, data), secured=True, chain=chain).sw
    except RefusalError as err:
        sw = err.sw
    assert sw in (0x9000, 0x6310) or 0x6400 <= sw <= 0x94FF


@settings(deadline=None, max_examples=60, suppress_health_check=SLOW)
@given(st.binary(max_size=60), st.sampled_from([UICC, RAM]), st.booleans())
def test_any_script_has_its_answer(folder: Path, data: bytes, tar: bytes, expanded: bool) -> None:
    script = b"\xaa" + bytes((len(data),)) + data if expanded else data
    card = open_card(folder, factory())
    try:
        keys = TDES_KEYS if tar == RAM else AES_KEYS
        terminal = Terminal(card)
        counter = _next(folder)
        receipt = ask(terminal, script, counter, tar, keys=keys)
        assert receipt.status == 0
        assert receipt.data
    finally:
        card.close()


_COUNTERS: dict[Path, int] = {}


def _next(folder: Path) -> int:
    _COUNTERS[folder] = _COUNTERS.get(folder, 0) + 1
    return _COUNTERS[folder]
