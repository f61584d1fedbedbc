"""Files that an operator might add anywhere: every structure, sizes and fills as chance has it."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from hil.wire import tlv
from hil.wire.profile_package import fcp as control
from hil.wire.profile_package.blueprint import MF_ARR
from hil.wire.profile_package.blueprint_mf import MF_PINS
from hil.wire.profile_package.fcp import Fcp, ProprietaryInfo, minimal_bytes
from hil.wire.profile_package.files import (
    FileStep,
    FillContent,
    FillOffset,
    GenericFileManagement,
    SelectPath,
)
from hil.wire.profile_package.package import PeHeader

OPERATOR_DF: Final = b"\x7f\x4f"
_INNER_DF: Final = b"\x5f\x10"
_FIRST_FILE: Final = 0x6F01
_INNER_FILE: Final = 0x4F01
_SECURITY: Final = (2, 5, 10)
_DIRECTORY_RULE: Final = b"\x0e"
_FIRST_SFI: Final = 0x01


class OperatorFiles:
    """Makes one genericFileManagement element: a DF below MF, perhaps with another DF inside."""

    def __init__(self, chance: Random, *, ber_tlv: bool, links: tuple[bytes, ...]) -> None:
        self._chance = chance
        self._ber_tlv = ber_tlv
        self._links = links
        self._sfis = 0

    def element(self, identification: int, *, most: int) -> GenericFileManagement:
        """Return the element, with up to ``most`` files in each DF."""
        commands = [self._directory(b"", OPERATOR_DF)]
        commands += self._files(OPERATOR_DF, _FIRST_FILE, most)
        if self._chance.random() < 0.5:
            commands.append(self._directory(OPERATOR_DF, _INNER_DF))
            commands += self._files(OPERATOR_DF + _INNER_DF, _INNER_FILE, most)
        return GenericFileManagement(PeHeader(identification), tuple(commands))

    def _directory(self, path: bytes, file_id: bytes) -> tuple[FileStep, ...]:
        return (
            SelectPath(path),
            Fcp(
                descriptor=control.DIRECTORY,
                file_id=file_id,
                security=MF_ARR + _DIRECTORY_RULE,
                pin_status=MF_PINS,
            ),
        )

    def _files(self, path: bytes, first: int, most: int) -> Iterator[tuple[FileStep, ...]]:
        self._sfis = 0
        makers = [self._transparent, self._linear, self._cyclic]
        makers += [self._tree] if self._ber_tlv else []
        for file_id in range(first, first + self._chance.randint(1, most)):
            make = self._chance.choice(makers)
            yield SelectPath(path), *make(file_id.to_bytes(2, "big"))
        for place, target in enumerate(self._links):
            link = Fcp(
                descriptor=control.TRANSPARENT,
                file_id=(first + 0x40 + place).to_bytes(2, "big"),
                security=self._rule(),
                short_id=b"",
                link=target,
            )
            yield SelectPath(path), link

    def _rule(self) -> bytes:
        return MF_ARR + bytes((self._chance.choice(_SECURITY),))

    def _short_id(self) -> bytes:
        """Return no SFI, or one that no other file of this DF has."""
        if self._chance.random() < 0.5 or self._sfis >= 0x1E:
            return b""
        self._sfis += 1
        return bytes((self._sfis << 3,))

    def _info(self, longest: int) -> ProprietaryInfo:
        pattern = self._chance.randbytes(self._chance.randint(1, min(longest, 20)))
        special = self._chance.choice((b"\x00", control.HIGH_UPDATE))
        kind = self._chance.randrange(3)
        return ProprietaryInfo(
            special, fill=pattern if kind == 1 else None, repeat=pattern if kind == 2 else None
        )

    def _fills(self, size: int) -> Iterator[FileStep]:
        """Yield some contents with gaps between them, within ``size`` bytes."""
        at = 0
        for _ in range(self._chance.randint(0, 4)):
            skip = self._chance.randint(0, max(0, (size - at) // 2))
            length = self._chance.randint(0, max(0, (size - at - skip) // 2))
            if skip:
                yield FillOffset(skip)
            if length:
                yield FillContent(self._chance.randbytes(length))
            at += skip + length

    def _file(self, descriptor: bytes, file_id: bytes, size: int, record: int) -> list[FileStep]:
        fcp = Fcp(
            descriptor=descriptor,
            file_id=file_id,
            security=self._rule(),
            size=minimal_bytes(size),
            short_id=self._short_id(),
            info=self._info(record or size),
        )
        return [fcp, *self._fills(size)]

    def _transparent(self, file_id: bytes) -> list[FileStep]:
        size = self._chance.choice((1, 9, 127, 128, 255, 256, 700, self._chance.randint(1, 4000)))
        return self._file(control.TRANSPARENT, file_id, size, 0)

    def _linear(self, file_id: bytes) -> list[FileStep]:
        record, count = self._chance.randint(1, 250), self._chance.randint(1, 12)
        return self._file(control.linear_fixed(record), file_id, record * count, record)

    def _cyclic(self, file_id: bytes) -> list[FileStep]:
        record, count = self._chance.randint(1, 60), self._chance.randint(2, 12)
        return self._file(control.cyclic(record), file_id, record * count, record)

    def _tree(self, file_id: bytes) -> list[FileStep]:
        """Return a BER-TLV file with some data objects in it."""
        found = b"".join(
            tlv.encode(0x80 + tag, self._chance.randbytes(self._chance.randint(0, 80)))
            for tag in range(self._chance.randint(0, 5))
        )
        fcp = Fcp(
            descriptor=control.BER_TLV,
            file_id=file_id,
            security=self._rule(),
            size=minimal_bytes(max(1, len(found))),
            short_id=b"",
            info=ProprietaryInfo(maximum_size=minimal_bytes(len(found) + 500)),
        )
        return [fcp, *([FillContent(found)] if found else [])]
