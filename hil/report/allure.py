"""The Allure report of one run: found, built, stripped of what calls home."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

from hil.errors import BenchError

MENDS: Final = "./lab run sets it up where Node >= 20 is there: sudo apt install nodejs npm"
TIMEOUT_S: Final = 900
NODE: Final = 20
"""The oldest Node that Allure runs on."""
BEHAVIOUR: Final = "behaviour"
REQUIREMENT: Final = "requirement"
BY_REQUIREMENT: Final = "by-requirement.html"
"""The tree by requirement, beside the page by behaviour."""
_AWESOME: Final = "@allurereport/plugin-awesome"
_ALONE: Final = frozenset(("index.html", "summary.json"))
MOST_OF_ONE_FILE: Final = 100_000_000
"""Bytes of a report in one file beyond which a folder is the better shape."""
_ANALYTICS: Final = re.compile(
    r'<script async src="https://www\.googletagmanager\.com/gtag/js[^"]*"></script>\s*'
    r"<script>\s*window\.dataLayer.*?</script>\s*",
    re.DOTALL,
)


class ReportError(BenchError):
    """The report could not be made; the results are still there."""


class NoAllureError(ReportError):
    """Allure cannot run on this machine; nothing is wrong with the run."""


def find_allure(root: Path | None) -> str | None:
    """Return the Allure command: of the project in ``root`` (.lab), or on the search path."""
    local = (root or Path()) / ".lab" / "node_modules" / ".bin" / "allure"
    if local.is_file() and os.access(local, os.X_OK) and shutil.which("node"):
        return str(local)
    return shutil.which("allure")


def configuration(
    name: str,
    history: Path,
    variables: dict[str, str],
    *,
    single_file: bool = True,
    again: bool = False,
) -> dict[str, Any]:
    """Return the report's configuration: a tree by behaviour, and one by requirement.

    ``again``: the run is in the ``history`` already, from which trends are drawn.
    """
    rule = {"groupBy": [{"label": "requirement"}, "severity"]}
    shown = {"stepTreeExpansion": "expand_failed_only", "singleFile": single_file}
    return {
        "name": name,
        "historyPath": str(history.absolute()),
        "appendHistory": not again,
        "historyLimit": 50,
        "hideLabels": ["framework", "language", "thread", "host", "package", "node"],
        "variables": variables,
        "categories": {
            "rules": [
                {"name": word, "matchers": {"labels": {"verdict": f"^{word}$"}}, **rule}
                for word in ("FAIL", "INCONCLUSIVE", "ERROR")
            ]
        },
        "plugins": {
            BEHAVIOUR: {
                "import": _AWESOME,
                "options": {"groupBy": ["epic", "feature", "story"], **shown},
            },
            REQUIREMENT: {"import": _AWESOME, "options": {"groupBy": ["requirement"], **shown}},
        },
    }


def build(allure: str, results: Path, out: Path, config: dict[str, Any]) -> Path:
    """Build the report into ``out`` (wiped before) and return its first page.

    Raises ReportError: no results, Node is too old, Allure failed or took too long, or a page would
    call home.
    """
    results, out = results.absolute(), out.absolute()
    if not any(results.glob("*-result.json")):
        raise ReportError(f"{results} holds no results: an empty report would look like a good one")
    old = _node_lacks()
    if old:
        raise NoAllureError(old)
    shutil.rmtree(out, ignore_errors=True)
    # A private working folder: Allure loads any allurerc.* that it finds where it is started.
    with tempfile.TemporaryDirectory(prefix="hil-report-") as work:
        rc = Path(work, "report.json")
        rc.write_text(json.dumps(config), encoding="utf-8")
        command = [allure, "generate", str(results), "-o", str(out), "-c", str(rc), "--cwd", work]
        try:
            done = subprocess.run(
                command,
                cwd=work,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired) as err:
            raise ReportError(f"Allure could not make the report: {err}") from err
    page = _arranged(out)
    if done.returncode or not page.is_file():
        said = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise ReportError(f"Allure could not make the report: {' / '.join(said)}")
    for html in (out / BY_REQUIREMENT, *out.rglob("index.html")):
        if html.is_file():
            _strip(html)
    return page


def _arranged(out: Path) -> Path:
    """Lay the two trees out where people look for them; return the page by behaviour.

    Of files that each stand alone, that page is ``index.html`` and the other lies beside it; as
    folders they stay where Allure has put them.
    """
    behaviour, requirement = out / BEHAVIOUR, out / REQUIREMENT
    if not (behaviour / "index.html").is_file():
        return out / "index.html"
    if not {path.name for path in behaviour.iterdir()} <= _ALONE:
        return behaviour / "index.html"
    for folder, name in ((requirement, BY_REQUIREMENT), (behaviour, "index.html")):
        if (folder / "index.html").is_file():
            (folder / "index.html").replace(out / name)
        shutil.rmtree(folder, ignore_errors=True)
    return out / "index.html"


def too_large(page: Path) -> str:
    """Return a warning if a report in one file is so large that browsers open it slowly."""
    size = page.stat().st_size
    if size <= MOST_OF_ONE_FILE:
        return ""
    return (
        f"{page} is one file of {size // 1_000_000} MB, which a browser opens slowly, if at all: "
        "hil report --folder --open"
    )


def _node_lacks() -> str:
    """Return why the Node that is there cannot run Allure, "" if it can."""
    try:
        done = subprocess.run(
            ["node", "--version"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as err:
        return f"Node cannot be started ({err}); {MENDS}"
    said = done.stdout.strip()
    version = re.fullmatch(r"v(\d+)\..*", said)
    if version is None:
        return f"Node does not tell its version (node --version: {said[:80]!r}); {MENDS}"
    if int(version[1]) < NODE:
        return f"Node {said} is too old for Allure, which needs {NODE} or newer; {MENDS}"
    return ""


def _strip(page: Path) -> None:
    text = _ANALYTICS.sub("", page.read_text(encoding="utf-8"))
    if "googletagmanager" in text:
        raise ReportError(f"{page} would contact an analytics server when it is opened")
    page.write_text(text, encoding="utf-8")
