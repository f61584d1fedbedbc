"""First and second mode: which input event leads where, and which one wins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.checks import refusal
from hil.equipment.device import DeviceRefusal, TransferError
from hil.evidence import step
from hil.wire.device_auth import DeviceKeySet, Mode
from testcases.installing import assert_installed, hand_over, install_at_boot

if TYPE_CHECKING:
    from hil.bench.device_owner import DeviceOwner
    from hil.bench.image_maker import ImageMaker

pytestmark = pytest.mark.requires("device")

FIRST_KEYS, SECOND_KEYS = "*1#", "*2#"


def mode_of(owner: DeviceOwner) -> tuple[str, str]:
    """Return the mode and the input event that set it."""
    status = owner.device.status()
    return status.mode.value, status.mode_cause


@pytest.mark.requirement("R-48", "R-52", "R-56")
@pytest.mark.severity("critical")
def test_without_an_input_event_the_device_is_in_second_mode(owner: DeviceOwner) -> None:
    """No event, no image installation: the mode is second, also after a restart."""
    assert mode_of(owner) == ("second", "none")
    owner.device.reboot()
    assert mode_of(owner) == ("second", "none")


@pytest.mark.requirement("R-48", "R-49", "R-54")
@pytest.mark.severity("blocker")
def test_authentication_information_leads_to_first_mode(owner: DeviceOwner) -> None:
    """The success of the authentication module is an input event."""
    owner.authenticate()
    assert mode_of(owner) == ("first", "authentication")


@pytest.mark.requirement("R-51", "R-54")
@pytest.mark.requirement("R-51", refusal=True)
@pytest.mark.severity("critical")
def test_user_input_leads_to_first_mode_and_back(owner: DeviceOwner) -> None:
    """Keys at the input interface choose the mode; unknown keys choose nothing."""
    owner.device.user_input(FIRST_KEYS)
    assert mode_of(owner) == ("first", "user-input")
    with refusal(DeviceRefusal, match="incorrect parameters"):
        owner.device.user_input("*9#")
    assert mode_of(owner) == ("first", "user-input")
    owner.device.user_input(SECOND_KEYS)
    assert mode_of(owner) == ("second", "user-input")


@pytest.mark.requirement("R-54", "R-56")
@pytest.mark.severity("critical")
def test_a_command_of_the_server_sets_the_mode_and_survives_a_restart(owner: DeviceOwner) -> None:
    """The mode that the server has commanded is still there after a restart."""
    owner.command_mode(Mode.FIRST)
    assert mode_of(owner) == ("first", "server-command")
    owner.device.reboot()
    assert mode_of(owner) == ("first", "server-command")


@pytest.mark.requirement("R-54")
@pytest.mark.requirement("R-51", "R-54", refusal=True)
@pytest.mark.severity("critical")
def test_the_command_of_the_server_wins_over_all_other_events(owner: DeviceOwner) -> None:
    """User input and authentication do not change what the server has commanded."""
    owner.command_mode(Mode.SECOND)
    with refusal(DeviceRefusal, match="held by a stronger input event"):
        owner.device.user_input(FIRST_KEYS)
    owner.authenticate()
    assert mode_of(owner) == ("second", "server-command")


@pytest.mark.requirement("R-54", refusal=True)
@pytest.mark.severity("critical")
def test_forged_and_replayed_commands_are_refused(owner: DeviceOwner) -> None:
    """Without the key set, or with a used nonce, no command changes the mode."""
    stranger = owner.with_keys(DeviceKeySet(1, bytes(16), bytes(16)))
    with refusal(DeviceRefusal, match="not authorized"):
        stranger.command_mode(Mode.FIRST)
    order = owner.order_mode(Mode.FIRST)
    owner.device.set_mode(Mode.FIRST, order)
    with step("The same command at once, and after another one"):
        with refusal(DeviceRefusal, match="not authorized"):
            owner.device.set_mode(Mode.FIRST, order)
        owner.command_mode(Mode.SECOND)
        with refusal(DeviceRefusal, match="not authorized"):
            owner.device.set_mode(Mode.FIRST, order)
    with step("The same command after the device has given another nonce"):
        assert owner.device.challenge() != owner.device.challenge()
        with refusal(DeviceRefusal, match="not authorized"):
            owner.device.set_mode(Mode.FIRST, order)
    owner.authenticate()
    assert mode_of(owner) == ("second", "server-command")


@pytest.mark.requirement("R-48", "R-50", "R-53", "R-55", refusal=True)
@pytest.mark.severity("critical")
@pytest.mark.requires("card.m2m")
def test_an_image_is_refused_in_second_mode(owner: DeviceOwner, image_maker: ImageMaker) -> None:
    """Second mode, held by the server, takes packets only."""
    owner.command_mode(Mode.SECOND)
    owner.authenticate()
    with refusal(DeviceRefusal, match="mode refuses images"):
        owner.device.send_image(image_maker.sealed(image_maker.profile()))
    assert owner.device.images() == ()


@pytest.mark.requirement("R-36", "R-50", refusal=True)
@pytest.mark.severity("normal")
@pytest.mark.requires("card.m2m")
def test_packets_on_the_cable_are_no_image(owner: DeviceOwner, image_maker: ImageMaker) -> None:
    """Packets, or data of an unknown type, are refused on the cable and start no installation."""
    packets = image_maker.profile().packets
    owner.authenticate()
    for kind, raw in (
        ("bare packets", b"".join(one.command for one in packets.packets)),
        ("a packet set", packets.encode()),
        ("unknown data", b"\x7fELF" * 200),
    ):
        with step(f"The device refuses {kind}"):
            with refusal(TransferError, match="image format wrong"):
                owner.device.send_image(raw)
            assert owner.device.images() == ()


@pytest.mark.requirement("R-53", "R-56")
@pytest.mark.severity("normal")
@pytest.mark.requires("card.m2m")
def test_after_an_installation_the_device_is_back_in_second_mode(
    owner: DeviceOwner, image_maker: ImageMaker
) -> None:
    """First mode that came by authentication ends with the installation."""
    profile = image_maker.profile()
    hand_over(owner, image_maker.sealed(profile))
    assert mode_of(owner)[0] == "first"
    assert_installed(install_at_boot(owner.device), profile.iccid)
    assert mode_of(owner) == ("second", "none")


@pytest.mark.requirement("R-54", "R-56")
@pytest.mark.severity("normal")
@pytest.mark.requires("card.m2m")
@pytest.mark.parametrize("event", ["server-command", "user-input"])
def test_an_installation_does_not_end_what_server_or_user_chose(
    owner: DeviceOwner, image_maker: ImageMaker, event: str
) -> None:
    """First mode that server or user has set is still there after an image was installed."""
    if event == "server-command":
        owner.command_mode(Mode.FIRST)
    else:
        owner.device.user_input(FIRST_KEYS)
    profile = image_maker.profile()
    hand_over(owner, image_maker.sealed(profile))
    assert_installed(install_at_boot(owner.device), profile.iccid)
    assert mode_of(owner) == ("first", event)
