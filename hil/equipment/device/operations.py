"""What a device can be asked, whatever its dialect: parameters to send and fields to get back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final


def _flag(text: str) -> bool:
    if text not in {"0", "1"}:
        raise ValueError(f"{text!r} is not 0 or 1")
    return text == "1"


def _optional_int(text: str) -> int | None:
    return int(text) if text else None


Converter = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to ask: ``parameters`` a template may use, ``fields`` its answer may name.

    ``required`` fields must be named by every dialect that knows the operation; ``many`` means
    one answer line for each item.
    """

    parameters: tuple[str, ...] = ()
    fields: Mapping[str, Converter] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    many: bool = False


_JIG_FIELDS: Final[Mapping[str, Converter]] = {
    "jig_state": str,
    "jig_accepted": _flag,
    "jig_millivolts": int,
    "jig_microamps": _optional_int,
}
_AUTHORIZATION: Final = ("server_nonce", "proof")

OPERATIONS: Final[Mapping[str, Operation]] = {
    "attention": Operation(),
    "identity": Operation(
        fields={"device_id": str, "eid": str, "life": str}, required=("device_id", "eid", "life")
    ),
    "manufacturer": Operation(fields={"text": str}, required=("text",)),
    "model": Operation(fields={"text": str}, required=("text",)),
    "firmware": Operation(fields={"text": str}, required=("text",)),
    "imei": Operation(fields={"text": str}, required=("text",)),
    "hello": Operation(
        parameters=("server_nonce",),
        fields={
            "device_id": str,
            "eid": str,
            "manner": str,
            "device_nonce": bytes.fromhex,
            "kvn": _optional_int,
            "proof": bytes.fromhex,
            "jig_proof": bytes.fromhex,
            **_JIG_FIELDS,
        },
        required=("device_id", "eid", "device_nonce", "proof"),
    ),
    "authenticate": Operation(("proof",), {"result": str}, ("result",)),
    "goodbye": Operation(),
    "authentication": Operation(
        fields={"server_auth": str, "device_auth": str, "lockout_ms": int},
        required=("server_auth",),
    ),
    "challenge": Operation(fields={"device_nonce": bytes.fromhex}, required=("device_nonce",)),
    "manner": Operation(fields={"manner": str}, required=("manner",)),
    "set_manner": Operation(("manner", *_AUTHORIZATION)),
    "mode": Operation(fields={"mode": str, "cause": str}, required=("mode",)),
    "set_mode": Operation(("mode", *_AUTHORIZATION)),
    "user_input": Operation(("keys",)),
    "jig": Operation(fields=_JIG_FIELDS, required=("jig_state", "jig_accepted", "jig_millivolts")),
    "images": Operation(
        fields={"image_id": str, "iccid": str, "profile_class": str, "state": str},
        required=("image_id", "state"),
        many=True,
    ),
    "receive_image": Operation(
        ("size", "sha256", "block", "resume"), {"offset": int, "window": int}, ("offset",)
    ),
    "received": Operation(
        fields={"result": str, "image_id": str, "reason": str}, required=("result", "image_id")
    ),
    "install": Operation(),
    "last_install": Operation(
        fields={"result": str, "reason": str, "image_id": str, "iccid": str, "boot": int},
        required=("result",),
    ),
    "delete_image": Operation(("image_id",)),
    "last_error": Operation(fields={"text": str}, required=("text",)),
    "boot_count": Operation(fields={"count": int}, required=("count",)),
    "reboot": Operation(),
    "csim": Operation(("length", "apdu"), {"apdu": bytes.fromhex}, ("apdu",)),
    "imsi": Operation(fields={"imsi": str}, required=("imsi",)),
    "registration": Operation(fields={"registration": str}, required=("registration",)),
    "operator": Operation(fields={"network": str}, required=("network",)),
    "registration_cause": Operation(fields={"text": str}, required=("text",)),
    "open_channel": Operation(("aid",), {"session": int}, ("session",)),
    "logical": Operation(
        ("session", "length", "apdu"), {"apdu": bytes.fromhex}, required=("apdu",)
    ),
    "close_channel": Operation(("session",)),
}
"""Every operation; a dialect leaves out what its device cannot do."""
