"""Whatever the line does to an image: a stored image or a typed error, and a retry that works."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from hil.equipment.device import Device, DeviceTimeoutError, TransferError
from hil.errors import HilError
from tests.virtual_device.bad_line import BadLine, Spoil, pass_on
from tests.virtual_device.conftest import Workbench, authenticate, make_image, seal_image

RAW = seal_image(make_image())
FRAMES = -(-len(RAW) // 1024)


@pytest.fixture
def line(workbench: Workbench) -> Iterator[BadLine]:
    driver = workbench.start()
    driver.close()
    line = BadLine(driver.port)
    yield line
    line.close()


@pytest.fixture
def device(line: BadLine) -> Iterator[Device]:
    with Device.open(line.port, baudrate=921_600, timeout_s=10) as device:
        authenticate(device)
        line.restart_count()
        yield device


def drop(_number: int, _piece: bytes) -> list[bytes]:
    return []


def flip(number: int, piece: bytes) -> list[bytes]:
    place = number % (len(piece) - 1)
    return [piece[:place] + bytes((piece[place] ^ 0x20,)) + piece[place + 1 :]]


def duplicate(_number: int, piece: bytes) -> list[bytes]:
    return [piece, piece]


def noise(_number: int, piece: bytes) -> list[bytes]:
    return [b"\x7e\xff\x00\x81", piece]


def at(places: set[int], spoil: Spoil) -> Spoil:
    return lambda number, piece: spoil(number, piece) if number in places else [piece]


def stored(device: Device) -> list[str]:
    return [image.image_id for image in device.images()]


@pytest.mark.parametrize("spoil", [drop, flip, duplicate, noise])
def test_every_frame_spoilt_once_is_repaired(line: BadLine, device: Device, spoil: Spoil) -> None:
    for place in range(FRAMES + 1):
        line.to_device = at({place}, spoil)
        line.restart_count()
        assert device.send_image(RAW, resume=False).image_id == "image-1"
        assert stored(device) == ["image-1"]
        line.to_device = pass_on


@pytest.mark.parametrize("spoil", [drop, flip, duplicate, noise])
def test_every_answer_spoilt_once_is_repaired(line: BadLine, device: Device, spoil: Spoil) -> None:
    for place in range(FRAMES + 1):
        line.to_host = at({place}, spoil)
        line.restart_count()
        assert device.send_image(RAW, resume=False).image_id == "image-1"
        line.to_host = pass_on


def test_a_lost_frame_is_sent_again_without_waiting_for_a_timer(
    line: BadLine, device: Device
) -> None:
    line.to_device = at({1}, drop)
    report = device.send_image(RAW)
    assert report.retransmitted == 1
    assert report.seconds < 0.25


@pytest.mark.parametrize("place", range(FRAMES + 1))
def test_a_line_cut_at_any_frame_is_an_error_and_a_retry_resumes(
    line: BadLine, device: Device, place: int
) -> None:
    def cut(number: int, piece: bytes) -> list[bytes]:
        line.silent = line.silent or number >= place
        return [piece]

    line.to_device = cut
    started = time.monotonic()
    with pytest.raises(DeviceTimeoutError, match=f"of {len(RAW)}"):
        device.send_image(RAW, stall_s=0.4)
    assert time.monotonic() - started < 3
    line.silent, line.to_device = False, pass_on
    device.wait_ready(timeout_s=5)
    assert stored(device) == []
    report = device.send_image(RAW)
    assert report.resumed_from == min(place * 1024, len(RAW) // 1024 * 1024)
    assert stored(device) == ["image-1"]


def test_a_cut_line_at_the_command_is_an_error_too(line: BadLine, device: Device) -> None:
    line.silent = True
    object.__setattr__(device._at.dialect.operations["goodbye"], "timeout_s", 0.2)
    with pytest.raises(DeviceTimeoutError, match=r"no answer to 'goodbye' within 0\.2 s"):
        device.goodbye()
    line.silent = False
    device.wait_ready(timeout_s=5)
    assert device.status().server_auth == "passed"


def test_constant_noise_ends_in_an_error_and_leaves_the_device_usable(
    line: BadLine, device: Device
) -> None:
    line.to_device = flip
    with pytest.raises(HilError):
        device.send_image(RAW, stall_s=0.5)
    line.to_device = pass_on
    device.wait_ready(timeout_s=5)
    assert stored(device) == []
    assert device.send_image(RAW).image_id == "image-1"


def test_bytes_changed_behind_the_crc_fail_by_the_digest(device: Device) -> None:
    flipped = bytearray(RAW)
    flipped[700] ^= 1
    with pytest.raises(TransferError, match="image signature wrong"):
        device.send_image(bytes(flipped))
    assert stored(device) == []


def test_a_resumed_transfer_of_another_image_starts_at_zero(line: BadLine, device: Device) -> None:
    line.to_device = at(set(range(3, 1000)), drop)
    with pytest.raises(DeviceTimeoutError):
        device.send_image(RAW, stall_s=0.4)
    line.to_device = pass_on
    device.wait_ready(timeout_s=5)
    other = seal_image(make_image(image_id="image-2"))
    assert device.send_image(other).resumed_from == 0
    assert stored(device) == ["image-2"]


def test_what_broke_off_is_forgotten_when_the_sender_leaves(line: BadLine, device: Device) -> None:
    line.to_device = at(set(range(3, 1000)), drop)
    with pytest.raises(DeviceTimeoutError):
        device.send_image(RAW, stall_s=0.4)
    line.to_device = pass_on
    device.wait_ready(timeout_s=5)
    device.goodbye()
    authenticate(device)
    assert device.send_image(RAW).resumed_from == 0


def test_progress_counts_up_to_the_size(device: Device) -> None:
    seen: list[tuple[int, int]] = []
    device.send_image(RAW, progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[0] == (0, len(RAW))
    assert seen[-1] == (len(RAW), len(RAW))


def test_the_escape_sequence_between_guard_times_leads_back_to_commands(
    workbench: Workbench,
) -> None:
    device = workbench.start(transfer_idle_s=30)
    authenticate(device)
    at_channel = device._at
    at_channel.ask(
        "receive_image", until=("CONNECT",), size=10, sha256="00" * 32, block=1024, resume=0
    )
    time.sleep(1.1)  # the guard time of the escape sequence is a silence by definition
    with at_channel.frames() as link:
        link.write(b"+++")
        deadline = time.monotonic() + 5
        heard = b""
        while b"NO CARRIER" not in heard and time.monotonic() < deadline:
            heard += link.read(timeout_s=0.2)
    assert b"NO CARRIER" in heard
    assert device.images() == ()


def open_every_way() -> list[Callable[[Device], object]]:
    return [Device.identity, Device.status, Device.images, Device.challenge]


@pytest.mark.parametrize("ask", open_every_way())
def test_a_silent_device_is_a_timeout_for_every_question(
    line: BadLine, device: Device, ask: Callable[[Device], object]
) -> None:
    line.silent = True
    for wording in device._at.dialect.operations.values():
        object.__setattr__(wording, "timeout_s", 0.05)
    with pytest.raises(DeviceTimeoutError):
        ask(device)
