"""One life of the firmware, from power-on to power-off: boots, serves, installs; then is lost."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from hil.errors import CodecError
from hil.virtual.device.acceptance import Acceptance
from hil.virtual.device.at_interface import AtInterface
from hil.virtual.device.authentication import Authentication
from hil.virtual.device.config import DeviceConfig, InputEvent, InstallAt, Installation
from hil.virtual.device.esim import Esim
from hil.virtual.device.esim_slot import EsimError
from hil.virtual.device.failures import Cme, Refusal
from hil.virtual.device.installer import Installer
from hil.virtual.device.jig_sensor import JigSensor
from hil.virtual.device.memory import ImageLabel, Installed, Memory, record_name
from hil.virtual.device.modem_commands import ModemCommands
from hil.virtual.device.modes import Modes
from hil.virtual.device.over_the_air import OverTheAir
from hil.virtual.device.port import Port
from hil.virtual.device.provisioning_commands import ProvisioningCommands
from hil.virtual.device.radio import Radio
from hil.virtual.device.reception import Reception
from hil.virtual.device.registration import Registration
from hil.virtual.device.registration_commands import RegistrationCommands
from hil.virtual.device.standard_commands import StandardCommands
from hil.virtual.device.toolkit import Toolkit
from hil.wire import tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.device_auth import Mode
from hil.wire.identifiers import ECASD_AID
from hil.wire.image import Image

_log = logging.getLogger(__name__)
_EID_TAG: Final = 0x5A
_HOST_FETCHES_S: Final = 0.5
_PENDING: Final = ("stored", "waiting")


class Firmware:
    """Made at power-on, dropped at power-off; what must last is in ``memory``."""

    def __init__(
        self,
        config: DeviceConfig,
        memory: Memory,
        *,
        port: Port,
        esim: Esim,
        jig: JigSensor,
        restart: Callable[[], None],
        radio: str = "none",
    ) -> None:
        self.config = config
        self.memory = memory
        self.esim = esim
        self.jig = jig
        self.eid = config.eid
        self._port = port
        self._restart = restart
        self._tasks = asyncio.TaskGroup()
        self._service: asyncio.TimerHandle | None = None
        self._to_install = 0
        self.modes = Modes(config, memory)
        self.authentication = Authentication(
            config,
            memory,
            eid=lambda: self.eid,
            jig=lambda: jig.reading,
            mode=lambda: self.modes.mode,
            now_s=time.monotonic,
        )
        acceptance = Acceptance(
            config,
            eid=lambda: self.eid,
            mode=lambda: self.modes.mode,
            counter=lambda: memory.state.counter,
        )
        self._acceptance = acceptance
        self._installer = Installer(memory, esim, acceptance, done=self.modes.image_installed)
        self.reception = Reception(
            port,
            idle_s=config.transfer_idle_s,
            granted=lambda: self.authentication.granted,
            accept=self._take_image,
        )
        self._toolkit = Toolkit(
            esim,
            submit=self._submit,
            channels=config.channels,
            imei=config.imei,
            allowed=lambda: self.modes.mode is Mode.SECOND,
            refused=self.note_error,
        )
        over_the_air = OverTheAir(
            esim,
            service_centre=config.smsc,
            mode=lambda: self.modes.mode,
            proactive=self._serve_soon,
            refused=self.note_error,
        )
        self._radio = (
            Radio(radio, msisdn=config.msisdn, imei=config.imei, deliver=over_the_air.deliver)
            if radio != "none"
            else None
        )
        self.registration = None if self._radio is None else Registration(esim, self._radio)
        self._interface = AtInterface(port, self)
        StandardCommands(self, self._interface)
        ModemCommands(self, self._interface)
        RegistrationCommands(self, self._interface)
        ProvisioningCommands(self, self._interface)

    async def run(self) -> None:
        """Boot, then serve until cancelled."""
        self.memory.change(boots=self.memory.state.boots + 1)
        await asyncio.sleep(self.config.boot_s)
        try:
            await self._wake_esim()
            self._port.power(on=True)
            await self._interface.say("RDY")
            async with self._tasks as tasks:
                tasks.create_task(self._interface.run())
                tasks.create_task(self._install_at_boot())
                tasks.create_task(self._poll())
                if self._radio is not None and self.registration is not None:
                    tasks.create_task(self._radio.run())
                    tasks.create_task(self.registration.run())
        finally:
            self._toolkit.close()

    def note_error(self, reason: str) -> None:
        """Keep the reason of the last refusal."""
        if reason != self.memory.state.last_error:
            self.memory.change(last_error=reason)

    def authenticate(self, proof: bytes) -> str:
        """Judge a sender; its authentication is an input event."""
        try:
            result = self.authentication.authenticate(proof)
        except Refusal:
            self.reception.forget()
            raise
        if result == "passed":
            self.modes.notice(InputEvent.AUTHENTICATION)
        return result

    def goodbye(self) -> None:
        """End the sender's authentication and drop what it left unfinished."""
        self.authentication.forget()
        self.reception.forget()

    def command_mode(self, mode: Mode | None) -> None:
        """Change the mode by command, or release it (None).

        A sender accepted in the old mode is not one in the new.
        """
        before = self.modes.mode
        if mode is None:
            self.modes.release()
        else:
            self.modes.command(mode)
        after = self.modes.mode
        if Mode.TEST in (before, after) and before is not after:
            self.goodbye()

    async def press(self, keys: str) -> None:
        """Take user input: first mode, second mode, or installation of what waits for it."""
        meaning = self.config.user_keys.get(keys)
        if meaning is None:
            raise Refusal(Cme.INCORRECT_PARAMETERS, f"keys {keys!r} mean nothing")
        if meaning == "install":
            self.modes.require_user()
            self._refuse_in_second_mode()
            for label in self.memory.state.images:
                if label.state == "waiting":
                    self.memory.set_image_state(label.image_id, "stored")
            await self.install_now()
        else:
            self.modes.user(Mode(meaning))

    def may_receive(self) -> None:
        """Refuse an image now unless its sender is authenticated and the mode takes images."""
        if not self.authentication.granted:
            raise Refusal(Cme.SENDER_NOT_AUTHENTICATED, "authenticate before sending an image")
        if self.modes.mode is Mode.SECOND and not self.modes.open_to(InputEvent.DATA_TYPE):
            raise Refusal(
                Cme.MODE_REFUSES_IMAGES, f"second mode, held by {self.modes.cause}, takes packets"
            )

    async def install_now(self) -> None:
        """Install what is stored, by command.

        Raises:
            Refusal: nothing to install, not by this device, not in second mode, or the
                installation failed.

        """
        if self.config.installation is Installation.STORE_ONLY:
            raise Refusal(Cme.OPERATION_NOT_ALLOWED, "this device only stores images")
        self._refuse_in_second_mode()
        if self._installer.running:
            raise Refusal(Cme.SIM_BUSY, "an installation runs")
        labels = [label for label in self.memory.state.images if label.state == "stored"]
        if not labels:
            raise Refusal(Cme.NOTHING_TO_INSTALL, "no stored image is ready to install")
        for report in [await self._install(label) for label in labels]:
            if report.result != "installed":
                raise Refusal(Cme.INSTALLATION_FAILED, f"{report.result}: {report.reason}")

    def _refuse_in_second_mode(self) -> None:
        """Refuse a command to install: without an input event nothing is installed from an image.

        Where nothing is stored there is nothing to refuse.
        """
        pending = any(label.state in _PENDING for label in self.memory.state.images)
        if pending and self.modes.mode is Mode.SECOND:
            raise Refusal(
                Cme.MODE_REFUSES_IMAGES, "second mode installs from packets: images wait for first"
            )

    def installation_state(self) -> str:
        """Return ``running``, ``waiting`` for the user, or the last result."""
        if self._installer.running or self._to_install or self._toolkit.busy:
            return "running"
        if any(label.state == "waiting" for label in self.memory.state.images):
            return "waiting"
        return self.memory.state.installed.result

    def restart_soon(self) -> None:
        """Restart once the present command is answered."""
        asyncio.get_running_loop().call_soon(self._restart)

    def passed_through(self, response: bytes) -> None:
        """Serve a proactive command that a host left waiting: it has a while to fetch it itself."""
        if self._service is not None:
            self._service.cancel()
            self._service = None
        answer = ResponseApdu.decode(response)
        if answer.sw1 == 0x91:
            loop = asyncio.get_running_loop()
            self._service = loop.call_later(_HOST_FETCHES_S, self._serve_soon, answer)

    def _serve_soon(self, answer: ResponseApdu) -> None:
        self._tasks.create_task(self._toolkit.serve_quietly(answer))

    async def _submit(self, tpdu: bytes) -> bool:
        return False if self._radio is None else await self._radio.submit(tpdu)

    async def _poll(self) -> None:
        """Ask the eSIM for its wishes now and then, as terminals do."""
        while True:
            await asyncio.sleep(self.config.poll_s)
            if not self.esim.powered or self.esim.busy or self._toolkit.busy:
                continue
            try:
                await self._toolkit.poll()
            except (EsimError, CodecError) as err:
                _log.info("poll: %s", err)

    async def _take_image(self, raw: bytes) -> str:
        image = self._acceptance.check(raw)
        self.modes.notice(InputEvent.DATA_TYPE)
        label = ImageLabel(
            image.image_id,
            image.iccid,
            image.profile_class,
            "waiting" if self.config.wait_for_user else "stored",
            image.counter,
            record_name(image.image_id, image.digest),
        )
        if self.config.installation is Installation.INSTALL_ONLY:
            return await self._install_unstored(label, raw)
        self._make_room(image)
        self.memory.add_image(label, raw)
        return image.image_id

    async def _install_unstored(self, label: ImageLabel, raw: bytes) -> str:
        report = await self._run_installer(label, raw)
        if report.result != "installed":
            raise Refusal(Cme.INSTALLATION_FAILED, f"{report.result}: {report.reason}")
        return label.image_id

    def _make_room(self, image: Image) -> None:
        """Forget the oldest used-up label if the list is full; pending images are never dropped."""
        labels = self.memory.state.images
        if self.memory.label(image.image_id) or len(labels) < self.config.max_images:
            return
        for label in labels:
            if label.state not in _PENDING:
                self.memory.delete_image(label.image_id)
                return
        raise Refusal(Cme.MEMORY_FULL, f"{len(labels)} images wait already")

    async def _install_at_boot(self) -> None:
        if self.config.installation is not Installation.BOTH:
            return
        if self.config.install_at is not InstallAt.BOOT:
            return
        if self.modes.mode is Mode.SECOND:
            return
        # The first installation may use up the input event; what was stored before it counts.
        waiting = [label for label in self.memory.state.images if label.state == "stored"]
        self._to_install = len(waiting)
        try:
            for label in waiting:
                await self._install(label)
                self._to_install -= 1
        finally:
            self._to_install = 0

    async def _install(self, label: ImageLabel) -> Installed:
        raw = self.memory.image(label.record)
        if raw is None:
            report = Installed(
                "failed", "image is lost", label.image_id, label.iccid, self.memory.state.boots
            )
            self.memory.set_image_state(label.image_id, "failed")
            self.memory.change(installed=report)
            return report
        return await self._run_installer(label, raw)

    async def _run_installer(self, label: ImageLabel, raw: bytes) -> Installed:
        """Install, then obey what the eSIM wants after a profile change."""
        report = await self._installer.install(label, raw)
        await self._toolkit.serve_quietly(self.esim.last)
        return report

    async def _wake_esim(self) -> None:
        """Power the eSIM and read its EID from the ECASD (SGP.02, GET DATA 5A)."""
        try:
            await self.esim.power_on()
            async with self.esim.burst():
                await self.esim.exchange(CommandApdu(0x00, 0xA4, 0x04, 0x00, ECASD_AID, 256))
                answer = await self.esim.exchange(CommandApdu(0x00, 0xCA, 0x00, 0x5A, b"", 256))
            if answer.sw == 0x9000:
                self.eid = _eid(answer) or self.eid
            await self._toolkit.introduce()
        except (EsimError, CodecError) as err:
            _log.info("no eSIM, or an odd one: %s", err)


def _eid(answer: ResponseApdu) -> str:
    try:
        value = tlv.find(tlv.decode_all(answer.data), _EID_TAG)
    except CodecError:
        return ""
    return "" if value is None else value.hex()
