"""A private PC/SC service for each test process; libpcsclite reads its address once a process."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from hil.bench.pcscd import PrivatePcscd, missing


@pytest.fixture(scope="session")
def pcscd() -> Iterator[PrivatePcscd]:
    if lacking := missing():
        pytest.skip(f"no private PC/SC service: {lacking[0]}")
    with PrivatePcscd.start(3) as service:
        before = os.environ.get("PCSCLITE_CSOCK_NAME")
        os.environ.update(service.environment)
        yield service
        if before is None:
            del os.environ["PCSCLITE_CSOCK_NAME"]
        else:
            os.environ["PCSCLITE_CSOCK_NAME"] = before
