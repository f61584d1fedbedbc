"""``hil report`` as a user calls it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.cli.choice import choose_run
from hil.errors import UsageError
from hil.report import allure, serve
from tests.report.runs import Run, typical
from tests.report.web import Page

ROOT = Path(__file__).parents[2]
NO_NODE = "/nonexistent"


def hil(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HIL_")}
    with tempfile.TemporaryDirectory() as folder:
        # A project of its own: this one's may have the Allure command.
        Path(folder, "testcases").mkdir()
        Path(folder, "conftest.py").touch()
        return subprocess.run(
            [sys.executable, "-m", "hil", "report", *arguments],
            cwd=folder,
            env={**environment, "PYTHONPATH": str(ROOT), **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )


def test_every_view_is_made_where_its_line_says(tmp_path: Path) -> None:
    run = typical(tmp_path / "run")
    done = hil(str(run.folder), "--format", "all", "--issued", "2026-11-27", PATH=NO_NODE)
    assert done.returncode == 0, done.stderr
    made = [line.split()[1] for line in done.stdout.splitlines()]
    assert [Path(one).relative_to(run.folder).as_posix() for one in made] == [
        "evidence/matrix.html",
        "evidence/matrix.csv",
        "evidence/matrix.json",
        "evidence/report.html",
        "evidence/report.pdf",
        "evidence/run.html",
        "report/index.html",
    ]
    assert "a plain page takes its place" in done.stderr
    assert "the Allure command is missing" in done.stderr
    assert "issued 2026-11-27" in Page(Path(made[3]).read_text()).text
    page = Page((run.folder / "report" / "index.html").read_text())
    for link in page.links:
        assert link.startswith("#") or (run.folder / "report" / link).resolve().is_file()


def test_the_newest_run_is_taken_and_one_is_found_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIL_RUNS", str(tmp_path))
    with pytest.raises(UsageError, match="there is no run in"):
        choose_run(None)
    for number, name in enumerate(("b-newest", "a-older")):
        Run(tmp_path / name).end()
        at = time.time() - number * 100
        os.utime(tmp_path / name / "journal", (at, at))
    (tmp_path / "c-empty" / "journal").mkdir(parents=True)
    assert choose_run(None) == tmp_path / "b-newest"
    assert choose_run("a-older") == tmp_path / "a-older"
    assert choose_run(str(tmp_path / "a-older")) == tmp_path / "a-older"
    with pytest.raises(UsageError, match="there is no run z"):
        choose_run("z")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "there is no run nowhere"),
        (["."], "no run was recorded here"),
        ([".", "--issued", "yesterday"], "is no day such as"),
        ([".", "--folder", "--single-file"], "not allowed with"),
    ],
)
def test_wrong_use_is_said_in_a_line(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = hil(*arguments, HIL_RUNS=str(tmp_path))
    assert done.returncode not in (0, 1)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def _waivers(
    path: Path, run: Path, sha256: str, view: str = "plain"
) -> subprocess.CompletedProcess[str]:
    typical(run, waivers={"path": str(path), "sha256": sha256})
    return hil(str(run), "--format", view, "--issued", "2026-11-27", PATH=NO_NODE)


def test_waivers_of_the_run_are_shown_while_they_hold(tmp_path: Path) -> None:
    import hashlib  # noqa: PLC0415

    path = tmp_path / "waivers.yaml"
    path.write_text(
        "schema: 1\nkind: waivers\nwaivers:\n"
        "- {id: W-9, test: '*refused*', reason: a known issue of 1.4, author: B. Boss,\n"
        "   issued: 2026-11-01, expires: 2026-12-31}\n"
    )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    _waivers(path, tmp_path / "one", digest)
    text = Page((tmp_path / "one" / "evidence" / "run.html").read_text()).text
    assert "waiver W-9 (until 2026-12-31; B. Boss): a known issue of 1.4" in text
    for view in ("plain", "document", "matrix"):
        done = _waivers(path, tmp_path / view, "0" * 64, view)
        assert done.returncode == 4, done.stderr
        assert "has changed since the run" in done.stderr
        assert not (tmp_path / view / "evidence").exists()
    done = _waivers(tmp_path / "gone.yaml", tmp_path / "three", "0" * 64, "all")
    assert done.returncode == 4
    assert "is not there any more" in done.stderr
    path.write_text("schema: 1\nkind: waivers\nwaivers: nonsense\n")
    done = _waivers(path, tmp_path / "four", hashlib.sha256(path.read_bytes()).hexdigest())
    assert done.returncode == 4
    assert "waivers.yaml" in done.stderr


def test_allures_report_says_that_it_shows_no_waivers(tmp_path: Path) -> None:
    run = _results(tmp_path / "run", waivers={"path": str(tmp_path / "gone"), "sha256": "0" * 64})
    made = hil(str(run), PATH=_allure(tmp_path / "bin", "v22.3.0"))
    assert made.returncode == 0, made.stderr
    assert "waivers are not shown: " in made.stderr
    assert (run / "report" / "index.html").read_text() == "page"
    done = hil(str(run), PATH=NO_NODE)
    assert done.returncode == 4, "the plain page in its place would say that there are none"
    assert "is not there any more" in done.stderr
    assert (run / "report" / "index.html").read_text() == "page"


def _sealed(run: Path) -> dict[str, bytes]:
    (run / "seal.dsse.json").write_text("{}")
    return {str(path): path.read_bytes() for path in run.rglob("*") if path.is_file()}


def _held(run: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in run.rglob("*") if path.is_file()}


@pytest.mark.parametrize("view", ["allure", "plain", "document", "matrix", "all"])
def test_no_view_of_a_sealed_run_is_made_unasked(tmp_path: Path, view: str) -> None:
    run = typical(tmp_path / "run").folder
    before = _sealed(run)
    done = hil(str(run), "--format", view, "--issued", "2026-11-27", PATH=NO_NODE)
    assert done.returncode == 64, done.stderr
    assert "is sealed" in done.stderr
    assert "--break-seal" in done.stderr
    assert "hil seal --replace" in done.stderr
    assert _held(run) == before


def test_a_view_of_a_sealed_run_is_made_when_asked_and_the_seal_is_spoken_of(
    tmp_path: Path,
) -> None:
    run = typical(tmp_path / "run").folder
    _sealed(run)
    done = hil(str(run), "--format", "plain", "--break-seal", PATH=NO_NODE)
    assert done.returncode == 0, done.stderr
    assert (run / "evidence" / "run.html").is_file()
    assert "hil seal --replace" in done.stderr


def test_of_a_sealed_run_what_is_there_is_served_and_nothing_written(tmp_path: Path) -> None:
    run = typical(tmp_path / "run").folder
    page = run / "evidence" / "run.html"
    page.parent.mkdir()
    page.write_text("as it was sealed")
    before = _sealed(run)
    with _serving(run, "--format", "plain") as host:
        assert _get(host, "/evidence/run.html") == (200, b"as it was sealed")
    assert _held(run) == before
    done = hil(str(run), "--format", "document", "--open")
    assert done.returncode == 64, "there is no such view to serve"
    assert _held(run) == before


def _allure(folder: Path, node: str, body: str = "(out / 'index.html').write_text('page')") -> str:
    """Put an Allure and a Node of version ``node`` into a folder; return the search path."""
    folder.mkdir()
    script = folder / "allure.py"
    script.write_text(
        "import json, pathlib, sys\n"
        "a = sys.argv\nout = pathlib.Path(a[a.index('-o') + 1]); out.mkdir()\n"
        "config = json.loads(pathlib.Path(a[a.index('-c') + 1]).read_text())\n"
        f"(out / 'config.json').write_text(json.dumps(config))\n{body}\n"
    )
    for name, line in (
        ("allure", f'exec "{sys.executable}" "{script}" "$@"'),
        ("node", f"echo {node}"),
    ):
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    return f"{folder}:/bin:/usr/bin"


def _results(run: Path, **begin: object) -> Path:
    typical(run, **begin)
    (run / "allure-results").mkdir()
    (run / "allure-results" / "1-result.json").write_text("{}")
    return run


@pytest.mark.parametrize(("option", "single"), [("--single-file", True), ("--folder", False)])
def test_allure_makes_one_file_or_a_folder(tmp_path: Path, option: str, single: bool) -> None:
    run = _results(tmp_path / "run")
    done = hil(str(run), option, PATH=_allure(tmp_path / "bin", "v22.3.0"))
    assert done.returncode == 0, done.stderr
    assert f"report    {run / 'report' / 'index.html'}" in done.stdout
    config = json.loads((run / "report" / "config.json").read_text())
    assert config["plugins"]["behaviour"]["options"]["singleFile"] is single
    assert config["appendHistory"] is False, "a report made again is no run more"


@pytest.mark.parametrize(
    ("node", "body", "code", "said"),
    [
        ("v18.20.1", "", 0, "Node v18.20.1 is too old"),
        ("nonsense", "", 0, "Node does not tell its version"),
        ("v22.0.0", "sys.exit('broken')", 7, "Allure could not make the report: broken"),
    ],
)
def test_where_allure_cannot_a_plain_page_is_made(
    tmp_path: Path, node: str, body: str, code: int, said: str
) -> None:
    run = _results(tmp_path / "run")
    done = hil(str(run), PATH=_allure(tmp_path / "bin", node, body))
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Requirements" in (run / "report" / "index.html").read_text()


def test_a_large_file_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "index.html"
    page.write_bytes(b"x" * 1000)
    assert not allure.too_large(page)
    monkeypatch.setattr(allure, "MOST_OF_ONE_FILE", 999)
    assert "hil report --folder" in allure.too_large(page)


@contextlib.contextmanager
def _serving(run: Path, *arguments: str) -> Iterator[str]:
    """Serve a run, give host and port, and interrupt it; it has to end in order."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "BROWSER": shutil.which("true") or ""}
    with subprocess.Popen(
        [sys.executable, "-m", "hil", "report", str(run), *arguments, "--open"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            lines = (process.stdout.readline() for _ in range(5))
            yield next(line.split()[1] for line in lines if "http://" in line).split("/")[2]
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
        finally:
            process.kill()


def test_it_serves_the_folder_on_this_machine_until_interrupted(tmp_path: Path) -> None:
    run = typical(tmp_path / "run")
    with _serving(run.folder, "--format", "plain") as host:
        assert host.startswith("127.0.0.1:")
        assert _get(host, "/evidence/run.html")[0] == 200


def test_what_is_served_stays_in_the_folder(tmp_path: Path) -> None:
    import threading  # noqa: PLC0415

    (tmp_path / "secret").write_text("secret")
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "journal.jsonl").write_text("{}")
    with serve.server(folder) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        try:
            host = f"127.0.0.1:{serving.server_address[1]}"
            assert _get(host, "/journal.jsonl") == (200, b"{}")
            assert _get(host, "/../secret")[0] == 404
            assert _get(host, "/%2e%2e/secret")[0] == 404
            assert _get(host, "/")[0] == 404, "no list of files"
            assert _get(host, "/journal.jsonl", "evil.example")[0] == 403
        finally:
            serving.shutdown()
            thread.join(10)


def _get(host: str, path: str, name: str = "") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": name or host})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
