from __future__ import annotations

import dataclasses
import datetime
import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from hil.bench.lab import load_lab, schemas
from hil.bench.papers import facts, papers
from hil.errors import ConfigError


def problems(name: str = "virtual") -> str:
    with pytest.raises(ConfigError) as caught:
        load_lab(name)
    return str(caught.value)


def change(folder: Path, old: str, new: str, file: str = "virtual.yaml") -> int:
    """Replace ``old`` once; return the line it stands in."""
    path = folder / file
    text = path.read_text()
    assert text.count(old) >= 1, old
    path.write_text(text.replace(old, new, 1))
    return text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize("name", ["virtual", "virtual-inprocess", "example-lab"])
def test_shipped_benches_are_valid(lab_folder: Path, name: str) -> None:
    lab = load_lab(name)
    assert lab.name == name
    assert lab.is_virtual == (name != "example-lab")
    assert lab.jig is not None
    assert lab.euicc_keys is not None
    assert lab.profiles == ()


@pytest.mark.parametrize("jig", ["voltage-1v8", "current-4ma"])
def test_shipped_jigs_are_valid(lab_folder: Path, jig: str) -> None:
    change(lab_folder, "jigs/voltage-1v8.yaml", f"jigs/{jig}.yaml")
    lab = load_lab("virtual")
    assert lab.jig is not None
    assert (lab.jig.nominal_voltage is None) == (jig == "current-4ma")


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("power_supply:", "power_suply:", "unknown key 'power_suply' - did you mean 'power_supp"),
        ("      ocp: 150 mA", "      ocpp: 150 mA", "ocpp' - did you mean 'ocp'?"),
        ("max_voltage: 5.5 V", "max_voltage: 5.5", "5.5 has no unit"),
        ("max_voltage: 5.5 V", "max_voltage: 5.5 A", "unit 'A', V was expected"),
        ("max_voltage: 5.5 V", "max_voltage: -5.5 V", "must not be negative"),
        ("channel: 1", "channel: one", "a whole number is expected"),
        ("channel: 1", "channel: 1.0", "a whole number is expected"),
        ("seed: 1", "seed: true", "a whole number is expected"),
        ("life: development", "life: developement", "did you mean 'development'?"),
        ("behind: pcsc", "behind: [pcsc]", "is not known"),
        ("schema: 1", "schema: 2", "'2' is not known"),
        ("      ovp: 6 V", "      ovp: 5 V", "ovp (5 V) is below max_voltage (5.5 V)"),
        ("channel: 2", "channel: 1", "jig and rail are both on channel 1"),
        ("nominal: 3.8 V", "nominal: 4.8 V", "above max_voltage"),
        ("packets_to: support-1", "packets_to: suport-1", "'suport-1' is no support-server or"),
        ("sm-dp-1:   {kind: sm-dp}", "sm-dp-1: {kind: sm-pd}", "did you mean 'sm-dp'?"),
        ("{kind: sm-dp}", "{kind: sm-dp, sm_sr: sm-sr-1}", "kind sm-dp has no 'sm_sr'"),
        (
            "{kind: support-server, sm_sr: sm-sr-1, dedicated_line_from: sm-dp-2}",
            "{kind: mno}",
            "an mno needs 'packets_to'",
        ),
        ("  euicc: {file", "  # euicc: {file", "'card' needs 'key_sets.euicc'"),
        ("model: DP832", "model: 832", "put it in quotes"),
        ("channel: 1", "channel: 0", "at least 1 is expected"),
        ('"890020"', '"8900"', "'8900' overlaps '890010' of mno-1: both would"),
        ('"001012"', '"0010"', "text of the form ^"),
        ("  virtual:\n    serial", "  visa: X\n  virtual:\n    serial", "visa and virtual are"),
    ],
)
def test_each_mistake_has_file_line_and_cure(
    lab_folder: Path, old: str, new: str, text: str
) -> None:
    line = change(lab_folder, old, new)
    said = problems()
    assert text in said
    first = next(row for row in said.splitlines() if text in row).strip()
    assert first.startswith("lab-config/virtual.yaml:")
    # A rule between several keys is reported where their section begins.
    of_section = any(
        word in text for word in ("both on", "needs", "below", "above", "are", "is no ", "has no '")
    )
    reported = int(first.split(":")[1])
    assert reported <= line if of_section else reported == line


