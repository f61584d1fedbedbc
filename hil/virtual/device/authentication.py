"""Authentication of whoever sends: by key set, by jig, by both, or skipped (FIG. 4 (470)).

One hello allows one attempt. After too many wrong proofs the device locks itself for a time that
doubles with each further miss; the number of misses survives power-off.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final

from hil.virtual.device.config import DeviceConfig, Life, MannerChange, SkipPlace
from hil.virtual.device.failures import Cme, Refusal
from hil.virtual.device.memory import Memory
from hil.wire import device_auth as proofs
from hil.wire.device_auth import CommandAuthorization, Manner, Mode, ProofExchange, Purpose

_MAX_DOUBLINGS: Final = 10
_COMMAND_NONCE_S: Final = 60.0


class Authentication:
    """Who is on the line, since when, and by which manner; forgotten at power-off."""

    def __init__(
        self,
        config: DeviceConfig,
        memory: Memory,
        *,
        eid: Callable[[], str],
        jig: Callable[[], proofs.JigReading],
        mode: Callable[[], Mode],
        now_s: Callable[[], float],
    ) -> None:
        self._config = config
        self._memory = memory
        self._eid = eid
        self._jig = jig
        self._mode = mode
        self._now_s = now_s
        self._hello: tuple[bytes, bytes] | None = None
        self._command_nonce: tuple[bytes, float] | None = None
        self._granted: Manner | None = None
        self._granted_until_s = 0.0
        self._state = "none"
        self._locked_until_s = now_s() + self._lockout_s(memory.state.failures)
        self.device_auth = "none"

    @property
    def manner(self) -> Manner:
        """The manner in force: that of the mode, or else the one set last."""
        if self._mode() is Mode.TEST and self._config.manner_in_test_mode is not None:
            return self._config.manner_in_test_mode
        return Manner(self._memory.state.manner)

    @property
    def state(self) -> str:
        """``none``, ``passed``, ``skipped``, ``refused``, ``revoked`` or ``locked``."""
        self.granted  # noqa: B018 - lets a grant that is over lapse
        if self.lockout_left_s > 0:
            return "locked"
        return self._state

    @property
    def lockout_left_s(self) -> float:
        """Seconds until the next attempt is allowed."""
        return max(self._locked_until_s - self._now_s(), 0.0)

    @property
    def granted(self) -> bool:
        """Whether the sender on the line may put data into the memory now."""
        if self._granted is None:
            return False
        if self._granted is not self.manner or (
            self._granted is Manner.SKIP and not self._may_skip()
        ):
            self.forget()
        elif self._granted.needs_jig and not self._jig().accepted:
            self.revoke()
        elif self._now_s() > self._granted_until_s:
            self.forget()
        return self._granted is not None

    def hello(self, server_nonce: bytes) -> proofs.DeviceHello:
        """Answer a server's nonce with a nonce of our own, our proof and the jig reading."""
        device_nonce = secrets.token_bytes(proofs.NONCE_LENGTH)
        self._hello = (server_nonce, device_nonce)
        keys, jig = self._config.key_set, self._jig()
        exchange = self._exchange(server_nonce, device_nonce)
        proof = jig_proof = b""
        if keys is not None:
            proof = proofs.prove(keys, Purpose.DEVICE, exchange(self.manner.encode()))
            jig_proof = proofs.prove(keys, Purpose.JIG, exchange(jig.claim))
            self.device_auth = "proved"
        return proofs.DeviceHello(
            device_id=self._config.device_id,
            eid=self._eid(),
            manner=self.manner,
            device_nonce=device_nonce,
            kvn=None if keys is None else keys.kvn,
            proof=proof,
            jig=jig,
            jig_proof=jig_proof,
        )

    def authenticate(self, proof: bytes) -> str:
        """Judge a sender; return ``passed`` or ``skipped``.

        Raises:
            Refusal: with the reason; the grant of an earlier attempt ends with it.

        """
        self.forget()
        manner = self.manner
        if manner is Manner.SKIP:
            return self._skip()
        if self.lockout_left_s > 0:
            raise Refusal(Cme.LOCKED_OUT, f"locked for {self.lockout_left_s:.1f} s more")
        proof_good = not manner.needs_key_set or self._proof_good(proof)
        jig_good = not manner.needs_jig or self._jig().accepted
        if not proof_good:
            self._miss()
            raise Refusal(Cme.PROOF_WRONG, "the server's proof is wrong")
        if not jig_good:
            self._state = "refused"
            raise Refusal(Cme.JIG_NOT_ACCEPTED, f"jig pin is {self._jig().state}, not accepted")
        if manner.needs_key_set:
            self._memory.change(failures=0)
        return self._grant(manner, "passed")

    def take_command_nonce(self) -> bytes:
        """Return a fresh nonce for one authorized command; an earlier one is void."""
        nonce = secrets.token_bytes(proofs.NONCE_LENGTH)
        self._command_nonce = (nonce, self._now_s() + _COMMAND_NONCE_S)
        return nonce

    def check_command(self, purpose: Purpose, value: str, order: CommandAuthorization) -> None:
        """Check a server's authorization; its nonce is used up either way.

        Raises:
            Refusal: no nonce asked for, too old, no key set, wrong proof, locked out.

        """
        nonce, self._command_nonce = self._command_nonce, None
        keys = self._config.key_set
        if keys is None:
            raise Refusal(Cme.NO_KEY_SET, "no key set to check a command of the server with")
        if self.lockout_left_s > 0:
            raise Refusal(Cme.LOCKED_OUT, f"locked for {self.lockout_left_s:.1f} s more")
        if nonce is None or self._now_s() > nonce[1]:
            raise Refusal(Cme.COMMAND_NOT_AUTHORIZED, "no fresh nonce was asked for this command")
        if len(order.server_nonce) != proofs.NONCE_LENGTH:
            raise Refusal(Cme.COMMAND_NOT_AUTHORIZED, "the command carries no server nonce")
        exchange = self._exchange(order.server_nonce, nonce[0])(value.encode())
        if not proofs.verify(order.proof, keys, purpose, exchange):
            self._miss()
            raise Refusal(Cme.COMMAND_NOT_AUTHORIZED, f"the authorization for {value} is wrong")

    def replace_manner(self, manner: Manner, order: CommandAuthorization) -> None:
        """Replace the manner in force by another.

        Raises:
            Refusal: this device never changes it, or wants an authorization that fails.

        """
        if self._config.manner_change is MannerChange.NEVER:
            raise Refusal(Cme.OPERATION_NOT_ALLOWED, "the manner is fixed in this device")
        if self._config.manner_change is MannerChange.AUTHORIZED:
            self.check_command(Purpose.MANNER, manner.value, order)
        self._memory.change(manner=manner.value)
        self.forget()

    def forget(self) -> None:
        """End the sender's grant."""
        self._granted = None
        if self._state in ("passed", "skipped"):
            self._state = "none"

    def revoke(self) -> None:
        """Take the grant back because the jig is gone."""
        self._granted = None
        self._state = "revoked"

    def _grant(self, manner: Manner, state: str) -> str:
        self._granted = manner
        self._granted_until_s = self._now_s() + self._config.authentication_s
        self._state = state
        return state

    def _skip(self) -> str:
        if not self._may_skip():
            raise Refusal(
                Cme.SKIP_NOT_ALLOWED_HERE,
                f"authentication may not be skipped in {self._config.life} life, "
                f"{self._mode()} mode",
            )
        return self._grant(Manner.SKIP, "skipped")

    def _may_skip(self) -> bool:
        allowed = self._config.skip_allowed
        developing = self._config.life is Life.DEVELOPMENT and SkipPlace.DEVELOPMENT in allowed
        testing = self._mode() is Mode.TEST and SkipPlace.TEST_MODE in allowed
        return developing or testing

    def _proof_good(self, proof: bytes) -> bool:
        hello, self._hello = self._hello, None
        keys = self._config.key_set
        if keys is None:
            raise Refusal(Cme.NO_KEY_SET, "the manner wants a key set and there is none")
        if hello is None:
            raise Refusal(Cme.NO_HELLO, "no hello before this proof: each allows one attempt")
        return proofs.verify(proof, keys, Purpose.SERVER, self._exchange(*hello)(b""))

    def _miss(self) -> None:
        failures = self._memory.state.failures + 1
        self._memory.change(failures=failures)
        self._locked_until_s = self._now_s() + self._lockout_s(failures)
        self._state = "refused"

    def _lockout_s(self, failures: int) -> float:
        over = failures - self._config.attempts
        return self._config.lockout_s * 2.0 ** min(over, _MAX_DOUBLINGS) if over >= 0 else 0.0

    def _exchange(
        self, server_nonce: bytes, device_nonce: bytes
    ) -> Callable[[bytes], ProofExchange]:
        def of(extra: bytes) -> ProofExchange:
            return ProofExchange(
                self._config.device_id, self._eid(), server_nonce, device_nonce, extra
            )

        return of
