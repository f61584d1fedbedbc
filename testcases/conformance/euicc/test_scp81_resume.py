"""SCP81 to the ISD-R: broken links, retries, and dialogues that go on where they stood."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.equipment.card.admin_answers import HANG_UP, HOLD, PATH, Answer, script
from hil.equipment.card.administration import asking
from hil.evidence import step
from hil.wire import isdr_commands
from hil.wire.admin_session import RetryPolicy
from hil.wire.cat_values import CommandType
from testcases.conformance.euicc import preparing

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import ProfileMaker
    from hil.equipment.card.administration import Administration

pytestmark = [
    pytest.mark.requires("card", "card.keys", "card.scp81"),
    pytest.mark.applies("O_HTTPS"),
    pytest.mark.requirement("R-64"),
    pytest.mark.severity("critical"),
]
RESUME = "GlobalPlatform Amendment B, 3.4.1 (X-Admin-Resume) and retry policy"
CHANNEL = "ETSI TS 102 223, 7.5.10 and 7.5.11"
STATUS = isdr_commands.get_status()
PATIENT = asking(retry=RetryPolicy(2, 60))
NEXT = f"{PATH}?created=1"


@pytest.mark.conformance("EUICC-SCP81-RESUME-01", section=RESUME)
def test_an_answer_that_did_not_arrive_is_posted_again(
    administration: Administration, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """An answer to a script that the server did not acknowledge comes again, in resume mode.

    Preconditions: none.

    Steps:
    1. CreateISDP in a script; the link is cut when its answer has come: a timer runs, as the retry
       policy says.
    2. The timer ends: one more channel, a POST to the same URI with X-Admin-Resume true, the same
       X-Admin-Script-Status and the same body.
    3. GetStatus in the answer: 9000, without X-Admin-Resume. The ISD-P was made once.
    """
    aid = profile_maker.profile().aid
    create = script(isdr_commands.create_isdp(aid), uri=NEXT)
    with step("1. The link is cut"):
        _, lost = administration.serve(create, HANG_UP, request=PATIENT, posts=2)
        assert lost.statuses == [0x9000]
        assert set(administration.terminal.timers.values()) == {60}
    with step("2. The answer again"):
        again, after = administration.wait_for_retry(script(STATUS), posts=2)
        assert (again.uri, again.body) == (NEXT, lost.body)
        assert again.get("X-Admin-Resume") == "true"
        assert again.get("X-Admin-Script-Status") == "ok"
        assert again.get("X-Admin-From") == lost.get("X-Admin-From")
    with step("3. The dialogue goes on"):
        assert after.get("X-Admin-Resume") is None
        assert after.statuses == [0x9000]
        preparing.assert_made(esim, aid)


@pytest.mark.conformance("EUICC-SCP81-RESUME-02", section=RESUME)
def test_a_script_that_did_not_arrive(
    administration: Administration, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """The request whose answer was lost comes again in resume mode; nothing was executed.

    Preconditions: none.

    Steps:
    1. The link is cut in place of an answer to the first POST. The timer of the retry policy ends:
       a POST to the same URI with X-Admin-Resume true, without body and X-Admin-Script-Status.
    2. CreateISDP in the answer: 9000.
    """
    aid = profile_maker.profile().aid
    with step("1. The first request again"):
        administration.serve(HANG_UP, request=PATIENT)
        create = script(isdr_commands.create_isdp(aid), uri=NEXT)
        again, answered = administration.wait_for_retry(create, posts=2)
        assert (again.uri, again.body) == (PATH, b"")
        assert again.get("X-Admin-Resume") == "true"
        assert again.get("X-Admin-Script-Status") is None
    with step("2. CreateISDP"):
        assert answered.statuses == [0x9000]
        preparing.assert_made(esim, aid)


@pytest.mark.requirement("R-64", refusal=True)
@pytest.mark.conformance("EUICC-SCP81-RESUME-03", section=RESUME)
def test_half_a_script_is_not_executed(
    administration: Administration, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """A script that came in part before the link was cut is not executed.

    Preconditions: none.

    Steps:
    1. The answer with CreateISDP, cut off in its last chunk, and the link is cut: nothing is
       executed.
    2. The timer of the retry policy ends: the request comes again. 204: the session ends.
    """
    aid = profile_maker.profile().aid
    http = script(isdr_commands.create_isdp(aid), uri=NEXT).http
    with step("1. Half of it"):
        administration.serve(Answer(http[:-6], hang_up=True), request=PATIENT)
        assert esim.profile(aid) is None
    with step("2. Again"):
        (again,) = administration.wait_for_retry(posts=1)
        assert (again.uri, again.get("X-Admin-Resume")) == (PATH, "true")
        assert esim.profile(aid) is None


@pytest.mark.conformance("EUICC-SCP81-RESUME-04", section=RESUME)
def test_a_server_that_closes_after_its_script(
    administration: Administration, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """A script before the end of the connection is executed once, and its answer comes.

    Preconditions: none.

    Steps:
    1. CreateISDP in an answer, and TLS is closed behind it: the card closes the channel.
    2. The timer of the retry policy ends: the answer is posted in resume mode, or the first request
       comes again and its script is given once more.
    3. The ISD-P was made, and no second command answered 9000 for it.
    """
    aid = profile_maker.profile().aid
    create = script(isdr_commands.create_isdp(aid), uri=NEXT)
    administration.serve(Answer(create.http, close=True), request=PATIENT)
    assert not administration.terminal.channel_open
    posts = administration.posts
    if administration.terminal.timers:
        posts = [*posts, *administration.wait_for_retry()]
    done = [post for post in posts if post.uri == NEXT]
    assert done
    assert {tuple(post.statuses) for post in done} == {(0x9000,)}
    preparing.assert_made(esim, aid)


@pytest.mark.requirement("R-64", refusal=True)
@pytest.mark.conformance("EUICC-SCP81-RESUME-05", section=RESUME)
def test_tries_come_to_an_end(administration: Administration) -> None:
    """A session that breaks each time is tried as often as the retry policy says, and given up.

    Preconditions: none.

    Steps:
    1. A request with a retry policy of 2 tries; the link is cut at each POST: three channels.
    2. After that no timer runs, and no channel is opened, not after a reset either.
    3. A new request: a session, whose first POST has no X-Admin-Resume.
    """
    with step("1. Three channels"):
        administration.serve(HANG_UP, request=PATIENT)
        administration.wait_for_retry(HANG_UP)
        administration.wait_for_retry(HANG_UP)
        assert len(administration.posts) == 3
    with step("2. The end"):
        assert administration.terminal.timers == {}
        assert administration.quiet()
        administration.start()
        assert administration.quiet()
    with step("3. A new request"):
        (post,) = administration.serve(request=asking(uri=b"/anew"), posts=1)
        assert (post.uri, post.get("X-Admin-Resume")) == ("/anew", None)


@pytest.mark.requirement("R-64", refusal=True)
@pytest.mark.conformance("EUICC-SCP81-RESUME-06", section=RESUME)
def test_a_policy_without_tries(administration: Administration) -> None:
    """Without tries in the retry policy a broken session is given up at once.

    Preconditions: none.

    Steps:
    1. A request with a retry policy of 0 tries; the link is cut at the POST: no timer, no second
       channel.
    """
    administration.serve(HANG_UP, request=asking(retry=RetryPolicy(0, 60)))
    assert administration.terminal.timers == {}
    assert administration.quiet()


@pytest.mark.conformance("EUICC-SCP81-RESUME-07", section=CHANNEL)
def test_a_link_that_drops_is_left(administration: Administration) -> None:
    """A link that drops while the card waits makes it close the channel and come again.

    Preconditions: none.

    Steps:
    1. A session whose server does not answer. The event channel status, link dropped: CLOSE
       CHANNEL; a timer runs.
    2. The timer ends: the request comes again in resume mode.
    """
    with step("1. The link drops"):
        administration.serve(HOLD, request=PATIENT)
        administration.terminal.drop()
        assert administration.terminal.count(CommandType.CLOSE_CHANNEL) == 1
        assert not administration.terminal.channel_open
    with step("2. Again"):
        (again,) = administration.wait_for_retry(posts=1)
        assert again.get("X-Admin-Resume") == "true"


@pytest.mark.conformance("EUICC-SCP81-RESUME-08", section=CHANNEL)
def test_a_refused_send_data(administration: Administration) -> None:
    """A SEND DATA that the terminal refuses breaks the session, and the answer is not lost.

    Preconditions: none.

    Steps:
    1. A session whose server does not answer yet; from then on SEND DATA is answered with 21,
       network busy. GetStatus in the answer: no POST comes.
    2. SEND DATA is served again. The timer of the retry policy ends: what came of GetStatus is
       posted in resume mode.
    """
    administration.serve(HOLD, request=PATIENT)
    try:
        administration.terminal.refuse = frozenset({CommandType.SEND_DATA})
        assert administration.say(script(STATUS, uri=NEXT)) == []
    finally:
        administration.terminal.refuse = frozenset()
    (again,) = administration.wait_for_retry(posts=1)
    assert (again.uri, again.get("X-Admin-Resume")) == (NEXT, "true")
    assert again.statuses == [0x9000]


@pytest.mark.conformance("EUICC-SCP81-RESUME-09", section=RESUME)
def test_a_reset_in_a_session(
    administration: Administration, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """A card that was reset before its answer went out executes the script no second time.

    Preconditions: none.

    Steps:
    1. CreateISDP in a script; the server says nothing to its answer. The card is reset.
    2. The terminal starts, and a new request comes, for a card that does not come back by itself:
       where the card goes on, the answer of step 1 comes in resume mode.
    3. There is one such ISD-P; the session ends with 204.
    """
    aid = profile_maker.profile().aid
    create = script(isdr_commands.create_isdp(aid), uri=NEXT)
    _, lost = administration.serve(create, HOLD, request=PATIENT, posts=2)
    with step("2. After the reset"):
        administration.start()
        if not administration.posts:
            administration.serve(request=PATIENT)
        (first, *_) = administration.posts
        if first.get("X-Admin-Resume") == "true":
            assert (first.uri, first.body) == (NEXT, lost.body)
        else:
            assert first.body == b""
    with step("3. Once"):
        preparing.assert_made(esim, aid)
        assert administration.connection.closed_by_card


@pytest.mark.conformance("EUICC-SCP81-RESUME-10", section=RESUME)
def test_a_server_that_closes_in_place_of_an_answer(administration: Administration) -> None:
    """A server that closes TLS in place of an answer has broken the session off.

    Preconditions: none.

    Steps:
    1. close_notify in place of an answer to the first POST: CLOSE CHANNEL; a timer runs.
    2. The timer ends: the request comes again in resume mode.
    """
    with step("1. close_notify"):
        administration.serve(Answer(b"", close=True), request=PATIENT)
        assert set(administration.terminal.timers.values()) == {60}
    with step("2. Again"):
        (again,) = administration.wait_for_retry(posts=1)
        assert (again.uri, again.get("X-Admin-Resume")) == (PATH, "true")


@pytest.mark.conformance("EUICC-SCP81-RESUME-11", section=RESUME)
def test_another_request_after_a_broken_session(
    administration: Administration, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """A request to another place begins anew there, and leaves a broken session behind.

    Preconditions: none.

    Steps:
    1. A session without tries whose link is cut at the answer to CreateISDP.
    2. A request with another URI: a POST there, without X-Admin-Resume, X-Admin-Script-Status and
       body. The ISD-P of step 1 was made.
    """
    aid = profile_maker.profile().aid
    create = script(isdr_commands.create_isdp(aid), uri=NEXT)
    with step("1. The link is cut"):
        assert len(administration.serve(create, HANG_UP)) == 2
    with step("2. Another place"):
        (post,) = administration.serve(request=asking(uri=b"/another"), posts=1)
        assert (post.uri, post.body) == ("/another", b"")
        assert post.get("X-Admin-Resume") is None
        assert post.get("X-Admin-Script-Status") is None
        preparing.assert_made(esim, aid)
