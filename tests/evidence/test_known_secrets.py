"""Whoever makes a secret announces it, and it is found by its type."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from hil.bench.lab import load_lab
from hil.bench.profile_maker import ProfileMaker
from hil.known_secrets import KnownSecret, announce, announced_since
from hil.provisioning.http import clients
from hil.provisioning.http.faces import subscription_message, wrapped
from hil.provisioning.orders import Subscription
from hil.provisioning.trust import PeerKeySet
from hil.wire.scp03_keys import KeySet

if TYPE_CHECKING:
    from hil.bench.esim import Esim


@dataclass(frozen=True)
class Inner:
    shown: bytes = b"shown to all"
    hidden: bytes = field(default=b"printed in public", repr=False)


@dataclass(frozen=True)
class Outer:
    inner: tuple[Inner, ...]
    keys: tuple[bytes, ...] = field(repr=False)
    pin: str = field(default="0000", repr=False)
    password: str = field(default="", repr=False)


def news(begin: int) -> dict[str, KnownSecret]:
    return {secret.name: secret for secret in announced_since(begin)[1]}


def test_secrets_are_the_fields_that_a_repr_leaves_out() -> None:
    begin, _ = announced_since(0)
    announce("it", Outer((Inner(), Inner(hidden=b"a key of its own")), (b"first key",)))
    found = news(begin)
    assert {name: one.value for name, one in found.items()} == {
        "hidden of it": b"a key of its own",
        "keys of it": b"first key",
        "pin of it": b"0000",
    }
    assert found["pin of it"].code
    assert not found["keys of it"].code
    assert "first key" not in repr(found)


def test_the_maker_of_profiles_announces_all_that_is_secret_in_them() -> None:
    lab = load_lab("virtual")
    begin, _ = announced_since(0)
    esim = cast("Esim", SimpleNamespace(profiles=list))
    made = ProfileMaker(lab, esim).profile("test", puk1="36925814")
    found = {name: one.value for name, one in news(begin).items()}
    owner = f"profile {made.iccid}"
    assert found[f"k of {owner}"] == made.data.k
    assert found[f"opc of {owner}"] == made.data.opc
    assert found[f"s_enc of {owner}"] == made.packets.disclosed_key
    assert found[f"puk1 of {owner}"] == b"36925814"
    assert {f"{name} of {owner}" for name in ("pin1", "pin2", "puk2", "adm1")} <= set(found)
    isd_p = f"ISD-P {made.aid.hex().upper()}"
    assert {f"{name} of {isd_p}" for name in ("enc", "mac", "dek")} <= set(found)


def test_what_servers_send_to_whoever_asks_is_announced_where_it_arrives() -> None:
    begin, _ = announced_since(0)
    link = PeerKeySet(1, bytes(range(16)), bytes(range(16, 32)), bytes(range(32, 48)))
    given = Subscription("8900109", "99970", "sm-sr-1", b"K" * 8 + b"1" * 8, b"O" * 8 + b"2" * 8)
    assert clients._subscription_of(subscription_message(link, given), link) == given
    keys = KeySet(0x30, b"\7" * 16, b"\x08" * 16, b"\x09" * 16)
    assert clients._key_set_of(wrapped(link, keys), link, "eum-1") == keys
    assert {name: one.value for name, one in news(begin).items()} == {
        "k of subscription 8900109": given.k,
        "opc of subscription 8900109": given.opc,
        "enc of key set 30 that eum-1 sent": keys.enc,
        "mac of key set 30 that eum-1 sent": keys.mac,
        "dek of key set 30 that eum-1 sent": keys.dek,
    }
