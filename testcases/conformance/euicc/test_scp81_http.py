"""SCP81 to the ISD-R: the card's posts, scripts, and what comes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.equipment.card import admin_answers
from hil.equipment.card.admin_answers import PATH, Answer, no_content, script
from hil.equipment.card.administration import asking
from hil.evidence import step
from hil.wire import isdr_commands
from hil.wire.admin_http import RESPONSES
from hil.wire.admin_session import RetryPolicy
from hil.wire.apdu import CommandApdu
from hil.wire.command_script import CommandScript
from hil.wire.identifiers import ISD_R_AID, isd_p_aid
from hil.wire.tlv import Tlv
from testcases.conformance.euicc import preparing

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import ProfileMaker
    from hil.equipment.card.admin_connection import Post
    from hil.equipment.card.administration import Administration
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card", "card.keys", "card.scp81"),
    pytest.mark.applies("O_HTTPS"),
    pytest.mark.requirement("R-64"),
    pytest.mark.severity("critical"),
]
REQUEST = "SGP.02, 2.4.4; GlobalPlatform Amendment B, 3.4.1"
ANSWER = "SGP.02, 2.4.4; GlobalPlatform Amendment B, 3.4.2"
SCRIPT = "ETSI TS 102 226, 5.2.1; SGP.02, 2.4.4"
STATUS = isdr_commands.get_status()
PROTOCOL = "globalplatform-remote-admin/1.0"
PATIENT = asking(retry=RetryPolicy(2, 60))
UNKNOWN = isd_p_aid(0xFFFE)


def assert_from_the_card(post: Post) -> None:
    """Hold a request to what every one of them has."""
    assert (post.method, post.version) == ("POST", "1.1")
    assert post.get("X-Admin-Protocol") == PROTOCOL
    assert (post.get("X-Admin-From") or "").startswith("//se-id/eid/")
    assert post.get("Host")


@pytest.mark.conformance("EUICC-SCP81-HTTP-01", section=REQUEST)
def test_the_first_request(administration: Administration) -> None:
    """The first request is a POST with the protocol and the sender, and brings nothing.

    Preconditions: none.

    Steps:
    1. A request for a session: POST of HTTP/1.1 to the URI asked for, with Host, X-Admin-Protocol
       and X-Admin-From.
    2. It has no body, no X-Admin-Script-Status and no X-Admin-Resume.
    """
    (post,) = administration.serve(posts=1)
    with step("1. What it has"):
        assert_from_the_card(post)
        assert post.uri == PATH
        assert post.get("Host") == "administration.hil.test"
    with step("2. What it does not have"):
        assert post.body == b""
        assert post.get("X-Admin-Script-Status") is None
        assert post.get("X-Admin-Resume") is None


@pytest.mark.conformance("EUICC-SCP81-HTTP-02", section=REQUEST)
def test_the_answer_to_a_script(administration: Administration) -> None:
    """What came of a script is posted in chunks to X-Admin-Next-URI, path and query.

    Preconditions: none.

    Steps:
    1. GetStatus in a script: the next POST goes to the URI of the answer, on the same connection,
       with X-Admin-Script-Status ok, its content type, and Transfer-Encoding chunked.
    2. Its body is a response script: one answer, 9000, the number executed is 1.
    3. Another script with another URI: the same; 204 ends the session.
    """
    first, second = f"{PATH}?session=4711&command=1", "/elsewhere?session=4711&command=2"
    posts = administration.serve(
        script(STATUS, uri=first), script(STATUS, STATUS, uri=second), posts=3
    )
    assert len(administration.connections) == 1
    for post, uri, count in zip(posts[1:], (first, second), (1, 2), strict=True):
        with step(f"{count} of GetStatus"):
            assert_from_the_card(post)
            assert post.uri == uri
            assert post.get("X-Admin-Script-Status") == "ok"
            assert post.get("X-Admin-Resume") is None
            assert post.get("Content-Type") == RESPONSES
            assert (post.get("Transfer-Encoding") or "").lower() == "chunked"
            assert post.get("Content-Length") is None
            assert post.script.executed == count
            assert post.statuses == [0x9000] * count


@pytest.mark.conformance("EUICC-SCP81-HTTP-03", section=ANSWER)
def test_204_with_a_uri_goes_on(administration: Administration) -> None:
    """204 with X-Admin-Next-URI makes the card post there, with nothing to say.

    Preconditions: none.

    Steps:
    1. 204 with X-Admin-Next-URI: a POST to it, without body and X-Admin-Script-Status.
    2. GetStatus there: its answer is posted; 204 without X-Admin-Next-URI ends the session.
    """
    posts = administration.serve(no_content("/next?n=1"), script(STATUS, uri="/next?n=2"), posts=3)
    assert [post.uri for post in posts] == [PATH, "/next?n=1", "/next?n=2"]
    with step("1. Nothing to say"):
        assert_from_the_card(posts[1])
        assert posts[1].body == b""
        assert posts[1].get("X-Admin-Script-Status") is None
    with step("2. A script"):
        assert posts[2].statuses == [0x9000]
        assert administration.connection.closed_by_card


@pytest.mark.conformance("EUICC-SCP81-HTTP-04", section=ANSWER)
def test_a_script_whose_answer_nobody_wants(
    administration: Administration, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """A script without X-Admin-Next-URI is executed, and the session ends without its answer.

    Preconditions: none.

    Steps:
    1. CreateISDP in a script without X-Admin-Next-URI, behind which the server closes: no further
       POST.
    2. GetStatus: the ISD-P is there. The card opens no channel by itself.
    """
    aid = profile_maker.profile().aid
    with step("1. CreateISDP"):
        http = script(isdr_commands.create_isdp(aid), uri=None).http
        administration.serve(Answer(http, close=True, hang_up=True), request=PATIENT)
        assert len(administration.posts) == 1
    with step("2. It was executed"):
        assert administration.quiet()
        preparing.assert_made(esim, aid)


@pytest.mark.conformance("EUICC-SCP81-HTTP-05", section=ANSWER)
def test_a_script_for_an_isd_p(
    administration: Administration, over_the_air: OverTheAirSession, profile_maker: ProfileMaker
) -> None:
    """X-Admin-Targeted-Application brings a script to the ISD-P of its AID, for itself only.

    Preconditions: an ISD-P was created.

    Steps:
    1. An SCP03t INITIALIZE UPDATE (84) for the ISD-P: status ok, an answer 84 in the next POST.
    2. GetStatus without X-Admin-Targeted-Application, then with the AID of the ISD-R in it: the
       ISD-R answers.
    """
    profile = profile_maker.profile()
    preparing.created(over_the_air, profile)
    administration.start()
    hello = CommandScript((Tlv(0x84, bytes(10)),)).encode()
    posts = administration.serve(
        admin_answers.raw_script(hello, target=profile.aid),
        script(STATUS),
        script(STATUS, target=ISD_R_AID),
        posts=4,
    )
    with step("1. The ISD-P"):
        assert posts[1].get("X-Admin-Script-Status") == "ok"
        assert [item.tag for item in posts[1].script.items] == [0x84]
    with step("2. The ISD-R"):
        for post in posts[2:]:
            assert profile.aid in post.body
            assert post.statuses == [0x9000]


@pytest.mark.requirement("R-64", refusal=True)
@pytest.mark.conformance("EUICC-SCP81-HTTP-06", section=REQUEST)
def test_a_script_for_nobody(
    administration: Administration, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """A script for an application that is not there is not executed, and the server is told.

    Preconditions: there is no ISD-P with the TAR 00FFFE.

    Steps:
    1. CreateISDP for the application with the TAR 00FFFE: the next POST has X-Admin-Script-Status
       unknown-application, and no body.
    2. GetStatus for the ISD-R: executed, so the session goes on. No ISD-P was made.
    """
    aid = profile_maker.profile().aid
    create = isdr_commands.create_isdp(aid)
    posts = administration.serve(
        script(create, uri="/told", target=UNKNOWN), script(STATUS, uri="/then"), posts=3
    )
    with step("1. Nobody"):
        assert (posts[1].uri, posts[1].body) == ("/told", b"")
        assert posts[1].get("X-Admin-Script-Status") == "unknown-application"
    with step("2. The ISD-R"):
        assert posts[2].get("X-Admin-Script-Status") == "ok"
        assert aid not in posts[2].body
        assert esim.profile(aid) is None


@pytest.mark.conformance("EUICC-SCP81-HTTP-07", section=SCRIPT)
def test_a_script_ends_at_the_first_failure(
    administration: Administration, profile_maker: ProfileMaker
) -> None:
    """A script ends at the first command that fails, and has the answers up to it.

    Preconditions: none.

    Steps:
    1. CreateISDP, DeleteProfile of an unknown ISD-P, GetStatus in one script: 9000 and 6A88, the
       number executed is 2.
    2. The same form of indefinite length with GetStatus: an answer of indefinite length.
    """
    aid = profile_maker.profile().aid
    commands = (isdr_commands.create_isdp(aid), isdr_commands.delete_profile(UNKNOWN), STATUS)
    indefinite = CommandScript.of([STATUS], indefinite=True).encode()
    posts = administration.serve(script(*commands), admin_answers.raw_script(indefinite), posts=3)
    assert posts[1].statuses == [0x9000, 0x6A88]
    assert posts[1].script.executed == 2
    assert posts[2].script.indefinite
    assert posts[2].statuses == [0x9000]


@pytest.mark.requirement("R-64", refusal=True)
@pytest.mark.conformance("EUICC-SCP81-HTTP-08", section="ETSI TS 102 226, 5.2.1.3")
def test_a_script_of_wrong_format(administration: Administration) -> None:
    """Data that is no script is answered with the bad format object 90, and the session goes on.

    Preconditions: none.

    Steps:
    1. A script cut off in a command: a response script with the object 90.
    2. GetStatus: 9000.
    """
    cut = CommandScript.of([STATUS]).encode()[:-3]
    posts = administration.serve(admin_answers.raw_script(cut), script(STATUS), posts=3)
    assert posts[1].script.bad_format is not None
    assert posts[2].statuses == [0x9000]


@pytest.mark.conformance("EUICC-SCP81-HTTP-09", section=SCRIPT)
def test_much_in_both_directions(administration: Administration) -> None:
    """Scripts and answers longer than what a proactive command carries come whole.

    Preconditions: none.

    Steps:
    1. 60 times GetStatus, the last for an ISD-P that is not there, in one script: 60 answers, in
       order; more than one SEND DATA carries them.
    """
    commands = [*[STATUS] * 59, isdr_commands.get_status(UNKNOWN)]
    before = len(administration.terminal.sent)
    posts = administration.serve(script(*commands), posts=2)
    assert posts[1].statuses == [*[0x9000] * 59, 0x6A88]
    assert posts[1].script.executed == 60
    assert len(administration.terminal.sent) - before > 4


@pytest.mark.conformance("EUICC-SCP81-HTTP-10", section=SCRIPT)
def test_scripts_go_on_in_the_next_request(
    administration: Administration, over_the_air: OverTheAirSession, profile_maker: ProfileMaker
) -> None:
    """A STORE DATA sequence that begins in one script goes on in the next of the session.

    Preconditions: a profile is DISABLED.

    Steps:
    1. The first block of EnableProfile in a script, the last in another one: 9000 each.
    """
    profile = preparing.disabled(over_the_air, profile_maker)
    administration.start()
    whole = isdr_commands.enable_profile(profile.aid).data
    first = CommandApdu(0x80, 0xE2, 0x08, 0x00, whole[:9], 256)
    last = CommandApdu(0x80, 0xE2, 0x88, 0x01, whole[9:], 256)
    posts = administration.serve(script(first), script(last), posts=3)
    assert [post.statuses for post in posts[1:]] == [[0x9000], [0x9000]]
