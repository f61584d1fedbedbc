"""Installing one image: ISD-R authentication, packets to the ISD-P, enabling; done or not done.

A stage that cannot be taken back is written to the journal *before* it begins, so that after a
power cut the device knows whether the image may be tried again (nothing was used up), only its
last part is missing (enabling has a session of its own), or a new image is needed (stale).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

from hil.errors import CodecError
from hil.virtual.device.acceptance import Acceptance
from hil.virtual.device.esim import Esim
from hil.virtual.device.esim_slot import EsimError
from hil.virtual.device.failures import Cme, Refusal
from hil.virtual.device.memory import ImageLabel, Installed, Journal, Memory
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.image import Image
from hil.wire.install_script import store_data_blocks
from hil.wire.packets import Packet
from hil.wire.script_step import ScriptStep

_log = logging.getLogger(__name__)
_INITIALIZE_UPDATE: Final = 0x50
_EXTERNAL_AUTHENTICATE: Final = 0x82
_COUNTER_AT: Final = -3

FRESH: Final = "fresh"
LOADING: Final = "loading"
LOADED: Final = "loaded"
ENABLING: Final = "enabling"


class InstallError(Exception):
    """An installation ended early; ``result`` is ``failed`` or ``stale``."""

    def __init__(self, result: str, reason: str) -> None:
        super().__init__(reason)
        self.result = result
        self.reason = reason


class Installer:
    """Runs the script of an image against the eSIM."""

    def __init__(
        self,
        memory: Memory,
        esim: Esim,
        acceptance: Acceptance,
        *,
        done: Callable[[], None],
    ) -> None:
        self._memory = memory
        self._esim = esim
        self._acceptance = acceptance
        self._done = done
        self.running = False

    async def install(self, label: ImageLabel, raw: bytes) -> Installed:
        """Install an image (or its last part, after a power cut); keep and return the result."""
        self.running = True
        try:
            result, reason = await self._attempt(label, raw)
        finally:
            self.running = False
        report = Installed(result, reason, label.image_id, label.iccid, self._memory.state.boots)
        _log.info("installation of %s: %s %s", label.image_id, result, reason)
        if result == "refused":
            self._memory.change(installed=report, journal=None)
            return report
        self._memory.set_image_state(label.image_id, result)
        self._memory.change(installed=report, journal=None)
        if result == "installed":
            self._done()
        return report

    async def _attempt(self, label: ImageLabel, raw: bytes) -> tuple[str, str]:
        journal = self._memory.state.journal
        stage = journal.stage if journal and journal.record == label.record else FRESH
        try:
            if stage == LOADING:
                raise InstallError(
                    "stale", "power was cut while the profile was loaded; a new image is needed"
                )
            if stage == ENABLING:
                raise InstallError("stale", "power was cut while the profile was enabled")
            judge = self._acceptance.check if stage == FRESH else self._acceptance.check_again
            image = judge(raw)
            async with self._esim.burst():
                if stage == FRESH:
                    await self._load(image, label)
                await self._enable(image, label)
        except Refusal as refusal:
            late = refusal.code is Cme.IMAGE_COUNTER_REPLAYED
            return ("stale" if late else "refused"), refusal.reason
        except InstallError as err:
            return err.result, err.reason
        except (EsimError, CodecError) as err:
            used_up = self._memory.state.journal is not None
            return ("failed" if used_up else "refused"), str(err)
        return "installed", ""

    async def _load(self, image: Image, label: ImageLabel) -> None:
        await self._steps(image.steps_before, label, stage=LOADING, counter=image.counter)
        for number, packet in enumerate(image.packets, start=1):
            await self._packet(number, packet)
        self._memory.change(journal=Journal(label.record, LOADED))

    async def _enable(self, image: Image, label: ImageLabel) -> None:
        await self._steps(image.steps_after, label, stage=ENABLING, counter=image.counter + 1)

    async def _steps(
        self, steps: Sequence[ScriptStep], label: ImageLabel, *, stage: str, counter: int
    ) -> None:
        for number, step in enumerate(steps, start=1):
            command = CommandApdu.decode(step.command)
            if command.ins == _EXTERNAL_AUTHENTICATE:
                self._memory.change(
                    journal=Journal(label.record, stage),
                    counter=max(self._memory.state.counter, counter),
                )
            response = await self._esim.exchange(command)
            wrong = step.mismatch(response)
            if wrong is None:
                continue
            if command.ins == _INITIALIZE_UPDATE:
                raise _isd_r_mismatch(step, response)
            raise InstallError("failed", f"{stage} step {number} of {len(steps)}: {wrong}")

    async def _packet(self, number: int, packet: Packet) -> None:
        response = ResponseApdu(b"", 0x6F00)
        for place, command in enumerate(store_data_blocks(packet.command)):
            response = await self._esim.exchange(command)
            if response.sw != 0x9000 and response.sw1 != 0x91:
                raise InstallError(
                    "failed", f"packet {number}, block {place}: status word {response.sw:04X}"
                )
        if packet.expected is not None and response.data != packet.expected:
            raise InstallError(
                "failed",
                f"packet {number}: answer {response.data[:8].hex()}… is not the prepared one",
            )


def _isd_r_mismatch(step: ScriptStep, response: ResponseApdu) -> InstallError:
    """Tell a script that came too late from wrong keys; nothing has changed on the card."""
    if step.expected is None or len(response.data) != len(step.expected) or response.sw != 0x9000:
        return InstallError("failed", f"ISD-R authentication: status word {response.sw:04X}")
    expected = int.from_bytes(step.expected[_COUNTER_AT:], "big")
    found = int.from_bytes(response.data[_COUNTER_AT:], "big")
    if expected != found:
        return InstallError(
            "stale", f"ISD-R counter is {found:06X}, the image expects {expected:06X}"
        )
    return InstallError("failed", "ISD-R authentication: the keys are not those of this eSIM")
