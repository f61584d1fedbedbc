"""Key set files: what the eUICC maker, the device maker and the servers hold.

Test keys only stand in the repository, and say so (``test_only: true``). Any other key set file
must be readable by its owner alone. Keys are hex; none of them ever reaches a message or a repr.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from hil.documents.section import Section, wrong


def _key(*sizes: int) -> tuple[BeforeValidator, WithJsonSchema, Any]:
    def read(value: object) -> bytes:
        listed = " or ".join(str(2 * size) for size in sizes)
        if not isinstance(value, str):
            raise wrong(f"a key of {listed} hex digits is expected, in quotes")
        try:
            key = bytes.fromhex(value)
        except ValueError:
            raise wrong(f"a key of {listed} hex digits is expected") from None
        if len(key) not in sizes:
            raise wrong(f"a key of {listed} hex digits is expected, not {len(value)}")
        return key

    digits = "|".join(f"[0-9a-fA-F]{{{2 * size}}}" for size in sizes)
    schema = WithJsonSchema({"type": "string", "pattern": f"^({digits})$"})
    return BeforeValidator(read), schema, Field(repr=False)


def _hex() -> tuple[BeforeValidator, WithJsonSchema]:
    def read(value: object) -> bytes:
        try:
            return bytes.fromhex(value if isinstance(value, str) else "-")
        except ValueError:
            raise wrong("hex digits are expected, in quotes") from None

    schema = WithJsonSchema({"type": "string", "pattern": "^([0-9a-fA-F]{2})*$"})
    return BeforeValidator(read), schema


AesKey = Annotated[bytes, *_key(16, 24, 32)]
Aes128Key = Annotated[bytes, *_key(16)]
Kvn = Annotated[int, Field(ge=1, le=0x7F)]
Counter = Annotated[int, Field(ge=0)]


class Scp80Keys(Section):
    """One OTA key set of the ISD-R (ETSI TS 102 225)."""

    kvn: Annotated[int, Field(ge=1, le=0x0F)]
    kic: AesKey
    kid: AesKey
    dek: AesKey
    counter: Counter = 0


class Scp03Keys(Section):
    """One SCP03 key set; ``counter`` is the last sequence counter used, ``i`` its parameter."""

    kvn: Annotated[int, Field(ge=0x30, le=0x3F)]
    enc: AesKey
    mac: AesKey
    dek: AesKey
    counter: Counter = 0
    i: Annotated[int, Field(ge=0, le=0x7F)] = 0x70


KeySets = TypeVar("KeySets", bound=Sequence[Scp80Keys] | Sequence[Scp03Keys])


def _one_of_each_version(given: KeySets) -> KeySets:
    twice = [kvn for kvn, count in Tally(one.kvn for one in given).items() if count > 1]
    if twice:
        raise wrong(f"two key sets have the KVN 0x{twice[0]:02X}; each needs one of its own")
    return given


def _check_digits(eid: str) -> str:
    if int(eid) % 97 != 1:
        raise wrong("its check digits are wrong (GSMA SGP.29)")
    return eid


_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def _on_p256(key: bytes) -> bytes:
    if not 0 < int.from_bytes(key, "big") < _P256_ORDER:
        raise wrong("this number is no private key on P-256; make one anew")
    return key


SigningKey = Annotated[bytes, *_key(32), AfterValidator(_on_p256)]


class Scp81Key(Section):
    """The key of administration sessions: a pre-shared key of TLS (SGP.02, 2.4.4)."""

    kvn: Annotated[int, Field(ge=0x40, le=0x4F)] = 0x40
    kid: Annotated[int, Field(ge=1, le=0x7F)] = 1
    psk: Annotated[bytes, *_key(16, 24, 32, 48, 64)]


HexBytes = Annotated[bytes, *_hex()]
Scalar = Annotated[bytes, *_key(32, 48)]
"""Private key on a curve of 256 or 384 bits."""


class EcasdKeys(Section):
    """What the eUICC maker puts into the ECASD for key establishments (SGP.02, 2.2.1.2).

    ``ecka``: SK.ECASD.ECKA; ``certificate``: CERT.ECASD.ECKA (7F21); ``ci_key``: PK.CI, the value
    of 7F49; ``curve``: curve reference of ``ecka``; ``today``: the day, YYYY-MM-DD, for a card that
    knows one and judges certificates by it.
    """

    ecka: Scalar
    certificate: HexBytes
    ci_key: HexBytes
    curve: Literal[0, 1, 3, 5] = 0
    today: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None


class Functions(Section):
    """What the card's maker says of functions whose coding is not in print, or differs.

    Data groupings of SetFallbackAttribute, of addressing and connectivity parameters, of UpdatePOL1
    (SGP.02, 4.1.1.6, 4.1.1.10, 4.1.2); of the local functions for a test profile (ESx, 3.22 and
    3.23), of the emergency profile attribute and the local functions for that profile (ESx, 3.30
    and 3.31), ``None`` where nobody knows, or the card has none. ``sm_sr_number``: number that the
    card notifies, digits of an international one; empty where it has none; ``None`` where nobody
    knows. A notification is sent ``attempts`` times, again after ``retry_s`` seconds where the
    terminal cannot send it and after ``confirmation_s`` where it was sent and is not confirmed,
    before the change is rolled back; without service for ``network_loss_s`` seconds the card falls
    back; ``None`` where nobody knows, or the card never does.
    """

    fallback_dgi: Annotated[int, Field(ge=0x0100, le=0xFFFF)] = 0x3A05
    addressing_dgi: Annotated[int, Field(ge=0x0100, le=0xFFFF)] = 0x3A07
    policy_dgi: Annotated[int, Field(ge=0x0100, le=0xFFFF)] = 0x3A06
    enable_test_dgi: Annotated[int, Field(ge=0x0100, le=0xFFFF)] | None = None
    disable_test_dgi: Annotated[int, Field(ge=0x0100, le=0xFFFF)] | None = None
    emergency_dgi: Annotated[int, Field(ge=0x0100, le=0xFFFF)] | None = None
    enable_emergency_dgi: Annotated[int, Field(ge=0x0100, le=0xFFFF)] | None = None
    disable_emergency_dgi: Annotated[int, Field(ge=0x0100, le=0xFFFF)] | None = None
    sm_sr_number: Annotated[str, Field(pattern=r"^\d{0,20}$")] | None = None
    attempts: Annotated[int, Field(ge=1, le=255)] = 3
    retry_s: Annotated[float, Field(gt=0)] | None = None
    confirmation_s: Annotated[float, Field(gt=0)] | None = None
    network_loss_s: Annotated[float, Field(gt=0)] | None = None


class BootstrapSubscription(Section):
    """The provisioning profile that the eUICC leaves the factory with, for its first SMS."""

    iccid: str = Field(pattern=r"^\d{18,20}$")
    imsi: str = Field(pattern=r"^\d{6,15}$")
    k: Aes128Key
    opc: Aes128Key


class EuiccKeyFile(Section):
    """What the eUICC maker personalised, and gives away by role."""

    schema_version: Literal[1] = Field(alias="schema")
    kind: Literal["euicc"]
    test_only: bool = False
    description: str = ""
    eid: Annotated[str, Field(pattern=r"^\d{32}$"), AfterValidator(_check_digits)]
    isd_r_scp80: Annotated[
        list[Scp80Keys], Field(min_length=1), AfterValidator(_one_of_each_version)
    ]
    isd_r_scp03: Annotated[
        list[Scp03Keys], Field(min_length=1), AfterValidator(_one_of_each_version)
    ]
    isd_r_scp81: Scp81Key | None = None
    isd_p_base: Scp03Keys
    bootstrap: BootstrapSubscription | None = None
    ecasd: EcasdKeys | None = None
    functions: Functions = Field(default_factory=Functions)

    def factory(self) -> dict[str, Any]:
        """Return what its maker put in, for the eUICC's factory file (JSON-able, keys as hex)."""
        timing: dict[str, Any] = {"attempts": self.functions.attempts}
        for name in ("retry_s", "confirmation_s"):
            value = getattr(self.functions, name)
            if value is not None:
                timing[name] = value
        return {
            "eid": self.eid,
            "isd_r": {
                "scp80": [_as_hex(keys) for keys in self.isd_r_scp80],
                "scp03": [_as_hex(keys) for keys in self.isd_r_scp03],
                **({} if self.isd_r_scp81 is None else {"scp81": _as_hex(self.isd_r_scp81)}),
            },
            "isd_p_base": {k: v for k, v in _as_hex(self.isd_p_base).items() if k != "counter"},
            **({} if self.ecasd is None else {"ecasd": _as_hex(self.ecasd)}),
            "notifications": timing,
            "fallback_after_s": self.functions.network_loss_s,
        }


