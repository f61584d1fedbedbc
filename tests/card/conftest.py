"""A private PC/SC service for each test process; libpcsclite reads its address once a process."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator

import pytest

from hil.bench.pcscd import MAX_READERS, PrivatePcscd, missing
from hil.equipment.card import CardRemovedError, NoCardError
from hil.equipment.card.pcsc import PcscTransport

_TURN = itertools.count()


@pytest.fixture(scope="session")
def pcscd() -> Iterator[PrivatePcscd]:
    if lacking := missing():
        pytest.skip(f"no private PC/SC service: {lacking[0]}")
    with PrivatePcscd.start(MAX_READERS) as service:
        before = os.environ.get("PCSCLITE_CSOCK_NAME")
        os.environ.update(service.environment)
        yield service
        if before is None:
            del os.environ["PCSCLITE_CSOCK_NAME"]
        else:
            os.environ["PCSCLITE_CSOCK_NAME"] = before


@pytest.fixture
def reader(pcscd: PrivatePcscd) -> int:
    """The number of an empty reader, another one each time: a removal takes 400 ms to be seen."""
    number = next(_TURN) % MAX_READERS
    probe = PcscTransport(pcscd.reader_patterns[number])
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            probe.connect(timeout_s=0.0)
        except (NoCardError, CardRemovedError):
            return number
        finally:
            probe.disconnect()
        time.sleep(0.02)
    raise AssertionError(f"reader {number} still shows a card")
