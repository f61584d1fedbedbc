"""A virtual bench of a supply and a device alone, and runs of the jig's test cases on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT: Final = Path(__file__).parents[2]
CASES: Final = ROOT / "testcases"


def pin_bench(
    folder: Path, device: Mapping[str, Any], supply: Mapping[str, Any] | None = None
) -> Path:
    """Write the bench into a folder; return its file.

    ``device`` and ``supply`` are further keys of ``device.virtual`` and ``power_supply.virtual``.
    """
    bench = yaml.safe_load((ROOT / "lab-config" / "virtual.yaml").read_text(encoding="utf-8"))
    for part in ("card", "network", "servers"):
        del bench[part]
    bench["key_sets"] = {"device": bench["key_sets"]["device"]}
    bench["device"]["virtual"] = {"msisdn": "15550100001", **device}
    bench["power_supply"]["virtual"] |= supply or {}
    for beside in (ROOT / "lab-config").iterdir():
        if beside.is_dir():
            shutil.copytree(beside, folder / beside.name)
    (folder / "pin.yaml").write_text(yaml.safe_dump(bench), encoding="utf-8")
    return folder / "pin.yaml"


def verdicts_of(
    bench: Path, folder: Path, cases: Sequence[str], *options: str, timeout_s: float
) -> dict[str, str]:
    """Run cases (node ids or files within ``testcases/``); return their verdicts by node id.

    :class:`RuntimeError` with what pytest said if it told none.
    """
    report = folder / "junit.xml"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *options),
            *(str(CASES / case) for case in cases),
            *("--hil-bench", str(bench), "--hil-run-dir", str(folder / "run")),
            *("--junitxml", str(report)),
        ],
        cwd=ROOT,
        env={**os.environ, "HIL_LOCK_DIR": str(folder / "locks")},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    (folder / "pytest.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    if not report.exists():
        raise RuntimeError(done.stdout + done.stderr)
    return {
        f"{'/'.join(str(case.get('classname')).split('.')[1:])}.py::{case.get('name')}": str(
            one.get("value")
        )
        for case in ET.parse(report).getroot().iter("testcase")  # noqa: S314 - our own
        for one in case.iter("property")
        if one.get("name") == "verdict"
    }
