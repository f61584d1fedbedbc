"""EstablishISDPKeySet, EstablishISDRKeySet and the handover on the card (SGP.02, 4.1)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from hil.virtual.euicc import VirtualCard, open_card
from hil.wire import cat, isdr_commands, tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.command_script import CommandScript, ResponseScript
from hil.wire.download import prepare_packets
from hil.wire.ecc import BRAINPOOL_P384R1, P256, PrivateKey
from hil.wire.gp_certificate import Certificate, Role
from hil.wire.identifiers import ECASD_AID, ISD_R_AID, isd_p_aid
from hil.wire.key_establishment import Reference, Usage
from hil.wire.key_establishment_messages import certificate_message
from hil.wire.scp80 import OtaKeySet
from tests.euicc.pki import CI, ECKA, EUM, SERVER, Partner, certificate, ecasd
from tests.euicc.terminal import Secure, Terminal, factory, messages, profile
from tests.euicc.test_over_the_air import receipts
from tests.euicc.test_over_the_air import send as send_messages

AID, OTHER = isd_p_aid(0x20), isd_p_aid(0x21)
SELECTABLE, PERSONALIZED = 0x07, 0x0F


@pytest.fixture
def card(tmp_path: Path) -> Iterator[VirtualCard]:
    """A card as SGP.02 has it: ISD-Ps get their keys by agreement."""
    card = open_card(tmp_path / "nvm", factory(isd_p_base=None, ecasd=ecasd()))
    card.power_on()
    yield card
    card.close()


@pytest.fixture
def sm_sr(terminal: Terminal) -> Secure:
    """A session with the ISD-R, in which an ISD-P was made and is to be personalised."""
    session = terminal.secure()
    assert session.send(isdr_commands.create_isdp(AID, 60_000)).sw == 0x9000
    assert session.send(isdr_commands.install_for_personalization(AID)).sw == 0x9000
    return session


@pytest.mark.parametrize("parameters", [0x09, 0x0B, 0x0F])
@pytest.mark.parametrize("usage", list(Usage))
def test_the_sm_dp_gets_the_keys_that_open_the_isd_p(
    sm_sr: Secure, terminal: Terminal, parameters: int, usage: Usage
) -> None:
    ids = bool(parameters & 4)
    reference = Reference(
        0x30,
        usage=usage,
        parameters=parameters,
        sdin=b"\x45" if ids else None,
        host_id=b"\x84" if ids else None,
    )
    assert terminal.states() == {AID: SELECTABLE}
    sm_sr = terminal.secure()
    sm_sr.send(isdr_commands.install_for_personalization(AID))
    made = Partner(sm_sr.send).establish(reference)
    assert terminal.states() == {AID: PERSONALIZED}
    terminal.secure(made.key_set(0x30), AID)
    terminal.secure(made.key_set(0x30), AID)


def test_a_profile_loads_under_keys_agreed_on(sm_sr: Secure, terminal: Terminal) -> None:
    keys = Partner(sm_sr.send).establish(Reference(0x31, counter=b"\x00\x07")).key_set(0x31)
    packets = prepare_packets(profile(), keys, AID, 8, b"\xa5" * 8)[0]
    assert terminal.load(AID, packets) == [one.expected for one in packets]
    assert terminal.states() == {AID: 0x1F}
    # With a profile in it, its keys are no longer up for agreement.
    session = terminal.secure()
    session.send(isdr_commands.install_for_personalization(AID))
    assert Partner(session.send).show_certificate().sw == 0x6985


def test_existing_keys_go_if_the_parameters_say_so(sm_sr: Secure, terminal: Terminal) -> None:
    old = Partner(sm_sr.send).establish(Reference(0x30)).key_set(0x30)
    sm_sr = terminal.secure()
    sm_sr.send(isdr_commands.install_for_personalization(AID))
    partner = Partner(sm_sr.send)
    partner.show_certificate()
    assert partner.ask(Reference(0x30, parameters=0x08))[0].sw == 0x6985
    terminal.secure(old, AID)
    sm_sr = terminal.secure()
    sm_sr.send(isdr_commands.install_for_personalization(AID))
    new = Partner(sm_sr.send).establish(Reference(0x32)).key_set(0x32)
    terminal.secure(new, AID)
    assert terminal.send(CommandApdu(0x80, 0x50, 0x30, 0, bytes(8), 256)).sw == 0x6A88


def test_the_receipt_key_is_bound_to_the_card(sm_sr: Secure) -> None:
    partner = Partner(sm_sr.send)
    first = partner.show_certificate().data
    assert first[:2].hex() == "8510"
    assert partner.show_certificate().data != first


@pytest.mark.parametrize("size", [16, 32])
def test_length_of_the_challenge(tmp_path: Path, size: int) -> None:
    card = open_card(tmp_path, factory(isd_p_base=None, ecasd=ecasd(challenge_size=size)))
    session = Terminal(card).secure()
    partner = Partner(session.send, Role.SM_SR)
    partner.show_certificate()
    assert len(partner.challenge) == size
    card.close()


STRANGER = PrivateKey(P256, b"\x99" * 32)
BAD = {
    "foreign CI": CI.__class__(b"CI", STRANGER).issue(b"s", SERVER.public, role=Role.SM_DP),
    "role of an SM-SR": certificate(Role.SM_SR),
    "no role": CI.issue(b"s", SERVER.public),
    "key usage": certificate(key_usage=b"\x00\x80"),
    "expired": certificate(expiry=date(2029, 12, 31)),
    "not yet valid": certificate(effective=date(2030, 1, 2)),
    "revoked": CI.issue(b"s", SERVER.public, role=Role.SM_DP, serial=b"\x66"),
    "of the eUICC maker": EUM.issue(b"s", SERVER.public, role=Role.SM_DP),
}


@pytest.mark.parametrize("what", BAD)
def test_certificates_that_are_refused(tmp_path: Path, what: str) -> None:
    data = ecasd(today="2030-01-01", revoked=["66"])
    card = open_card(tmp_path, factory(isd_p_base=None, ecasd=data))
    terminal = Terminal(card)
    session = terminal.secure()
    session.send(isdr_commands.create_isdp(AID, 1000))
    for shown, sw in ((BAD[what], 0x6A80), (certificate(), 0x9000)):
        session.send(isdr_commands.install_for_personalization(AID))
        partner = Partner(session.send, certificate=shown)
        assert partner.show_certificate().sw == sw
        if sw != 0x9000:
            assert partner.ask(Reference(0x30))[0].sw in (0x6985, 0x6A86)
    assert terminal.states() == {AID: SELECTABLE}
    card.close()


def test_a_certificate_that_comes_in_blocks(tmp_path: Path) -> None:
    """On a curve of 384 bits it is longer than one command."""
    card = open_card(tmp_path, factory(isd_p_base=None, ecasd=ecasd()))
    session = Terminal(card).secure()
    session.send(isdr_commands.create_isdp(AID, 1000))
    session.send(isdr_commands.install_for_personalization(AID))
    signer = PrivateKey(BRAINPOOL_P384R1, b"\x07" * 48)
    shown = CI.issue(b"sm-dp" * 20, signer.public, role=Role.SM_DP)
    partner = Partner(session.send, certificate=shown, signer=signer)
    pieces = certificate_message(shown)
    sent = [
        session.send(CommandApdu(0x80, 0xE2, 0x09, number, pieces[at : at + 200], 256))
        for number, at in enumerate(range(0, len(pieces), 200))
    ]
    assert [one.sw for one in sent] == [0x9000] * 2
    assert [bool(one.data) for one in sent] == [False, True]
    partner.blocks, partner.challenge = 2, sent[-1].data[2:]
    assert partner.ask(Reference(0x30))[0].sw == 0x9000
    card.close()


@pytest.mark.parametrize(
    ("reference", "sw"),
    [
        (Reference(0x01), 0x6A80),
        (Reference(0x40), 0x6A80),
        (Reference(0x30, key_id=2), 0x6A80),
        (Reference(0x30, counter=b"\x01" + bytes(4)), 0x6A80),
    ],
)
def test_requests_that_are_refused(sm_sr: Secure, reference: Reference, sw: int) -> None:
    partner = Partner(sm_sr.send)
    partner.show_certificate()
    assert partner.ask(reference)[0].sw == sw
    # The sequence is over: the same challenge serves nobody again.
    partner.blocks = 0
    assert partner.ask(Reference(0x30))[0].sw == 0x6985


def test_a_signature_by_another_key_is_refused(sm_sr: Secure, terminal: Terminal) -> None:
    partner = Partner(sm_sr.send, signer=STRANGER)
    partner.show_certificate()
    assert partner.ask(Reference(0x30))[0].sw == 0x6A80
    assert terminal.states() == {AID: SELECTABLE}


def test_without_the_first_message(sm_sr: Secure) -> None:
    partner = Partner(sm_sr.send)
    partner.challenge = bytes(16)
    assert partner.ask(Reference(0x30))[0].sw == 0x6985


@pytest.mark.parametrize("event", ["reset", "reselected", "new session", "wrong block number"])
def test_a_sequence_broken_off_is_over(
    sm_sr: Secure, terminal: Terminal, card: VirtualCard, event: str
) -> None:
    partner = Partner(sm_sr.send)
    partner.show_certificate()
    send = partner.send
    if event == "reset":
        card.reset()
    elif event == "reselected":
        terminal.select(ISD_R_AID)
    if event == "wrong block number":
        assert sm_sr.send(CommandApdu(0x80, 0xE2, 0x09, 5, b"\x3a", 256)).sw == 0x6A86
    else:
        send = terminal.secure().send
    partner.send = send
    partner.blocks = 0
    assert partner.ask(Reference(0x30))[0].sw == 0x6985
    assert terminal.states() == {AID: SELECTABLE}


def test_personalization_of_what_is_not_there(terminal: Terminal) -> None:
    session = terminal.secure()
    command = isdr_commands.install_for_personalization(OTHER)
    assert session.send(command).sw == 0x6A88
    wrong = CommandApdu(0x80, 0xE6, 0x20, 0, b"\x00\x00\x10" + AID + b"\x01\x80\x00\x00", 256)
    assert session.send(wrong).sw == 0x6A80
    assert terminal.send(command).sw == 0x6982


def test_a_card_without_ecasd_data(tmp_path: Path) -> None:
    card = open_card(tmp_path, factory(isd_p_base=None))
    session = Terminal(card).secure()
    assert Partner(session.send, Role.SM_SR).show_certificate().sw == 0x6A88
    assert session.send(isdr_commands.get_ecasd_certificate()).sw == 0x6A88
    card.close()


def test_audit_brings_the_certificate(terminal: Terminal) -> None:
    answer = terminal.secure().send(isdr_commands.get_ecasd_certificate())
    assert answer.sw == 0x9000
    read = Certificate.decode(answer.data)
    assert read.public_key == ECKA.public
    terminal.select(ECASD_AID)
    assert terminal.send(CommandApdu(0, 0xCA, 0x7F, 0x21, le=256)).data == answer.data
    session = terminal.secure()
    unknown = CommandApdu(0x80, 0xCA, 0xBF, 0x30, bytes.fromhex("5C027F22"), 256)
    assert session.send(unknown).sw == 0x6A88
    broken = CommandApdu(0x80, 0xCA, 0xBF, 0x30, bytes.fromhex("5C"), 256)
    assert session.send(broken).sw == 0x6A80


def test_handover_from_one_sm_sr_to_the_next(terminal: Terminal, card: VirtualCard) -> None:
    """EstablishISDRKeySet adds a set beside the old ones, FinaliseISDRhandover takes those away."""
    terminal.send(cat.terminal_profile(b"\xff" * 20))
    session = terminal.secure()
    established = Partner(session.send, Role.SM_SR).establish(Reference(0x02))
    kic, kid, dek = established.keys
    keys = OtaKeySet(2, kic, kid, dek)
    kept = (isdr_commands.KeyRange(2), isdr_commands.KeyRange(0x31), isdr_commands.KeyRange(0x0F))
    script = CommandScript.of([isdr_commands.finalise_handover(*kept)]).encode()
    (message,) = messages(script, 1, keys=keys)
    sw = terminal.envelope(message).sw
    assert terminal.done(terminal.fetch(sw)) == 0x9000
    found = terminal.secure().send(CommandApdu(0x80, 0xCA, 0, 0xE0, le=256))
    versions = {one.value[1] for one in tlv.decode_all(found.data)[0].children()}
    assert versions == {0x02, 0x31}
    # The last set stays, and whole: nobody could manage the card without one.
    for lost in (isdr_commands.KeyRange(0x31), isdr_commands.KeyRange(2, 1, 2)):
        assert terminal.secure().send(isdr_commands.finalise_handover(lost)).sw == 0x6985
    for names in ("D20102", "D00101", "D00102D20102"):
        delete = CommandApdu(0x80, 0xE4, 0, 0, bytes.fromhex(names), 256)
        assert terminal.secure().send(delete).sw == 0x6985, names
    for sw, data in ((0x6A88, "F203010103"), (0x6A80, "F2020201"), (0x6A80, "F203020301")):
        command = CommandApdu(0x80, 0xE4, 0, 0, bytes.fromhex(data), 256)
        assert terminal.secure().send(command).sw == sw, data
    mixed = CommandApdu(0x80, 0xE4, 0, 0, bytes.fromhex("F203020103D20131"), 256)
    assert terminal.secure().send(mixed).sw == 0x6A80
    assert terminal.secure().send(CommandApdu(0x80, 0xCA, 0, 0xE0, le=256)).data == found.data


def test_an_sm_dp_makes_no_keys_of_the_isd_r(terminal: Terminal) -> None:
    session = terminal.secure()
    assert (
        Partner(session.send, certificate=certificate(Role.SM_DP)).show_certificate().sw == 0x6A80
    )
    partner = Partner(session.send, Role.SM_SR)
    partner.show_certificate()
    assert partner.ask(Reference(0x30))[0].sw == 0x6A80
    again = Partner(session.send, Role.SM_SR)
    again.show_certificate()
    assert again.ask(Reference(0x01, parameters=0x08))[0].sw == 0x6985


def test_two_scripts_over_the_air(terminal: Terminal) -> None:
    """The SM-DP's two messages come in two packets, for RC goes back in between."""
    scripts = 0
    terminal.send(cat.terminal_profile(b"\xff" * 20))

    def send(*commands: CommandApdu) -> tuple[ResponseApdu, ...]:
        nonlocal scripts
        scripts += 1
        whole = messages(CommandScript.of(commands).encode(), scripts)
        (receipt,) = receipts(terminal, send_messages(terminal, whole))
        return ResponseScript.decode(receipt.data).answers

    send(isdr_commands.create_isdp(AID, 1000))
    send(isdr_commands.install_for_personalization(AID))
    partner = Partner(lambda command: send(command)[0])
    made = partner.establish(Reference(0x30, parameters=0x0B))
    terminal.secure(made.key_set(0x30), AID)
