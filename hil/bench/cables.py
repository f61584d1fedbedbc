"""The bench file's words for cables, lines and limits of error, as the power supply takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hil.bench.config import (
        AccuracySection,
        AmpsAccuracySection,
        ChannelSection,
        PowerSupplySection,
    )
    from hil.equipment.power_supply import CableLimits, SerialLine
    from hil.equipment.power_supply.ratings import StatedAccuracy


def limits_of(section: PowerSupplySection) -> dict[int, CableLimits]:
    """Return the limits of each channel's cable, by channel number."""
    return {one.channel: cable_of(one) for one in section.channels.by_name.values()}


def cable_of(channel: ChannelSection) -> CableLimits:
    """Return the limits of one channel's cable."""
    from hil.equipment.power_supply import CableLimits  # noqa: PLC0415

    return CableLimits(
        max_volts=channel.max_voltage,
        max_amps=channel.max_current,
        ovp_volts=channel.ovp,
        ocp_amps=channel.ocp,
        without_ovp=channel.without_ovp or "",
        without_ocp=channel.without_ocp or "",
        ocp_delay_s=channel.ocp_delay,
    )


def serial_line_of(section: PowerSupplySection) -> SerialLine | None:
    """Return how the serial line is set; None as the model has it."""
    line = section.serial_line
    if line is None:
        return None
    from hil.equipment.power_supply import SerialLine  # noqa: PLC0415

    return SerialLine(
        baudrate=line.baudrate,
        data_bits=line.data_bits,
        parity=line.parity,
        stop_bits=line.stop_bits,
        flow_control=line.flow_control,
    )


def accuracy_of(section: PowerSupplySection) -> StatedAccuracy | None:
    """Return the limits of error that the bench states; None as the model has them."""
    stated = section.accuracy
    if stated is None:
        return None
    from hil.equipment.power_supply.ratings import Accuracy, StatedAccuracy  # noqa: PLC0415

    def limit(one: AccuracySection | AmpsAccuracySection) -> Accuracy:
        return Accuracy(one.relative, one.offset)

    return StatedAccuracy(
        set_volts=limit(stated.set_volts),
        set_amps=limit(stated.set_amps),
        read_volts=limit(stated.read_volts),
        read_amps=limit(stated.read_amps),
        source=stated.source,
    )


def waivers_of(section: PowerSupplySection) -> str:
    """Return the protections that channels go without, with their reasons; "" if there is none."""
    return "; ".join(
        f"{name} WITHOUT {what}: {reason}"
        for name, one in section.channels.by_name.items()
        for what, reason in (("OVP", one.without_ovp), ("OCP", one.without_ocp))
        if reason
    )
