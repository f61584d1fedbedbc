"""However many notices wait for one who is away, those for somebody else arrive."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import insert

from hil.errors import LinkError
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.notices import Notice, NoticeBox
from hil.provisioning.store import Store
from hil.provisioning.support_server.outbox import Outbox, StatusNotification
from hil.provisioning.tables import OUTBOX

MORE_THAN_A_PAGE = 130


class Taker:
    """Takes notices, unless it is away or does not know the eUICC."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.taken: list[str] = []
        self.asked = 0

    def _take(self, eid: str) -> None:
        self.asked += 1
        if self.error is not None:
            raise self.error
        self.taken.append(eid)

    def notify(self, notification: StatusNotification) -> None:
        self._take(notification.eid)

    def take_notice(self, notice: Notice) -> None:
        self._take(notice.eid)

    def check_image(self, eid: str, iccid: str, *, enable: bool, clear: bool) -> None:
        raise NotImplementedError


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store("sqlite://")
    yield made
    made.close()


def post(store: Store, sm_sr: str, eid: str, name: str) -> None:
    body = StatusNotification(name, eid, "", "", "", "", "installed", 0.0)
    row = {name: getattr(body, name) for name in StatusNotification.__slots__}
    with store.transaction() as connection:
        values = {"notification_id": name, "sm_sr": sm_sr, "body": json.dumps(row)}
        connection.execute(insert(OUTBOX).values(next_try=0.0, state="waiting", **values))


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (LinkError("away"), 1),
        (Refusal(RefusalCode.UNKNOWN, "no such eUICC"), MORE_THAN_A_PAGE),
    ],
    ids=["away", "unknown"],
)
def test_notifications_for_another_sm_sr_arrive(store: Store, error: Exception, asked: int) -> None:
    far, near = Taker(error), Taker()
    outbox = Outbox(store, {"far": far, "near": near}, clock=lambda: 1.0)
    for number in range(MORE_THAN_A_PAGE):
        post(store, "far", f"eid-{number}", f"far-{number}")
    for number in range(3):
        post(store, "near", "eid-near", f"near-{number}")
    assert sum(outbox.flush() for _ in range(3)) == 3
    assert near.taken == ["eid-near"] * 3
    assert far.asked == asked, "one that is away is asked once, one that refuses for each eUICC"
    assert outbox.waiting() == MORE_THAN_A_PAGE
    far.error = None
    assert outbox.flush(force=True) == MORE_THAN_A_PAGE
    assert far.taken == [f"eid-{number}" for number in range(MORE_THAN_A_PAGE)]


def test_notices_for_another_mno_arrive(store: Store) -> None:
    far, near = Taker(LinkError("away")), Taker()
    box = NoticeBox("sm-sr-1", store, {"far": far, "near": near}, clock=lambda: 1.0)
    with store.transaction() as connection:
        for mno in ("far",) * MORE_THAN_A_PAGE + ("near",) * 3:
            box.post(connection, "enabled", eid=f"of {mno}", iccid="", mno=mno, sm_dp="")
    assert box.flush() == 3
    assert (near.taken, far.asked) == (["of near"] * 3, 1)
    assert box.waiting() == MORE_THAN_A_PAGE
    far.error = None
    assert box.flush(force=True) == MORE_THAN_A_PAGE
