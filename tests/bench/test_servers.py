"""The servers of the bench, running, in every layout."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from hil.bench.bench import Bench
from hil.bench.capabilities import capabilities
from hil.bench.lab import load_lab
from hil.bench.server_files import servers_config
from hil.errors import ConfigError, UsageError
from hil.provisioning.http.clients import MnoClient
from hil.provisioning.http.sm_sr_client import SmSrClient
from hil.provisioning.http.support_client import SupportServerClient
from hil.provisioning.store import Store
from hil.provisioning.tables import EIS
from tests.provisioning.databases import postgresql, programs
from tests.thorough import thorough

EID = "89049032000000000012345678901212"


@pytest.mark.parametrize(
    "layout", ["separate", "inside-sm-sr", pytest.param("one-server", marks=thorough)]
)
def test_every_layout_runs_and_knows_the_bench(
    lab_folder: Path, tmp_path: Path, layout: str
) -> None:
    path = lab_folder / "virtual-inprocess.yaml"
    path.write_text(path.read_text().replace("layout: separate", f"layout: {layout}"))
    with Bench(load_lab("virtual-inprocess"), tmp_path / "work") as bench:
        servers = bench.servers
        assert set(servers.urls) == {"mno", "eum", "sm-dp", "support-server", "sm-sr"}
        assert ("support-1" in servers.actors) == (layout != "inside-sm-sr")
        sm_sr = servers.client(SmSrClient, "sm-sr-1")
        assert sm_sr.euiccs() == (EID,)
        sm_sr.close()
        support = "sm-sr-1" if layout == "inside-sm-sr" else "support-1"
        station = servers.client(SupportServerClient, support, me="line-1")
        assert station.open_session().manner.value == "key-set"
        station.close()
        mno = servers.client(MnoClient, "mno-1", me="sm-dp-1")
        assert mno.routing().receiver == support
        mno.close()
        with pytest.raises(UsageError, match="did you mean 'sm-sr-1'"):
            servers.client(SmSrClient, "smsr-1")


def test_only_servers_with_a_memory_are_restarted(lab_folder: Path) -> None:
    assert "servers.restart" in capabilities(load_lab("virtual-inprocess"))
    path = lab_folder / "virtual-inprocess.yaml"
    path.write_text(path.read_text().replace("  actors:", "  store: memory\n  actors:"))
    assert "servers.restart" not in capabilities(load_lab("virtual-inprocess"))


def test_an_sm_sr_is_as_patient_as_the_bench_says(lab_folder: Path, tmp_path: Path) -> None:
    lab = load_lab("virtual-inprocess")
    rows = servers_config(lab, tmp_path, smpp=None, ports={"sm-sr-3": 7})["actors"]
    found = {row["id"]: row for row in rows}
    assert found["sm-sr-3"]["patience"] == {
        "answer_s": 0.25,
        "overtake_s": 0.25,
        "attempts": 3,
    }
    assert "patience" not in found["sm-sr-1"]
    assert (found["sm-sr-3"]["port"], found["sm-sr-1"]["port"]) == (7, 0)
    path = lab_folder / "virtual-inprocess.yaml"
    path.write_text(path.read_text().replace("{kind: sm-dp}", "{kind: sm-dp, attempts: 2}", 1))
    with pytest.raises(ConfigError, match="sm-dp has no 'attempts'"):
        load_lab("virtual-inprocess")


def with_store(lab_folder: Path, actor: str, url: str) -> None:
    path = lab_folder / "virtual-inprocess.yaml"
    text = path.read_text()
    row = re.search(rf"\n    {actor}:\s*\{{", text)
    assert row is not None
    path.write_text(text[: row.end()] + f"store: '{url}', " + text[row.end() :])


def test_a_server_keeps_its_state_in_a_database_of_its_own(
    lab_folder: Path, tmp_path: Path
) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed: hil-esim[postgresql]")
    if programs() is None:
        pytest.skip("no PostgreSQL server programs (initdb, postgres) on this computer")
    with postgresql() as url:
        store = url.format("postgres")
        with_store(lab_folder, "sm-sr-1", store)
        with Bench(load_lab("virtual-inprocess"), tmp_path / "work") as bench:
            sm_sr = bench.servers.client(SmSrClient, "sm-sr-1")
            assert sm_sr.euiccs() == (EID,)
            sm_sr.close()
            folder = bench.launcher._made("servers")
            assert (folder / "sm-sr-2.db").exists()
            assert not (folder / "sm-sr-1.db").exists()
        with closing(Store(store)) as kept, kept.transaction() as connection:
            assert connection.execute(select(EIS.c.eid)).scalars().all() == [EID]


@pytest.mark.parametrize("url", ["postgresql://a:b@h/d", "postgresql://a@h/d?password=b"])
def test_a_password_has_no_place_in_a_bench_file(lab_folder: Path, url: str) -> None:
    with_store(lab_folder, "sm-sr-1", url)
    with pytest.raises(ConfigError, match="put it into") as caught:
        load_lab("virtual-inprocess")
    assert url not in str(caught.value)


def test_nobody_gets_keys_towards_those_it_never_meets(lab_folder: Path, tmp_path: Path) -> None:
    lab = load_lab("virtual")
    config = servers_config(lab, tmp_path, smpp=None)
    pairs = [frozenset(row["between"]) for row in config["keys"]]
    assert len(pairs) == len(set(pairs))
    assert frozenset(("mno-1", "sm-dp-1")) in pairs
    assert frozenset(("line-1", "support-1")) in pairs
    for pair in (("line-1", "eum-1"), ("mno-1", "mno-2"), ("line-1", "sm-dp-1")):
        assert frozenset(pair) not in pairs
    keys = [row[name] for row in config["keys"] for name in ("auth", "mac", "wrap")]
    assert len(keys) == len(set(keys))


def test_a_listed_key_set_goes_before_a_derived_one(lab_folder: Path) -> None:
    path = lab_folder / "keysets" / "servers-test.yaml"
    before = load_lab("virtual").server_keys
    assert before is not None
    row = "links:\n  sm-dp-1/mno-1: {kvn: 7, auth: '%s', mac: '%s', wrap: '%s'}\n"
    path.write_text(path.read_text() + row % ("11" * 16, "22" * 16, "33" * 16))
    keys = load_lab("virtual").server_keys
    assert keys is not None
    given = (7, b"\x11" * 16, b"\x22" * 16, b"\x33" * 16)
    assert keys.link("mno-1", "sm-dp-1") == keys.link("sm-dp-1", "mno-1") == given
    assert keys.link("mno-1", "sm-dp-2") == before.link("sm-dp-2", "mno-1") != given


def test_a_profile_package_becomes_a_template(lab_folder: Path, tmp_path: Path) -> None:
    package = tmp_path / "TS48_test.der"
    package.write_bytes(b"\xa0")
    lab = load_lab("virtual", profile=str(package))
    (sm_dp, _) = [
        row for row in servers_config(lab, tmp_path, smpp=None)["actors"] if row["kind"] == "sm-dp"
    ]
    assert [row["profile_type"] for row in sm_dp["templates"]] == ["ts48", "TS48_test"]
    assert {row["package_file"] for row in sm_dp["templates"]} == {str(package)}
