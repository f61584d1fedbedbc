"""The OpenAPI description of a server: a title and an id for each function, and examples."""

from __future__ import annotations

import re
from typing import Any, Final

from fastapi import FastAPI

from hil.provisioning.http.messages import ErrorAnswer

TITLES: Final = {
    "GET /health": "Say what this server is",
    "POST /sessions": "Open a session: the server proves itself",
    "POST /sessions/proof": "Prove oneself to the server",
    "GET /routing": "Say where packets are to go",
    "GET /subscriptions/{iccid}/owned": "Say whether a subscription is of this MNO",
    "POST /reservations": "Give subscriptions to an order",
    "POST /orders": "Order profiles",
    "GET /notices": "Say what this MNO was told",
    "mno POST /subscriptions": "Enter a subscription",
    "eum POST /subscriptions": "Give subscriptions of the eUICC maker",
    "POST /bulk-orders": "Begin a large order",
    "GET /euiccs/{eid}/eis": "Give the signed EIS of an eUICC",
    "GET /euiccs/{eid}/scp80": "Give the SCP80 keys of an eUICC",
    "GET /euiccs/{eid}/scp81": "Give the SCP81 key of an eUICC",
    "GET /euiccs/{eid}/scp03/{kvn}": "Give an SCP03 key set of an eUICC",
    "GET /euiccs/{eid}/isd-p-base": "Give the base key of an eUICC's ISD-Ps",
    "POST /isd-p-bases": "Give the base keys of many eUICCs",
    "POST /scp03-key-sets/{kvn}": "Give the SCP03 key sets of many eUICCs",
    "POST /euiccs": "Enter an eUICC that was made",
    "POST /euiccs/{eid}/deliveries": "Bring the EIS of an eUICC to an SM-SR",
    "POST /euiccs/{eid}/properties": "Tell an SM-SR additional properties of an eUICC",
    "GET /orders/{order_id}": "Say how an order stands",
    "POST /orders/{order_id}/eids": "Name the eUICCs of an order",
    "POST /orders/{order_id}/resume": "Go on with an order that broke off",
    "GET /bulk-orders/{order_id}": "Say how far a large order is",
    "POST /bulk-orders/{order_id}/resume": "Go on with a large order",
    "GET /orders/{order_id}/profiles": "List the profiles of an order, a page at a time",
    "GET /orders/{order_id}/profiles.ndjson": "Stream the profiles of an order",
    "POST /isdp": "Reserve an ISD-P",
    "POST /packets": "Deliver the packets of a profile",
    "GET /packets": "List the profiles whose packets are here",
    "POST /isdp-batches": "Reserve many ISD-Ps",
    "POST /packet-batches": "Deliver the packets of many profiles",
    "GET /links": "Say what went over each link",
    "POST /eis": "Register an eUICC by its signed EIS",
    "POST /notifications": "Tell what became of a profile",
    "GET /euiccs/{eid}/image-check": "Say whether POL2 allows what an image does",
    "GET /euiccs": "List the eUICCs",
    "GET /euiccs/{eid}": "Give what is known of an eUICC",
    "PUT /euiccs/{eid}/msisdn": "Set the number of an eUICC",
    "POST /downloads": "Install the packets of a profile over the air",
    "POST /euiccs/{eid}/profiles/{iccid}/enable": "Enable a profile",
    "POST /euiccs/{eid}/profiles/{iccid}/disable": "Disable a profile",
    "POST /euiccs/{eid}/profiles/{iccid}/delete": "Delete a profile",
    "PUT /euiccs/{eid}/profiles/{iccid}/pol2": "Set POL2 of a profile",
    "POST /euiccs/{eid}/audit": "Ask an eUICC for its profiles",
    "GET /jobs/{job}": "Say how a job stands, or wait for its end",
    "POST /profile-requests": "Request profiles for devices",
    "POST /devices": "Enter a device",
    "POST /devices/{device_id}/unlock": "Unlock a device",
    "PUT /policy": "Say how devices are authenticated",
    "POST /device-sessions": "Begin to authenticate a device",
    "POST /device-sessions/{session}/presentation": "Present a device",
    "POST /device-sessions/{session}/image": "Fetch the next image of the device",
    "POST /device-sessions/{session}/mode-command": "Authorize a change of mode",
    "POST /device-sessions/{session}/manner-command": "Authorize a change of manner",
    "POST /device-sessions/{session}/installation": "Report what became of an image",
    "GET /images": "List the images",
    "POST /images": "Make an image",
    "GET /outbox": "Say how many notifications wait",
    "POST /outbox/flush": "Send the notifications that wait",
    "GET /es2/calls/{call}": "Say how a call stands",
    "GET /es7/handovers/{eid}": "Say how the take-over of an eUICC stands",
    "GET /es7/jobs/{job}": "Say how a job for the other SM-SR stands",
    "GET /es4/handovers/{eid}": "Say how the change of an eUICC's SM-SR stands",
}
"""What each function is called, by its method and path, and by the kind where that differs."""

