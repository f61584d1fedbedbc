"""The secrets of a bench: what the models of its key files keep out of their ``repr``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import TYPE_CHECKING

from pydantic import BaseModel

if TYPE_CHECKING:
    from hil.bench.lab import Lab


def secrets_of(lab: Lab) -> dict[str, bytes]:
    """Return every secret of the key files of ``lab``, by where it stands, such as ``device.auth``.

    A value that stands in two places is listed once. Key sets that two servers derive for the link
    between them are secrets too.
    """
    files = {
        "device": lab.device_keys,
        "euicc": lab.euicc_keys,
        "network": lab.network_keys,
        "servers": lab.server_keys,
    }
    found: dict[bytes, str] = {}
    for name, file in files.items():
        if file is not None:
            for path, secret in _secrets_in(file, name):
                found.setdefault(secret, path)
    for path, secret in _links(lab):
        found.setdefault(secret, path)
    return {path: secret for secret, path in found.items() if secret}


def _secrets_in(value: object, path: str) -> Iterator[tuple[str, bytes]]:
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            one, where = getattr(value, name), f"{path}.{name}"
            if field.repr:
                yield from _secrets_in(one, where)
            elif one is not None:
                yield where, one.encode() if isinstance(one, str) else bytes(one)
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from _secrets_in(one, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            yield from _secrets_in(one, f"{path}[{number}]")


def _links(lab: Lab) -> Iterator[tuple[str, bytes]]:
    keys, servers = lab.server_keys, lab.file.servers
    if keys is None or servers is None:
        return
    ids = dict.fromkeys([*servers.actors, servers.line_station, servers.operator])
    for one, other in combinations(filter(None, ids), 2):
        _, *secrets = keys.link(one, other)
        for name, secret in zip(("auth", "mac", "wrap"), secrets, strict=True):
            yield f"link {one}/{other}.{name}", secret
