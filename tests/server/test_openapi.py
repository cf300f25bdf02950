"""The description of the API, of the toy slice and of the whole."""

from __future__ import annotations

import json
import subprocess
import sys

import httpx

from ostinato.app import SLICES
from ostinato.server import sign_in, system
from ostinato.server.openapi import document, render
from ostinato.testing.toy import API


def test_the_description_names_types_places_and_permissions() -> None:
    told = document([API])
    make = told["paths"]["/api/v1/toys"]["post"]
    assert make["operationId"] == "toys.make"
    assert make["x-permission"] == "toy:write"
    schema = make["requestBody"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["name"]
    assert schema["additionalProperties"] is False
    assert make["responses"]["200"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Toy"}
    assert told["components"]["schemas"]["Toy"]["properties"]["origin"]["anyOf"][0]["format"] == "ref"
    version = told["paths"]["/api/v1/toys/{name}/versions/{version}/next"]["post"]
    assert [(p["name"], p["in"], p["schema"]["type"]) for p in version["parameters"]] == [
        ("name", "path", "string"),
        ("version", "path", "integer"),
    ]
    paint = told["paths"]["/api/v1/toys/{name}/paint"]
    assert "application/octet-stream" in paint["put"]["requestBody"]["content"]
    assert "application/octet-stream" in paint["get"]["responses"]["200"]["content"]


def test_the_server_serves_the_same_bytes(url: str) -> None:
    assert httpx.get(f"{url}/openapi.json").content == render([API])


def test_the_whole_is_described_and_twice_the_same() -> None:
    there = subprocess.run([sys.executable, "-m", "ostinato.server.openapi"], capture_output=True, check=True).stdout
    assert there == render(SLICES)
    told = json.loads(there)
    operations = {o["operationId"] for path in told["paths"].values() for o in path.values()}
    assert operations == {f"{m.NAME}.{op.name}" for m in (*SLICES, system, sign_in) for op in m.OPS}
    assert all(o["summary"] for path in told["paths"].values() for o in path.values())
