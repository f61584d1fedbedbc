"""The OpenAPI description of every server: valid, and with the errors of every function."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate

from hil.cli import main
from hil.provisioning.http import device_messages as d
from hil.provisioning.http import es_messages as e
from hil.provisioning.http import messages as m
from hil.provisioning.http.description import example_of, title_of
from hil.provisioning.http.orders import request_of
from hil.provisioning.openapi import descriptions
from hil.provisioning.serve_config import parse_config
from hil.provisioning.servers import Servers
from tests.provisioning.serving import Bench
from tests.thorough import thorough

ERRORS = {"400", "401", "403", "404", "408", "409", "413", "415", "422", "423", "500", "503", "504"}


@pytest.fixture(scope="module")
def described_kinds() -> dict[str, dict[str, Any]]:
    return descriptions()


@pytest.mark.parametrize("layout", ["separate", pytest.param("inside-sm-sr", marks=thorough)])
def test_every_description_is_valid_and_tells_the_errors(layout: str) -> None:
    servers = Servers(parse_config(Bench(None, layout=layout).text(), "test"))
    seen = set()
    try:
        for name, app in servers.faces.items():
            written = json.dumps(app.openapi())
            described = json.loads(written)
            # Two servers of a kind differ in their title alone, and to validate takes seconds.
            alike = written.replace(json.dumps(app.title), "")
            if alike in seen:
                continue
            seen.add(alike)
            validate(described)
            found = [
                operation | {"method": method}
                for item in described["paths"].values()
                for method, operation in item.items()
            ]
            ids = [operation["operationId"] for operation in found]
            assert len(ids) == len(set(ids)), name
            for operation in found:
                assert set(operation["responses"]) >= ERRORS, operation["operationId"]
                for status in ERRORS:
                    content = operation["responses"][status]["content"]["application/json"]
                    assert content["schema"] == {"$ref": "#/components/schemas/ErrorAnswer"}
                changes = "Function-Call-Identifier" in json.dumps(operation)
                sessions = operation["operationId"].startswith("post_sessions")
                is_read = operation["method"] == "get"
                assert changes is not (sessions or is_read), operation["operationId"]
            assert "HTTPBearer" in described["components"]["securitySchemes"]
        assert len(seen) >= 4
    finally:
        servers.close()


def media(described: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the JSON of every request and every answer that is no error."""
    for item in described["paths"].values():
        for operation in item.values():
            answers = [row for code, row in operation["responses"].items() if code < "300"]
            for body in (operation.get("requestBody", {}), *answers):
                found = body.get("content", {}).get("application/json")
                if found is not None and found["schema"]:
                    yield operation["operationId"], found


@pytest.mark.parametrize("kind", ["mno", "eum", "sm-dp", "support-server", "sm-sr"])
def test_every_example_is_as_described_and_every_function_has_its_title(
    kind: str, described_kinds: dict[str, dict[str, Any]]
) -> None:
    described = described_kinds[kind]
    schemas = described["components"]
    found = list(media(described))
    assert len(found) > 8
    for name, row in found:
        schema = row["schema"] | {"components": schemas}
        errors = list(jsonschema.Draft202012Validator(schema).iter_errors(row["example"]))
        assert errors == [], name
    titles = [
        operation["summary"] for item in described["paths"].values() for operation in item.values()
    ]
    assert len(titles) == len(set(titles))
    functions = [f"{how.upper()} {at}" for at, row in described["paths"].items() for how in row]
    assert [name for name in functions if title_of(kind, name) is None] == [], "TITLES needs them"


def test_a_client_can_send_what_is_described_of_headers_and_queries(
    described_kinds: dict[str, dict[str, Any]],
) -> None:
    """Found by schemathesis, which sent a header ``null`` and no identifier to ES3."""
    for described in described_kinds.values():
        for path, item in described["paths"].items():
            for method, operation in item.items():
                rows = {row["name"]: row for row in operation.get("parameters", ())}
                assert '"null"' not in json.dumps(rows), path
                header = rows.get("Function-Call-Identifier")
                if header is not None:
                    assert header["required"] is bool(re.match(r"/es\d/", path)), path
                    assert header["schema"]["type"] == "string"
                    assert method != "get"


def test_bytes_are_described_as_hex_digits(described_kinds: dict[str, dict[str, Any]]) -> None:
    rows = described_kinds["sm-sr"]["components"]["schemas"]["SendDataRequest"]["properties"]
    for text, good in (("22a0", True), ("22A0", True), ("", True), ("22a", False), ("xyz0", False)):
        found = jsonschema.Draft202012Validator(rows["data"]).is_valid(text)
        assert found is good, text


@pytest.mark.parametrize(
    ("kind", "function", "side", "media_type"),
    [
        ("sm-sr", "post /packets", "requestBody", "application/cbor"),
        ("support-server", "post /packet-batches", "requestBody", "application/cbor"),
        ("support-server", "post /device-sessions/{session}/image", "200", "application/cose"),
        ("sm-dp", "get /orders/{order_id}/profiles.ndjson", "200", "application/x-ndjson"),
    ],
)
def test_what_is_no_json_is_described_as_what_it_is(
    kind: str,
    function: str,
    side: str,
    media_type: str,
    described_kinds: dict[str, dict[str, Any]],
) -> None:
    method, path = function.split()
    operation = described_kinds[kind]["paths"][path][method]
    body = operation[side] if side == "requestBody" else operation["responses"][side]
    assert list(body["content"]) == [media_type]


def test_examples_are_taken_by_the_messages_themselves() -> None:
    """The schema says less than the model: hex digits, for instance."""
    schemas: dict[str, Any] = {}
    for model in (m.OrderMessage, m.SignedEisMessage, e.ProfileRequestMessage, d.DeviceMessage):
        schema = model.model_json_schema()
        schemas |= schema.get("$defs", {})
        model.model_validate(example_of(schema, schemas))


def test_the_example_of_an_order_is_an_order(described_kinds: dict[str, dict[str, Any]]) -> None:
    for kind, path in (
        ("mno", "/orders"),
        ("sm-dp", "/bulk-orders"),
        ("support-server", "/profile-requests"),
    ):
        body = described_kinds[kind]["paths"][path]["post"]["requestBody"]["content"]
        message = m.OrderMessage.model_validate(body["application/json"]["example"])
        request_of(message).check()


def test_it_is_written_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "sm-dp.json"
    assert main(["openapi", "--actor", "sm-dp", "--out", str(out)]) == 0
    assert json.loads(out.read_text())["info"]["title"] == "SM-DP sm-dp-1"
    assert main(["openapi"]) == 0
    assert "/es3/CreateISDP" in json.loads(capsys.readouterr().out)["paths"]
    assert main(["openapi", "--out", str(tmp_path / "no" / "file")]) == 64
    assert "cannot be written" in capsys.readouterr().err
