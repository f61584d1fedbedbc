"""The authentication centre: who subscribes to this network, and challenges for them.

Subscribers come from a file, as an MNO hands them over: ``{"plmn": "00101", "subscribers":
[{"imsi": …, "algorithm": "milenage", "k": hex, "opc": hex, "amf": hex, "sqn": number}]}``. ``tuak``
has ``topc`` in the place of ``opc``, ``xor`` (the test algorithm) neither. ``amf`` is 8000 and
``sqn``, the last sequence number used, 0 by default.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hil.errors import CodecError, ConfigError
from hil.wire.aka import (
    AkaAlgorithm,
    AuthenticationVector,
    Milenage,
    Tuak,
    XorTestAlgorithm,
    next_sqn,
    read_auts,
)
from hil.wire.aka.vectors import SEPARATION_AMF

_IMSI: Final = re.compile(r"\d{6,15}")
_PLMN: Final = re.compile(r"\d{5,6}")
_KEYS: Final = frozenset({"imsi", "algorithm", "k", "opc", "topc", "amf", "sqn"})
_CONSTANT: Final = {"milenage": "opc", "tuak": "topc", "xor": None}
_MAX_SQN: Final = (1 << 48) - 1


@dataclass(slots=True)
class NetworkSubscriber:
    """One subscriber; ``sqn`` is the last sequence number used in a challenge."""

    imsi: str
    algorithm: AkaAlgorithm = field(repr=False)
    amf: bytes = SEPARATION_AMF
    sqn: int = 0


class AuthenticationCentre:
    """Makes challenges with the key of a subscriber; the key leaves it in no other way."""

    def __init__(
        self,
        plmn: str,
        subscribers: Iterable[NetworkSubscriber] = (),
        *,
        rand: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.plmn = plmn
        self._known = {one.imsi: one for one in subscribers}
        self._rand = rand

    def challenge(self, imsi: str) -> AuthenticationVector | None:
        """Return a challenge with a sequence number of its own; None for an unknown IMSI."""
        known = self._known.get(imsi)
        if known is None:
            return None
        known.sqn = next_sqn(known.sqn)
        return AuthenticationVector.make(known.algorithm, self._rand(16), known.sqn, known.amf)

    def resynchronise(self, imsi: str, rand: bytes, auts: bytes) -> None:
        """Take over the card's sequence number (3GPP TS 33.102, 6.3.5).

        Raises AkaError if the MAC of AUTS is wrong; then nothing has changed.
        """
        known = self._known[imsi]
        known.sqn = max(known.sqn, read_auts(known.algorithm, rand, auts))


def load_centre(path: Path) -> AuthenticationCentre:
    """Read a subscriber file; ConfigError tells what is wrong, never a key."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise ConfigError(f"subscriber file {path}: {err}") from err
    if not isinstance(raw, dict) or set(raw) != {"plmn", "subscribers"}:
        raise ConfigError(f"subscriber file {path}: has 'plmn' and 'subscribers', nothing else")
    plmn, rows = raw["plmn"], raw["subscribers"]
    if not isinstance(plmn, str) or not _PLMN.fullmatch(plmn):
        raise ConfigError(f"subscriber file {path}: 'plmn' has 5 or 6 digits, such as 00101")
    if not isinstance(rows, list):
        raise ConfigError(f"subscriber file {path}: 'subscribers' is a list")
    found = [_subscriber(row, f"subscriber file {path}: entry {n}") for n, row in enumerate(rows)]
    if len({one.imsi for one in found}) != len(found):
        raise ConfigError(f"subscriber file {path}: an IMSI stands there twice")
    return AuthenticationCentre(plmn, found)


def _subscriber(row: object, where: str) -> NetworkSubscriber:
    if not isinstance(row, dict) or not set(row) <= _KEYS:
        raise ConfigError(f"{where} has {', '.join(sorted(_KEYS))} and nothing else")
    imsi, sqn = row.get("imsi"), row.get("sqn", 0)
    if not isinstance(imsi, str) or not _IMSI.fullmatch(imsi):
        raise ConfigError(f"{where}: an IMSI has 6 to 15 digits")
    if isinstance(sqn, bool) or not isinstance(sqn, int) or not 0 <= sqn <= _MAX_SQN:
        raise ConfigError(f"{where}: 'sqn' is a number of 48 bits")
    amf = _octets(row, "amf", where) if "amf" in row else SEPARATION_AMF
    if len(amf) != len(SEPARATION_AMF):
        raise ConfigError(f"{where}: 'amf' has 4 hex digits")
    return NetworkSubscriber(imsi, _algorithm(row, where), amf, sqn)


def _algorithm(row: dict[str, Any], where: str) -> AkaAlgorithm:
    name = row.get("algorithm", "milenage")
    if name not in _CONSTANT:
        raise ConfigError(f"{where}: 'algorithm' is one of {', '.join(_CONSTANT)}")
    try:
        k = _octets(row, "k", where)
        if name == "tuak":
            return Tuak(k, _octets(row, "topc", where))
        if name == "xor":
            return XorTestAlgorithm(k)
        return Milenage(k, _octets(row, "opc", where))
    except CodecError as err:
        raise ConfigError(f"{where}: {err}") from None


def _octets(row: dict[str, Any], name: str, where: str) -> bytes:
    try:
        return bytes.fromhex(row.get(name) or "-")
    except (ValueError, TypeError):
        raise ConfigError(f"{where}: '{name}' is hex digits") from None
