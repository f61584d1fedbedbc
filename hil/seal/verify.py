"""Verifies a sealed run, offline: from the signature down to each byte, in this order.

Seal, manifest, which files there are, journals, attachments, all other files. The first broken
link is the first of :attr:`Verification.breaks`.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hil.errors import UsageError
from hil.seal import dsse, manifest
from hil.seal.attestation import PAYLOAD_TYPE, StatementError, read_statement
from hil.seal.files import EXCLUDED, MANIFEST, SEAL, Folder, digest, kind_of, look, read_plain
from hil.seal.inspection import Inspection, attachments, inspect
from hil.seal.keys import SealKeyError, VerifyingKey
from hil.seal.links import Break
from hil.seal.verify_journals import against_statement, lengths, of_other_runs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hil.evidence.run_record import RunRecord

EMBEDDED = (
    "checked with the key that lies in the seal itself: that tells accidents, but proves nothing, "
    "because whoever changes a run can seal it anew with a key of his own; get the lab's public "
    "key by another way and give it with --public-key"
)
_NOT_SEALED = "nothing vouches for what lies here; 'hil seal' makes a seal"
_CHANGED = "the file was changed after it was sealed"


@dataclass(slots=True)
class Verification:
    """What was found; ``breaks`` in order, the first broken link first. Empty: all is as sealed."""

    folder: Path
    breaks: list[Break] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    run: RunRecord | None = None
    files: int = 0
    records: int = 0
    signer: str = ""
    statement: Mapping[str, Any] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether no link is broken."""
        return not self.breaks


def verify_run(folder: Path, key: VerifyingKey | None = None) -> Verification:
    """Verify a run with the public key of whoever sealed it; without one, with the seal's own.

    Raises UsageError if ``folder`` is no folder that can be read.
    """
    found = Verification(folder)
    try:
        there = look(folder)
    except OSError as err:
        raise UsageError(f"{folder}: cannot be read as a run: {err.strerror or err}") from err
    _seal(found, key)
    sealed = _manifest(found)
    found.breaks += there.odd
    if sealed is not None:
        found.breaks += _which(folder, there, sealed)
    digests = _digests(found, there, sealed)
    # With something in the folder that is no plain file, reading it as a run is not safe.
    evidence = Inspection() if there.odd else inspect(folder)
    found.run = evidence.run
    if sealed is not None:
        found.breaks += of_other_runs(evidence, sealed)
    found.breaks += evidence.breaks
    if sealed is not None and evidence.run is not None:
        found.breaks += lengths(evidence.run, sealed)
        found.breaks += against_statement(evidence.run, found.statement)
    found.breaks += evidence.without_end
    named = {one.where.partition(":")[0] for one in found.breaks}
    found.breaks += [one for one in attachments(evidence, digests) if one.where not in named]
    if sealed is not None:
        found.breaks += _contents(sealed, digests, {one.where for one in found.breaks})
    found.files = len(digests)
    found.records = sum(one.lines for one in evidence.run.files) if evidence.run else 0
    if evidence.run is not None and evidence.run.recovered:
        found.warnings.append("the run was broken off, and closed afterwards: it is not complete")
    return found


def _seal(found: Verification, key: VerifyingKey | None) -> None:
    """Check envelope and signature; put the statement where it can be used."""
    try:
        data = read_plain(found.folder, SEAL, dsse.MOST_BYTES)
    except FileNotFoundError:
        found.breaks.append(Break(SEAL, "there is no seal", _NOT_SEALED))
        return
    except OSError as err:
        found.breaks.append(Break(SEAL, f"cannot be read: {err.strerror or err}", _NOT_SEALED))
        return
    try:
        envelope = dsse.decode(data)
        if envelope.payload_type != PAYLOAD_TYPE:
            raise StatementError(f"its payload is of another type than {PAYLOAD_TYPE}")
        found.statement = read_statement(envelope.payload)
    except (dsse.EnvelopeError, StatementError) as err:
        found.breaks.append(Break(SEAL, f"it is no seal: {err}", _CHANGED))
        return
    if key is None:
        key = _embedded(found)
        if key is None:
            return
        found.warnings.append(EMBEDDED)
    found.signer = key.keyid
    found.breaks += _signature(envelope, data, key)


