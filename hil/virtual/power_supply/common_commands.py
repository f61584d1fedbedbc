"""The commands every SCPI supply has: IEEE 488.2 common commands, SYSTem and STATus."""

from __future__ import annotations

from collections.abc import Callable

from hil.virtual.power_supply import parameters
from hil.virtual.power_supply.instrument import Call, Handler
from hil.virtual.power_supply.scpi_errors import TEXTS, ScpiError
from hil.virtual.power_supply.status import (
    ALL_BITS,
    Register,
    RegisterTree,
    Status,
)
from hil.virtual.power_supply.supply import Access
from hil.virtual.power_supply.tree import CommandTree


def add_common_commands(tree: CommandTree[Handler]) -> None:
    """Teach ``tree`` the common commands, SYSTem:ERRor, SYSTem:VERSion and STATus."""
    tree.add("*CLS", command=_plain(_clear))
    tree.add("*RST", command=_plain(lambda call: call.supply.reset()))
    tree.add("*WAI", command=_plain(lambda _: None))
    tree.add(
        "*OPC",
        command=_plain(lambda call: call.supply.complete_once_done()),
        query=_reply(lambda _: "1"),
    )
    tree.add("*IDN", query=_reply(lambda call: call.supply.identity))
    tree.add("*OPT", query=_reply(lambda call: call.supply.ratings.options))
    tree.add("*STB", query=_reply(lambda call: str(call.supply.status.byte())))
    tree.add("*ESR", query=_reply(lambda call: str(call.supply.status.take_standard_event())))
    tree.add(
        "*ESE",
        command=_set_standard_enable,
        query=_reply(lambda call: str(call.supply.status.standard_enable)),
    )
    tree.add(
        "*SRE",
        command=_set_service_enable,
        query=_reply(lambda call: str(call.supply.status.service_enable)),
    )
    tree.add("SYSTem:ERRor[:NEXT]", query=_reply(_next_error))
    tree.add("SYSTem:ERRor:COUNt", query=_reply(lambda call: str(len(call.supply.status.errors))))
    tree.add("SYSTem:VERSion", query=_reply(lambda _: "1999.0"))
    tree.add("STATus:PRESet", command=_plain(lambda call: call.supply.status.preset()))
    for header, branch in (("OPERation", _operation), ("QUEStionable", _questionable)):
        _add_registers(tree, f"STATus:{header}", branch)
    for header, access in (
        ("LOCal", Access.LOCAL),
        ("REMote", Access.REMOTE),
        ("RWLock", Access.LOCKED),
    ):
        tree.add(f"SYSTem:{header}", command=_take_access(access))


Branch = Callable[[Status], RegisterTree]


def _operation(status: Status) -> RegisterTree:
    return status.operation


def _questionable(status: Status) -> RegisterTree:
    return status.questionable


def _add_registers(tree: CommandTree[Handler], header: str, branch: Branch) -> None:
    def channel(call: Call) -> Register:
        number = call.suffixes[-1]
        number = 1 if number is None else number
        registers = branch(call.supply.status).channels
        if number not in registers:
            raise ScpiError(-114)
        return registers[number]

    _add_register(tree, header, lambda call: branch(call.supply.status).top)
    _add_register(tree, f"{header}:INSTrument", lambda call: branch(call.supply.status).instrument)
    _add_register(tree, f"{header}:INSTrument:ISUMmary<n>", channel)


def _add_register(
    tree: CommandTree[Handler], header: str, register: Callable[[Call], Register]
) -> None:
    tree.add(f"{header}[:EVENt]", query=_reply(lambda call: str(register(call).take_event())))
    tree.add(f"{header}:CONDition", query=_reply(lambda call: str(register(call).condition)))
    for name, attribute in (
        ("ENABle", "enable"),
        ("PTRansition", "positive"),
        ("NTRansition", "negative"),
    ):
        tree.add(
            f"{header}:{name}",
            command=_put_mask(register, attribute),
            query=_tell_mask(register, attribute),
        )


def _put_mask(register: Callable[[Call], Register], attribute: str) -> Handler:
    def handler(call: Call) -> str:
        call.expect(1)
        mask = parameters.mask(call.parameters[0], 0xFFFF) & ALL_BITS
        setattr(register(call), attribute, mask)
        return ""

    return handler


def _tell_mask(register: Callable[[Call], Register], attribute: str) -> Handler:
    return _reply(lambda call: str(getattr(register(call), attribute)))


def _take_access(access: Access) -> Handler:
    return _plain(lambda call: call.supply.take_access(access))


def _plain(action: Callable[[Call], None]) -> Handler:
    """Wrap a command that takes no parameter."""

    def handler(call: Call) -> str:
        call.expect(0)
        action(call)
        return ""

    return handler


def _reply(answer: Callable[[Call], str]) -> Handler:
    """Wrap a query that takes no parameter."""

    def handler(call: Call) -> str:
        call.expect(0)
        return answer(call)

    return handler


def _clear(call: Call) -> None:
    # What *OPC waits for is forgotten as well (IEEE 488.2, 10.3).
    call.supply.completing = False
    call.supply.status.clear()


def _set_standard_enable(call: Call) -> str:
    call.expect(1)
    call.supply.status.standard_enable = parameters.integer(call.parameters[0], 0, 255)
    return ""


def _set_service_enable(call: Call) -> str:
    call.expect(1)
    call.supply.status.service_enable = parameters.integer(call.parameters[0], 0, 255) & ~0x40
    return ""


def _next_error(call: Call) -> str:
    code = call.supply.status.errors.pop()
    return call.supply.manners.error(code, TEXTS[code])
