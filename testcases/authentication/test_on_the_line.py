"""The support server authenticates the device before it sends an image, or says why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from hil.bench.judge import noted
from hil.checks import refusal
from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.line_station import LineStation
from hil.provisioning.support_server.device_sessions import DevicePolicy, Subject
from hil.provisioning.support_server.jig import JigPolicy, JigSample, Window
from hil.wire.device_auth import DeviceHello, DeviceKeySet, Manner
from testcases.authentication.watching import SUPPLY_UNCERTAINTY_V, until_accepted
from testcases.provisioning_flow import order_for, provision

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.bench.bench import Bench
    from hil.bench.desk import Desk
    from hil.bench.device_owner import DeviceOwner
    from hil.bench.esim import Esim
    from hil.bench.jig import Jig
    from hil.bench.meter import Meter
    from hil.equipment.device.device import Device

pytestmark = [
    pytest.mark.requires("device", "card.m2m", "servers.support-server"),
    pytest.mark.severity("critical"),
]

WRONG = DeviceKeySet(1, bytes(16), bytes(16))


class SetPolicy(Protocol):
    """Replaces the manner by which the support server authenticates devices."""

    def __call__(self, manner: Manner, subject: Subject = Subject.DEVICE) -> None:
        """Set it for sessions from now on."""


@pytest.fixture
def set_policy(desk: Desk, bench: Bench) -> Iterator[SetPolicy]:
    """A way to replace the server's policy; the bench's own is back at the end."""
    spec = bench.lab.jig
    window = None
    if spec is not None and spec.nominal_voltage is not None:
        low, high = (spec.nominal_voltage * (1 + side * spec.window) for side in (-1, 1))
        window = JigPolicy(volts=Window(low, high), dwell_s=spec.dwell)

    def replace(manner: Manner, subject: Subject = Subject.DEVICE) -> None:
        desk.support().set_policy(DevicePolicy(manner=manner, subject=subject, jig=window))

    yield replace
    section = bench.lab.file.device
    replace(Manner(section.manner) if section else Manner.KEY_SET)
    keys = bench.lab.device_keys
    if keys is not None:
        desk.support().unlock_device(keys.device_id)


class Liar:
    """A device on the line that holds other keys than those of the device it claims to be."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self.images: list[bytes] = []

    def hello(self, server_nonce: bytes) -> DeviceHello:
        """Answer with the genuine device's name, and a proof made with other keys."""
        genuine = self._device.hello(server_nonce)
        return DeviceHello(
            device_id=genuine.device_id,
            eid=genuine.eid,
            manner=genuine.manner,
            device_nonce=genuine.device_nonce,
            kvn=genuine.kvn,
            proof=genuine.server_proof(WRONG, server_nonce),
            jig=genuine.jig,
            jig_proof=genuine.jig_proof,
        )

    def __getattr__(self, name: str) -> object:
        """Do all else as the genuine device does."""
        return getattr(self._device, name)

    def send_image(self, raw: bytes) -> object:
        """Keep what should never have come."""
        self.images.append(raw)
        return None


@pytest.mark.requirement("R-22", "R-27", "R-28")
@pytest.mark.requirement("R-22", "R-23", "R-27", "R-28", refusal=True)
@pytest.mark.severity("blocker")
def test_a_device_with_a_wrong_key_set_gets_no_image(
    desk: Desk, device: Device, esim: Esim, set_policy: SetPolicy
) -> None:
    """No image byte leaves the server; the error message names the reason; a retry is possible."""
    set_policy(Manner.KEY_SET)
    (ordered,) = order_for(desk, esim, profile_type="deferred").profiles
    messages: list[str] = []
    liar = Liar(device)
    station = LineStation(desk.station(), liar, error_message=messages.append)  # type: ignore[arg-type]
    with refusal(Refusal, match="proof") as refused:
        station.provision(ordered.iccid)
    assert refused.value.code is RefusalCode.DEVICE_REFUSED
    assert liar.images == []
    assert len(messages) == 1
    assert "proof" in messages[0]
    with step("The server gives nothing to a session that did not pass"):
        offer = desk.station().open_session()
        with refusal(Refusal) as silent:
            desk.station().fetch_image(offer.session)
        assert silent.value.code is RefusalCode.NOT_AUTHENTICATED
    with step("The genuine device may try again, and gets its image"):
        done = provision(LineStation(desk.station(), device), device, ordered.iccid)
        assert done.install.result == "installed"


@pytest.mark.requirement("R-26")
def test_the_esim_may_be_authenticated_instead_of_the_device(
    desk: Desk, device: Device, esim: Esim, set_policy: SetPolicy
) -> None:
    """The server may ask the eSIM for a proof with its key set; the report says which it was."""
    set_policy(Manner.KEY_SET, Subject.ESIM)
    (ordered,) = order_for(desk, esim, profile_type="deferred").profiles
    done = provision(LineStation(desk.station(), device), device, ordered.iccid)
    assert done.line.subject is Subject.ESIM
    assert done.line.server_said == "passed"
    assert esim.iccid() == ordered.iccid