class DeviceKeyFile(Section):
    """Identity and key set of one device."""

    schema_version: Literal[1] = Field(alias="schema")
    kind: Literal["device"]
    test_only: bool = False
    description: str = ""
    device_id: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    kvn: Kvn
    auth: Aes128Key
    enc: Annotated[bytes, *_key(16, 32)]


class SigningKeys(Section):
    """Private halves of the image signing keys: P-256 scalars, 64 hex digits."""

    development: SigningKey
    commercial: SigningKey


class LinkKeys(Section):
    """The pre-defined key set between two servers."""

    kvn: Kvn = 1
    auth: AesKey
    mac: AesKey
    wrap: AesKey


class ServerIdentity(Section):
    """Certificate of an SM-DP or SM-SR (7F21) and the key that goes with it, on P-256 or alike."""

    key: Scalar
    certificate: HexBytes


class PublicKeys(Section):
    """The certificate issuer (CI), and whom it gave certificates (SGP.02, 2.3.2).

    ``ci_id``: what stands in 42 of its certificates; ``ci_key``: PK.CI, the value of 7F49;
    ``ci_signing``: its private key, of a test CI only; ``servers``: by the name of an actor, or by
    its kind.
    """

    ci_id: HexBytes
    ci_key: HexBytes
    ci_signing: Annotated[bytes, *_key(32, 48)[:2]] | None = Field(default=None, repr=False)
    eum_certificate: HexBytes
    servers: dict[str, ServerIdentity] = Field(default_factory=dict)

    def identity(self, name: str, kind: str) -> ServerIdentity | None:
        """Return the certificate of one actor, that of its kind if it has none of its own."""
        return self.servers.get(name) or self.servers.get(kind)


