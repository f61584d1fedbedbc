"""Requests for an administration session, PSK identities, and the card's POST."""

from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire import admin_http
from hil.wire.admin_http import AdminPost, ScriptStatus
from hil.wire.admin_session import AdminRequest, PskIdentity, RetryPolicy, is_admin_request
from hil.wire.bip import OpenChannel
from hil.wire.identifiers import ISD_R_AID, isd_p_aid

EID = "89049032123451234512345678901235"


def test_the_identity_is_spelt_as_sgp_02_says() -> None:
    identity = PskIdentity(EID, ISD_R_AID, 0x40)
    text = f"8001028110{EID}4F10A0000005591010FFFFFFFF8900000100820101830140"
    assert identity.encode() == text.encode()
    assert PskIdentity.decode(text.lower().encode()) == identity


@given(st.binary(max_size=120) | st.binary(max_size=60).map(lambda raw: raw.hex().encode()))
def test_any_text_is_an_identity_or_a_codec_error(text: bytes) -> None:
    try:
        PskIdentity.decode(text)
    except CodecError:
        return


def test_the_smallest_request_is_an_empty_frame() -> None:
    assert AdminRequest().encode().hex() == "8100"
    assert AdminRequest.decode(b"\x81\x00") == AdminRequest()
    assert is_admin_request(b"\x81\x00")
    assert not is_admin_request(bytes.fromhex("aa00"))


def test_a_request_has_known_bytes() -> None:
    # Retry policy as a live card stores it: once, after 10 minutes.
    request = AdminRequest(
        OpenChannel(bytes((127, 0, 0, 1)), 443, None, None),
        psk_identity=bytes.fromhex("deadbeef"),
        kvn=0x40,
        kid=1,
        retry=RetryPolicy(1, 600),
        host=b"admin.host",
        uri=b"/a",
    )
    assert request.encode().hex() == (
        "8135" "8333"
        "840c" "bc030201bb" "be05217f000001"
        "8508" "04deadbeef" "024001"
        "8607" "0001" "2503000100"
        "8910" "8a0a" "61646d696e2e686f7374" "8c02" "2f61"
    )  # fmt: skip


texts = st.none() | st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1).map(
    str.encode
)
requests = st.builds(
    AdminRequest,
    connection=st.none()
    | st.builds(OpenChannel, st.binary(min_size=4, max_size=4), st.integers(0, 65_535)),
    retry=st.none() | st.builds(RetryPolicy, st.integers(0, 65_535), st.integers(0, 86_399)),
    host=texts,
    agent_id=texts,
    uri=texts,
)


@given(requests)
def test_requests_are_read_back(request: AdminRequest) -> None:
    assert AdminRequest.decode(request.encode()) == request


@given(st.binary(max_size=80).map(lambda tail: b"\x81" + tail) | st.binary(max_size=80))
def test_any_bytes_are_a_request_or_a_codec_error(raw: bytes) -> None:
    try:
        AdminRequest.decode(raw)
    except CodecError:
        return


def test_lines_cannot_be_put_into_a_request() -> None:
    for raw in ("89108c0e2f0d0a582d41646d696e3a207879",):
        body = bytes.fromhex(raw)
        session = bytes((0x83, len(body))) + body
        with pytest.raises(CodecError):
            AdminRequest.decode(bytes((0x81, len(session))) + session)


def read_by_h11(raw: bytes) -> tuple[h11.Request, bytes]:
    """Let a foreign server's reader understand a request of ours."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(raw)
    head = connection.next_event()
    assert isinstance(head, h11.Request)
    body = b""
    while isinstance(event := connection.next_event(), h11.Data):
        body += bytes(event.data)
    assert isinstance(event, h11.EndOfMessage)
    assert connection.trailing_data[0] == b""
    return head, body


def test_the_first_post_is_what_sgp_02_shows() -> None:
    agent = admin_http.agent_id(EID, ISD_R_AID)
    assert agent == f"//se-id/eid/{EID};//aa-id/aid/A000000559/1010FFFFFFFF8900000100"
    head, body = read_by_h11(AdminPost("/admin?cmd=1", "sm-sr.test", agent).encode())
    assert (head.method, head.target, body) == (b"POST", b"/admin?cmd=1", b"")
    assert dict(head.headers) == {
        b"host": b"sm-sr.test",
        b"x-admin-protocol": b"globalplatform-remote-admin/1.0",
        b"x-admin-from": agent.encode(),
        b"content-length": b"0",
    }


@given(st.binary(max_size=3000), st.booleans())
def test_answers_are_understood_by_a_foreign_reader(script: bytes, resume: bool) -> None:
    post = AdminPost("/next", "h", "a", ScriptStatus.OK, script, resume)
    head, body = read_by_h11(post.encode())
    fields = dict(head.headers)
    assert body == script
    assert fields[b"x-admin-script-status"] == b"ok"
    assert fields.get(b"x-admin-resume") == (b"true" if resume else None)


def test_targets_are_spelt_and_read() -> None:
    aid = isd_p_aid(0x11)
    assert admin_http.target(aid) == "//aid/A000000559/1010FFFFFFFF8900001100"
    assert admin_http.parse_target("//aid/a000000559/1010ffffffff8900001100") == aid
    assert admin_http.parse_agent_id(admin_http.agent_id(EID, aid)) == (EID, aid)
    for text in ("", "//aid/A0/", "//aid/A000000559", "//aid/A000000559/101", "aid"):
        with pytest.raises(CodecError):
            admin_http.parse_target(text)


@pytest.mark.parametrize(
    ("text", "path"),
    [("/a?b=1", "/a?b=1"), ("http://host:80/x", "/x"), ("https://host", "/"), ("", "/")],
)
def test_the_next_uri_is_a_path(text: str, path: str) -> None:
    assert admin_http.next_uri(text) == path


@pytest.mark.parametrize("text", ["relative", "/with blank", "/line\r\nbreak", "ftp://host/x"])
def test_what_is_no_next_uri_is_refused(text: str) -> None:
    with pytest.raises(CodecError):
        admin_http.next_uri(text)
