"""A profile whose USIM conceals the IMSI itself, for a home network of the lab's own.

Services 124 and 125 are in its EF.UST, and DF.SAIP has the schemes and keys that it may use.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from hil.wire import tlv
from hil.wire.ecc import P256, PrivateKey
from hil.wire.profile_package.elements import Body, decode, encode
from hil.wire.profile_package.fcp import Fcp, minimal_bytes
from hil.wire.profile_package.files import File, FileElement, FillContent, render
from hil.wire.profile_package.header import ProfileHeader, Service
from hil.wire.profile_package.package import TAGS, PeHeader, join, split
from hil.wire.suci import Scheme, decipher

_SERVICES: Final = (124, 125)
_MANDATORY: Final = (Service.GET_IDENTITY, Service.PROFILE_A_X25519, Service.PROFILE_B_P256)
_UST_SIZE: Final = 17
_SAIP_TEMPLATE: Final = "2.23.143.1.2.14"
_PINS: Final = b"\x81\x01\x0a"
_IDENTIFICATION: Final = 901


@dataclass(frozen=True, slots=True)
class HomeNetwork:
    """A key pair for each scheme; ``identifier`` is the number of the public ones."""

    private_a: bytes = field(repr=False)
    private_b: bytes = field(repr=False)
    identifier: int = 27

    @classmethod
    def new(cls) -> Self:
        """Return one with keys that nobody else has."""
        return cls(secrets.token_bytes(32), PrivateKey.generate(P256).scalar)

    def information(self, *schemes: Scheme) -> bytes:
        """Return the content of EF.SUCI_Calc_Info: these schemes, the preferred first."""
        keys = {
            Scheme.PROFILE_A: X25519PrivateKey.from_private_bytes(self.private_a)
            .public_key()
            .public_bytes_raw(),
            Scheme.PROFILE_B: PrivateKey(P256, self.private_b).public.point,
        }
        chosen = [one for one in schemes if one is not Scheme.NULL]
        listed = b"".join(
            bytes((one, chosen.index(one) + 1 if one in chosen else 0)) for one in schemes
        )
        number = tlv.encode(0x80, bytes((self.identifier,)))
        pairs = b"".join(number + tlv.encode(0x81, keys[one]) for one in chosen)
        return tlv.encode(0xA0, listed) + tlv.encode(0xA1, pairs)

    def reveal(self, output: bytes, scheme: Scheme) -> bytes:
        """Return what a USIM has concealed; :class:`~hil.errors.CodecError` if it is not so."""
        private = self.private_a if scheme is Scheme.PROFILE_A else self.private_b
        return decipher(output, scheme, private)


def with_schemes(package: bytes, information: bytes) -> bytes:
    """Return the package with both services, and DF.SAIP behind the other DFs of its USIM."""
    bodies = [decode(one) for one in split(package)]
    place = next(n for n, one in enumerate(bodies) if _name(one) == "df-5gs") + 1
    bodies[place:place] = [_saip(information)]
    return join([encode(_changed(one)) for one in bodies])


def _name(body: Body) -> str:
    return body.name if isinstance(body, FileElement) else ""


def _changed(body: Body) -> Body:
    if isinstance(body, ProfileHeader):
        return replace(
            body,
            services=(*body.services, *(int(one) for one in _MANDATORY)),
            templates=(*body.templates, _SAIP_TEMPLATE),
        )
    if not isinstance(body, FileElement) or body.name != "usim":
        return body
    old = body.file("ef-ust") or File()
    table = bytearray(render(old.items, _UST_SIZE, b"\x00"))
    for number in _SERVICES:
        table[(number - 1) // 8] |= 1 << (number - 1) % 8
    control = [one for one in old.items if isinstance(one, Fcp)]
    new = FileElement.place(body.tag, "ef-ust", File((*control, FillContent(bytes(table)))))
    return replace(
        body, files=tuple(new if one.position == new.position else one for one in body.files)
    )


def _saip(information: bytes) -> FileElement:
    tag = TAGS["df-saip"]
    directory = File((Fcp(pin_status=_PINS),))
    size = Fcp(size=minimal_bytes(len(information)))
    files = (
        FileElement.place(tag, "df-df-saip", directory),
        FileElement.place(tag, "ef-suci-calc-info-usim", File((size, FillContent(information)))),
    )
    return FileElement(tag, PeHeader(_IDENTIFICATION, mandated=True), _SAIP_TEMPLATE, files)
