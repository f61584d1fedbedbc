"""``hil gate | recover | seal | verify | diff`` as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hil.cli import gate as gate_command
from hil.cli import main
from hil.cli import verify as verify_command
from tests.evidence.journal.rewriting import rewrite
from tests.seal.runs import BEGIN, KEY, OTHER_KEY, SMALL, write_run

Output = pytest.CaptureFixture[str]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HIL_RUNS", str(tmp_path / "runs"))
    monkeypatch.delenv("HIL_SEAL_KEY", raising=False)
    return tmp_path / "runs"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    path = tmp_path / "seal.key"
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    (tmp_path / "seal.pub").write_text(KEY.public.pem)
    (tmp_path / "other.pub").write_text(OTHER_KEY.public.pem)
    return path


@pytest.mark.parametrize(
    ("verdicts", "code", "says"),
    [
        (SMALL, 0, "verdicts  PASS 2"),
        ({"a": "PASS", "b": "FAIL", "c": "ERROR"}, 1, "reason    1 unwaived FAIL"),
        ({"a": "INCONCLUSIVE"}, 2, "reason    1 INCONCLUSIVE"),
        ({"a": "PASS", "b": "NOT RUN"}, 3, "reason    1 NOT RUN"),
        ({"a": "ERROR", "b": "NOT RUN"}, 4, "reason    1 ERROR"),
    ],
)
def test_the_gate_of_the_newest_run(
    runs: Path, capsys: Output, verdicts: dict[str, str], code: int, says: str
) -> None:
    write_run(runs / "z-older", {"a": "FAIL"})
    write_run(runs / "a-newest", verdicts)
    assert main(["gate"]) == code
    out = capsys.readouterr().out
    assert says in out
    assert f"gate      {code}" in out
    assert main(["gate", "z-older", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["counts"] == {"FAIL": 1}


def test_the_gate_says_4_of_whatever_it_cannot_judge(
    runs: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_run(runs / "one", SMALL)
    path = folder / "journal" / "gw0.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"volts", b"amps", 1))
    assert main(["gate", "one"]) == 4
    assert "the evidence is not valid" in capsys.readouterr().out
    path.write_bytes(whole)
    rewrite(folder, lambda one: "requirements" in one["body"] and one["body"].update(case="x"))
    assert main(["gate", "one"]) == 4
    assert "not valid: main.jsonl:3: no record of a run" in capsys.readouterr().out
    path.unlink()
    path.mkdir()
    assert main(["gate", "one"]) == 4
    assert "cannot be read" in capsys.readouterr().err

    def broken(_folder: Path) -> None:
        raise KeyError("no run")

    monkeypatch.setattr(gate_command, "read_run", broken)
    assert main(["gate", "one"]) == 4
    assert capsys.readouterr().err == "hil: gate: KeyError: 'no run'\n"


@pytest.mark.parametrize("command", ["gate", "recover", "verify"])
def test_no_run_is_wrong_usage(runs: Path, capsys: Output, command: str) -> None:
    assert main([command]) == 64
    assert "no run was recorded in" in capsys.readouterr().err
    assert main([command, "nothing"]) == 64
    assert f"nor {runs / 'nothing'}" in capsys.readouterr().err


def test_recover_seal_verify(runs: Path, key: Path, capsys: Output) -> None:
    write_run(runs / "one", SMALL, close=False)
    assert main(["seal", "--key", str(key)]) == 1
    assert "hil recover" in capsys.readouterr().err
    assert main(["recover", "--by", "me", "--why", "power cut"]) == 0
    assert "it counts as incomplete" in capsys.readouterr().out
    assert b'"why":"power cut"' in (runs / "one" / "journal" / "main.jsonl").read_bytes()
    assert main(["recover"]) == 0
    assert "it had ended in order" in capsys.readouterr().out
    assert main(["gate"]) == 3
    assert main(["seal", "--key", str(key)]) == 0
    assert KEY.public.keyid in capsys.readouterr().out
    public = str(key.parent / "seal.pub")
    assert main(["verify", "--public-key", public]) == 0
    said = capsys.readouterr().out
    assert "whole     every file and record is as it was sealed" in said
    assert "VIRTUAL" in said
    assert "was broken off" in said


def test_verify_names_what_broke_and_what_that_means(
    runs: Path, key: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_run(runs / "one", SMALL)
    monkeypatch.setenv("HIL_SEAL_KEY", str(key))
    assert main(["seal"]) == 0
    assert main(["seal"]) == 64
    assert "--replace" in capsys.readouterr().err
    assert main(["verify"]) == 0
    assert "proves nothing" in capsys.readouterr().out
    assert main(["verify", "--public-key", str(key.parent / "other.pub")]) == 1
    assert "BROKEN    seal.dsse.json: it was signed with the key" in capsys.readouterr().out
    (folder / "evidence" / "matrix.csv").write_text("R-24,FAIL\n")
    for number in range(30):
        (folder / "evidence" / f"{number}.csv").write_text("")
    assert main(["verify", "--public-key", str(key.parent / "seal.pub")]) == 1
    said = capsys.readouterr().out
    assert "BROKEN    evidence/0.csv: it was not sealed" in said
    assert "the file was added after the run was sealed" in said
    assert said.count("also ") == verify_command._MOST_SHOWN + 1
    assert main(["verify", "--json"]) == 1
    facts = json.loads(capsys.readouterr().out)
    assert facts["breaks"][-1]["where"] == "evidence/matrix.csv"
    assert facts["whole"] is False


def test_keys_that_are_wrong(runs: Path, key: Path, capsys: Output) -> None:
    write_run(runs / "one", SMALL)
    assert main(["seal"]) == 64
    assert "openssl genpkey" in capsys.readouterr().err
    assert main(["verify", "--public-key", str(key)]) == 64
    assert "this is a private key" in capsys.readouterr().err
    key.chmod(0o644)
    assert main(["seal", "--key", str(key)]) == 64
    assert "others may read" in capsys.readouterr().err


def test_diff(runs: Path, capsys: Output) -> None:
    write_run(runs / "one", {"a": "PASS"})
    write_run(runs / "two", {"a": "FAIL"}, begin={**BEGIN, "run": "two"})
    assert main(["diff", "one"]) == 0
    assert "PASS → FAIL  WORSE  a" in capsys.readouterr().out
    assert main(["diff", "one", "two", "--check"]) == 1
    capsys.readouterr()
    assert main(["diff", "two", "one", "--check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdicts"][0]["worse"] is False
    assert main(["diff", "two", "none"]) == 64


def test_a_defect_of_the_tool_is_no_verdict(
    runs: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_given: str | None) -> Path:
        raise RuntimeError("this cannot be")

    monkeypatch.setattr(verify_command, "choose_run", broken)
    assert main(["verify"]) == 70
    assert "this cannot be" in capsys.readouterr().err


def test_wrong_usage_is_no_verdict(capsys: Output) -> None:
    for words in (["seal", "--no-such"], ["diff"], ["power", "set", "--channel"], []):
        with pytest.raises(SystemExit) as caught:
            main(words)
        assert caught.value.code == 64
    assert "usage: hil" in capsys.readouterr().err
