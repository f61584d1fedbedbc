"""Never a second owner: leases with a heartbeat, the owner's name, and a fencing token.

Users of one machine who share equipment point ``HIL_LOCK_DIR`` at one folder for all of them.
"""

from __future__ import annotations

from hil.lease.lease import Lease, OwnedError, SucceededError, holder_of, lock_directory
from hil.lease.owner import Owner

__all__ = ["Lease", "OwnedError", "Owner", "SucceededError", "holder_of", "lock_directory"]
