"""SQLite and PostgreSQL: the same schema by migration and at once, and nothing given out twice."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import create_engine, insert, select, text

from hil.errors import ConfigError
from hil.provisioning import schema, sequences
from hil.provisioning.errors import Refusal
from hil.provisioning.function_calls import Answer, FunctionCall, Ledger
from hil.provisioning.orders import ProfileRequest
from hil.provisioning.serve_config import parse_config
from hil.provisioning.servers import Servers
from hil.provisioning.store import Store
from hil.provisioning.tables import OTA_KEYS, OUTBOX, SEQUENCES
from tests.provisioning.databases import postgresql, programs
from tests.provisioning.serving import Bench, Clients
from tests.thorough import IS_THOROUGH

NewDatabase = Callable[[], str]
EID = "8" * 32


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    pytest.importorskip("psycopg", reason="psycopg is not installed: hil-esim[postgresql]")
    if programs() is None:
        pytest.skip("no PostgreSQL server programs (initdb, postgres) on this computer")
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> NewDatabase:
    """Make an empty database at each call, and give its URL."""
    numbers = itertools.count(1)
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tmp_path}/{next(numbers)}.db"
    url: str = request.getfixturevalue("server")

    def make() -> str:
        name = f"t{abs(hash(tmp_path))}_{next(numbers)}"
        engine = create_engine(url.format("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        engine.dispose()
        return url.format(name)

    return make


def old(url: str, revision: str, *, stamped: bool = True) -> None:
    """Make the schema of an older program, with data in it."""
    engine = create_engine(url)
    with engine.begin() as connection:
        schema.migrate(connection, revision)
        connection.execute(text("INSERT INTO owners VALUES ('sm-sr', 'sm-sr-1', 1)"))
        connection.execute(text("INSERT INTO sequences VALUES ('subscription', 41)"))
        connection.execute(
            insert(OTA_KEYS).values(eid=EID, kvn=1, kic=b"k" * 16, kid=b"d" * 16, counter=7)
        )
        connection.execute(
            text(
                "INSERT INTO eis_profiles (eid, isdp_aid, iccid, mno, sm_dp, state, fallback, pol2)"
                " VALUES (:eid, :aid, '8900', 'mno-1', 'sm-dp-1', 'enabled', :no, 2)"
            ),
            {"eid": EID, "aid": b"\xa0\x00", "no": False},
        )
        if not stamped:
            connection.execute(text("DROP TABLE alembic_version"))
    engine.dispose()


def test_the_steps_lead_to_the_tables(new_database: NewDatabase) -> None:
    engine = create_engine(new_database())
    with engine.begin() as connection:
        schema.migrate(connection)
        found = schema.differences(connection)
    engine.dispose()
    assert found == [], 'a step is missing: python -m hil.provisioning.schema "add what"'


def test_what_is_made_at_once_is_the_same(new_database: NewDatabase) -> None:
    url = new_database()
    Store(url).close()
    engine = create_engine(url)
    with engine.begin() as connection:
        assert schema.differences(connection) == []
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    engine.dispose()
    assert found == schema.head()


@pytest.mark.parametrize("stamped", [True, False], ids=["by revision", "before migrations"])
def test_an_old_store_with_its_data_is_brought_up_to_date(
    new_database: NewDatabase, stamped: bool
) -> None:
    url = new_database()
    old(url, schema.FIRST, stamped=stamped)
    for _ in range(2):
        with closing(Store(url)) as store:
            store.claim("sm-sr", "sm-sr-1")
            with pytest.raises(ConfigError, match="belongs to the sm-sr 'sm-sr-1'"):
                store.claim("sm-sr", "sm-sr-2")
    with closing(Store(url)) as store, store.transaction() as connection:
        assert schema.differences(connection) == []
        assert sequences.take(connection, "subscription") == range(41, 42)
        assert connection.execute(select(OTA_KEYS.c.counter)).scalar() == 7
        row = connection.execute(text("SELECT iccid, state, pol2 FROM eis_profiles")).one()
        assert tuple(row) == ("8900", "enabled", 2)


def test_counters_of_five_bytes_fit(new_database: NewDatabase) -> None:
    with closing(Store(new_database())) as store, store.transaction() as connection:
        values = {"eid": EID, "kvn": 1, "kic": b"k", "kid": b"d", "counter": 2**40 - 1}
        connection.execute(insert(OTA_KEYS).values(**values))
        assert connection.execute(select(OTA_KEYS.c.counter)).scalar() == 2**40 - 1


def test_a_newer_schema_is_left_alone(new_database: NewDatabase) -> None:
    url = new_database()
    Store(url).close()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(ConfigError, match="schema 9999"):
        Store(url)


def test_a_migration_that_fails_leaves_the_old_schema(
    new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = new_database()
    old(url, schema.FIRST)

    def fail(connection: object, to: str = "head") -> None:
        migrate(connection, to)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    migrate = schema.migrate
    monkeypatch.setattr(schema, "migrate", fail)
    with pytest.raises(KeyboardInterrupt):
        Store(url)
    monkeypatch.undo()
    engine = create_engine(url)
    with engine.begin() as connection:
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        assert found == schema.FIRST
        assert connection.execute(text("SELECT next FROM sequences")).scalar() == 41
    engine.dispose()
    Store(url).close()


def together(work: Callable[[int], None], threads: int = 6) -> None:
    """Do ``work`` in threads that begin at the same moment; raise what one of them raised."""
    begin, failed = threading.Barrier(threads), list[BaseException]()

    def run(number: int) -> None:
        begin.wait(20)
        try:
            work(number)
        except BaseException as err:  # noqa: BLE001 - raised below
            failed.append(err)

    running = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for one in running:
        one.start()
    for one in running:
        one.join(60)
    if failed:
        raise failed[0]


def _open_and_close(url: str, _number: int) -> None:
    Store(url).close()


def test_stores_that_open_together_make_one_schema(new_database: NewDatabase) -> None:
    for _ in range(10 if IS_THOROUGH else 3):
        url = new_database()
        together(partial(_open_and_close, url))
        with closing(Store(url)) as store, store.transaction() as connection:
            assert schema.differences(connection) == []


def test_no_number_is_given_out_twice_by_two_processes_worth_of_stores(
    new_database: NewDatabase,
) -> None:
    url = new_database()
    stores = [Store(url) for _ in range(2)]
    taken: list[int] = []

    def work(number: int) -> None:
        for _ in range(8):
            with stores[number % 2].transaction() as connection:
                taken.extend(sequences.take(connection, "n", 3, first=1))

    together(work)
    assert sorted(taken) == list(range(1, 6 * 8 * 3 + 1))
    for store in stores:
        store.close()


def test_what_is_not_there_yet_is_made_once(new_database: NewDatabase) -> None:
    """Look up, then insert: the pattern of jobs, reservations and subscriptions."""
    url = new_database()
    stores = [Store(url) for _ in range(2)]
    made: list[int] = []

    def work(number: int) -> None:
        with stores[number % 2].transaction() as connection:
            found = connection.execute(select(SEQUENCES).where(SEQUENCES.c.name == "one")).first()
            if found is None:
                connection.execute(insert(SEQUENCES).values(name="one", next=number))
                made.append(number)

    together(work)
    assert len(made) == 1
    for store in stores:
        store.close()


@pytest.mark.parametrize("spanning", [False, True], ids=["atomic", "spanning"])
def test_a_call_that_comes_to_two_processes_is_one(
    new_database: NewDatabase, spanning: bool
) -> None:
    if spanning and "sqlite" in new_database():
        pytest.skip("a file is for one process: it has no lock that another process sees")
    url = new_database()
    stores = [Store(url) for _ in range(2)]
    ledgers = [Ledger(store, "sm-sr-1") for store in stores]
    answers: list[bytes] = []

    def work(number: int) -> None:
        store = stores[number % 2]

        def act() -> Answer:
            with store.transaction() as connection:
                taken = sequences.take(connection, "n", 1, first=1)[0]
            return Answer(200, str(taken).encode())

        call = FunctionCall("mno-1", "f", b"d")
        answers.append(ledgers[number % 2].once(call, act, spanning=spanning).body)

    together(work)
    assert answers == [b"1"] * 6
    for store in stores:
        store.close()


def test_a_key_that_another_process_holds_is_waited_for(server: str) -> None:
    url = server.format("postgres")
    one, other = Store(url), Store(url)
    with one.alone("k", timeout_s=1) as first, other.alone("k", timeout_s=0.2) as second:
        assert (first, second) == (True, False)
    with other.alone("k", timeout_s=5) as again:
        assert again
    one.close()
    other.close()


def test_the_servers_work_on_it(new_database: NewDatabase) -> None:
    bench = Bench(None)
    config = bench.config()
    for actor in config["actors"]:
        actor["store"] = new_database()
    text_ = json.dumps(config)
    for first in (True, False):
        with Servers(parse_config(text_, "test")) as servers:
            clients = Clients(bench, servers.addresses)
            if first:
                receipt = clients.support().request_profiles(ProfileRequest(amount=1))
                assert receipt.state == "delivered"
                with pytest.raises(Refusal):
                    clients.mno().call("GET", f"/subscriptions/{'9' * 300}/none", bool)
            else:
                assert clients.sm_dp().order(receipt.order_id) == receipt
                assert clients.support().stored() == (receipt.profiles[0].iccid,)
            clients.close()


def test_queues_give_each_row_to_one(new_database: NewDatabase) -> None:
    url = new_database()
    stores = [Store(url) for _ in range(2)]
    with stores[0].transaction() as connection:
        for number in range(30):
            row = {"notification_id": str(number), "sm_sr": "s", "body": "{}", "next_try": 0.0}
            connection.execute(insert(OUTBOX).values(**row, state="waiting"))
    picked: list[str] = []

    def work(number: int) -> None:
        while True:
            with stores[number % 2].transaction() as connection:
                row = connection.execute(
                    select(OUTBOX).where(OUTBOX.c.state == "waiting").order_by(OUTBOX.c.id).limit(1)
                ).first()
                if row is None:
                    return
                connection.execute(
                    OUTBOX.update().where(OUTBOX.c.id == row.id).values(state="taken")
                )
            picked.append(row.notification_id)

    together(work)
    assert sorted(picked, key=int) == [str(number) for number in range(30)]
    for store in stores:
        store.close()
