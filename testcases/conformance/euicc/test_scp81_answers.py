"""SCP81 to the ISD-R: forms that an answer of the server may have, and what is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.equipment.card import admin_answers
from hil.equipment.card.admin_answers import PATH, Answer, chunked, head, script
from hil.equipment.card.administration import asking
from hil.evidence import step
from hil.wire import isdr_commands
from hil.wire.admin_session import RetryPolicy
from hil.wire.command_script import CommandScript
from testcases.conformance.euicc.own_files import row

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.bench.esim import Esim
    from hil.bench.profile_maker import ProfileMaker
    from hil.equipment.card.administration import Administration

pytestmark = [
    pytest.mark.requires("card", "card.keys", "card.scp81"),
    pytest.mark.applies("O_HTTPS"),
    pytest.mark.requirement("R-64"),
    pytest.mark.severity("critical"),
]
ANSWER = "SGP.02, 2.4.4; GlobalPlatform Amendment B, 3.4.2"
STATUS = isdr_commands.get_status()


def _by_length(body: bytes) -> bytes:
    return head("200 OK", *_fields(), ("Content-Length", str(len(body)))) + body


def _in_chunks(body: bytes, size: int = 7) -> bytes:
    return head("200 OK", *_fields(), ("Transfer-Encoding", "chunked")) + chunked(body, size)


def _fields(uri: str = f"{PATH}?step=1") -> tuple[tuple[str, str], ...]:
    return tuple(admin_answers.script_fields(uri))


def _lower(body: bytes) -> bytes:
    fields = [(name.lower(), value) for name, value in _fields()]
    return head("200 OK", *fields, ("content-length", str(len(body)))) + body


def _lower_target(body: bytes) -> bytes:
    target = ("X-Admin-Targeted-Application", "//aid/a000000559/1010ffffffff8900000100")
    return head("200 OK", target, *_fields(), ("Content-Length", str(len(body)))) + body


def _more_fields(body: bytes) -> bytes:
    more = [("Server", "hil"), ("Date", "Thu, 01 Jan 2026 00:00:00 GMT"), ("X-Unknown", "1")]
    return head("200 OK", *more, *_fields(), ("Content-Length", str(len(body)))) + body


def _after_interim(body: bytes) -> bytes:
    return b"HTTP/1.1 103 Early Hints\r\n\r\n" + _by_length(body)


def _with_trailer(body: bytes) -> bytes:
    http = head("200 OK", *_fields(), ("Transfer-Encoding", "chunked"))
    return http + b"%X;note=1\r\n%b\r\n0\r\nX-Sum: 1\r\n\r\n" % (len(body), body)


@pytest.mark.parametrize(
    "form",
    [
        row("EUICC-SCP81-ANSWER-01", ANSWER, "A script with Content-Length", _by_length),
        row("EUICC-SCP81-ANSWER-02", ANSWER, "A script in many chunks", _in_chunks),
        row("EUICC-SCP81-ANSWER-03", ANSWER, "Header fields in lower case", _lower),
        row("EUICC-SCP81-ANSWER-04", ANSWER, "Header fields that the card need not know",
            _more_fields),
        row("EUICC-SCP81-ANSWER-05", "RFC 9110, 15.2", "An interim answer is passed over",
            _after_interim),
        row("EUICC-SCP81-ANSWER-06", "RFC 9112, 7.1",
            "What a chunk has beside its size, and a trailer, are passed over", _with_trailer),
        row("EUICC-SCP81-ANSWER-16", ANSWER, "The AID of the target in lower case", _lower_target),
    ],
)  # fmt: skip
def test_forms_of_an_answer(administration: Administration, form: Callable[[bytes], bytes]) -> None:
    """A script is read in each form that HTTP gives it.

    Preconditions: none.

    Steps:
    1. GetStatus, twice, in an answer of the title: two answers in the next POST.
    """
    answer = Answer(form(CommandScript.of([STATUS, STATUS]).encode()))
    posts = administration.serve(answer, posts=2)
    assert posts[1].statuses == [0x9000, 0x9000]


def _page(body: bytes) -> bytes:
    uri, _ = _fields()
    length = ("Content-Length", str(len(body)))
    return head("200 OK", uri, ("Content-Type", "text/html"), length) + body


def _refusal(status: str) -> Callable[[bytes], bytes]:
    def make(body: bytes) -> bytes:
        return head(status, *_fields(), ("Content-Length", str(len(body)))) + body

    return make


@pytest.mark.requirement("R-64", refusal=True)
@pytest.mark.parametrize(
    "form",
    [
        row("EUICC-SCP81-ANSWER-07", ANSWER, "A script in an answer 404 is not executed",
            _refusal("404 Not Found")),
        row("EUICC-SCP81-ANSWER-08", ANSWER, "A script in an answer 500 is not executed",
            _refusal("500 Internal Server Error")),
        row("EUICC-SCP81-ANSWER-09", ANSWER, "A script in a redirection is not executed",
            _refusal("302 Found")),
        row("EUICC-SCP81-ANSWER-10", ANSWER, "What has another content type is no script", _page),
        row("EUICC-SCP81-ANSWER-11", "RFC 9112, 6.3",
            "An answer with Content-Length and chunks is not executed",
            lambda body: head("200 OK", *_fields(), ("Transfer-Encoding", "chunked"),
                              ("Content-Length", str(len(body)))) + chunked(body)),
        row("EUICC-SCP81-ANSWER-12", "RFC 9112, 4", "What has no status line is not executed",
            lambda body: _by_length(body).replace(b"HTTP/1.1 200 OK", b"SMTP/2 250 OK")),
        row("EUICC-SCP81-ANSWER-13", "RFC 9112, 7.1", "A chunk without a size is not executed",
            lambda body: _in_chunks(body, 500).replace(b"\r\n\r\n", b"\r\n\r\nzz", 1)),
        row("EUICC-SCP81-ANSWER-18", "RFC 9112, 7.1", "A chunk longer than it says is not executed",
            lambda body: _in_chunks(body, 500).replace(
                b"%X\r\n" % len(body), b"%X\r\n" % (len(body) - 1))),
        row("EUICC-SCP81-ANSWER-14", ANSWER, "A target that is no AID gets nothing executed",
            lambda body: _by_length(body).replace(
                b"Content-Type", b"X-Admin-Targeted-Application: //aid/nobody\r\nContent-Type")),
    ],
)  # fmt: skip
def test_answers_that_are_none(
    administration: Administration,
    profile_maker: ProfileMaker,
    esim: Esim,
    form: Callable[[bytes], bytes],
) -> None:
    """What is no answer of an administration server is not executed, and ends the connection.

    Preconditions: the retry policy of the request has no tries.

    Steps:
    1. CreateISDP in the answer of the title: no further POST but one that tells of a failure;
       CLOSE CHANNEL, no second channel.
    2. GetStatus: no such ISD-P. A new request brings a session.
    """
    aid = profile_maker.profile().aid
    body = CommandScript.of([isdr_commands.create_isdp(aid)]).encode()
    with step("1. The answer"):
        administration.serve(Answer(form(body)))
        assert all(post.get("X-Admin-Script-Status") != "ok" for post in administration.posts)
        assert len(administration.terminal.opened) == 1
        assert administration.quiet()
    with step("2. Nothing was done"):
        assert esim.profile(aid) is None
        assert administration.serve()


@pytest.mark.requirement("R-64", refusal=True)
@pytest.mark.conformance("EUICC-SCP81-ANSWER-17", section=ANSWER)
def test_a_script_of_no_bytes(administration: Administration) -> None:
    """A script without a byte gets no command executed, and the card goes on.

    Preconditions: the retry policy of the request has no tries.

    Steps:
    1. An answer with an empty body: a POST without R-APDU, or CLOSE CHANNEL.
    2. A new request: a session with GetStatus, 9000.
    """
    posts = administration.serve(admin_answers.raw_script(b""))
    assert all(not post.body or not post.script.answers for post in posts)
    _, answered = administration.serve(script(STATUS), posts=2)
    assert answered.statuses == [0x9000]


@pytest.mark.requirement("R-64", refusal=True)
@pytest.mark.conformance(
    "EUICC-SCP81-ANSWER-15", section="GlobalPlatform Amendment B, retry policy"
)
def test_a_server_that_fails_is_tried_again(administration: Administration) -> None:
    """After an answer 503 the card comes again as its retry policy says.

    Preconditions: none.

    Steps:
    1. A request with one retry after 45 s; the server answers 503: a timer of 45 s, if the card
       takes that for a broken session; CLOSE CHANNEL either way.
    2. The timer ends, the server answers with GetStatus: its answer is posted.
    """
    unavailable = Answer(head("503 Service Unavailable", ("Content-Length", "0")))
    administration.serve(unavailable, request=asking(retry=RetryPolicy(1, 45)))
    if not administration.terminal.timers:
        assert administration.quiet()
        return
    assert set(administration.terminal.timers.values()) == {45}
    posts = administration.wait_for_retry(script(STATUS), posts=2)
    assert posts[1].statuses == [0x9000]