class OtherEsim:
    """A device whose eSIM does not hold the keys that its maker gave to the server."""

    def __init__(self, device: Device) -> None:
        self._device = device

    def __getattr__(self, name: str) -> object:
        """Do all else as the genuine device does."""
        return getattr(self._device, name)

    def csim(self, apdu: bytes) -> bytes:
        """Spoil the cryptogram in the answer to INITIALIZE UPDATE."""
        answer = self._device.csim(apdu)
        if len(answer) < 28 or answer[-2:] != b"\x90\x00":
            return answer
        return answer[:21] + bytes((answer[21] ^ 1,)) + answer[22:]


@pytest.mark.requirement("R-26", refusal=True)
def test_an_esim_with_other_keys_is_refused(
    desk: Desk, device: Device, esim: Esim, set_policy: SetPolicy
) -> None:
    """The device is genuine, its eSIM is not: no image leaves, and the message names the eSIM."""
    set_policy(Manner.KEY_SET, Subject.ESIM)
    (ordered,) = order_for(desk, esim, profile_type="deferred").profiles
    station = LineStation(
        desk.station(),
        OtherEsim(device),  # type: ignore[arg-type]
        error_message=lambda _: None,
    )
    with refusal(Refusal, match="eSIM"):
        station.provision(ordered.iccid)
    assert device.images() == ()


@pytest.mark.requirement("R-33")
@pytest.mark.applies("O_SKIP")
def test_a_skipped_authentication_is_called_skipped(
    desk: Desk, owner: DeviceOwner, esim: Esim, set_policy: SetPolicy
) -> None:
    """In development both ends may skip; neither calls that passed."""
    if owner.device.identity().life != "development":
        not_applicable("the device is in commercial life, where nothing may be skipped")
    set_policy(Manner.SKIP)
    owner.command_manner(Manner.SKIP)
    (ordered,) = order_for(desk, esim, profile_type="test").profiles
    done = provision(LineStation(desk.station(), owner.device), owner.device, ordered.iccid)
    assert (done.line.server_said, done.line.device_said) == ("skipped", "skipped")


class TestJig:
    """The server reads the jig at the power supply; the device reads it at its pin."""

    pytestmark = pytest.mark.requires("power_supply.jig", "jig.voltage")

    @staticmethod
    def station(desk: Desk, device: Device, jig: Jig) -> LineStation:
        """Return the line station, with the supply as the jig it watches."""

        def read() -> JigSample:
            reading = jig.read()
            return JigSample(reading.at_ns, reading.volts, reading.amps)

        return LineStation(desk.station(), device, jig=read)

    @pytest.mark.requirement("R-22", "R-24", "R-25", "R-30")
    @pytest.mark.severity("blocker")
    @pytest.mark.parametrize("manner", [Manner.JIG, Manner.BOTH])
    def test_the_genuine_jig_lets_the_image_go(
        self,
        desk: Desk,
        owner: DeviceOwner,
        esim: Esim,
        jig: Jig,
        meter: Meter,
        set_policy: SetPolicy,
        manner: Manner,
    ) -> None:
        """At nominal voltage, held for the dwell, both ends accept, and the image installs."""
        set_policy(manner)
        owner.command_manner(manner)
        (ordered,) = order_for(desk, esim, profile_type="deferred").profiles
        reading = jig.attach()
        noted(meter.volts_of("jig voltage", [reading]))
        until_accepted(owner.device, jig)
        line = self.station(desk, owner.device, jig).provision(ordered.iccid)
        assert (line.manner, line.server_said, line.device_said) == (manner, "passed", "passed")
        jig.remove()

    @pytest.mark.requirement("R-24", "R-27", "R-28", refusal=True)
    @pytest.mark.severity("blocker")
    @pytest.mark.parametrize("side", [-1, 1], ids=["below", "above"])
    def test_a_voltage_beyond_the_window_is_refused_with_its_reason(
        self,
        desk: Desk,
        owner: DeviceOwner,
        esim: Esim,
        jig: Jig,
        meter: Meter,
        set_policy: SetPolicy,
        side: int,
    ) -> None:
        """Clear of the window by the supply's uncertainty: no image, and the message says why."""
        set_policy(Manner.JIG)
        (ordered,) = order_for(desk, esim, profile_type="deferred").profiles
        edge = jig.nominal_volts * (1 + side * jig.spec.window)
        reading = jig.attach(edge + side * SUPPLY_UNCERTAINTY_V)
        noted(meter.volts_of("jig voltage", [reading]), edge=f"{edge:.3f} V")
        expected = "below the window" if side < 0 else "above the window"
        with refusal(Refusal, match=expected):
            self.station(desk, owner.device, jig).provision(ordered.iccid)
        assert owner.device.images() == ()

    @pytest.mark.requirement("R-24", "R-27", refusal=True)
    def test_without_a_jig_nothing_goes(
        self, desk: Desk, owner: DeviceOwner, esim: Esim, jig: Jig, set_policy: SetPolicy
    ) -> None:
        """The output is off: the server refuses."""
        set_policy(Manner.JIG)
        (ordered,) = order_for(desk, esim, profile_type="deferred").profiles
        with refusal(Refusal, match="below the window"):
            self.station(desk, owner.device, jig).provision(ordered.iccid)
