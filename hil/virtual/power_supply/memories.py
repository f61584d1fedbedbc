"""``*SAV`` and ``*RCL``: what a supply keeps of its outputs (IEEE 488.2, 10.33 and 10.29)."""

from __future__ import annotations

from hil.virtual.power_supply import parameters
from hil.virtual.power_supply.instrument import Call, Handler, SavedState
from hil.virtual.power_supply.scpi_errors import ScpiError
from hil.virtual.power_supply.tree import CommandTree


def add_memories(tree: CommandTree[Handler], count: int) -> None:
    """Teach ``tree`` to save and recall, in memories 1 to ``count``."""

    def save(call: Call) -> str:
        call.expect(1)
        memory = parameters.integer(call.parameters[0], 1, count)
        call.supply.saved[memory] = {
            n: SavedState(output.volts, output.amps) for n, output in call.supply.outputs.items()
        }
        return ""

    def recall(call: Call) -> str:
        call.expect(1)
        memory = parameters.integer(call.parameters[0], 1, count)
        if memory not in call.supply.saved:
            raise ScpiError(-230)
        for number, state in call.supply.saved[memory].items():
            output = call.supply.outputs[number]
            output.program(call.supply.clock(), volts=state.volts, amps=state.amps)
        return ""

    tree.add("*SAV", command=save)
    tree.add("*RCL", command=recall)
