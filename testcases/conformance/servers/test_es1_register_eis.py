"""ES1.RegisterEIS."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from hil.evidence import step
from testcases.conformance.servers.answers import Answer, refused
from testcases.conformance.servers.preparing import case

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.bench.parties import Parties

pytestmark = [
    pytest.mark.requires("servers.eum", "servers.sm-sr"),
    pytest.mark.requirement("R-69"),
    pytest.mark.severity("critical"),
]
SECTION = "SGP.02, 5.2.1"


@dataclass(frozen=True, slots=True)
class Signed:
    """An EIS as it is sent: JSON with sorted keys and no blanks, ES256 over ``hil eis`` 00 it."""

    payload: bytes
    signature: bytes

    def fields(self) -> dict[str, str]:
        """Return it as the fields of RegisterEIS."""
        return {"payload": self.payload.hex(), "signature": self.signature.hex()}


def genuine(parties: Parties) -> tuple[str, Signed]:
    """Have the maker make an eUICC that no SM-SR knows, and ask it for the EIS."""
    with step("Precondition: an eUICC that no SM-SR knows"):
        eid = parties.desk.make_euicc()
        found = parties.desk.eum(parties.eum).eis(eid)
    return eid, Signed(found.payload, found.signature)


def known(parties: Parties) -> list[str]:
    """Return the EIDs that the SM-SR knows."""
    return list(parties.desk.sm_sr(parties.sm_sr).euiccs())


def register(parties: Parties, signed: Signed) -> None:
    """Call RegisterEIS as the maker."""
    parties.call(parties.eum, parties.sm_sr, "es1/RegisterEIS", **signed.fields())


def changed(signed: Signed, **values: object) -> bytes:
    """Return the payload with some fields changed, in its one spelling."""
    fields: dict[str, Any] = json.loads(signed.payload) | values
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


def signed_by_somebody(payload: bytes) -> Signed:
    """Sign with a key that nobody knows."""
    key = ec.generate_private_key(ec.SECP256R1())
    r, s = decode_dss_signature(key.sign(b"hil eis\x00" + payload, ec.ECDSA(SHA256())))
    return Signed(payload, r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def another_memory(signed: Signed) -> Signed:
    """Give it another memory, with the signature as it was."""
    return Signed(changed(signed, memory=1_000_000), signed.signature)


def no_signature(signed: Signed) -> Signed:
    """Give it a signature of zeros."""
    return Signed(signed.payload, bytes(64))


def short_signature(signed: Signed) -> Signed:
    """Leave out the last byte of the signature."""
    return Signed(signed.payload, signed.signature[:-1])


def of_an_unknown_maker(signed: Signed) -> Signed:
    """Have a maker that nobody knows sign it."""
    return signed_by_somebody(changed(signed, eum="eum-of-nobody"))


def in_the_makers_name(signed: Signed) -> Signed:
    """Have somebody else sign it."""
    return signed_by_somebody(signed.payload)


def not_an_eis(_signed: Signed) -> Signed:
    """Give something that is no EIS."""
    return signed_by_somebody(b'{"eid":"1"}')


@pytest.mark.conformance("SMSR-ES1-REGISTER-01", section=SECTION)
def test_a_genuine_eis_is_registered(parties: Parties) -> None:
    """The EIS that its maker signed is registered.

    Preconditions: an eUICC that no SM-SR knows.

    Steps:
    1. RegisterEIS by its maker: accepted.
    2. The SM-SR knows the EID, and its operator sees the EIS.
    """
    eid, signed = genuine(parties)
    assert eid not in known(parties)
    with step("1. RegisterEIS"):
        register(parties, signed)
    with step("2. The EIS"):
        assert eid in known(parties)
        assert parties.desk.sm_sr(parties.sm_sr).euicc(eid).eid == eid


@pytest.mark.conformance("SMSR-ES1-REGISTER-02", section=SECTION)
def test_an_eis_is_registered_once(parties: Parties) -> None:
    """The EIS of a known eUICC is refused.

    Preconditions: an eUICC is registered.

    Steps:
    1. RegisterEIS again, as another call: exists 8.1.1 / 3.3.
    2. The EID is known as before.
    """
    eid, signed = genuine(parties)
    register(parties, signed)
    with step("1. RegisterEIS again"), refused(Answer.EUICC_KNOWN):
        register(parties, signed)
    with step("2. The EID"):
        assert known(parties).count(eid) == 1


@pytest.mark.requirement("R-69", refusal=True)
@pytest.mark.parametrize(
    ("forge", "answer"),
    [
        case("SMSR-ES1-REGISTER-03", "An EIS that was changed is refused", SECTION,
             another_memory, Answer.BAD_SIGNATURE),
        case("SMSR-ES1-REGISTER-04", "An EIS with a signature of zeros is refused", SECTION,
             no_signature, Answer.BAD_SIGNATURE),
        case("SMSR-ES1-REGISTER-05", "An EIS whose signature is cut off is refused", SECTION,
             short_signature, Answer.BAD_SIGNATURE),
        case("SMSR-ES1-REGISTER-06", "An EIS of an unknown maker is refused", SECTION,
             of_an_unknown_maker, Answer.BAD_SIGNATURE),
        case("SMSR-ES1-REGISTER-07", "An EIS signed in the maker's name is refused", SECTION,
             in_the_makers_name, Answer.BAD_SIGNATURE),
        case("SMSR-ES1-REGISTER-08", "What is no EIS is refused", SECTION,
             not_an_eis, Answer.INVALID),
    ],
)  # fmt: skip
def test_a_wrong_eis_is_refused(
    parties: Parties, forge: Callable[[Signed], Signed], answer: Answer
) -> None:
    """A wrong EIS is refused, and the genuine one is registered after it.

    Preconditions: an eUICC that no SM-SR knows.

    Steps:
    1. RegisterEIS with the wrong EIS: bad-signature, or invalid for what is no EIS.
    2. The SM-SR does not know the EID.
    3. RegisterEIS with the genuine EIS: accepted.
    """
    eid, signed = genuine(parties)
    with step(f"1. RegisterEIS: {answer}"), refused(answer):
        register(parties, forge(signed))
    with step("2. The EID is unknown"):
        assert eid not in known(parties)
    with step("3. RegisterEIS with the genuine EIS"):
        register(parties, signed)
