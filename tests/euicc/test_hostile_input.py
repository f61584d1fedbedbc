"""Whatever comes, the card answers with a status word and goes on."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hil.virtual.euicc import VirtualCard, fcp, open_card
from hil.virtual.euicc.file_store import load_tree
from hil.virtual.euicc.install_error import InstallError
from hil.virtual.euicc.installer import install, save_profile
from hil.virtual.euicc.nvm import Nvm
from hil.virtual.euicc.package_collector import PackageCollector
from hil.virtual.euicc.registry import IsdP, LifeCycle, Registry
from hil.wire import isdr_commands
from hil.wire.apdu import CommandApdu
from hil.wire.identifiers import isd_p_aid
from tests.euicc.terminal import Terminal, factory, messages, profile

AID = isd_p_aid(0x20)
PACKAGE = profile(size=0)
FAST = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
CLASSES = st.sampled_from([0x00, 0x01, 0x80, 0x81, 0x84, 0x04, 0xA0, 0x40, 0xC0, 0xE0])
INSTRUCTIONS = st.sampled_from(
    bytes.fromhex("A4B0B2C0D6DCF22070AA101214C2 5082CAE2E4E6D888"),
)
BYTE = st.integers(0, 255)


@pytest.fixture(scope="module")
def shared() -> Iterator[VirtualCard]:
    with tempfile.TemporaryDirectory() as folder:
        card = open_card(Path(folder), factory())
        terminal = Terminal(card)
        terminal.install(AID, PACKAGE)
        terminal.isd_r(isdr_commands.enable_profile(AID))
        terminal.isd_r(isdr_commands.create_isdp(isd_p_aid(0x21), 1000))
        card.reset()
        yield card
        card.close()


SELECTIONS = st.sampled_from(
    [
        "00A4000C023F00",
        "00A4080C042F062F06",
        "00A4040C07A0000000871002",
        "00A4040C10A0000005591010FFFFFFFF8900000100",
        "00A4040C10A0000005591010FFFFFFFF8900000200",
        "00A4040C10A0000005591010FFFFFFFF8900002100",
    ]
)


@FAST
@given(select=SELECTIONS, raw=st.binary(max_size=300))
def test_arbitrary_bytes(shared: VirtualCard, select: str, raw: bytes) -> None:
    shared.transmit(bytes.fromhex(select))
    assert len(shared.transmit(raw)) >= 2


@FAST
@given(
    select=SELECTIONS,
    header=st.tuples(CLASSES, INSTRUCTIONS, BYTE, BYTE),
    data=st.binary(max_size=255),
    le=st.none() | st.integers(1, 256),
)
def test_arbitrary_commands(
    shared: VirtualCard,
    select: str,
    header: tuple[int, int, int, int],
    data: bytes,
    le: int | None,
) -> None:
    shared.transmit(bytes.fromhex(select))
    answer = shared.transmit(CommandApdu(*header, data, le).encode())
    assert 2 <= len(answer) <= 258
    assert answer[-2] >> 4 in (6, 9)


@FAST
@given(header=st.tuples(INSTRUCTIONS, BYTE, BYTE), data=st.binary(max_size=230))
def test_arbitrary_commands_inside_a_secure_channel(
    shared: VirtualCard, header: tuple[int, int, int], data: bytes
) -> None:
    shared.reset()
    session = Terminal(shared).secure()
    sealed = session.host.wrap(CommandApdu(0x80, *header, data, 256))
    assert session.terminal.send(sealed).sw >> 12 in (6, 9)


@FAST
@given(
    data=st.binary(max_size=120),
    counter=st.integers(0, (1 << 40) - 1),
    tar=st.sampled_from([bytes.fromhex(one) for one in ("000001", "000020", "000021", "B20100")]),
)
def test_arbitrary_scripts_over_the_air(
    shared: VirtualCard, data: bytes, counter: int, tar: bytes
) -> None:
    terminal = Terminal(shared)
    for tpdu in messages(data, counter, tar=tar):
        assert terminal.envelope(tpdu).sw in (0x9000, 0x6985)


@FAST
@given(st.binary(max_size=200))
def test_arbitrary_envelopes(shared: VirtualCard, data: bytes) -> None:
    answer = shared.transmit(CommandApdu(0x80, 0xC2, 0, 0, data).encode())
    assert answer[-2] in (0x90, 0x61, 0x67, 0x6A)


@settings(max_examples=250, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, len(PACKAGE) - 1), BYTE), min_size=1, max_size=4),
)
def test_a_changed_package_installs_whole_or_not_at_all(changes: list[tuple[int, int]]) -> None:
    broken = bytearray(PACKAGE)
    for place, value in changes:
        broken[place] = value
    try:
        made = install(bytes(broken), AID)
    except InstallError:
        return
    with tempfile.TemporaryDirectory() as folder:
        nvm = Nvm(Path(folder))
        with nvm.transaction() as change:
            record = IsdP(AID, LifeCycle.PERSONALIZED)
            save_profile(change, Registry(nvm, 500_000), record, made, LifeCycle.DISABLED)
        tree = load_tree(nvm, AID)
        nvm.close()
    assert tree is not None
    before = [fcp.template(one, free=0) for one in made.tree.mf.walk()]
    assert [fcp.template(one, free=0) for one in tree.mf.walk()] == before


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_no_package(raw: bytes) -> None:
    with pytest.raises(InstallError):
        install(raw, AID)


@settings(max_examples=100, deadline=None)
@given(cuts=st.lists(st.integers(1, len(PACKAGE) - 1), max_size=30))
def test_pieces_may_be_cut_anywhere(cuts: list[int]) -> None:
    collector = PackageCollector(room=1 << 20)
    places = [0, *sorted(set(cuts)), len(PACKAGE)]
    pieces = [PACKAGE[a:b] for a, b in itertools.pairwise(places)]
    found = [collector.feed(piece) for piece in pieces]
    assert found == [None] * (len(pieces) - 1) + [PACKAGE]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=100))
def test_the_collector_refuses_or_waits(raw: bytes) -> None:
    collector = PackageCollector(room=1000)
    try:
        whole = collector.feed(raw)
    except InstallError:
        return
    assert whole is None or whole == raw
