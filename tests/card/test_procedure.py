"""T=0 and T=1 procedures: what is sent for each case, and how 61xx and 6Cxx come to an end."""

from __future__ import annotations

import pytest

from hil.equipment.card import ProcedureError
from hil.equipment.card.procedure import run
from hil.equipment.card.transport import CardProtocol
from hil.errors import UsageError
from hil.wire.apdu import CommandApdu


class Line:
    """Plays a conversation: (command sent, answer) in hex, in this order and no other."""

    def __init__(self, *conversation: tuple[str, str]) -> None:
        self._left = list(conversation)

    def __call__(self, raw: bytes) -> bytes:
        assert self._left, f"unexpected {raw.hex()}"
        sent, answer = self._left.pop(0)
        assert raw.hex() == sent.replace(" ", "").lower()
        return bytes.fromhex(answer)

    def done(self) -> bool:
        return not self._left


def carry(command: str, protocol: CardProtocol, *conversation: tuple[str, str]) -> str:
    line = Line(*conversation)
    answer = run(CommandApdu.decode(bytes.fromhex(command)), protocol, line)
    assert line.done()
    return answer.hex().upper()


@pytest.mark.parametrize("protocol", ["T=0", "T=1"])
@pytest.mark.parametrize("command", ["80F22002", "00B0000005", "00D6000002AABB"])
def test_cases_1_to_3_go_as_they_are(command: str, protocol: CardProtocol) -> None:
    assert carry(command, protocol, (command, "9000")) == "9000"


def test_case_4_loses_its_le_on_t0_and_fetches_the_answer() -> None:
    assert (
        carry(
            "00A40004023F0000",
            "T=0",
            ("00A40004023F00", "6105"),
            ("00C0000005", "62030102039000"),
        )
        == "62030102039000"
    )


def test_case_4_goes_whole_on_t1() -> None:
    assert carry("00A40004023F0000", "T=1", ("00A40004023F0000", "62009000")) == "62009000"


@pytest.mark.parametrize(
    ("command", "get_response"),
    [
        ("01A40004023F0000", "01C0000002"),
        ("83E2910001AA00", "03C0000002"),
        ("84E2910001AA00", "00C0000002"),
        ("45A40004023F0000", "45C0000002"),
        ("C7E2910001AA00", "47C0000002"),
        ("E7E2910001AA00", "47C0000002"),
    ],
)
def test_get_response_stays_on_the_channel_and_is_never_secured(
    command: str, get_response: str
) -> None:
    conversation = ((command[:-2], "6102"), (get_response, "AABB9000"))
    assert carry(command, "T=0", *conversation) == "AABB9000"


def test_wrong_le_is_repeated_once_with_the_right_one() -> None:
    assert carry("00B0000000", "T=0", ("00B0000000", "6C02"), ("00B0000002", "AABB9000")) == (
        "AABB9000"
    )
    assert carry("00B0000000", "T=0", ("00B0000000", "6C02"), ("00B0000002", "6C03")) == "6C03"


def test_a_long_answer_is_put_together() -> None:
    first = "11" * 256
    assert (
        carry(
            "80E2910001AA00",
            "T=0",
            ("80E2910001AA", "6100"),
            ("00C0000000", first + "6103"),
            ("00C0000003", "222222" + "9000"),
        )
        == first + "2222229000"
    )


def test_get_response_with_wrong_length_is_repeated() -> None:
    conversation = (("80E2910001AA", "6105"), ("00C0000005", "6C02"), ("00C0000002", "AABB9000"))
    assert carry("80E2910001AA00", "T=0", *conversation) == "AABB9000"


def test_the_last_status_word_counts() -> None:
    assert carry("80C20000011100", "T=0", ("80C200000111", "6101"), ("00C0000001", "AA9110")) == (
        "AA9110"
    )


def test_data_behind_a_warning_is_fetched_on_t0() -> None:
    conversation = (("80E2910001AA", "6282"), ("00C0000000", "6C02"), ("00C0000002", "AABB9000"))
    assert carry("80E2910001AA00", "T=0", *conversation) == "AABB6282"


@pytest.mark.parametrize("nothing", ["6F00", "6985", "9000"])
def test_a_warning_without_data_stays_what_it_is(nothing: str) -> None:
    assert (
        carry("80E2910001AA00", "T=0", ("80E2910001AA", "9110"), ("00C0000000", nothing)) == "9110"
    )


def test_a_warning_is_left_alone_without_le_and_on_t1() -> None:
    assert carry("0020000108" + "31" * 8, "T=0", ("0020000108" + "31" * 8, "63C2")) == "63C2"
    assert carry("80E2910001AA00", "T=1", ("80E2910001AA00", "6282")) == "6282"


def test_an_answer_without_end_is_refused() -> None:
    def endless(raw: bytes) -> bytes:
        return b"\x61\x00" if raw[1] != 0xC0 else bytes(256) + b"\x61\x00"

    with pytest.raises(ProcedureError, match="does not end"):
        run(CommandApdu(0x80, 0xE2, 0, 0, b"\xaa", 256), "T=0", endless)


def test_announcing_more_without_data_is_refused() -> None:
    with pytest.raises(ProcedureError, match="sends none"):
        run(CommandApdu(0x80, 0xE2, 0, 0, b"\xaa", 256), "T=0", lambda _: b"\x61\x10")


def test_extended_lengths_need_t1() -> None:
    command = CommandApdu(0x80, 0xE2, 0, 0, bytes(300))
    with pytest.raises(UsageError, match="T=1"):
        run(command, "T=0", lambda _: b"\x90\x00")
    assert run(command, "T=1", lambda raw: raw[:2] + b"\x90\x00") == b"\x80\xe2\x90\x00"
