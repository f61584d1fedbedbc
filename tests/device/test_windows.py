from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire.device_frames import Acknowledge, Data
from hil.wire.device_window import ReceiveWindow, SendWindow

IMAGE = bytes(n * n % 251 for n in range(10_300))


def run(send: SendWindow, receive: ReceiveWindow, lose: set[int], lose_acks: set[int]) -> int:
    """Pump blocks over a line that keeps order; lose those transmissions. Return timer expiries."""
    expiries = sent = acked = 0
    line: deque[Data] = deque()
    while not send.complete:
        while (data := send.take()) is not None:
            sent += 1
            if sent not in lose:
                line.append(data)
        if not line:
            expiries += 1
            send.repeat()
            continue
        ack = receive.take(line.popleft())
        acked += 1
        if acked not in lose_acks:
            send.acknowledge(ack)
    return expiries


def test_a_clean_line_takes_each_block_once() -> None:
    send = SendWindow(IMAGE, block=1024, window=8)
    receive = ReceiveWindow(size=len(IMAGE), block=1024)
    assert run(send, receive, set(), set()) == 0
    assert (send.transmissions, send.retransmissions) == (11, 0)
    assert receive.complete
    assert receive.received == IMAGE


def test_one_lost_block_costs_one_more_and_no_timer() -> None:
    send = SendWindow(IMAGE, block=1024, window=8)
    receive = ReceiveWindow(size=len(IMAGE), block=1024)
    assert run(send, receive, {3}, set()) == 0
    assert send.retransmissions == 1
    assert receive.received == IMAGE


@given(
    st.sets(st.integers(1, 40), max_size=20),
    st.sets(st.integers(1, 40), max_size=20),
    st.integers(1, 32),
    st.sampled_from([1, 100, 512, 1024]),
)
def test_any_losses_end_in_the_same_bytes(
    lose: set[int], lose_acks: set[int], window: int, block: int
) -> None:
    image = IMAGE[: 20 * block - block // 2]
    send = SendWindow(image, block=block, window=window)
    receive = ReceiveWindow(size=len(image), block=block)
    run(send, receive, lose, lose_acks)
    assert receive.received == image


def test_a_resumed_transfer_sends_only_the_rest() -> None:
    receive = ReceiveWindow(size=len(IMAGE), block=1024, kept=IMAGE[:5000])
    assert receive.following == 4
    send = SendWindow(IMAGE, block=1024, window=8, first=receive.following)
    assert send.acknowledged == 4096
    run(send, receive, set(), set())
    assert receive.received == IMAGE
    assert send.transmissions == 7


def test_blocks_of_wrong_length_or_beyond_the_end_change_nothing() -> None:
    receive = ReceiveWindow(size=2000, block=1024)
    for data in (Data(0, b"x"), Data(2, bytes(1024)), Data(1, bytes(1024)), Data(2**32 - 1, b"x")):
        assert receive.take(data) == Acknowledge(0, 0, data.sequence)
    assert receive.received == b""


def test_a_repeated_block_changes_nothing() -> None:
    receive = ReceiveWindow(size=2048, block=1024)
    first = Data(0, bytes(1024))
    receive.take(first)
    assert receive.take(first) == Acknowledge(1, 0, 0)
    assert len(receive.received) == 1024


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_an_acknowledgement_of_what_was_never_sent_is_not_believed(
    following: int, selective: int, echo: int
) -> None:
    send = SendWindow(IMAGE, block=1024, window=4)
    send.take()
    send.acknowledge(Acknowledge(following, selective, echo))
    assert send.acknowledged <= 1024
    assert not send.complete


def test_a_window_out_of_range_is_refused() -> None:
    with pytest.raises(CodecError):
        SendWindow(IMAGE, block=1024, window=33)
    with pytest.raises(CodecError):
        SendWindow(IMAGE, block=5000, window=1)
