"""The lab-config model: what one bench file may say. Strict: an unknown key is an error.

Each part is real or virtual by which of its keys stands in the file (``visa`` or ``virtual``,
``serial`` or ``virtual``, …). Nobody but the launcher looks at that.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from hil.bench.calibration_file import CalibrationSection
from hil.bench.manner import Manner
from hil.bench.product_section import LaboratorySection, ProductSection
from hil.bench.quantity import Amps, Fraction, Ohms, Seconds, Volts
from hil.bench.servers_section import ServersSection
from hil.documents.section import Section, exactly_one, wrong


def _pattern(value: object) -> str:
    if not isinstance(value, str):
        raise wrong("a regular expression is expected, in quotes")
    try:
        re.compile(value)
    except re.error as err:
        raise wrong(f"'{value[:60]}' is not a regular expression: {err}") from None
    return value


Pattern = Annotated[
    str, BeforeValidator(_pattern), WithJsonSchema({"type": "string", "format": "regex"})
]
Seed = Annotated[int, Field(ge=0, le=2**32)]
Reason = Annotated[str, Field(min_length=5, max_length=200)]


class ChannelSection(Section):
    """One output of the supply and the limits of the cable on it; no test can raise them."""

    channel: int = Field(ge=1, le=8, description="number of the output on the instrument")
    max_voltage: Volts = Field(description="most volts the cable and what hangs on it may see")
    max_current: Amps = Field(description="most amperes the cable and what hangs on it may see")
    ovp: Volts | None = Field(
        default=None, description="over-voltage protection, set and read back before 'on'"
    )
    ocp: Amps | None = Field(
        default=None, description="over-current protection, set and read back before 'on'"
    )
    without_ovp: Reason | None = Field(
        default=None, description="in the place of 'ovp': why it is safe without, for the report"
    )
    without_ocp: Reason | None = Field(default=None, description="the same in the place of 'ocp'")
    ocp_delay: Seconds | None = Field(
        default=None, ge=0, le=60, description="how long the OCP lets a current pass"
    )
    lead_resistance: Ohms = Field(default=0.0, description="of both leads together")
    lead_tolerance: Fraction = Field(default=0.2, description="how well that is known")
    series_resistance: Ohms = Field(
        default=0.0, description="of a resistor put into a lead, to be the source's impedance"
    )
    series_tolerance: Fraction = Field(default=0.01, description="how well that is known")

    @property
    def ohms_to_pin(self) -> float:
        """What lies between the output's terminals and the pin: both leads and the resistor."""
        return self.lead_resistance + self.series_resistance

    @model_validator(mode="after")
    def _protection_above_limits(self) -> Self:
        exactly_one(self, "ovp", "without_ovp")
        exactly_one(self, "ocp", "without_ocp")
        if self.ovp is not None and self.ovp < self.max_voltage:
            raise wrong(f"ovp ({self.ovp:g} V) is below max_voltage ({self.max_voltage:g} V)")
        if self.ocp is not None and self.ocp < self.max_current:
            raise wrong(f"ocp ({self.ocp:g} A) is below max_current ({self.max_current:g} A)")
        return self


class RailSection(ChannelSection):
    """The output that feeds the device."""

    nominal: Volts = Field(description="voltage that powers the device")
    current_limit: Amps = Field(description="current limit while the device runs")
    minimum: Volts | None = Field(
        default=None, description="lowest voltage at which the device has to work"
    )

    @model_validator(mode="after")
    def _nominal_within_limits(self) -> Self:
        if self.minimum is not None and self.minimum > self.nominal:
            raise wrong(f"minimum ({self.minimum:g} V) is above nominal ({self.nominal:g} V)")
        if self.nominal > self.max_voltage:
            raise wrong(
                f"nominal ({self.nominal:g} V) is above max_voltage ({self.max_voltage:g} V)"
            )
        if self.current_limit > self.max_current:
            raise wrong(
                f"current_limit ({self.current_limit:g} A) is above "
                f"max_current ({self.max_current:g} A)"
            )
        return self


class Channels(Section):
    """Which output of the supply feeds what."""

    jig: ChannelSection | None = Field(default=None, description="feeds the jig pin of the device")
    rail: RailSection | None = Field(default=None, description="powers the device")
    neighbour: ChannelSection | None = Field(
        default=None, description="feeds the pin beside the jig pin"
    )

    @property
    def by_name(self) -> dict[str, ChannelSection]:
        """The channels that are used, by what they feed."""
        all_of_them = {"jig": self.jig, "rail": self.rail, "neighbour": self.neighbour}
        return {name: one for name, one in all_of_them.items() if one is not None}

    @model_validator(mode="after")
    def _apart(self) -> Self:
        taken: dict[int, str] = {}
        for name, one in self.by_name.items():
            if one.channel in taken:
                raise wrong(f"{taken[one.channel]} and {name} are both on channel {one.channel}")
            taken[one.channel] = name
        return self


