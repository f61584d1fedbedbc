"""docs/lab-guide.md and README.md against the models, the plugin and the tool: nothing left out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from hil import cli
from hil.bench.capabilities import KNOWN
from hil.bench.lab import load_lab, schemas
from hil.bench.quantity import parse_quantity
from hil.equipment.device import load_dialect
from hil.errors import ConfigError
from hil.evidence.verdict import VERDICTS
from tests.docs.pages import ROOT, Block, blocks, read, table, tables, words
from tests.docs.project import write_files

GUIDE = "docs/lab-guide.md"
BLOCKS = blocks(ROOT / "docs" / "lab-guide.md")


def keys(kind: str) -> dict[str, Any]:
    """Return the dotted keys of a schema with their defaults; "required" without one."""
    root = schemas()[kind]
    found: dict[str, Any] = {}

    def walk(node: dict[str, Any], before: str) -> None:
        if "$ref" in node:
            node = root["$defs"][node["$ref"].rpartition("/")[2]]
        for one in node.get("anyOf", []):
            walk(one, before)
        for name, child in node.get("properties", {}).items():
            needed = name in node.get("required", [])
            found[before + name] = "required" if needed else child.get("default")
            walk(child, f"{before}{name}.")
        for one in (node.get("additionalProperties"), *node.get("patternProperties", {}).values()):
            if isinstance(one, dict):
                walk(one, f"{before}ID.")

    walk(root, "")
    return found


def documented(*heads: str) -> dict[str, str]:
    """Return the dotted keys of the tables with these heads, with the cell of their default."""
    found: dict[str, str] = {}
    for rows in tables(GUIDE):
        head = rows[0][0]
        if not head.startswith(heads):
            continue
        for prefix in words(head) or [""]:
            for row in rows[1:]:
                for name in words(row[0]):
                    full = f"{prefix}.{name}" if prefix else name
                    assert full not in found, f"{full} stands twice"
                    found[full] = row[2]
    return found


def is_default(cell: str, default: object) -> bool:
    if default is None or default == {}:
        return cell == "none"
    if isinstance(default, dict):
        return cell == "none" and not any(default.values())
    if default == "":
        return cell == "empty"
    if isinstance(default, float):
        unit = cell.rpartition(" ")[2]
        return parse_quantity(cell, unit.lstrip("m")) == pytest.approx(default)
    return cell == str(default)


@pytest.mark.parametrize(
    ("kind", "heads"),
    [
        ("bench", ("key of a bench file", "key of `")),
        ("jig", ("key of a jig file",)),
    ],
)
def test_every_key_stands_there_with_its_default(kind: str, heads: tuple[str, ...]) -> None:
    wanted, given = keys(kind), documented(*heads)
    assert set(given) == set(wanted)
    wrong = {name for name, cell in given.items() if not is_default(cell, wanted[name])}
    assert not wrong


@pytest.mark.parametrize("role", ["euicc", "device", "servers", "network"])
def test_every_key_of_a_key_set_stands_there(role: str) -> None:
    article = "an" if role == "euicc" else "a"
    rows = table(GUIDE, f"key of {article} {role} key set")
    given = {name for row in rows for name in words(row[0])}
    assert given == set(schemas()[f"key-set-{role}"]["properties"])
    text = " ".join(cell for row in rows for cell in row)
    for name in keys(f"key-set-{role}"):
        assert name.rpartition(".")[2] in text, name


def test_capabilities() -> None:
    assert {words(row[0])[0]: row[1] for row in table(GUIDE, "capability")} == KNOWN


def test_verdicts() -> None:
    assert [row[0] for row in table(GUIDE, "verdict")][:-1] == [
        "PASS",
        "FAIL",
        "ERROR",
        "NOT APPLICABLE",
        "INCONCLUSIVE",
    ]
    assert {row[0] for row in table(GUIDE, "verdict")} == set(VERDICTS)


def test_exit_codes() -> None:
    rows = {int(row[0]): row[1] for row in table(GUIDE, "code")}
    assert {cli.OK, cli.FAILED, cli.INTERRUPTED, cli.USAGE, cli.NOTHING_RUN, cli.BENCH} < set(rows)
    told = " ".join((cli.__doc__ or "").partition("Exit codes:")[2].split())
    assert {int(code) for code in re.findall(r"\b(\d+) ", told)} == set(rows)


def test_every_setting_has_its_twins(pytestconfig: pytest.Config) -> None:
    given = {words(row[0])[0].split()[0]: [words(c)[0] for c in row[1:3]] for row in settings()}
    source = (ROOT / "hil" / "plugin.py").read_text(encoding="utf-8")
    options = re.findall(r'"(--hil-[a-z-]+)"', source)
    assert list(given) == options
    for option, (variable, ini) in given.items():
        name = option.removeprefix("--").replace("-", "_")
        assert (variable, ini) == (name.upper(), name)
        pytestconfig.getini(ini)


def settings() -> list[list[str]]:
    return table(GUIDE, "option")


def test_every_variable_stands_there() -> None:
    code = [ROOT / "lab", *(ROOT / "hil").rglob("*.py")]
    text = "".join(path.read_text(encoding="utf-8") for path in code)
    known = set(re.findall(r"\bHIL_[A-Z0-9_]+\b", text))
    internal = {"HIL_BANNER", "HIL_RUN"}
    rows = settings() + table(GUIDE, "environment only")
    given = {name for row in rows for cell in row[:2] for name in words(cell) if "HIL_" in name}
    assert given == known - internal | {"HIL_RUN_DIR", "HIL_STRICT", "HIL_PROFILE"}


def test_every_fixture_stands_there() -> None:
    source = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "fixtures").glob("*.py"))
    function_scoped = re.findall(r"@pytest\.fixture\ndef (\w+)", source)
    (line,) = (part for part in read(GUIDE).split("\n\n") if part.startswith("Fixtures: "))
    assert set(function_scoped) <= set(words(line))


def test_every_file_of_the_page_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, BLOCKS)
    monkeypatch.chdir(tmp_path)
    lab = load_lab("my-bench")
    assert not lab.is_virtual
    assert lab.jig is not None
    assert lab.device_keys is not None
    assert not lab.device_keys.test_only


def test_keys_that_others_can_read_are_refused_as_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, BLOCKS)
    (tmp_path / "lab-config" / "keysets" / "my-device.yaml").chmod(0o644)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="chmod 600"):
        load_lab("my-bench")


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.tag == "part"], ids=lambda block: block.id
)
def test_parts_fit_into_a_bench_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: Block
) -> None:
    write_files(tmp_path, BLOCKS)
    whole = yaml.safe_load((ROOT / "lab-config" / "example-lab.yaml").read_text())
    whole |= yaml.safe_load(block.text)
    whole["power_supply"]["calibration"]["due"] = "2027-06-30"
    (tmp_path / "lab-config" / "mixed.yaml").write_text(yaml.safe_dump(whole))
    monkeypatch.chdir(tmp_path)
    load_lab("mixed")


def test_the_dialect_loads(tmp_path: Path) -> None:
    (block,) = (block for block in BLOCKS if block.tag == "dialect")
    path = tmp_path / "acme.yaml"
    path.write_text(block.text, encoding="utf-8")
    dialect = load_dialect(path)
    answer = dialect.operations["identity"].answer
    assert answer is not None
    assert answer.fullmatch("#ID: T-1,89049032000000000012345678901212,dev")


def test_every_yaml_block_is_of_a_known_kind() -> None:
    for block in BLOCKS:
        if block.language == "yaml":
            assert block.file or block.tag in ("part", "dialect"), block.id


def test_the_error_shown_is_the_error_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shown,) = (
        block.text for block in BLOCKS if block.text.startswith("hil: bench 'my-bench' has")
    )
    write_files(tmp_path, BLOCKS)
    path = tmp_path / "lab-config" / "my-bench.yaml"
    text = path.read_text().replace("max_voltage: 2.2 V", "max_voltage: 2.2", 1)
    path.write_text(text.replace("  serial: {port", "  seriall: {port", 1))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        load_lab("my-bench")
    assert f"hil: {caught.value}\n" == shown