VALUES: Final[dict[str, object]] = {
    "eid": "89049032000000000012345678901212",
    "eids": "89049032000000000012345678901212",
    "targets": "89049032000000000012345678901212",
    "iccid": "8900101000000000019",
    "profile_id": "8900101000000000019",
    "imsi": "001010000000001",
    "msisdn": "882100000001",
    "isdp_aid": "a0000005591010ffffffff8900001100",
    "aid": "a0000005591010ffffffff8900001100",
    "aids": "a0000005591010ffffffff8900001100",
    "sd_aid": "a0000005591010ffffffff8900000100",
    "mno": "mno-1",
    "sm_dp": "sm-dp-1",
    "sm_sr": "sm-sr-1",
    "eum": "eum-1",
    "receiver": "support-1",
    "initiator": "operator-1",
    "device_id": "DUT-1",
    "profile_type": "test",
    "id": "sm-sr-1",
    "ready": "sm-sr",
    "code": "wrong-state",
    "reason": "",
    "result": "installed",
    "state": "done",
    "kind": "network",
    "name": "main",
    "amount": 1,
    "kvn": 1,
    "at": 1764100000.0,
    "functionCallIdentifier": "call-0001",
}
"""Examples by the name of a field; others are made from the type."""

_SCHEMAS: Final = "#/components/schemas/"
ERROR_CONTENT: Final = {
    "application/json": {"schema": {"$ref": f"{_SCHEMAS}{ErrorAnswer.__name__}"}}
}
"""The body of every refusal, by reference: as a model it would be built anew for each function and
status, which was most of what it took to start a server."""

_BEARER: Final = "HTTPBearer"
BEHIND_A_SESSION: Final[dict[str, Any]] = {"security": [{_BEARER: []}]}
"""Description of a function whose caller shows a session (OpenAPI 3.1, 4.8.30)."""

_OCTETS: Final = "00112233445566778899aabbccddeeff"
_SPECIFIED: Final = re.compile(r"/(es\d)/(\w+)$")
_METHODS: Final = ("get", "put", "post", "patch", "delete")


def octets(media_type: str) -> dict[str, Any]:
    """Return the description of a body, or of an answer, that is no JSON."""
    schema = {"type": "string", "format": "binary", "contentMediaType": media_type}
    return {"content": {media_type: {"schema": schema}}}


def describe(app: FastAPI, kind: str) -> None:
    """Have ``app``, a server of this kind, describe itself with titles, ids and examples."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            description = plain()
            schemas = description.setdefault("components", {}).setdefault("schemas", {})
            schemas.update(_error_schemas())
            bearer = {"type": "http", "scheme": "bearer"}
            description["components"]["securitySchemes"] = {_BEARER: bearer}
            for path, item in description["paths"].items():
                for method in _METHODS:
                    if method in item:
                        _complete(item[method], kind, f"{method.upper()} {path}", schemas)
            app.openapi_schema = description
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _error_schemas() -> dict[str, Any]:
    """Return the schemas that :data:`ERROR_CONTENT` refers to, by name."""
    whole = ErrorAnswer.model_json_schema(ref_template=_SCHEMAS + "{model}")
    return {**whole.pop("$defs"), ErrorAnswer.__name__: whole}


def title_of(kind: str, function: str) -> str | None:
    """Return the title of a function, given as ``POST /orders``; None where it has none here."""
    specified = _SPECIFIED.search(function)
    if specified is not None:
        return f"{specified[1].upper()}.{specified[2]}"
    return TITLES.get(f"{kind} {function}") or TITLES.get(function)


def id_of(function: str) -> str:
    """Return the operation id of a function: ``es3_CreateISDP``, ``post_orders_resume``."""
    specified = _SPECIFIED.search(function)
    if specified is not None:
        return f"{specified[1]}_{specified[2]}"
    return re.sub(r"\W+", "_", function.lower()).strip("_")


def example_of(schema: dict[str, Any], schemas: dict[str, Any], name: str = "") -> Any:  # noqa: ANN401 - JSON
    """Return a value that fits a JSON schema; ``schemas`` are those that it may refer to."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rsplit("/", 1)[-1]], schemas, name)
    if "examples" in schema:
        return schema["examples"][0]
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], schemas, name)
    kind = schema.get("type")
    if kind == "object":
        needed = schema.get("required", ())
        rows = schema.get("properties", {}).items()
        return {key: example_of(row, schemas, key) for key, row in rows if key in needed}
    if kind == "array":
        rows = schema.get("prefixItems") or [schema["items"]]
        return [example_of(row, schemas, name) for row in rows]
    return _scalar(kind, schema, name)


def _scalar(kind: object, schema: dict[str, Any], name: str) -> object:
    if "const" in schema or "enum" in schema:
        return schema.get("const") or schema["enum"][0]
    known = VALUES.get(name)
    types: dict[object, tuple[type, object]] = {
        "string": (str, _OCTETS),
        "integer": (int, int(schema.get("minimum", 1))),
        "number": (float, 1.0),
        "boolean": (bool, False),
    }
    if kind not in types:
        return None
    wanted, plain = types[kind]
    return known if isinstance(known, wanted) else plain


def _complete(operation: dict[str, Any], kind: str, function: str, schemas: dict[str, Any]) -> None:
    operation["operationId"] = id_of(function)
    operation["summary"] = title_of(kind, function) or operation["summary"]
    for parameter in operation.get("parameters", ()):
        _without_null(parameter["schema"])
    bodies = [operation.get("requestBody", {})]
    bodies += [answer for status, answer in operation["responses"].items() if status < "300"]
    for body in bodies:
        media = body.get("content", {}).get("application/json")
        if media is not None and media.get("schema"):
            media["example"] = example_of(media["schema"], schemas)


def _without_null(schema: dict[str, Any]) -> None:
    """Take null from what a parameter may be: a header or a query can only leave it out."""
    choices = [row for row in schema.pop("anyOf", ()) if row != {"type": "null"}]
    if len(choices) == 1:
        schema.update(choices[0])
    elif choices:
        schema["anyOf"] = choices
