"""The seal of a run: what lies in its folder, signed, and what tells whether it still does.

``manifest.json`` holds the digest of every file that is evidence; ``seal.dsse.json`` is a signed
statement of the verdicts (in-toto test result in a DSSE envelope, Ed25519) that holds the digest
of the manifest. :func:`seal_run` makes both, :func:`verify_run` names the first thing that is not
as it was, :func:`diff_runs` says what is different between two runs.
"""

from __future__ import annotations

from hil.seal.diff import RunDiff, diff_runs
from hil.seal.keys import SealKeyError, SigningKey, VerifyingKey
from hil.seal.links import Break
from hil.seal.sealing import BrokenEvidenceError, Sealed, seal_run
from hil.seal.verify import Verification, verify_run

__all__ = [
    "Break",
    "BrokenEvidenceError",
    "RunDiff",
    "SealKeyError",
    "Sealed",
    "SigningKey",
    "Verification",
    "VerifyingKey",
    "diff_runs",
    "seal_run",
    "verify_run",
]