class ServerKeyFile(Section):
    """What the servers hold: signing keys, the links between them, the eUICC maker's signature."""

    schema_version: Literal[1] = Field(alias="schema")
    kind: Literal["servers"]
    test_only: bool = False
    description: str = ""
    signing: SigningKeys
    eum_signing: SigningKey
    smpp_password: str = Field(default="", max_length=8, repr=False)
    link_master: Aes128Key = Field(
        description="key sets between two servers that are not listed are derived from it"
    )
    links: dict[str, LinkKeys] = Field(
        default_factory=dict, description="key sets of single pairs, such as 'mno-1/sm-dp-1'"
    )
    pki: PublicKeys | None = Field(
        default=None, description="certificates for key establishments with eUICCs"
    )

    def link(self, one: str, other: str) -> tuple[int, bytes, bytes, bytes]:
        """Return key version, auth, mac and wrap key of the key set that two servers share.

        Those not listed are AES-CMAC(link_master, 01 ‖ purpose ‖ 00 ‖ the two ids, sorted, joined
        by "/"): each pair its own, and no list to keep (the form of NIST SP 800-108, our labels).
        """
        pair = sorted((one, other))
        for name in ("/".join(pair), "/".join(reversed(pair))):
            if name in self.links:
                given = self.links[name]
                return given.kvn, given.auth, given.mac, given.wrap
        auth, mac, wrap = (self._derive(purpose, pair) for purpose in ("auth", "mac", "wrap"))
        return 1, auth, mac, wrap

    def _derive(self, purpose: str, pair: list[str]) -> bytes:
        from cryptography.hazmat.primitives.ciphers.algorithms import AES  # noqa: PLC0415
        from cryptography.hazmat.primitives.cmac import CMAC  # noqa: PLC0415

        mac = CMAC(AES(self.link_master))
        mac.update(b"\x01" + purpose.encode() + b"\x00" + "/".join(pair).encode())
        return mac.finalize()


class NetworkSubscription(Section):
    """One subscriber of the test network, as its authentication centre knows it."""

    imsi: str = Field(pattern=r"^\d{6,15}$")
    algorithm: Literal["milenage", "tuak", "xor"] = "milenage"
    k: Annotated[bytes, *_key(16, 32)]
    opc: Annotated[bytes, *_key(16)[:2]] | None = Field(default=None, repr=False)
    topc: Annotated[bytes, *_key(32)[:2]] | None = Field(default=None, repr=False)
    amf: Annotated[bytes, *_key(2)[:2]] | None = Field(default=None, description="8000 by default")

    @model_validator(mode="after")
    def _constant(self) -> Self:
        needed = {"milenage": "opc", "tuak": "topc"}.get(self.algorithm)
        given = [name for name in ("opc", "topc") if getattr(self, name) is not None]
        if given != [needed] * bool(needed):
            raise wrong(f"'{self.algorithm}' has {needed or 'neither opc nor topc'}")
        return self


class NetworkKeyFile(Section):
    """Who subscribes to the lab's test network; its authentication centre has the same keys."""

    schema_version: Literal[1] = Field(alias="schema")
    kind: Literal["network"]
    test_only: bool = False
    description: str = ""
    plmn: str = Field(pattern=r"^\d{5,6}$", description="country and network code, such as 00101")
    subscribers: list[NetworkSubscription] = Field(min_length=1)

    def register(self) -> dict[str, Any]:
        """Return the file of the virtual authentication centre (JSON-able, keys as hex)."""
        rows = [_as_hex(one) for one in self.subscribers]
        given = [{name: value for name, value in row.items() if value is not None} for row in rows]
        return {"plmn": self.plmn, "subscribers": given}


KEY_FILES: dict[str, type[EuiccKeyFile | DeviceKeyFile | ServerKeyFile | NetworkKeyFile]] = {
    "euicc": EuiccKeyFile,
    "device": DeviceKeyFile,
    "servers": ServerKeyFile,
    "network": NetworkKeyFile,
}


def _as_hex(section: Section) -> dict[str, Any]:
    return {
        name: value.hex() if isinstance(value, bytes) else value
        for name, value in section.model_dump().items()
    }
