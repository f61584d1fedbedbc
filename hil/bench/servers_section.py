"""The provisioning servers of a bench, each with its id, and how they stand to each other."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, model_validator

from hil.bench.manner import Manner
from hil.bench.quantity import Seconds
from hil.documents.section import Section, wrong

ActorKind = Literal["mno", "eum", "sm-dp", "support-server", "sm-sr"]
ActorId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,15}$")]
Layout = Literal["separate", "inside-sm-sr", "one-server"]


_OPTIONAL: Final[dict[ActorKind, set[str]]] = {
    "mno": {"packets_to", "sm_sr", "iccid_prefix", "imsi_prefix"},
    "eum": {"sm_sr", "iccid_prefix", "imsi_prefix"},
    "sm-dp": set(),
    "support-server": {"sm_sr", "dedicated_line_from"},
    "sm-sr": {
        "auto_download",
        "administration_port",
        "smpp_system_id",
        "answer_time",
        "attempts",
    },
}
"""Which keys only some kinds have."""


class ActorSection(Section):
    """One server. What only some kinds have is refused for the others."""

    kind: ActorKind
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=0, description="on 127.0.0.1; 0 takes a free one"
    )
    store: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9+]+://",
        description="the URL of a database of its own, instead of a file in the folder of the run",
    )
    packets_to: ActorId | None = Field(
        default=None, description="mno: where the SM-DP sends the packets of its profiles"
    )
    sm_sr: ActorId | None = Field(
        default=None,
        description="mno, eum: the SM-SR of its eUICCs; support-server: the one it stands with",
    )
    iccid_prefix: str | None = Field(default=None, pattern=r"^89\d{1,10}$")
    imsi_prefix: str | None = Field(default=None, pattern=r"^\d{5,9}$")
    dedicated_line_from: ActorId | None = Field(
        default=None, description="support-server: the SM-DP whose packets have a line of their own"
    )
    auto_download: bool | None = Field(
        default=None, description="sm-sr: send packets over the air as soon as they come"
    )
    administration_port: Annotated[int, Field(ge=0, le=65535)] | None = Field(
        default=None,
        description="sm-sr: HTTPS administration sessions, on 127.0.0.1; 0 takes a free port",
    )
    smpp_system_id: str | None = Field(
        default=None,
        pattern=r"^[\x21-\x7e]{1,15}$",
        description="sm-sr: its account at the SMS centre; its own id by default",
    )
    answer_time: Seconds | None = Field(
        default=None,
        gt=0,
        description="sm-sr: how long it waits for a card's answer before it sends again; twice as "
        "long each time after",
    )
    attempts: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="sm-sr: how often it sends a command before it gives up"
    )

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        allowed = _OPTIONAL[self.kind]
        optional = sorted(set().union(*_OPTIONAL.values()))
        foreign = [n for n in optional if getattr(self, n) is not None and n not in allowed]
        if foreign:
            raise wrong(f"an actor of kind {self.kind} has no '{foreign[0]}'")
        if self.store is not None and _has_password(self.store):
            raise wrong(
                "'store' has a password in it: leave it out, put it into ~/.pgpass or PGPASSWORD"
            )
        if self.kind == "mno" and (self.packets_to is None or self.sm_sr is None):
            raise wrong("an mno needs 'packets_to' and 'sm_sr'")
        if (self.iccid_prefix is None) != (self.imsi_prefix is None):
            raise wrong("'iccid_prefix' and 'imsi_prefix' belong together")
        return self


class ServersSection(Section):
    """The servers of the bench."""

    layout: Layout = Field(
        default="separate",
        description="the support server alone, as functions of its SM-SR, or one server with it",
    )
    manner: Manner | None = Field(
        default=None, description="how the support server authenticates; as the device by default"
    )
    subject: Literal["device", "esim"] = Field(
        default="device", description="whom the support server authenticates"
    )
    store: Literal["file", "memory"] = Field(
        default="file", description="SQLite in the folder of the run, or nothing that lasts"
    )
    transport: Literal["https", "http"] = Field(
        default="https",
        description="mutual TLS, or plain HTTP; both on loopback",
    )
    certificates: str | None = Field(
        default=None,
        description="a folder with ca.pem, <id>.pem and <id>.key of each party, and crl.pem if any "
        "is revoked; without it a CA is made for the run",
    )
    actors: dict[ActorId, ActorSection] = Field(min_length=1)
    line_station: ActorId = Field(default="line-1", description="id of this PC on the line")
    operator: ActorId = Field(default="operator-1", description="id under which tests look in")

    @model_validator(mode="after")
    def _refer_to_each_other(self) -> Self:
        def expect(name: str, key: str, given: str | None, kinds: tuple[ActorKind, ...]) -> None:
            if given is None:
                return
            if given not in self.actors or self.actors[given].kind not in kinds:
                raise wrong(f"actors.{name}.{key}: '{given}' is no {' or '.join(kinds)} here")

        for name, actor in self.actors.items():
            expect(name, "packets_to", actor.packets_to, ("support-server", "sm-sr"))
            expect(name, "sm_sr", actor.sm_sr, ("sm-sr",))
            expect(name, "dedicated_line_from", actor.dedicated_line_from, ("sm-dp",))
            if actor.kind == "support-server" and self.layout != "separate" and not actor.sm_sr:
                raise wrong(f"actors.{name}: the layout '{self.layout}' needs its 'sm_sr'")
            if actor.kind == "support-server" and self.layout != "separate" and actor.store:
                raise wrong(f"actors.{name}.store: with '{self.layout}' it has that of its SM-SR")
        self._number_plans_apart()
        if self.transport == "http" and self.certificates is not None:
            raise wrong("'certificates' are for the transport https")
        taken = {*self.actors} & {self.line_station, self.operator}
        if taken or self.line_station == self.operator:
            raise wrong("line_station and operator need ids of their own")
        return self

    def _number_plans_apart(self) -> None:
        """Refuse number plans that overlap: two actors would give the same number."""
        seen: list[tuple[str, ActorSection]] = []
        for name, actor in self.actors.items():
            for other, before in seen:
                for key in ("iccid_prefix", "imsi_prefix"):
                    one, two = getattr(actor, key) or "", getattr(before, key) or ""
                    if one and two and (one.startswith(two) or two.startswith(one)):
                        raise wrong(
                            f"actors.{name}.{key}: '{one}' overlaps '{two}' of {other}: both would "
                            "give the same numbers"
                        )
            seen.append((name, actor))

    def system_id(self, sm_sr: str) -> str:
        """Return the account of an SM-SR at the SMS centre."""
        return self.actors[sm_sr].smpp_system_id or sm_sr

    def of_kind(self, *kinds: ActorKind) -> list[str]:
        """Return the ids of the actors of these kinds, in the order of the file."""
        return [name for name, actor in self.actors.items() if actor.kind in kinds]


def _has_password(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        # Whoever opens it says what is wrong with it.
        return False
    return parts.password is not None or "password" in parse_qs(parts.query)
