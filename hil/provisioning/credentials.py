"""With what an SM-DP or SM-SR proves itself to eUICCs, and knows a real one (SGP.02, 2.3.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from hil.errors import CodecError
from hil.provisioning.certificates import Identity, ecasd_key
from hil.provisioning.eis import Eis
from hil.provisioning.es_status import FunctionStatus, refusal
from hil.wire.ecc import PublicKey
from hil.wire.gp_certificate import CertificateError, Fault


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an SM-DP or SM-SR needs to establish keys with eUICCs.

    ``ci_key``: PK.CI; ``maker_certificates``: certificates of eUICC makers (7F21) by their id.
    """

    identity: Identity
    ci_key: PublicKey
    maker_certificates: dict[str, bytes] = field(default_factory=dict)

    def card_key(self, eis: Eis, today: date | None) -> PublicKey:
        """Return PK.ECASD.ECKA of an eUICC, after the chain from the CI to it was checked."""
        if not eis.ecasd_certificate:
            raise refusal(
                FunctionStatus.BAD_EUICC_CERTIFICATE,
                f"the EIS of {eis.eid} has no certificate of its ECASD: no keys can be established",
            )
        if eis.eum not in self.maker_certificates:
            raise refusal(
                FunctionStatus.BAD_EUICC_CERTIFICATE,
                f"no certificate of the eUICC maker {eis.eum} is configured",
            )
        try:
            return ecasd_key(
                bytes.fromhex(eis.ecasd_certificate),
                self.maker_certificates[eis.eum],
                self.ci_key,
                eid=eis.eid,
                today=today,
            )
        except CertificateError as err:
            expired = err.fault in (Fault.EXPIRED, Fault.NOT_YET_VALID)
            status = (
                FunctionStatus.EXPIRED_EUICC_CERTIFICATE
                if expired
                else FunctionStatus.BAD_EUICC_CERTIFICATE
            )
            raise refusal(status, f"eUICC {eis.eid}: {err}") from err
        except (CodecError, ValueError) as err:
            raise refusal(FunctionStatus.BAD_EUICC_CERTIFICATE, f"eUICC {eis.eid}: {err}") from err