def _embedded(found: Verification) -> VerifyingKey | None:
    try:
        pem = str(found.statement["signer"]["publicKey"]).encode("utf-8", "surrogateescape")
        return VerifyingKey.read(pem, SEAL)
    except (KeyError, TypeError, SealKeyError, UnicodeError):
        found.breaks.append(Break(SEAL, "it names no key that can be used", _CHANGED))
        return None


def _signature(envelope: dsse.Envelope, data: bytes, key: VerifyingKey) -> list[Break]:
    claimed = envelope.signatures[0].keyid
    if not envelope.signers([key]):
        if claimed != key.keyid:
            what = f"it was signed with the key {claimed[:64]!r}, not with {key.keyid}"
            means = "somebody else sealed this run, or the public key given is another one"
        else:
            what, means = "the signature does not hold", "the seal was changed after it was made"
        return [Break(SEAL, what, means)]
    if len(envelope.signatures) != 1 or claimed != key.keyid or envelope.encode() != data:
        # Not signed, but a byte of a sealed run all the same.
        return [
            Break(SEAL, "it is not written as it was made, though its signature holds", _CHANGED)
        ]
    return []


def _manifest(found: Verification) -> manifest.Manifest | None:
    try:
        data = read_plain(found.folder, MANIFEST, manifest.MOST_BYTES)
    except FileNotFoundError:
        found.breaks.append(Break(MANIFEST, "there is no manifest", _NOT_SEALED))
        return None
    except OSError as err:
        found.breaks.append(Break(MANIFEST, f"cannot be read: {err.strerror or err}", _NOT_SEALED))
        return None
    if found.statement:
        signed = found.statement["manifest"]["digest"]["sha256"]
        if hashlib.sha256(data).hexdigest() != signed:
            found.breaks.append(Break(MANIFEST, "it is not the manifest that was signed", _CHANGED))
    try:
        sealed = manifest.decode(data)
    except manifest.ManifestError as err:
        found.breaks.append(Break(MANIFEST, f"cannot be used: {err}", _CHANGED))
        return None
    if sealed.excluded != EXCLUDED:
        what = "it leaves out other files than this version of the tool does"
        found.breaks.append(Break(MANIFEST, what, "verify it with the version that sealed it"))
    return sealed


def _which(folder: Path, there: Folder, sealed: manifest.Manifest) -> list[Break]:
    """Return what is missing, in place of a file, or added."""
    odd = {one.where for one in there.odd}
    breaks = [
        Break(name, _instead(folder, name), "a file that was sealed is gone")
        for name in sealed.files
        if name not in there.sizes and name not in odd
    ]
    breaks += [
        Break(name, "it was not sealed", "the file was added after the run was sealed")
        for name in there.sizes
        if name not in sealed.files
    ]
    return breaks


def _instead(folder: Path, name: str) -> str:
    try:
        return f"it was sealed, and {kind_of(os.lstat(folder / name).st_mode)} is in its place"
    except (OSError, ValueError):
        return "it was sealed, and is missing"


def _digests(
    found: Verification, there: Folder, sealed: manifest.Manifest | None
) -> dict[str, manifest.SealedFile]:
    """Return the digest of each file; one of another size than sealed is not read for it."""
    digests = {}
    for name, size in there.sizes.items():
        expected = sealed.files.get(name) if sealed is not None else None
        if expected is not None and expected.size != size:
            digests[name] = manifest.SealedFile("", size)
            continue
        try:
            digests[name] = manifest.SealedFile(*digest(found.folder, name))
        except OSError as err:
            what = f"cannot be read: {err.strerror or err}"
            found.breaks.append(Break(name, what, "nothing can be said of what it holds"))
    return digests


def _contents(
    sealed: manifest.Manifest, digests: Mapping[str, manifest.SealedFile], named: set[str]
) -> list[Break]:
    breaks = []
    for name, one in sealed.files.items():
        now = digests.get(name)
        if now is None or now == one or name in named:
            continue
        what = (
            "its contents are not those that were sealed"
            if now.size == one.size
            else f"it has {now.size} bytes, and was sealed with {one.size}"
        )
        breaks.append(Break(name, what, _CHANGED))
    return breaks
