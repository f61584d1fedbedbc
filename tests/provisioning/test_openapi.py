"""The OpenAPI description of every server: valid, and with the errors of every function."""

from __future__ import annotations

import json

import pytest
from openapi_spec_validator import validate

from hil.provisioning.serve import Servers
from hil.provisioning.serve_config import parse_config
from tests.provisioning.serving import Bench

ERRORS = {"400", "401", "403", "404", "408", "409", "413", "422", "423", "500", "503", "504"}


@pytest.mark.parametrize("layout", ["separate", "inside-sm-sr"])
def test_every_description_is_valid_and_tells_the_errors(layout: str) -> None:
    servers = Servers(parse_config(Bench(None, layout=layout).text(), "test"))
    try:
        for name, app in servers.faces.items():
            described = json.loads(json.dumps(app.openapi()))
            validate(described)
            found = [
                operation for item in described["paths"].values() for operation in item.values()
            ]
            ids = [operation["operationId"] for operation in found]
            assert len(ids) == len(set(ids)), name
            for operation in found:
                assert set(operation["responses"]) >= ERRORS, operation["operationId"]
                for status in ERRORS:
                    content = operation["responses"][status]["content"]["application/json"]
                    assert content["schema"] == {"$ref": "#/components/schemas/ErrorAnswer"}
                changes = "Function-Call-Identifier" in json.dumps(operation)
                sessions = operation["operationId"].startswith(("challenge", "prove"))
                is_read = "get" in operation["operationId"].rsplit("_", 1)[-1]
                assert changes is not (sessions or is_read), operation["operationId"]
            assert "HTTPBearer" in described["components"]["securitySchemes"]
    finally:
        servers.close()