def test_all_problems_come_at_once(lab_folder: Path) -> None:
    change(lab_folder, "max_voltage: 5.5 V", "max_voltage: 5.5")
    change(lab_folder, "life: development", "life: dev")
    change(lab_folder, "network:", "netwrk:")
    said = problems()
    assert "has 3 problems" in said
    lines = [int(row.split(":")[1]) for row in said.splitlines()[1:]]
    assert lines == sorted(lines)


def test_missing_files_and_unset_variable(lab_folder: Path) -> None:
    change(lab_folder, "jigs/voltage-1v8.yaml", "jigs/voltage-1v9.yaml")
    change(lab_folder, "{file: keysets/device-test.yaml}", "{env: HIL_TEST_NO_SUCH_VARIABLE}")
    said = problems()
    assert "no file 'jigs/voltage-1v9.yaml'" in said
    assert "did you mean 'jigs/voltage-1v8.yaml'?" in said
    assert "HIL_TEST_NO_SUCH_VARIABLE is not set" in said


def test_unknown_bench_names_the_nearest(lab_folder: Path) -> None:
    assert "did you mean 'virtual'?" in problems("virtul")
    assert "no such bench file" in problems("./virtul.yaml")


def test_second_folder_by_environment(lab_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = lab_folder.with_name("elsewhere")
    lab_folder.rename(elsewhere)
    with pytest.raises(ConfigError):
        load_lab("virtual")
    monkeypatch.setenv("HIL_LAB_CONFIG", str(elsewhere))
    assert load_lab("virtual").path == elsewhere / "virtual.yaml"


def test_keys_must_be_private_unless_they_are_test_keys(lab_folder: Path) -> None:
    path = lab_folder / "keysets" / "device-test.yaml"
    path.chmod(0o644)
    load_lab("virtual")
    change(lab_folder, "test_only: true", "test_only: false", "keysets/device-test.yaml")
    said = problems()
    assert "mode 0644" in said
    assert "chmod 600" in said
    path.chmod(0o600)
    load_lab("virtual")


def test_keys_come_from_the_environment(lab_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = lab_folder / "keysets" / "device-test.yaml"
    keys = yaml.safe_load(path.read_text())
    path.unlink()
    change(lab_folder, "{file: keysets/device-test.yaml}", "{env: HIL_TEST_DEVICE_KEYS}")
    monkeypatch.setenv("HIL_TEST_DEVICE_KEYS", json.dumps(keys))
    lab = load_lab("virtual")
    assert lab.device_keys is not None
    assert lab.device_keys.auth.hex() == keys["auth"]


def test_no_key_in_message_or_repr(lab_folder: Path) -> None:
    path = lab_folder / "keysets" / "device-test.yaml"
    keys = yaml.safe_load(path.read_text())
    lab = load_lab("virtual")
    assert lab.device_keys is not None
    for shown in (repr(lab), repr(lab.device_keys), str(lab.euicc_keys), repr(lab.server_keys)):
        assert keys["auth"] not in shown
        assert repr(bytes.fromhex(keys["auth"])) not in shown
    key = keys["auth"]
    for wrong in (key[:-1], key[:-2], key[:-1] + "g", [key], {key: key}):
        path.write_text(yaml.safe_dump(keys | {"auth": wrong}))
        said = problems()
        assert "a key of 32 hex digits" in said
        assert key[:-2] not in said


@pytest.mark.parametrize(
    ("file", "old", "new", "text"),
    [
        ("euicc-test", "012345678901212", "012345678901213", "eid: its check digits are wrong"),
        ("euicc-test", "  - kvn: 0x31", "  - kvn: 0x30", "two key sets have the KVN 0x30"),
        ("euicc-test", "  - kvn: 0x31", "  - kvn: 0x2F", "at least 48 is expected"),
        ("servers-test", "  development: ", f'  development: "{64 * "0"}" # ', "is no private key"),
        ("servers-test", "smpp_password: ", "smpp_password: ninechars # ", "at most 8 characters"),
        ("device-test", "device_id: ", 'device_id: "a b" # ', "text of the form ^[A-Za-z0-9._-]"),
    ],
)
def test_a_mistake_in_a_key_set_is_told_with_its_line(
    lab_folder: Path, file: str, old: str, new: str, text: str
) -> None:
    line = change(lab_folder, old, new, f"keysets/{file}.yaml")
    said = problems()
    assert text in said
    # A rule for all of a list is told where the list begins.
    reported = int(said.split(f"{file}.yaml:")[1].split(":")[0])
    assert reported == (line - 4 if "two key sets" in text else line)


def test_limits_are_told_in_the_unit_that_was_written(lab_folder: Path) -> None:
    change(lab_folder, "window: 5 %", "window: 9 %", "jigs/voltage-1v8.yaml")
    assert "window: less than 8 % is expected" in problems()
    change(lab_folder, "  life: development", "  boot_timeout: 0 s\n  life: development")
    assert "device.boot_timeout: more than 0 s is expected" in problems()


def test_a_folder_is_no_bench(lab_folder: Path) -> None:
    (lab_folder / "mine.yaml").mkdir()
    said = problems("mine")
    assert "did you mean 'mine'" not in said
    assert "? Name a folder" in problems("virtul")


def test_jig_that_the_cable_does_not_allow(lab_folder: Path) -> None:
    change(lab_folder, "nominal_voltage: 1.8 V", "nominal_voltage: 5.4 V", "jigs/voltage-1v8.yaml")
    assert "above the cable's max_voltage of 5.5 V" in problems()


def test_profiles_by_option_environment_and_file(
    lab_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = lab_folder / "ts48"
    folder.mkdir()
    (folder / "b.der").write_bytes(b"\xa0")
    (folder / "a.der").write_bytes(b"\xa0")
    with (lab_folder / "virtual.yaml").open("a") as file:
        file.write("profiles: {ts48: ts48}\n")
    assert [path.name for path in load_lab("virtual").profiles] == ["a.der", "b.der"]
    one = lab_folder / "one.der"
    one.write_bytes(b"\xa0")
    monkeypatch.setenv("HIL_TS48_DIR", str(one))
    assert load_lab("virtual").profiles == (one,)
    assert load_lab("virtual", profile=str(folder / "a.der")).profiles == (folder / "a.der",)
    monkeypatch.setenv("HIL_TS48_DIR", str(lab_folder / "none"))
    assert "no profile package" in problems()
    (folder / "a.der").write_text("A0 0B 80")
    monkeypatch.setenv("HIL_TS48_DIR", str(folder))
    assert "'a.der' is no profile package: it does not begin" in problems()
    monkeypatch.delenv("HIL_TS48_DIR")
    assert "virtual.yaml:" in problems().partition("'a.der' is no")[0]


def test_schema_accepts_what_is_shipped_and_refuses_what_is_wrong(lab_folder: Path) -> None:
    schema = schemas()["bench"]
    jsonschema.Draft202012Validator.check_schema(schema)
    for name in ("virtual", "virtual-inprocess", "example-lab"):
        data = yaml.safe_load((lab_folder / f"{name}.yaml").read_text())
        if name == "example-lab":
            data["power_supply"]["calibration"]["due"] = str(
                data["power_supply"]["calibration"]["due"]
            )
        jsonschema.validate(data, schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(data | {"power_suply": {}}, schema)
    for kind in (
        "jig",
        "ics",
        "waivers",
        "key-set-euicc",
        "key-set-device",
        "key-set-servers",
        "key-set-network",
    ):
        jsonschema.Draft202012Validator.check_schema(schemas()[kind])


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('plmn: "00101"', 'plmn: "1"', "plmn"),
        ("    opc:", "    topc:", "64 hex digits"),
        ("    opc:", "    algorithm: xor\n    opc:", "'xor' has neither opc nor topc"),
        ("    opc:", "    algorithm: tuak\n    opc:", "'tuak' has topc"),
    ],
)
def test_a_wrong_subscriber_is_reported(lab_folder: Path, old: str, new: str, text: str) -> None:
    change(lab_folder, old, new, "keysets/network-test.yaml")
    assert text in problems()


def test_product_laboratory_and_known_issues_are_read(lab_folder: Path) -> None:
    folder = lab_folder / "waivers"
    folder.mkdir()
    (folder / "known.yaml").write_text(
        "schema: 1\nkind: waivers\nwaivers:\n"
        "  - {id: W-1, case: EUICC-X-*, reason: known in release 4.2, author: R. Novak, "
        "issued: 2026-01-01, expires: 2026-02-01}\n"
    )
    change(
        lab_folder, "description:", "waivers: waivers/known.yaml\ndescription:", "example-lab.yaml"
    )
    lab = load_lab("example-lab")
    assert lab.file.product is not None
    assert lab.file.product.received == datetime.date(2026, 11, 2)
    assert lab.file.product.customer is not None
    assert lab.file.laboratory is not None
    assert lab.file.laboratory.location == "room 2.14"
    assert lab.ics is not None
    assert lab.ics.stated["O_BER_TLV"] is True
    assert lab.waivers is not None
    assert [one.id for one in lab.waivers.waivers] == ["W-1"]
    assert papers(lab, today=datetime.date(2026, 3, 1)) == [
        "  product  Example Devices Ltd., tracker T1, serial T1-000042, firmware 4.2.0",
        f"  ICS      {lab.ics.line}",
        f"  waivers  known.yaml: 1 known issues, EXPIRED: W-1  sha256 {lab.waivers.sha256}",
    ]
    found = facts(lab)
    assert json.loads(json.dumps(found)) == found
    assert found["item"] == {
        "manufacturer": "Example Devices Ltd.",
        "model": "tracker T1",
        "serial": "T1-000042",
        "hardware": "rev. C",
        "firmware": "4.2.0",
        "received": "2026-11-02",
        "condition": "new, housing opened for the jig pin",
        "customer": {"name": "Example Devices Ltd.", "contact": "quality@example.com"},
    }
    assert found["waivers"] == {
        "path": "lab-config/waivers/known.yaml",
        "sha256": lab.waivers.sha256,
    }
    assert set(found) == {"item", "laboratory", "ics", "waivers"}


def test_a_bench_that_names_no_product_states_nothing(lab_folder: Path) -> None:
    lab = load_lab("virtual")
    bare = dataclasses.replace(lab, file=lab.file.model_copy(update={"product": None}), ics=None)
    assert facts(bare) == {}
    assert papers(bare) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("ics/virtual.yaml", "ics/virtal.yaml", "no file 'ics/virtal.yaml' beside the bench file"),
        ("ics: ics", "isc: ics", "unknown key 'product.isc' - did you mean 'ics'?"),
        (
            "model: virtual eUICC",
            "received: May\n  model: virtual eUICC",
            "product.received: a date",
        ),
        ("description:", "waivers: w.yaml\ndescription:", "no file 'w.yaml' beside the bench file"),
        ("description:", "laboratory: {nam: X}\ndescription:", "unknown key 'laboratory.nam'"),
    ],
)
def test_a_wrong_product_is_reported(lab_folder: Path, old: str, new: str, told: str) -> None:
    change(lab_folder, old, new)
    assert told in problems()


def test_a_mistake_in_the_statement_is_reported_with_its_own_place(lab_folder: Path) -> None:
    change(lab_folder, "    support: true", "    suport: true", "ics/virtual.yaml")
    assert "ics/virtual.yaml:11:5: unknown key 'items.O_BER_TLV.suport'" in problems()
