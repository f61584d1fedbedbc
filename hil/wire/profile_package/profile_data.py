"""What makes one profile different from another: the data an operator gives to its SM-DP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from hil.errors import UsageError
from hil.wire import identifiers
from hil.wire.profile_package.authentication import Algorithm

ProfileClass = Literal["operational", "provisioning", "test"]

TEST_NETWORK: Final = "00101"
_LONGEST_APN: Final = 97
"""What fits EF.ACL, in characters."""

_LONGEST_OPERATOR: Final = 60

TEST_OTA_KEY: Final = bytes(range(16))
"""Key printed in GSMA TS.48: for tests, never for a product."""


@dataclass(frozen=True, slots=True)
class OtaKeys:
    """AES key set of the MNO-SD for SCP80 (KVN 01 to 0F); 16, 24 or 32 bytes each."""

    kvn: int = 1
    kic: bytes = field(default=TEST_OTA_KEY, repr=False)
    kid: bytes = field(default=TEST_OTA_KEY, repr=False)
    dek: bytes = field(default=TEST_OTA_KEY, repr=False)


@dataclass(frozen=True, slots=True)
class OperatorData:
    """What the profiles of one operator have alike: nothing here is a subscriber's or a secret.

    Fields as in :class:`ProfileData`. Elements made of this alone are the same in all of them.
    """

    mcc: str
    mnc: str
    operator: str
    apn: str
    smsc: str
    partners: tuple[str, ...]
    suci_calc_info: bytes

    @property
    def plmn(self) -> bytes:
        """MCC and MNC in 3 bytes."""
        return plmn(self.mcc + self.mnc)

    @property
    def ims_domain(self) -> str:
        """Home network domain of the IMS (3GPP TS 23.003, 13.2)."""
        return f"ims.mnc{self.mnc.zfill(3)}.mcc{self.mcc}.3gppnetwork.org"


@dataclass(frozen=True, slots=True)
class ProfileData:
    """Subscription data of one profile.

    * ``iccid``: 18 to 20 digits; ``imsi``: 6 to 15 digits; ``mnc_length``: 2 or 3.
    * ``k``, ``opc``: 16 bytes; the test algorithm ignores ``opc``.
    * ``algorithm``: algorithmID; None: the test algorithm for class test, else Milenage.
    * ``msisdn``, ``smsc``: international numbers, digits only; empty: none.
    * ``apn``: network access name of the operator.
    * ``pol``: first POL1 (1 byte) or None; ``connectivity``: content of header tag 87, or None for
      one made of ``apn``. The coding of both is SGP.02's and not confirmed by a card.
    * PINs and PUKs: 4 to 8 digits.
    """

    iccid: str
    imsi: str
    k: bytes = field(repr=False)
    opc: bytes = field(default=bytes(16), repr=False)
    algorithm: int | None = None
    mnc_length: int = 2
    msisdn: str = ""
    smsc: str = ""
    apn: str = "internet"
    operator: str = "hil"
    profile_type: str | None = None
    pol: bytes | None = None
    connectivity: bytes | None = None
    partners: tuple[str, ...] = ()
    suci_calc_info: bytes = bytes.fromhex("A0020000A100")
    ota_keys: tuple[OtaKeys, ...] = (OtaKeys(),)
    pin1: str = field(default="0000", repr=False)
    pin2: str = field(default="9999", repr=False)
    puk1: str = field(default="11111111", repr=False)
    puk2: str = field(default="22222222", repr=False)
    adm1: str = field(default="55555555", repr=False)

    def __post_init__(self) -> None:
        _check_digits("ICCID", self.iccid, 18, 20)
        _check_digits("IMSI", self.imsi, 6, 15)
        _check_digits("MSISDN", self.msisdn, 0, 20)
        _check_digits("service centre", self.smsc, 0, 20)
        for name in ("pin1", "pin2", "puk1", "puk2", "adm1"):
            _check_digits(name.upper(), getattr(self, name), 4, 8)
        labels = self.apn.split(".")
        fits = len(self.apn) <= _LONGEST_APN and all(1 <= len(label) <= 63 for label in labels)
        if not self.apn.isascii() or not fits:
            raise UsageError(f"{self.apn!r} is no network access name of up to {_LONGEST_APN}")
        if not 1 <= len(self.operator) <= _LONGEST_OPERATOR:
            raise UsageError(f"operator's name has not 1 to {_LONGEST_OPERATOR} characters")
        if len(self.k) != 16 or len(self.opc) != 16:
            raise UsageError(f"K and OPc of profile {self.iccid} must have 16 bytes each")
        if self.mnc_length not in (2, 3):
            raise UsageError(f"an MNC has 2 or 3 digits, not {self.mnc_length}")

    @property
    def of_operator(self) -> OperatorData:
        """What is not the subscriber's; MCC and MNC are those of the IMSI."""
        return OperatorData(
            mcc=self.imsi[:3],
            mnc=self.imsi[3 : 3 + self.mnc_length],
            operator=self.operator,
            apn=self.apn,
            smsc=self.smsc,
            partners=self.partners,
            suci_calc_info=self.suci_calc_info,
        )

    def algorithm_for(self, profile_class: ProfileClass) -> int:
        """Return the algorithmID; raise UsageError where data and class contradict each other."""
        if profile_class == "test" and not self.imsi.startswith(TEST_NETWORK):
            raise UsageError(
                f"a test profile needs an IMSI of the test network {TEST_NETWORK}, "
                f"not {self.imsi[:5]}…"
            )
        if self.algorithm is not None:
            return self.algorithm
        return Algorithm.USIM_TEST if profile_class == "test" else Algorithm.MILENAGE

    @property
    def imsi_file(self) -> bytes:
        """Content of EF.IMSI, 9 bytes."""
        return identifiers.encode_imsi(self.imsi)


def _check_digits(what: str, value: str, minimum: int, maximum: int) -> None:
    digits = not value or (value.isascii() and value.isdigit())
    if not digits or not minimum <= len(value) <= maximum:
        raise UsageError(f"{what} of a profile has not {minimum} to {maximum} digits")


def plmn(digits: str) -> bytes:
    """Return MCC and MNC (5 or 6 digits) in 3 bytes (3GPP TS 24.008, 10.5.1.3)."""
    if not (digits.isascii() and digits.isdigit()) or len(digits) not in (5, 6):
        raise UsageError(f"{digits!r} is not an MCC and an MNC of 5 or 6 digits")
    mcc, mnc = digits[:3], digits[3:].ljust(3, "F")
    return bytes.fromhex(f"{mcc[1]}{mcc[0]}{mnc[2]}{mcc[2]}{mnc[1]}{mnc[0]}")


def dialling_number(digits: str) -> bytes:
    """Return length, TON/NPI and BCD digits in 12 bytes, FF-filled (3GPP TS 31.102, 4.4.2.3)."""
    if not digits:
        return b"\xff" * 12
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 20:
        raise UsageError(f"{digits!r} is not a number of up to 20 digits")
    even = digits if len(digits) % 2 == 0 else digits + "F"
    swapped = "".join(even[at + 1] + even[at] for at in range(0, len(even), 2))
    return bytes((1 + len(even) // 2, 0x91)) + bytes.fromhex(swapped.ljust(20, "F"))
