"""Every example of docs/virtual-power-supply.md, docs/virtual-euicc.md and docs/servers.md, run."""

from __future__ import annotations

import json
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hil.bench.lab import load_lab
from hil.bench.part_files import euicc_factory, write_private
from hil.provisioning.serve_config import parse_config
from tests.docs.pages import ROOT, Block, blocks

SUPPLY = ROOT / "docs" / "virtual-power-supply.md"
EUICC = ROOT / "docs" / "virtual-euicc.md"
SERVERS = ROOT / "docs" / "servers.md"
SCALAR = "11" * 32
KEY = "22" * 16


def ready_line(words: list[str], folder: Path) -> dict[str, Any]:
    """Start a part, return what it says, end it by its lifeline."""
    if words[0] == "hil":
        words = ["python", "-m", *words]
    with subprocess.Popen(
        [sys.executable, *words[1:], "--lifeline"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        process.stdin.close()
        errors = process.stderr.read()
        assert process.wait(20) == 0, errors
    said = json.loads(line)
    assert isinstance(said, dict)
    return said


def only(path: Path, language: str = "") -> Block:
    (block,) = (block for block in blocks(path) if block.language == language)
    return block


def test_examples_of_the_card_are_true() -> None:
    examples = [block for block in blocks(EUICC) if block.language == "python"]
    assert len(examples) >= 2
    for block in examples:
        exec(compile(block.text, "docs/virtual-euicc.md", "exec"), {})  # noqa: S102


def test_the_supply_says_what_its_page_shows(tmp_path: Path) -> None:
    command, answer = only(SUPPLY).text.splitlines()
    said, shown = ready_line(shlex.split(command.removeprefix("$ ")), tmp_path), json.loads(answer)
    assert list(said) == list(shown)
    for name, value in shown.items():
        pattern = re.sub(r"\\?\d{5}", r"\\d+", re.escape(value))
        assert re.fullmatch(pattern, said[name]), name


@pytest.fixture
def factory(tmp_path: Path) -> Path:
    lab = load_lab(str(ROOT / "lab-config" / "virtual.yaml"))
    return write_private(tmp_path / "FILE.json", euicc_factory(lab))


def test_the_euicc_starts_as_its_page_says(tmp_path: Path, factory: Path) -> None:
    shown = re.search(r'`(\{"ready": "euicc".*?\})`', EUICC.read_text(encoding="utf-8"), re.DOTALL)
    assert shown is not None
    reader, contacts = (shlex.split(line)[:9] for line in only(EUICC).text.splitlines())
    keys = set(json.loads(shown[1]))
    assert set(ready_line(contacts, tmp_path)) == keys
    with socket.create_server(("127.0.0.1", 0)) as vpcd:
        place = reader.index("--vpcd") + 1
        reader[place] = f"127.0.0.1:{vpcd.getsockname()[1]}"
        assert set(ready_line(reader, tmp_path)) == keys - {"contacts"} | {"vpcd"}


def test_the_configuration_of_the_servers_is_one(tmp_path: Path, factory: Path) -> None:
    """Placeholders are filled in; what is left is read as strictly as any configuration."""
    text = only(SERVERS, "json").text
    text = text.replace('"<P-256 scalar>"', f'"{SCALAR}"').replace('"<scalar>"', f'"{SCALAR}"')
    text = text.replace('"…"', f'"{KEY}"').replace('"89…"', f'"{"89" * 16}"')
    config = parse_config(text, SERVERS.name)
    assert {actor.kind for actor in config.actors} == {
        "mno",
        "eum",
        "sm-dp",
        "support-server",
        "sm-sr",
    }
