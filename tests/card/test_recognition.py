"""What sits in the reader, asked of cards that answer after published transcripts."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.equipment.card import Card
from hil.equipment.card.card_report import as_json, lines
from hil.equipment.card.inprocess import InProcessTransport
from hil.equipment.card.recognition import CardInfo, CardKind, recognise
from hil.errors import CodecError
from hil.wire import es10
from tests.card import transcripts
from tests.card.transcripts import CERTS_ASKED, EID_ASKED, OPEN, SELECT_ISD_R, Transcript


def look(card: Transcript) -> CardInfo:
    with Card(InProcessTransport(card)) as opened:
        return recognise(opened)


def test_a_plain_uicc() -> None:
    info = look(transcripts.plain())
    assert info.kind is CardKind.UICC
    assert (info.eid, info.euicc, info.profiles) == (None, None, None)
    assert info.iccid == "8944500000000000001"
    assert info.imsi is None
    assert [(one.aid.hex().upper(), one.label) for one in info.applications] == [
        (transcripts.USIM, "USIM")
    ]


def test_a_consumer_card_lists_its_profiles_without_keys() -> None:
    card = transcripts.consumer()
    info = look(card)
    assert info.kind is CardKind.CONSUMER
    assert info.eid == transcripts.CONSUMER_EID
    assert info.profiles is not None
    assert [
        (one.iccid, one.state, one.profile_class, one.provider, one.name) for one in info.profiles
    ] == [
        ("8944500000000000001", "enabled", "operational", "Abc", "Home"),
        ("8944500000000000002", "disabled", "test", "", ""),
    ]
    euicc = info.euicc
    assert euicc is not None
    assert (euicc.svn, euicc.profile_version, euicc.firmware) == ("2.3.0", "2.3.1", "4.6.7")
    assert (euicc.applications, euicc.free_nvm, euicc.free_ram) == (3, 0x0A0000, 0x2800)
    assert euicc.category == "medium eUICC"
    assert "Milenage" in euicc.uicc_capabilities
    assert "contactless" not in euicc.uicc_capabilities
    assert euicc.ci_keys == ("81370F5125D0B1D408D4C3B232E6D25E795BEBFB",)
    assert card.asked[-1] != "00708001"
    assert "00708001" in card.asked


def test_an_iot_card_takes_get_certs() -> None:
    info = look(transcripts.iot())
    assert info.kind is CardKind.IOT
    assert info.eid == transcripts.IOT_EID


def test_get_certs_answered_with_nothing_is_an_iot_card() -> None:
    card = transcripts.consumer(**{CERTS_ASKED: "9000"})
    assert look(card).kind is CardKind.IOT


def test_get_certs_alone_makes_an_iot_card() -> None:
    info = look(transcripts.consumer(**{CERTS_ASKED: "9000", EID_ASKED: "6A88"}))
    assert (info.kind, info.eid) == (CardKind.IOT, None)


def test_iot_data_in_euicc_info_is_an_iot_card() -> None:
    info = transcripts.info_2("B40480020102")
    assert look(transcripts.consumer(**{"81E2910003BF2200": f"{info}9000"})).kind is CardKind.IOT


def test_an_m2m_card_refuses_es10_and_shows_its_eid_in_the_ecasd() -> None:
    info = look(transcripts.m2m())
    assert info.kind is CardKind.M2M
    assert info.eid == "89049032123451234512345678901235"
    assert info.profiles is None
    assert info.euicc is not None
    assert info.euicc.free_nvm == 0xF000


def test_the_eid_may_come_bare() -> None:
    card = transcripts.m2m()
    card.table["01CA005A00"] = "890490321234512345123456789012359000"
    assert look(card).eid == "89049032123451234512345678901235"


def test_a_card_without_logical_channels_is_asked_on_the_basic_one() -> None:
    card = transcripts.consumer(**{OPEN: "6881"})
    for key in [one for one in card.table if one[:4] in ("01A4", "81E2")]:
        card.table[f"{int(key[:2], 16) & 0xF0:02X}{key[2:]}"] = card.table.pop(key)
    assert look(card).kind is CardKind.CONSUMER
    assert "00708001" not in card.asked


@pytest.mark.parametrize("sw", ["6A80", "6982", "6D00", "6F00", "6300"])
def test_the_older_euicc_info_serves_where_the_newer_is_refused(sw: str) -> None:
    info = look(transcripts.consumer(**{"81E2910003BF2200": sw}))
    assert info.kind is CardKind.CONSUMER
    assert info.euicc is not None
    assert (info.euicc.svn, info.euicc.free_nvm) == ("2.3.0", None)


def test_an_isd_r_that_says_nothing_is_an_euicc_of_an_unknown_kind() -> None:
    card = transcripts.m2m()
    card.table["01A4040410" + transcripts.ECASD] = "6A82"
    assert look(card).kind is CardKind.UNKNOWN_EUICC


def test_a_2g_sim_and_a_card_that_knows_nothing() -> None:
    assert look(transcripts.sim_2g()).kind is CardKind.GSM
    assert look(Transcript({}, otherwise="6D00")).kind is CardKind.UNSUPPORTED


def test_the_channel_is_given_back_even_if_the_card_leaves_the_script() -> None:
    card = transcripts.consumer(**{EID_ASKED: "BF3E0390009000", SELECT_ISD_R: "9000"})
    look(card)
    assert "00708001" in card.asked


@pytest.mark.parametrize(
    "make", [transcripts.plain, transcripts.consumer, transcripts.iot, transcripts.m2m]
)
def test_reports(make: object) -> None:
    assert callable(make)
    info = look(make())
    text = "\n".join(lines(info))
    assert info.kind.value in text
    assert "8944500000000000001" in text
    assert info.eid is None or info.eid in text
    read = json.loads(json.dumps(as_json(info)))
    assert read["kind"] == info.kind.name.lower()
    assert read["eid"] == info.eid
    for field in dataclasses.fields(info):
        assert field.name in read


@given(st.binary(max_size=200))
def test_any_answer_is_read_or_refused(raw: bytes) -> None:
    for read in (es10.decode_info, es10.decode_profiles, es10.decode_eid_answer):
        try:
            read(raw)
        except CodecError:
            continue


@given(st.dictionaries(st.integers(0, 60), st.binary(min_size=2, max_size=40), max_size=8))
def test_a_card_that_answers_anything_is_still_some_kind(answers: dict[int, bytes]) -> None:
    good = transcripts.consumer()

    class Odd:
        count = -1

        def power_on(self) -> bytes:
            return good.power_on()

        def power_off(self) -> None:
            good.power_off()

        def transmit(self, apdu: bytes) -> bytes:
            self.count += 1
            answer = answers.get(self.count)
            if answer is not None and answer[-2] not in (0x61, 0x6C):
                return answer
            return good.transmit(apdu)

    with Card(InProcessTransport(Odd())) as card:
        assert recognise(card).kind in CardKind
