"""Large orders: how many profiles a second an SM-DP makes, and whether its memory stays the same.

A small order and a large one, each in a process of its own with stores on disk, to a receiver that
reads packets and keeps none. Rate: from the order to packets that are stored and sent, in processor
time; MNO and eUICC maker work in the same process and are counted too; the work of the receiver is
not. Memory: the largest resident set.
"""

from __future__ import annotations

import json
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec

from hil.provisioning.batches import MAX_BATCH, BatchReceipt
from hil.provisioning.door import PeerDoor
from hil.provisioning.eum import EuiccMaker
from hil.provisioning.links import LocalEum, PacketReceipt
from hil.provisioning.mno import Mno
from hil.provisioning.numbering import NumberPlan
from hil.provisioning.orders import ProfileRequest, Route, RoutingInformation
from hil.provisioning.reception import FirstInterface, PacketReception
from hil.provisioning.sm_dp import SmDp
from hil.provisioning.store import Store
from hil.provisioning.trust import Peer, PeerKeySet, Principal, Role
from hil.wire.identifiers import eid_check_digits, isd_p_aid
from hil.wire.packets import PacketSet

SMALL: Final = 100
LARGE: Final = 10_000
RATE_LIMIT: Final = 200.0
MEMORY_LIMIT: Final = 1.2
_TIMEOUT_S: Final = 900.0

Row = dict[str, Any]


def run() -> list[Row]:
    """Return the rows of this benchmark."""
    small, large = _measured(SMALL), _measured(LARGE)
    per_second = LARGE / large["cpu_s"]
    ratio = large["peak_mb"] / small["peak_mb"]
    return [
        {
            "name": "SM-DP, order to packets",
            "value": per_second,
            "unit": "profiles/s a core",
            "reference": None,
            "ratio": None,
            "limit": RATE_LIMIT,
            "ok": per_second >= RATE_LIMIT,
            "note": f"order of {LARGE}, processor time; the limit is a minimum",
        },
        {
            "name": f"memory of an order of {LARGE} profiles",
            "value": large["peak_mb"],
            "unit": "MB",
            "reference": small["peak_mb"],
            "ratio": ratio,
            "limit": MEMORY_LIMIT,
            "ok": ratio <= MEMORY_LIMIT,
            "note": f"reference: order of {SMALL}; MNO, eUICC maker and SM-DP in one process",
        },
    ]


class _Taker(FirstInterface):
    """A receiver that reads packets and keeps nothing; ``cpu_s`` is what its reading cost."""

    cpu_s = 0.0

    def reserve_isdps(self, session: str, places: Sequence[tuple[str, str]]) -> tuple[bytes, ...]:  # noqa: ARG002
        """Return one ISD-P for all: each eUICC gets one profile."""
        return (isd_p_aid(0x100),) * len(places)

    def deliver_many(self, session: str, raws: Sequence[bytes]) -> BatchReceipt:  # noqa: ARG002
        """Confirm what was sent."""
        began = time.process_time()
        sets = [PacketSet.decode(raw) for raw in raws]
        receipts = (PacketReceipt(one.iccid, one.digest(), len(one.packets)) for one in sets)
        answer = BatchReceipt(tuple(receipts))
        self.cpu_s += time.process_time() - began
        return answer


def measure(amount: int, folder: Path) -> Row:
    """Carry out one order; return processor seconds and the largest resident set in MB."""
    keys = PeerKeySet(1, *(secrets.token_bytes(16) for _ in range(3)))
    door = PeerDoor("support-1", [Peer("sm-dp-1", Role.SM_DP, keys)])
    maker = EuiccMaker("eum-1", _store(folder, "eum"), ec.generate_private_key(ec.SECP256R1()))
    eids = tuple(_eid(number) for number in range(amount))
    for start in range(0, amount, MAX_BATCH):
        for eid in eids[start : start + MAX_BATCH]:
            maker.produce(_factory(eid))
    mno = Mno(
        "mno-1",
        _store(folder, "mno"),
        routing=RoutingInformation(Route.SUPPORT_SERVER, "support-1"),
        sm_sr="sm-sr-1",
        plan=NumberPlan("8900101", "00101"),
    )
    taker = _Taker(PacketReception(door, _store(folder, "support")))
    sm_dp = SmDp(
        "sm-dp-1",
        _store(folder, "sm-dp"),
        mnos={"mno-1": mno},
        eum=LocalEum(maker, Principal("sm-dp-1", Role.SM_DP)),
        receivers={"support-1": taker},
        keys={"support-1": keys},
    )
    began = time.process_time()
    order_id = sm_dp.begin(ProfileRequest(amount=amount, targets=eids), "operator-1").order_id
    while sm_dp.bulk.progress(order_id).state == "running":
        sm_dp.bulk.work()
    cpu_s = time.process_time() - began - taker.cpu_s
    done = sm_dp.bulk.progress(order_id)
    if (done.state, done.delivered) != ("delivered", amount):
        raise RuntimeError(f"order ended {done.state} with {done.delivered}: {done.reason}")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu_s": cpu_s, "peak_mb": peak_mb}


def _measured(amount: int) -> Row:
    with tempfile.TemporaryDirectory(prefix="hil-") as folder:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.bulk", str(amount), folder],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"order of {amount} profiles: {done.stderr[-500:]}")
    row: Row = json.loads(done.stdout)
    return row


def _store(folder: Path, name: str) -> Store:
    return Store(f"sqlite:///{folder / name}.db")


def _eid(number: int) -> str:
    body = f"8904903200000000{number:014d}"
    return body + eid_check_digits(body)


def _factory(eid: str) -> Row:
    def keys(kvn: int) -> Row:
        return {"kvn": kvn} | {name: secrets.token_hex(16) for name in ("enc", "mac", "dek")}

    ota = {"kvn": 1} | {name: secrets.token_hex(16) for name in ("kic", "kid", "dek")}
    return {
        "eid": eid,
        "isd_r": {"scp80": [ota], "scp03": [keys(0x30)]},
        "isd_p_base": keys(0x30),
        "memory": 500_000,
    }


if __name__ == "__main__":
    if sys.argv[1:]:
        count, where = sys.argv[1:]
        print(json.dumps(measure(int(count), Path(where))))
    else:
        for line in run():
            print(json.dumps(line))
