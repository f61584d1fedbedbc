"""A whole run with planted keys and PINs leaves none of them in what it writes for others."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from hil.evidence.leak_search import find_leaks
from hil.evidence.run_record import read_run
from hil.report.traces import traces_of_run

ROOT = Path(__file__).parents[2]
KEY_SETS = ROOT / "lab-config" / "keysets"
KEYS = frozenset(
    (
        *("kic", "kid", "dek", "enc", "mac", "psk", "k", "opc", "ecka", "auth", "wrap", "key"),
        *("link_master", "development", "commercial", "eum_signing", "ci_signing"),
    )
)
PINS = {
    "PIN1": "30303030FFFFFFFF",
    "new PIN1": "31323334FFFFFFFF",
    "PUK1": "3131313131313131",
    "wrong PUK1": "3939393939393939",
    "ADM1": "3535353535353535",
}
CASES = (
    "testcases/conformance/euicc/test_uicc_pins.py::test_a_blocked_pin_is_unblocked",
    "testcases/conformance/euicc/test_uicc_authenticate.py::test_a_fresh_challenge_is_answered",
    "testcases/conformance/euicc/test_gp_isd_r.py::test_a_key_set_is_put_and_deleted",
    "testcases/installation/test_image_install.py::test_two_stored_images_are_installed_in_their_order",
    "testcases/network/test_attach.py::test_the_installed_profile_attaches",
)


def keys_in(given: object, name: str) -> Iterator[tuple[str, bytes]]:
    """Return the keys of a key set file by where they stand in it."""
    if isinstance(given, dict):
        for field, value in given.items():
            if field in KEYS and isinstance(value, str):
                yield f"{name}.{field}", bytes.fromhex(value)
            else:
                yield from keys_in(value, f"{name}.{field}")
    elif isinstance(given, list):
        for number, value in enumerate(given):
            yield from keys_in(value, f"{name}[{number}]")


def planted() -> dict[str, bytes]:
    """Return every key of the bench's parts, and the PINs that the test cases send."""
    secrets = {name: bytes.fromhex(value) for name, value in PINS.items()}
    for file in sorted(KEY_SETS.glob("*.yaml")):
        secrets |= keys_in(yaml.safe_load(file.read_text(encoding="utf-8")), file.stem)
    return secrets


@pytest.mark.timeout(600)
def test_no_planted_secret_is_in_any_file_of_a_run(tmp_path: Path) -> None:
    secrets = planted()
    assert len(secrets) > 30
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "hil", "run", "--bench", "virtual-inprocess", "--no-report"]
    done = subprocess.run(
        [*command, "--output", str(folder), "-n", "0", *CASES],
        cwd=ROOT,
        env={**os.environ, "HIL_RUNS": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    traced = traces_of_run(read_run(folder), folder / "evidence" / "traces")
    assert len(traced) >= len(CASES)
    transcripts = [
        path.read_text(encoding="utf-8") for paths in traced.values() for path in paths[:1]
    ]
    for went in ("UNBLOCK PIN1", "AUTHENTICATE, 3G context", "data redacted (", "SMS-PP"):
        assert any(went in one for one in transcripts), f"no {went}: nothing was at stake"
    (folder / "console.txt").write_text(done.stdout + done.stderr, encoding="utf-8")

    found = find_leaks(folder, secrets)
    assert found.leaks == ()
    assert found.searched > 10
    # The very search finds them where they are: in the key sets that the bench reads.
    held = {leak.secret for leak in find_leaks(KEY_SETS, secrets).leaks}
    assert set(secrets) - set(PINS) == held
