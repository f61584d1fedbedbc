"""OVP and OCP of the DP800 family, under both of their headers.

``[:SOURce<n>]:VOLTage:PROTection…`` addresses by suffix, ``:OUTPut:OVP…`` by ``CHn``; the same for
CURRent and OCP. A trip says ``YES``; clearing it leaves the output off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hil.virtual.power_supply import parameters
from hil.virtual.power_supply.instrument import Call, Handler
from hil.virtual.power_supply.levels import Level, leading_channel, only_channel
from hil.virtual.power_supply.output import Output
from hil.virtual.power_supply.protection import Protection
from hil.virtual.power_supply.ratings import Range
from hil.virtual.power_supply.scpi_errors import ScpiError
from hil.virtual.power_supply.tree import CommandTree

Pick = Callable[[Output], Protection]


def add_protections(tree: CommandTree[Handler]) -> None:
    """Teach ``tree`` every header of OVP and OCP."""

    def ovp(output: Output) -> Protection:
        return output.ovp

    def ocp(output: Output) -> Protection:
        return output.ocp

    ovp_level = Level("V", 3, _ovp_range, lambda o: o.ovp.level or 0.0, _program(ovp))
    ocp_level = Level("A", 4, _ocp_range, lambda o: o.ocp.level or 0.0, _program(ocp))
    _add(tree, "VOLTage", "OVP", ovp_level, ovp)
    _add(tree, "CURRent", "OCP", ocp_level, ocp)


def _ovp_range(output: Output) -> Range:
    return output.ratings.ovp_volts


def _ocp_range(output: Output) -> Range:
    limits = output.ratings.ocp_amps
    if limits is None:
        raise ScpiError(-241)
    return limits


def _add(tree: CommandTree[Handler], quantity: str, name: str, level: Level, pick: Pick) -> None:
    source = _Handlers(pick, by_suffix=True)
    header = f"[:SOURce<n>]:{quantity}:PROTection"
    tree.add(f"{header}[:LEVel]", command=level.set, query=level.query)
    tree.add(f"{header}:STATe", command=source.enable, query=source.enabled)
    tree.add(f"{header}:TRIPped", query=source.tripped)
    tree.add(f"{header}:CLEar", command=source.clear)

    output = _Handlers(pick, by_suffix=False)
    header = f"OUTPut:{name}"
    tree.add(f"{header}[:STATe]", command=output.enable, query=output.enabled)
    tree.add(f"{header}:VALue", command=level.set_by_channel, query=level.query_by_channel)
    tree.add(f"{header}:QUES", query=output.tripped)
    tree.add(f"{header}:ALAR", query=output.tripped)
    tree.add(f"{header}:CLEar", command=output.clear)


def _program(pick: Pick) -> Callable[[Call, Output, float], None]:
    def program(call: Call, output: Output, value: float) -> None:
        output.protect(call.supply.clock(), pick(output), level=value)

    return program


@dataclass(frozen=True, slots=True)
class _Handlers:
    """What can be asked of one protection, addressed by header suffix or by ``CHn``."""

    pick: Pick
    by_suffix: bool

    def enable(self, call: Call) -> str:
        if self.by_suffix:
            call.expect(1)
        output = call.output() if self.by_suffix else leading_channel(call)
        enabled = parameters.switch(call.parameters[-1])
        output.protect(call.supply.clock(), self.pick(output), enabled=enabled)
        return ""

    def enabled(self, call: Call) -> str:
        return call.supply.manners.switch(self.pick(self._output(call)).enabled)

    def tripped(self, call: Call) -> str:
        return "YES" if self.pick(self._output(call)).tripped else "NO"

    def clear(self, call: Call) -> str:
        output = self._output(call)
        output.clear_trip(
            call.supply.clock(), self.pick(output), restore=call.supply.manners.clear_restores
        )
        return ""

    def _output(self, call: Call) -> Output:
        if not self.by_suffix:
            return only_channel(call)
        call.expect(0)
        return call.output()
