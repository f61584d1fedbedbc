"""The commands every SCPI supply has: IEEE 488.2 common commands, SYSTem and STATus."""

from __future__ import annotations

from collections.abc import Callable

from hil.virtual.power_supply import parameters
from hil.virtual.power_supply.instrument import Call, Handler
from hil.virtual.power_supply.scpi_errors import TEXTS, ScpiError
from hil.virtual.power_supply.status import OPERATION_COMPLETE, Register
from hil.virtual.power_supply.tree import CommandTree


def add_common_commands(tree: CommandTree[Handler]) -> None:
    """Teach ``tree`` the common commands, SYSTem:ERRor, SYSTem:VERSion and STATus."""
    tree.add("*CLS", command=_plain(lambda call: call.supply.status.clear()))
    tree.add("*RST", command=_plain(lambda call: call.supply.reset()))
    tree.add("*WAI", command=_plain(lambda _: None))
    tree.add("*OPC", command=_plain(_operation_complete), query=_reply(lambda _: "1"))
    tree.add("*IDN", query=_reply(lambda call: call.supply.identity))
    tree.add("*OPT", query=_reply(lambda call: call.supply.ratings.options))
    tree.add("*STB", query=_reply(lambda call: str(call.supply.status.byte)))
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
    tree.add("SYSTem:VERSion", query=_reply(lambda _: "1999.0"))
    tree.add("STATus:PRESet", command=_plain(lambda call: call.supply.status.preset()))
    _add_register(tree, "STATus:OPERation", lambda call: call.supply.status.operation)
    _add_register(tree, "STATus:QUEStionable", lambda call: call.supply.status.questionable)
    _add_register(
        tree, "STATus:QUEStionable:INSTrument", lambda call: call.supply.status.instrument
    )
    _add_register(tree, "STATus:QUEStionable:INSTrument:ISUMmary<n>", _channel_register)


def _add_register(
    tree: CommandTree[Handler], header: str, register: Callable[[Call], Register]
) -> None:
    def enable(call: Call) -> str:
        call.expect(1)
        register(call).enable = parameters.integer(call.parameters[0], 0, 0xFFFF) & 0x7FFF
        return ""

    tree.add(f"{header}[:EVENt]", query=_reply(lambda call: str(register(call).take_event())))
    tree.add(f"{header}:CONDition", query=_reply(lambda call: str(register(call).condition)))
    tree.add(
        f"{header}:ENABle", command=enable, query=_reply(lambda call: str(register(call).enable))
    )


def _channel_register(call: Call) -> Register:
    number = call.suffixes[-1]
    registers = call.supply.status.channels
    if (number or 1) not in registers:
        raise ScpiError(-114)
    return registers[number or 1]


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


def _operation_complete(call: Call) -> None:
    # Commands are done one after the other, so nothing is ever pending.
    call.supply.status.standard_event |= OPERATION_COMPLETE


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
    return f'{code},"{TEXTS[code]}"'