class VirtualSupply(Section):
    """A virtual supply in the place of the instrument."""

    model: Literal["DP832", "E36312A", "KA3005P"] | None = Field(
        default=None, description="which one; as power_supply.model says, or a DP832 for 'auto'"
    )
    way: Literal["socket", "hislip", "serial"] | None = Field(
        default=None, description="how it is reached, if not by the model's own way"
    )
    serial: str | None = Field(default=None, description="serial number it gives on *IDN?")
    seed: Seed = Field(default=1, description="seed of its errors, noise and drift")


class WatchdogSection(Section):
    """The process that switches the supply off when the run no longer can."""

    silence: Seconds = Field(
        default=1.5, ge=0.5, le=2.5, description="without a sign of life for so long, it acts"
    )
    retry: Seconds = Field(
        default=60.0, gt=0, description="so long it goes on trying where the link is away"
    )
    waived: str | None = Field(
        default=None, min_length=10, description="run without it, for this reason"
    )


class SerialLineSection(Section):
    """How the supply's serial line is set, if not as its maker ships it."""

    baudrate: int = Field(default=9600, ge=300, le=4_000_000)
    data_bits: Literal[7, 8] = 8
    parity: Literal["none", "even", "odd"] = "none"
    stop_bits: Literal[1, 2] = 1
    flow_control: Literal["none", "rts-cts", "dtr-dsr", "xon-xoff"] = "none"


class AccuracySection(Section):
    """A data sheet's limit of error: a part of the reading, and a constant."""

    relative: Fraction = Field(description="part of the reading")
    offset: Volts = Field(description="the same at any reading: part of the range")


class AmpsAccuracySection(Section):
    """The same of a current."""

    relative: Fraction = Field(description="part of the reading")
    offset: Amps = Field(description="the same at any reading: part of the range")


class SupplyAccuracySection(Section):
    """The limits of error of this supply, in the place of those its model comes with."""

    source: Reason = Field(description="where they stand: data sheet and page, or certificate")
    set_volts: AccuracySection = Field(description="of an output's voltage as it is set")
    set_amps: AmpsAccuracySection = Field(description="of a current limit as it is set")
    read_volts: AccuracySection = Field(description="of a voltage as it is read back")
    read_amps: AmpsAccuracySection = Field(description="of a current as it is read back")


class PowerSupplySection(Section):
    """The programmable power supply: instrument, cables, calibration."""

    model: str = Field(
        default="auto", description="instrument model, such as DP832; 'auto': as it says itself"
    )
    visa: str | None = Field(default=None, description="VISA resource, as 'hil discover' prints it")
    virtual: VirtualSupply | None = None
    serial: str | None = Field(default=None, description="serial number the instrument must have")
    serial_line: SerialLineSection | None = Field(
        default=None, description="how a serial line is set, if not as the model ships"
    )
    calibration: CalibrationSection | None = None
    accuracy: SupplyAccuracySection | None = Field(
        default=None, description="its limits of error, if not as its model comes with"
    )
    timeout: Seconds = Field(default=2.0, gt=0, description="longest wait for one answer")
    command_time: Seconds | None = Field(
        default=None,
        ge=0,
        description="from an answer until the output moves, as measured on this unit",
    )
    watchdog: WatchdogSection = Field(default_factory=WatchdogSection)
    channels: Channels

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        exactly_one(self, "visa", "virtual")
        return self


class MultimeterSection(Section):
    """A digital multimeter at the jig pin: it reads the volts in the supply's place."""

    visa: str = Field(description="VISA resource, as 'hil discover' prints it")
    identity: Pattern = Field(description="regular expression that its *IDN? must match")
    query: str = Field(default="MEAS:VOLT:DC?", description="what it answers with volts")
    accuracy: AccuracySection
    resolution: Volts = Field(default=1e-5, description="its last digit")
    calibration: CalibrationSection | None = None
    timeout: Seconds = Field(default=5.0, gt=0, description="longest wait for one answer")


class PcscReader(Section):
    """A card in a PC/SC reader."""

    reader: Pattern = Field(description="regular expression; exactly one reader must match")


class AtCard(Section):
    """The card inside the device, reached over the device's AT port (AT+CSIM)."""


class VirtualCardSection(Section):
    """A virtual eUICC in the place of the card."""

    behind: Literal["pcsc", "in-process"] = Field(
        "pcsc", description="'pcsc': in a private pcscd with vpcd; 'in-process': without PC/SC"
    )
    memory: int = Field(default=500_000, ge=1_000, le=16_000_000, description="bytes for profiles")
    protocol: Literal["T=0", "T=1"] = "T=0"


class CardSection(Section):
    """The eUICC and the way to it."""

    pcsc: PcscReader | None = None
    at: AtCard | None = None
    virtual: VirtualCardSection | None = None
    timeout: Seconds = Field(default=10.0, gt=0, description="longest wait for one answer")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        exactly_one(self, "pcsc", "at", "virtual")
        return self


