"""Profile packages of every kind, by seed: for tests that must not depend on one shape of profile.

The same seed gives the same bytes. A package is valid by the rules of the format (the checks in
``checks`` find nothing), and holds what an operator might order: any class and algorithm, with or
without ISIM, CSIM and the optional elements, PINs own or shared, own files of every structure,
BER-TLV files, links, security domains with keys of every length, remote file management.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from hil.wire import identifiers
from hil.wire.profile_package import blueprint_csim as in_csim
from hil.wire.profile_package import blueprint_isim as in_isim
from hil.wire.profile_package import blueprint_mf as under_mf
from hil.wire.profile_package import blueprint_usim as in_usim
from hil.wire.profile_package.applications import (
    AdfAccess,
    End,
    KeyComponent,
    KeyObject,
    Rfm,
    SecurityDomain,
)
from hil.wire.profile_package.authentication import (
    AkaParameter,
    Algorithm,
    AlgorithmParameter,
    CdmaParameter,
    MappingParameter,
)
from hil.wire.profile_package.blueprint_domains import MNO_SD, SD_MODULE, SD_PACKAGE, mno_sd
from hil.wire.profile_package.blueprint_usim_options import TEMPLATE_OPT_USIM, opt_usim
from hil.wire.profile_package.elements import Body, encode_package
from hil.wire.profile_package.header import ProfileHeader, Service
from hil.wire.profile_package.instances import ApplicationInstance
from hil.wire.profile_package.package import PeHeader
from hil.wire.profile_package.pins import PinCodes, PinConfiguration, PukCodes, PukConfiguration
from hil.wire.profile_package.profile_data import OtaKeys, ProfileClass, ProfileData
from hil.wire.profile_package.variety_files import OperatorFiles

_CLASSES: Final[tuple[ProfileClass, ...]] = ("test", "operational", "provisioning")
_KEY_LENGTHS: Final = (16, 24, 32)
_LINK_TARGETS: Final = (b"\x2f\xe2", b"\x2f\x05", b"\x7f\xd0\x6f\x07", b"\x7f\x10\x6f\x54")
_MOST_FILES: Final = 8
_FIRST_DOMAIN_TAR: Final = 0xB20200
_SCP80_C9: Final = bytes.fromhex("81028000")
_USAGES: Final = (b"\x18", b"\x14", b"\x48")


@dataclass(frozen=True, slots=True)
class Variety:
    """One package, and what went into it."""

    seed: int
    profile_class: ProfileClass
    data: ProfileData
    package: bytes = field(repr=False)


def varied(seed: int, *, iccid: str | None = None) -> Variety:
    """Return the package with this seed, or the same one with another ICCID."""
    making = _Making(Random(seed))  # noqa: S311 - chosen to be repeated, not to be secret
    if iccid is not None:
        making.data = replace(making.data, iccid=iccid)
    return Variety(seed, making.profile_class, making.data, encode_package(making.bodies()))


class _Making:
    """The choices of one package, and its elements in their order."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._last = 0
        self.profile_class = chance.choice(_CLASSES)
        self.data = self._data()
        self._isim = self._whether(0.7)
        self._csim = self._whether(0.3)
        self._opt_usim = self._whether(0.7)
        self._opt_isim = self._isim and self._whether(0.6)
        self._gsm = self._whether(0.5)
        self._5gs = self._whether(0.6)
        self._ber_tlv = self._whether(0.4)
        count = chance.choice((0, 0, 1, 3))
        self._links = tuple(chance.sample(_LINK_TARGETS, count))
        self._files = bool(count) or self._ber_tlv or self._whether(0.7)
        self._domains = chance.randrange(3)
        self._aka = self._algorithm()

    def _whether(self, share: float) -> bool:
        return self._chance.random() < share

    def _digits(self, least: int, most: int) -> str:
        return "".join(self._chance.choices("0123456789", k=self._chance.randint(least, most)))

    def _data(self) -> ProfileData:
        chance = self._chance
        test = self.profile_class == "test"
        body = "8900" + self._digits(14, 14)
        network = "00101" if test else self._digits(5, 6)
        imsi = network + self._digits(15 - len(network), 15 - len(network))
        keys = tuple(
            OtaKeys(kvn, *(chance.randbytes(chance.choice(_KEY_LENGTHS)) for _ in range(3)))
            for kvn in sorted(chance.sample(range(1, 16), chance.randint(1, 3)))
        )
        return ProfileData(
            iccid=body + identifiers.luhn_digit(body),
            imsi=imsi,
            k=chance.randbytes(16),
            opc=chance.randbytes(16),
            mnc_length=2 if test else len(network) - 3,
            msisdn=self._digits(7, 15) if self._whether(0.6) else "",
            smsc=self._digits(7, 15) if self._whether(0.6) else "",
            apn=".".join(("a" * chance.randint(1, 20),) * chance.randint(1, 3)),
            operator="Operator"[: chance.randint(1, 8)],
            pol=bytes((chance.randrange(8),)) if self._whether(0.5) else None,
            partners=tuple(self._digits(5, 6) for _ in range(chance.randrange(60))),
            ota_keys=keys,
            pin1=self._digits(4, 8),
            pin2=self._digits(4, 8),
            puk1=self._digits(8, 8),
            puk2=self._digits(8, 8),
            adm1=self._digits(4, 8),
        )

    def _algorithm(self) -> AlgorithmParameter:
        chance, data = self._chance, self.data
        kind = Algorithm.USIM_TEST
        if self.profile_class != "test":
            kind = chance.choice((Algorithm.MILENAGE, Algorithm.TUAK))
        if kind is Algorithm.TUAK:
            key = chance.randbytes(chance.choice((16, 32)))
            return AlgorithmParameter(kind, key, chance.randbytes(32), keccak=chance.randint(1, 3))
        return AlgorithmParameter(kind, data.k, data.opc)

    def _service(self) -> Service:
        if self._aka.algorithm == Algorithm.TUAK:
            return Service.TUAK128 if len(self._aka.key) == 16 else Service.TUAK256
        milenage = self._aka.algorithm == Algorithm.MILENAGE
        return Service.MILENAGE if milenage else Service.USIM_TEST_ALGORITHM

    def _next(self) -> int:
        self._last += self._chance.choice((1, 1, 1, 5))
        return self._last

    def bodies(self) -> Iterator[Body]:
        """Yield the elements."""
        data = self.data
        yield self._header()
        yield under_mf.mf(data, self._next())
        yield self._puks()
        yield self._global_pins()
        yield under_mf.telecom(data.of_operator, data.msisdn, self._next())
        yield self._local_pin()
        yield in_usim.usim(data, self.profile_class, self._next())
        yield self._local_pin()
        if self._opt_usim:
            yield opt_usim(data.of_operator, data.msisdn, self._next())
        yield self._network_access()
        if self._gsm:
            yield in_usim.gsm_access(self._next())
        if self._5gs:
            yield in_usim.df_5gs(data.of_operator, self._next())
        if self._isim:
            yield from self._ims()
        if self._csim:
            yield from self._cdma()
        if self._files:
            files = OperatorFiles(self._chance, ber_tlv=self._ber_tlv, links=self._links)
            yield files.element(self._next(), most=_MOST_FILES)
        yield mno_sd(data, self._next())
        for number in range(self._domains):
            yield self._domain(number)
        yield from self._remote_files()
        yield End(PeHeader(self._next()))

    def _header(self) -> ProfileHeader:
        services = [Service.USIM, self._service()]
        templates = [under_mf.TEMPLATE_MF, under_mf.TEMPLATE_TELECOM, in_usim.TEMPLATE_USIM]
        for wanted, service, template in (
            (self._opt_usim, None, TEMPLATE_OPT_USIM),
            (self._gsm, None, in_usim.TEMPLATE_GSM_ACCESS),
            (self._5gs, None, in_usim.TEMPLATE_DF_5GS),
            (self._isim, Service.ISIM, in_isim.TEMPLATE_ISIM),
            (self._opt_isim, None, in_isim.TEMPLATE_OPT_ISIM),
            (self._csim, Service.CSIM, in_csim.TEMPLATE_CSIM),
            (self._csim, None, in_csim.TEMPLATE_OPT_CSIM),
            (self._ber_tlv, Service.BER_TLV, None),
            (self._links, Service.DF_LINK, None),
        ):
            services += [service] if wanted and service is not None else []
            templates += [template] if wanted and template is not None else []
        return ProfileHeader(
            major=2,
            minor=3,
            iccid=identifiers.encode_header_iccid(self.data.iccid),
            services=tuple(sorted(services)),
            templates=tuple(templates),
            profile_type=f"{self.data.operator} {self.profile_class}",
            pol=self.data.pol,
        )

    def _puks(self) -> PukCodes:
        puks = (
            PukConfiguration(0x01, _code(self.data.puk1)),
            PukConfiguration(0x81, _code(self.data.puk2), 0x55),
        )
        return PukCodes(PeHeader(self._next()), puks)

    def _global_pins(self) -> PinCodes:
        pins = [
            PinConfiguration(0x01, _code(self.data.pin1), 0x01, self._chance.choice((6, 7, 3))),
            PinConfiguration(0x0A, _code(self.data.adm1), None, 3, 0xAA),
        ]
        if self._whether(0.4):
            pins.append(PinConfiguration(0x0B, _code(self._digits(8, 8)), None, 3, 0x33))
        return PinCodes(PeHeader(self._next()), tuple(pins))

    def _local_pin(self) -> PinCodes:
        attributes = self._chance.choice((2, 3, 7))
        pin = PinConfiguration(0x81, _code(self.data.pin2), 0x81, attributes)
        return PinCodes(PeHeader(self._next()), (pin,))

    def _shared_pins(self) -> PinCodes:
        """Return PINs of a new NAA: its own, or those of the USIM."""
        if self._whether(0.5):
            return self._local_pin()
        path = in_usim.USIM_FILE_ID.to_bytes(2, "big")
        return PinCodes(PeHeader(self._next()), path=path)

    def _network_access(self, *, mapped: bool = False) -> AkaParameter:
        header = PeHeader(self._next())
        if mapped:
            return AkaParameter(header, MappingParameter(b"\x00", under_mf.USIM_AID))
        if self._whether(0.5):
            return AkaParameter(header, self._aka)
        init = tuple(self._chance.randrange(1 << 20).to_bytes(6, "big") for _ in range(32))
        return AkaParameter(header, self._aka, sqn_delta=b"\x00\x00\x20\x00\x00\x00", sqn_init=init)

    def _ims(self) -> Iterator[Body]:
        yield in_isim.isim(self.data, self._next())
        if self._opt_isim:
            yield in_isim.opt_isim(self.data.of_operator, self._next())
        yield self._shared_pins()
        yield self._network_access(mapped=self._whether(0.4))

    def _cdma(self) -> Iterator[Body]:
        yield in_csim.csim(self._next())
        yield in_csim.opt_csim(self._next())
        yield self._shared_pins()
        yield CdmaParameter(
            PeHeader(self._next()), self._chance.randbytes(8), self._chance.randbytes(16)
        )

    def _domain(self, number: int) -> SecurityDomain:
        """Return one more security domain below the operator's, with one key set."""
        length = self._chance.choice(_KEY_LENGTHS)
        kvn = self._chance.randint(1, 15)
        keys = tuple(
            KeyObject(usage, key_id, kvn, (KeyComponent(b"\x88", self._chance.randbytes(length)),))
            for key_id, usage in enumerate(_USAGES, start=1)
        )
        return SecurityDomain(
            header=PeHeader(self._next()),
            instance=ApplicationInstance(
                load_package=SD_PACKAGE,
                module=SD_MODULE,
                instance=bytes.fromhex("A0000001510001") + bytes((number,)),
                privileges=b"\x80\x00\x00",
                install_c9=_SCP80_C9,
                security_domain=MNO_SD,
                life_cycle=b"\x0f",
            ),
            keys=keys,
        )

    def _remote_files(self) -> Iterator[Rfm]:
        places: list[tuple[str, bytes | None]] = [("B00120", None), ("B00140", under_mf.USIM_AID)]
        places += [("B00141", under_mf.ISIM_AID)] if self._isim else []
        places += [("B00142", in_csim.CSIM_AID)] if self._csim else []
        for number, (tar, adf) in enumerate(places, start=1):
            if not self._whether(0.7):
                continue
            access = self._chance.choice((b"\x00", b"\xff"))
            yield Rfm(
                header=PeHeader(self._next()),
                instance=bytes.fromhex("A000000559101000") + bytes((number,)),
                security_level=self._chance.choice((0x02, 0x06, 0x16)),
                access=access,
                admin_access=access,
                tars=(bytes.fromhex(tar),),
                adf=None if adf is None else AdfAccess(adf, access, access),
            )


def _code(digits: str) -> bytes:
    return digits.encode("ascii").ljust(8, b"\xff")
