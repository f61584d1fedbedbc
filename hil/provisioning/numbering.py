"""The numbers of an issuer of subscriptions: ICCIDs with their Luhn digit, IMSIs, fresh keys."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from hil.errors import ConfigError
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.orders import Subscription
from hil.wire.identifiers import luhn_digit


@dataclass(frozen=True, slots=True)
class NumberPlan:
    """Prefixes of the numbers that one issuer gives out.

    ``iccid_prefix`` begins with 89 (ITU-T E.118); ``imsi_prefix`` is MCC and MNC; ``msisdn_prefix``
    may be None. The serial number fills ICCIDs to 19 digits, IMSIs to 15 and MSISDNs to 12.
    """

    iccid_prefix: str
    imsi_prefix: str
    msisdn_prefix: str | None = None

    def __post_init__(self) -> None:
        if not (self.iccid_prefix.isdigit() and self.iccid_prefix.startswith("89")):
            raise ConfigError(
                f"ICCID prefix {self.iccid_prefix!r} is not digits that begin with 89"
            )
        if len(self.iccid_prefix) > 12 or not 5 <= len(self.imsi_prefix) <= 9:
            raise ConfigError("number plan: too few digits are left for a serial number")
        if not self.imsi_prefix.isdigit():
            raise ConfigError(f"IMSI prefix {self.imsi_prefix!r} is not digits")

    @property
    def capacity(self) -> int:
        """How many serial numbers, from 0 on, fit the digits that the prefixes leave."""
        free = min(18 - len(self.iccid_prefix), 15 - len(self.imsi_prefix))
        if self.msisdn_prefix is not None:
            free = min(free, 12 - len(self.msisdn_prefix))
        return int("1" + "0" * max(0, free))

    def subscription(self, serial: int, sm_sr: str) -> Subscription:
        """Make subscription number ``serial``, with random K and OPc.

        Refusal when the plan has no such number: it would be too long, or somebody else's.
        """
        if not 0 <= serial < self.capacity:
            raise Refusal(
                RefusalCode.INCOMPLETE,
                f"the number plan with ICCIDs {self.iccid_prefix}… and IMSIs {self.imsi_prefix}… "
                f"is used up: it has {self.capacity} numbers; give it shorter or other prefixes",
            )
        body = self.iccid_prefix + str(serial).zfill(18 - len(self.iccid_prefix))
        msisdn = None
        if self.msisdn_prefix is not None:
            msisdn = self.msisdn_prefix + str(serial).zfill(12 - len(self.msisdn_prefix))
        return Subscription(
            iccid=body + luhn_digit(body),
            imsi=self.imsi_prefix + str(serial).zfill(15 - len(self.imsi_prefix)),
            sm_sr=sm_sr,
            k=secrets.token_bytes(16),
            opc=secrets.token_bytes(16),
            msisdn=msisdn,
        )
