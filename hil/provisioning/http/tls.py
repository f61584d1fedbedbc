"""Both ends of every connection show a certificate: who is behind it, and in what role.

A folder holds ``ca.pem`` (one or more authorities), ``<id>.pem`` (certificate, then its chain) and
``<id>.key`` of each party that speaks from here, and ``crl.pem`` where certificates are revoked.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.x509.oid import NameOID
from fastapi import Request
from fastapi.security.utils import get_authorization_scheme_param

from hil.errors import ConfigError
from hil.provisioning.door import PeerDoor
from hil.provisioning.errors import Refusal, RefusalCode

log = logging.getLogger(__name__)

PEER_KEY: Final = "hil.peer"
"""Where the scope of a request says whose certificate the connection has."""
REVOKED: Final = "crl.pem"


class _ServerEnd(ssl.SSLObject):
    """The server's end of one connection; it sends the alert that says why a handshake failed.

    OpenSSL has written it by then, but asyncio closes without sending what is written, so a client
    without a certificate would see no more than a lost connection (RFC 8446, 6.2).
    """

    _failed = False

    def do_handshake(self) -> None:
        """Go on with the handshake; where it fails, have the alert sent and wait for the end."""
        if self._failed:
            raise ssl.SSLError("the handshake has failed")
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLSyscallError):
            raise
        except ssl.SSLError as err:
            log.info("handshake failed: %s", err.reason)
            self._failed = True
            raise ssl.SSLWantReadError from err


def server_context(folder: Path, party: str) -> ssl.SSLContext:
    """Return the context of a server that takes clients with a certificate of its CA only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslobject_class = _ServerEnd
    context.verify_mode = ssl.CERT_REQUIRED
    # A session that is resumed shows no certificate, which may have been revoked meanwhile.
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET
    return _filled(context, folder, party)


def client_context(folder: Path, party: str) -> ssl.SSLContext:
    """Return the context of a client that shows its certificate, and checks that of the server."""
    return _filled(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), folder, party)


def _filled(context: ssl.SSLContext, folder: Path, party: str) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    revoked = folder / REVOKED
    file = folder / "ca.pem"
    try:
        context.load_verify_locations(file)
        if revoked.exists():
            file = revoked
            context.load_verify_locations(revoked)
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        file = folder / f"{party}.pem"
        context.load_cert_chain(file, folder / f"{party}.key")
    except (OSError, ssl.SSLError) as err:
        why = err.strerror or err.__class__.__name__
        raise ConfigError(
            f"certificates of {party}: {file} (and its key) cannot be used: {why}"
        ) from None
    return context


def tls_extension(connection: ssl.SSLObject | ssl.SSLSocket | None) -> dict[str, Any] | None:
    """Return what the ASGI TLS extension tells of a connection, None for one without TLS."""
    if connection is None:
        return None
    raw = connection.getpeercert(binary_form=True)
    if not raw:
        return {"client_cert_name": None, "client_certificate": None}
    certificate = x509.load_der_x509_certificate(raw)
    return {
        "client_cert_name": certificate.subject.rfc4514_string(),
        "client_certificate": certificate,
    }


def certificate_gate(door: PeerDoor) -> Callable[[Request], Awaitable[None]]:
    """Return a dependency that lets in the peers of ``door`` only, each with its own certificate.

    A session of one peer is of no use on a connection of another.
    """

    async def gate(request: Request) -> None:
        tls = request.scope.get("extensions", {}).get("tls")
        if tls is None:
            # Without TLS the server listens on loopback only, because its configuration says so.
            return
        name = tls["client_cert_name"]
        peer = _peer_of(tls["client_certificate"], name, door)
        if peer is None:
            log.warning("%s: certificate %r is of no peer in its role", door.owner, name)
            raise Refusal(
                RefusalCode.NOT_ALLOWED,
                f"certificate {name!r} is of no peer of {door.owner}, or of one in another role",
            )
        # Read as HTTPBearer reads it, for which "bearer" is as good (RFC 9110, 11.1).
        _, session = get_authorization_scheme_param(request.headers.get("authorization"))
        holder = door.holder(session)
        if holder not in (None, peer):
            log.warning("%s: %s came with a session of %s", door.owner, peer, holder)
            raise Refusal(RefusalCode.NOT_ALLOWED, f"this session is not one of {peer}")
        request.scope[PEER_KEY] = peer

    return gate


def check_initiator(request: Request, initiator: str) -> None:
    """Refuse one who opens a session in the name of another than its certificate's."""
    peer = request.scope.get(PEER_KEY)
    if peer is not None and peer != initiator:
        log.warning("%s tried to open a session as %s", peer, initiator)
        raise Refusal(
            RefusalCode.NOT_ALLOWED, f"the certificate is that of {peer}, not of {initiator!r}"
        )


def _peer_of(certificate: x509.Certificate | None, name: str | None, door: PeerDoor) -> str | None:
    if certificate is None:
        return None
    for peer_id, subject in door.subjects.items():
        if subject == name and peer_id in door.peers:
            return peer_id
    ids = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    roles = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    if len(ids) != 1 or len(roles) != 1 or ids[0].value in door.subjects:
        return None
    peer = door.peers.get(str(ids[0].value))
    return peer.id if peer is not None and peer.role.value == roles[0].value else None
