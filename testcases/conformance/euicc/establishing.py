"""Key establishment with a card: the partners, their certificates, and both messages (SGP.02, 4.1).

Identities come from the servers' key set of the bench; certificates that a CI would not give need
its private key, which a test CI has.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from hil.known_secrets import announce
from hil.not_applicable import not_applicable
from hil.provisioning.certificates import FIRST_DAY, LAST_DAY, Issuer
from hil.wire import dgi, isdr_commands, tlv
from hil.wire.ecc import (
    CURVE_REFERENCE,
    POINT,
    PUBLIC_KEY,
    SIGNATURE,
    PrivateKey,
    PublicKey,
    curve_of,
)
from hil.wire.gp_certificate import SIGNING, Certificate, Role
from hil.wire.key_establishment_messages import (
    DGI_KEYS,
    KeyRequest,
    certificate_message,
    host_keys,
    read_challenge,
    store_data,
)

if TYPE_CHECKING:
    from datetime import date

    from hil.bench.bench import Bench
    from hil.bench.key_files import EuiccKeyFile, PublicKeys
    from hil.equipment.card.over_the_air import OverTheAirSession
    from hil.wire.apdu import CommandApdu, ResponseApdu
    from hil.wire.key_establishment import Established, Reference

KINDS: Final = {Role.SM_DP: "sm-dp", Role.SM_SR: "sm-sr"}
REFUSED: Final = (0x6A80, 0x6982, 0x6985)
"""What may refuse a certificate or a request: SGP.02 names no status word of its own."""


def public_keys(bench: Bench) -> PublicKeys:
    """Return the certificates of the bench; NOT APPLICABLE without."""
    servers = bench.lab.server_keys
    if servers is None or servers.pki is None:
        not_applicable(
            "the bench has no certificates to establish keys with (key_sets.servers, pki)"
        )
    return servers.pki


def card_key(bench: Bench) -> PublicKey:
    """Return PK.ECASD.ECKA, of the card's certificate in its key set."""
    keys: EuiccKeyFile | None = bench.lab.euicc_keys
    if keys is None or keys.ecasd is None:
        not_applicable("the eUICC's key set names no ecasd: no key to agree with")
    return Certificate.decode(keys.ecasd.certificate).public_key


def need_clock(bench: Bench, partner: Partner) -> None:
    """NOT APPLICABLE where a card takes a certificate of another day, and need not know the day.

    It does where its key set tells the day (ecasd, today).
    """
    keys = bench.lab.euicc_keys
    told = keys is not None and keys.ecasd is not None and keys.ecasd.today is not None
    if not told and partner.show().sw == 0x9000:
        not_applicable("the card does not know what day it is", item="O_CLOCK")


@dataclass
class Partner:
    """An SM-DP or SM-SR that establishes keys with one domain of the card.

    ``target``: the ISD-P, empty for the ISD-R. ``answers``: those of the last message.
    """

    session: OverTheAirSession
    certificate: Certificate
    key: PrivateKey = field(repr=False)
    static: PublicKey
    target: bytes = b""
    ephemeral: PrivateKey = field(default_factory=PrivateKey.generate, repr=False)
    challenge: bytes = b""
    blocks: int = 0

    def show(self) -> ResponseApdu:
        """Send INSTALL [for personalization] and the certificate; keep RC. Return the answer."""
        blocks = store_data(certificate_message(self.certificate), last=False)
        answer = self._send(blocks)
        if answer.sw == 0x9000:
            self.blocks, self.challenge = len(blocks), read_challenge(answer.data)
        return answer

    def ask(
        self, reference: Reference, *, signer: PrivateKey | None = None, begin: bool = False
    ) -> tuple[ResponseApdu, KeyRequest]:
        """Send the key request; return answer and request.

        ``signer``: another key than the certificate's. ``begin``: INSTALL [for personalization]
        before it.
        """
        request = KeyRequest.make(
            reference, self.ephemeral.public, signer or self.key, self.challenge
        )
        blocks = store_data(request.encode(), first=self.blocks, last=True)
        return self._send(blocks, begin=begin), request

    def ask_for(self, template: bytes, point: bytes = b"") -> ResponseApdu:
        """Send a key request for a template of the caller's, rightly signed; return the answer.

        ``template``: A6. ``point``: another one than that of the ephemeral key.
        """
        curve = tlv.encode(CURVE_REFERENCE, bytes((self.ephemeral.curve.reference,)))
        key = tlv.encode(POINT, point or self.ephemeral.public.point) + curve
        request = dgi.encode(DGI_KEYS, template) + dgi.encode(PUBLIC_KEY, key)
        # RC stands under a tag of two bytes in what is signed (SGP.02, table 81).
        challenge = b"\x00\x85" + bytes((len(self.challenge),)) + self.challenge
        signed = request + dgi.encode(SIGNATURE, self.key.sign(request + challenge))
        return self._send(store_data(signed, first=self.blocks, last=True), begin=False)

    def establish(self, reference: Reference, sin: bytes = b"") -> Established:
        """Do all of it; the receipt is checked (ReceiptError)."""
        answer = self.show()
        assert answer.sw == 0x9000, f"certificate: {answer.sw:04X}"
        answer, request = self.ask(reference)
        assert answer.sw == 0x9000, f"key request: {answer.sw:04X}"
        agreed = host_keys(request, answer.data, self.ephemeral, self.static, sin)
        announce("the key set agreed on", agreed)
        return agreed

    def with_certificate(self, certificate: Certificate) -> Partner:
        """Return the same partner with another certificate."""
        return replace(self, certificate=certificate)

    def _send(self, blocks: tuple[CommandApdu, ...], *, begin: bool = True) -> ResponseApdu:
        commands = list(blocks)
        if begin and self.target:
            commands.insert(0, isdr_commands.install_for_personalization(self.target))
        return self.session.send(*commands)[-1]


def partner(session: OverTheAirSession, bench: Bench, role: Role, target: bytes = b"") -> Partner:
    """Return the bench's SM-DP or SM-SR; NOT APPLICABLE without its certificate."""
    identity = public_keys(bench).identity("", KINDS[role])
    if identity is None:
        not_applicable(f"the bench has no certificate of an {KINDS[role]} (pki.servers)")
    static, read = card_key(bench), Certificate.decode(identity.certificate)
    key = PrivateKey(read.public_key.curve, identity.key)
    ephemeral = PrivateKey.generate(static.curve)
    return Partner(session, read, key, static, target, ephemeral)


def issued(
    bench: Bench,
    public: PublicKey,
    role: Role | None,
    *,
    usage: bytes = SIGNING,
    effective: date = FIRST_DAY,
    expiry: date = LAST_DAY,
) -> Certificate:
    """Have the test CI of the bench issue a certificate; NOT APPLICABLE where it is a real one."""
    pki = public_keys(bench)
    if pki.ci_signing is None:
        not_applicable("the CI of the bench signs nothing for a test (pki.ci_signing)")
    reference = tlv.require(tlv.decode_all(pki.ci_key), CURVE_REFERENCE, where="pki.ci_key")
    ci = Issuer(pki.ci_id, PrivateKey(curve_of(reference), pki.ci_signing))
    return ci.issue(
        b"conformance",
        public,
        role=role,
        serial=b"\x7f\x01",
        key_usage=usage,
        effective=effective,
        expiry=expiry,
    )


def foreign(bench: Bench, public: PublicKey, role: Role) -> Certificate:
    """Return a certificate in the name of the CI, signed by somebody else."""
    stranger = Issuer(public_keys(bench).ci_id, PrivateKey.generate(public.curve))
    return stranger.issue(b"conformance", public, role=role)
