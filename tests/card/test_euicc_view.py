"""The SGP.02 view: who a card is, its ISD-R, and one digest of all it shows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import pytest

from hil.equipment.card import Card, StatusWordError
from hil.equipment.card.euicc import (
    IsdRSession,
    ProfileState,
    read_card_state,
    read_eid,
    read_iccid,
    read_imsi,
    state_digest,
)
from hil.equipment.card.files import FileKind, applications, parse_fcp
from hil.equipment.card.inprocess import InProcessTransport
from hil.errors import CodecError
from hil.wire.scp03 import CryptogramError, KeySet
from tests.card.small_euicc import (
    EID,
    ICCID,
    IMSI,
    ISD_P_1,
    ISD_P_2,
    KEYS,
    USIM_AID,
    SmallEuicc,
    profile,
)


@pytest.fixture
def euicc() -> SmallEuicc:
    return SmallEuicc()


@pytest.fixture
def card(euicc: SmallEuicc) -> Iterator[Card]:
    with Card(InProcessTransport(euicc)) as one:
        yield one


def test_it_is_who_it_is(card: Card) -> None:
    assert read_eid(card) == EID
    assert read_iccid(card) == ICCID
    assert read_imsi(card) == IMSI


def test_a_bare_eid_is_understood(card: Card, euicc: SmallEuicc) -> None:
    euicc.bare_eid = True
    assert read_eid(card) == EID


def test_a_card_without_usim_says_so(card: Card, euicc: SmallEuicc) -> None:
    euicc.files["2F00"] = [b"\xff" * 40]
    with pytest.raises(StatusWordError, match="6A82") as caught:
        read_imsi(card)
    assert caught.value.sw == 0x6A82


def test_applications_are_listed_and_fillings_are_not(card: Card) -> None:
    (one,) = applications(card)
    assert (one.aid, one.label) == (USIM_AID, "USIM")


def test_an_aid_that_ends_in_ff_is_kept_whole(card: Card, euicc: SmallEuicc) -> None:
    aid = USIM_AID[:-1] + b"\xff"
    euicc.files["2F00"] = [(b"\x61\x12\x4f\x10" + aid).ljust(30, b"\xff")]
    assert applications(card)[0].aid == aid


def test_profiles_are_listed_in_order(card: Card) -> None:
    first, second = IsdRSession(card, KEYS).profiles()
    assert (first.aid, first.state, first.fallback) == (ISD_P_1, ProfileState.ENABLED, True)
    assert (second.aid, second.state, second.fallback) == (ISD_P_2, ProfileState.DISABLED, False)
    assert (first.granted, first.remaining) == (0x010000, 0x4000)


def test_a_list_in_parts_is_put_together(card: Card, euicc: SmallEuicc) -> None:
    euicc.parts = True
    assert len(IsdRSession(card, KEYS).profiles()) == 2


def test_one_session_serves_several_calls(card: Card, euicc: SmallEuicc) -> None:
    with IsdRSession(card, KEYS) as isd_r:
        isd_r.profiles()
        isd_r.profiles()
        isd_r.delete(ISD_P_2)
    assert euicc.counter == 1
    IsdRSession(card, KEYS).profiles()
    assert euicc.counter == 2


def test_everything_behind_the_handshake_is_secured(card: Card, euicc: SmallEuicc) -> None:
    IsdRSession(card, KEYS).delete(ISD_P_2)
    assert not any(ISD_P_2 in raw for raw in euicc.commands)
    assert [raw[0] & 0x0C for raw in euicc.commands] == [0, 0, 4, 4]


def test_enable_resets_the_card_and_the_next_call_opens_anew(card: Card, euicc: SmallEuicc) -> None:
    with IsdRSession(card, KEYS) as isd_r:
        isd_r.enable(ISD_P_2)
        assert euicc.power[-2:] == ["off", "on"]
        isd_r.profiles()
        isd_r.disable(ISD_P_2, reset=False)
    assert euicc.counter == 2
    assert euicc.power.count("off") == 1


@pytest.mark.parametrize("sw", [0x69E1, 0x6985, 0x6A88])
def test_a_refusal_keeps_its_status_word(card: Card, euicc: SmallEuicc, sw: int) -> None:
    euicc.refusal = sw
    for call in (IsdRSession(card, KEYS).enable, IsdRSession(card, KEYS).delete):
        with pytest.raises(StatusWordError, match=f"{sw:04X}") as caught:
            call(ISD_P_2)
        assert caught.value.sw == sw
    assert euicc.power == ["on"]


def test_other_keys_are_found_out_before_the_card_counts_a_failure(
    card: Card, euicc: SmallEuicc
) -> None:
    wrong = KeySet(0x31, bytes(16), bytes(16), bytes(16))
    with pytest.raises(CryptogramError):
        IsdRSession(card, wrong).profiles()
    assert all(raw[1] != 0x82 for raw in euicc.commands)
    assert len(IsdRSession(card, KEYS).profiles()) == 2


def test_a_life_cycle_nobody_knows_is_a_codec_error(card: Card, euicc: SmallEuicc) -> None:
    euicc.profiles = [profile(ISD_P_1, 0x55)]
    with pytest.raises(CodecError, match="life cycle 55"):
        IsdRSession(card, KEYS).profiles()


def test_the_state_shows_every_file_once(card: Card) -> None:
    state = read_card_state(card, IsdRSession(card, KEYS))
    usim = USIM_AID.hex().upper()
    assert [file.path for file in state.files] == sorted(
        [
            "3F00",
            "3F00/2F00",
            "3F00/2FE2",
            "3F00/7F10",
            "3F00/7F10/6F54",
            usim,
            f"{usim}/6F07",
            f"{usim}/6F08",
            f"{usim}/6F3C",
            f"{usim}/5FC0",
            f"{usim}/5FC0/4F01",
        ]
    )
    by_path = {file.path: file for file in state.files}
    assert by_path[f"{usim}/6F08"].refusal == 0x6982
    assert by_path[f"{usim}/6F3C"].content == (bytes(176), b"\xff" * 176)
    assert EID in state.dump()
    assert "6982 security status not satisfied" in state.dump()
    assert state.eid == EID
    assert len(state.profiles) == 2


def test_session_keys_show_their_digest_only(card: Card, euicc: SmallEuicc) -> None:
    keys = bytes(range(1, 34))
    euicc.files["U/6F08"] = keys
    state = read_card_state(card)
    assert keys.hex() not in state.dump().lower()
    assert hashlib.sha256(keys).hexdigest() in state.dump()
    assert repr(keys)[2:10] not in repr(state)
    euicc.files["U/6F08"] = keys[::-1]
    assert read_card_state(card).digest != state.digest


def test_looking_changes_nothing(card: Card) -> None:
    isd_r = IsdRSession(card, KEYS)
    assert state_digest(card, isd_r) == state_digest(card, isd_r)
    assert len(state_digest(card)) == 64


CHANGES: dict[str, Callable[[SmallEuicc], object]] = {
    "a byte": lambda e: e.files.update({"U/5FC0/4F01": bytes(19) + b"\x01"}),
    "a record": lambda e: e.files.update({"U/6F3C": [bytes(176), bytes(176)]}),
    "a file more": lambda e: e.files.update({"U/6F46": bytes(17)}),
    "a file less": lambda e: e.files.pop("7F10/6F54"),
    "an access rule": lambda e: e.files.update({"U/6F08": 0x6985}),
    "a size": lambda e: e.files.update({"U/5FC0/4F01": bytes(21)}),
    "a profile's state": lambda e: e.profiles.__setitem__(0, profile(ISD_P_2, 0x0F)),
    "the fall-back": lambda e: e.profiles.__setitem__(1, profile(ISD_P_1, 0x3F)),
    "a profile less": lambda e: e.profiles.pop(),
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda name: name.replace(" ", "-"))
def test_any_change_shows_in_digest_and_differences(
    card: Card, euicc: SmallEuicc, change: str
) -> None:
    isd_r = IsdRSession(card, KEYS)
    before = read_card_state(card, isd_r)
    CHANGES[change](euicc)
    after = read_card_state(card, isd_r)
    assert before.digest != after.digest
    lines = before.differences(after)
    assert 1 <= len(lines) <= 2
    assert all(line[:2] in ("- ", "+ ") for line in lines)
    assert before.differences(before) == []


def test_a_card_without_profile_still_has_a_state(card: Card, euicc: SmallEuicc) -> None:
    euicc.files = {"": None}
    state = read_card_state(card, IsdRSession(card, KEYS))
    assert [file.path for file in state.files] == ["3F00"]


REAL_TEMPLATES = {
    "62298202782183023F00A50C800171830400040B988701018A01058B032F0606C60990014083010183010A": (
        FileKind.FOLDER,
        0x3F00,
        0,
        0,
    ),
    "62178202412183022FE28A01058B032F06028002000A880110": (FileKind.TRANSPARENT, 0x2FE2, 10, 0),
    "621A82054221006E0683022F068A01058B032F060480020294880130": (
        FileKind.LINEAR,
        0x2F06,
        660,
        6,
    ),
}


@pytest.mark.parametrize("template", REAL_TEMPLATES)
def test_templates_of_a_real_card_are_read(template: str) -> None:
    facts = parse_fcp(bytes.fromhex(template))
    assert (facts.kind, facts.file_id, facts.size, facts.records) == REAL_TEMPLATES[template]


@pytest.mark.parametrize(
    "template", ["", "6F00", "6200", "62028200", "6204820200219000", "620482024221"]
)
def test_templates_that_are_none_are_codec_errors(template: str) -> None:
    with pytest.raises(CodecError):
        parse_fcp(bytes.fromhex(template))