class SerialPort(Section):
    """The serial port of a device on the bench."""

    port: str = Field(description="device file; best a stable /dev/serial/by-id/ path")
    baudrate: int = Field(default=115_200, ge=300, le=4_000_000)
    dialect: str | None = Field(
        default=None, description="AT dialect file of this device, if not ours"
    )


class VirtualDevice(Section):
    """A virtual device in the place of the device under test."""

    imei: str = Field(default="490154203237518", pattern=r"^\d{15}$")
    msisdn: str = Field(default="15550100001", pattern=r"^\d{3,20}$")
    wireless: bool = Field(default=False, description="offer the same line over TCP as well")
    config: dict[str, bool | int | float | str] = Field(
        default_factory=dict, description="further configuration of the virtual device"
    )
    seed: Seed = Field(default=1, description="draws the noise of its jig pin's converter")
    jig_defect: str | None = Field(
        default=None, description="plants a defect in its jig pin, for tests of the tests"
    )


class WirelessLink(Section):
    """A second way to the device's line, without a cable."""

    url: str = Field(
        pattern=r"^socket://[^\s/]+:\d+$", description="socket://host:port of a serial bridge"
    )


class DeviceSection(Section):
    """The device under test and how it is spoken to."""

    serial: SerialPort | None = None
    virtual: VirtualDevice | None = None
    wireless: WirelessLink | None = Field(
        default=None, description="a second link to a device on 'serial'"
    )
    life: Literal["development", "commercial"] = Field(
        default="commercial", description="life state; it decides which signing key is trusted"
    )
    manner: Manner = Field(default="key-set", description="how device and server authenticate")
    boot_timeout: Seconds = Field(default=20.0, gt=0, description="longest wait for a boot")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        exactly_one(self, "serial", "virtual")
        if self.wireless and self.virtual:
            raise wrong("'wireless' needs 'serial': a virtual device has 'virtual.wireless'")
        return self


class VirtualNetwork(Section):
    """A virtual SMS centre and the air between it and the virtual device (modelled)."""

    latency: Seconds = Field(default=0.0, description="delay of each short message; modelled")
    seed: Seed = 1


class NetworkSection(Section):
    """The way over the air."""

    virtual: VirtualNetwork


class Reference(Section):
    """Where a file's content is: a path beside the bench file, or an environment variable."""

    file: str | None = None
    env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        exactly_one(self, "file", "env")
        return self


class KeySetReferences(Section):
    """Where the key sets are. Never the keys themselves."""

    euicc: Reference | None = Field(default=None, description="what the eUICC maker personalised")
    device: Reference | None = Field(default=None, description="key set of the device")
    servers: Reference | None = Field(
        default=None, description="signing keys and links of the servers"
    )
    network: Reference | None = Field(
        default=None, description="subscribers of the lab's test network, with their keys"
    )


class ProfilesSection(Section):
    """Profile packages of GSMA TS.48; without them a package of the same structure is made."""

    ts48: str = Field(description="a .der file, or a folder of them")


class FileReference(Section):
    """A file beside the bench file."""

    file: str


class BenchFile(Section):
    """One bench: what stands on it and how to reach it."""

    schema_version: Literal[1] = Field(alias="schema", description="version of this file format")
    description: str = ""
    power_supply: PowerSupplySection | None = None
    multimeter: MultimeterSection | None = None
    jig: FileReference | None = Field(default=None, description="file in jigs/")
    card: CardSection | None = None
    device: DeviceSection | None = None
    network: NetworkSection | None = None
    servers: ServersSection | None = None
    key_sets: KeySetReferences = KeySetReferences()
    profiles: ProfilesSection | None = None
    product: ProductSection | None = Field(default=None, description="the item under test")
    laboratory: LaboratorySection | None = Field(default=None, description="who tests, and where")
    waivers: str | None = Field(default=None, description="known issues, a file in waivers/")
    decision_rule: Literal["guarded", "simple"] = Field(
        default="guarded", description="how measured values are compared with their limits"
    )

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        channels = self.power_supply.channels if self.power_supply else None
        if self.jig and not (channels and channels.jig):
            raise wrong("'jig' needs power_supply.channels.jig to feed it")
        if self.multimeter and not (channels and channels.jig):
            raise wrong("'multimeter' reads the jig pin: it needs power_supply.channels.jig")
        if self.card and self.card.at and not self.device:
            raise wrong("'card.at' needs a 'device' that holds the card")
        if self.network and not (self.device and self.device.virtual):
            raise wrong("'network.virtual' needs 'device.virtual': real devices have real air")
        for part, keys in (("card", "euicc"), ("device", "device"), ("servers", "servers")):
            section = getattr(self, part)
            virtual = part == "servers" or getattr(section, "virtual", None) is not None
            if section is not None and virtual and getattr(self.key_sets, keys) is None:
                raise wrong(f"'{part}' needs 'key_sets.{keys}'")
        return self
