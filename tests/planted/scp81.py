"""Defects of the virtual card in its HTTPS administration sessions (SCP81)."""

from __future__ import annotations

from typing import Final

from tests.planted.defect import Defect

_AGENT: Final = "hil/virtual/euicc/admin_agent.py"
_DIALOGUE: Final = "hil/virtual/euicc/admin_dialogue.py"
_CHANNEL: Final = "hil/virtual/euicc/byte_channel.py"
_CLIENT: Final = "hil/wire/tls/client.py"
_POST: Final = "hil/wire/admin_http.py"
_READER: Final = "hil/wire/http_reader.py"
_REQUEST: Final = "hil/wire/admin_session.py"

DEFECTS: Final = (
    Defect(
        "a request opens a second channel while a session runs",
        _AGENT,
        "            self._wanted = data\n            return\n",
        "            self._wanted = data\n",
        ("EUICC-SCP81-SESSION-05",),
    ),
    Defect(
        "tries of a broken session come to no end",
        _AGENT,
        "retries=pending.retries - 1",
        "retries=pending.retries",
        ("EUICC-SCP81-SESSION-04", "EUICC-SCP81-RESUME-05"),
    ),
    Defect(
        "a broken session is tried again as stored, not as asked for",
        _AGENT,
        "        retry = AdminRequest.decode(pending.request).retry or settings.retry\n        if",
        "        retry = settings.retry\n        if",
        ("EUICC-SCP81-SESSION-04", "EUICC-SCP81-RESUME-01"),
    ),
    Defect(
        "the end of any timer opens a session",
        _AGENT,
        "mine = toolkit_events.parse_timer(command) == _TIMER",
        "mine = True",
        ("EUICC-SCP81-SESSION-04",),
    ),
    Defect(
        "a request that comes again is not said to",
        _AGENT,
        "        self._begin(resume=True)\n",
        "        self._begin(resume=False)\n",
        ("EUICC-SCP81-RESUME-01", "EUICC-SCP81-RESUME-02"),
    ),
    Defect(
        "what came of a script is forgotten when the link breaks",
        _AGENT,
        "            self._store.put_pending(replace(pending, progress=progress))",
        "            self._store.put_pending(pending)",
        ("EUICC-SCP81-RESUME-01", "EUICC-SCP81-RESUME-08"),
    ),
    Defect(
        "a session that has ended begins again after a reset",
        _AGENT,
        "            self._dialogue = None\n            self._store.end()\n",
        "            self._dialogue = None\n",
        ("EUICC-SCP81-SESSION-01",),
    ),
    Defect(
        "a new request goes on with the broken session of another",
        _AGENT,
        "pending.progress if pending is not None and pending.request == data else None",
        "pending.progress if pending is not None else None",
        ("EUICC-SCP81-RESUME-11",),
    ),
    Defect(
        "REFRESH comes while a session runs",
        _AGENT,
        "        self._toolkit.session_open = True\n",
        "",
        ("EUICC-SCP81-SESSION-08",),
    ),
    Defect(
        "a terminal without channels is asked for one",
        _AGENT,
        "        if not self._toolkit.knows_channels:\n",
        "        if self._toolkit.terminal_profile is None:\n",
        ("EUICC-SCP81-SESSION-02",),
    ),
    Defect(
        "the agent id of a request is not taken",
        _AGENT,
        "(request.agent_id or settings.agent_id.encode())",
        "settings.agent_id.encode()",
        ("EUICC-SCP81-REQUEST-01",),
    ),
    Defect(
        "the access name of a request is not taken",
        _AGENT,
        "asked.access_name or stored.access_name",
        "stored.access_name",
        ("EUICC-SCP81-REQUEST-01",),
    ),
    Defect(
        "the key of a request is not taken",
        _AGENT,
        "kvn = settings.kvn if request.kvn is None else request.kvn",
        "kvn = settings.kvn",
        ("EUICC-SCP81-REQUEST-12",),
    ),
    Defect(
        "an AES key is taken for a pre-shared key",
        _AGENT,
        "if key is None or key.kind != KeyType.PSK_TLS:",
        "if key is None:",
        ("EUICC-SCP81-REQUEST-13",),
    ),
    Defect(
        "the host of a request may break the lines of HTTP",
        _REQUEST,
        "    if value is not None and not _PRINTABLE.fullmatch(value):",
        "    if value is not None and not value:",
        ("EUICC-SCP81-REQUEST-11",),
    ),
    Defect(
        "a link that drops is not noticed",
        _CHANNEL,
        "        elif not event.status.established:\n",
        "        elif event.status.established:\n",
        ("EUICC-SCP81-RESUME-07",),
    ),
    Defect(
        "events of any channel are heeded",
        _CHANNEL,
        "event.status is None or event.status.channel != self._number",
        "event.status is None",
        ("EUICC-SCP81-SESSION-06",),
    ),
    Defect(
        "a refused SEND DATA is not noticed",
        _CHANNEL,
        '        if answer is None or not answer.done:\n            self._end(f"SEND DATA',
        '        if answer is None:\n            self._end(f"SEND DATA',
        ("EUICC-SCP81-RESUME-08",),
    ),
    Defect(
        "RECEIVE DATA is not repeated for what is left",
        _CHANNEL,
        "self._available = bip.length_of(answer.objects) if data else 0",
        "self._available = 0",
        ("EUICC-SCP81-SESSION-03", "EUICC-SCP81-HTTP-09"),
    ),
    Defect(
        "scripts are executed whatever the status of the answer",
        _DIALOGUE,
        "        elif response.status == _OK:",
        "        elif response.status >= _OK:",
        ("EUICC-SCP81-ANSWER-07", "EUICC-SCP81-ANSWER-08", "EUICC-SCP81-ANSWER-09"),
    ),
    Defect(
        "any content type is a script",
        _DIALOGUE,
        "        if kind != _COMMANDS:",
        "        if not kind:",
        ("EUICC-SCP81-ANSWER-10",),
    ),
    Defect(
        "all scripts go to the ISD-R",
        _DIALOGUE,
        "aid = ISD_R_AID if targeted is None else admin_http.parse_target(targeted)",
        "aid = ISD_R_AID",
        ("EUICC-SCP81-HTTP-05", "EUICC-SCP81-HTTP-06"),
    ),
    Defect(
        "an application that is not there has executed its script",
        _DIALOGUE,
        "Progress(uri, ScriptStatus.UNKNOWN_APPLICATION)",
        "Progress(uri, ScriptStatus.OK)",
        ("EUICC-SCP81-HTTP-06",),
    ),
    Defect(
        "204 always ends the session",
        _DIALOGUE,
        "            if following is None:\n                self._end()",
        "            if following is not self:\n                self._end()",
        ("EUICC-SCP81-HTTP-03",),
    ),
    Defect(
        "a session without a next URI is not over",
        _DIALOGUE,
        '        uri = "" if following is None else admin_http.next_uri(following)',
        '        uri = "/" if following is None else admin_http.next_uri(following)',
        ("EUICC-SCP81-HTTP-04",),
    ),
    Defect(
        "TLS is not closed before the channel",
        _DIALOGUE,
        "        self._tls.close()\n",
        "",
        ("EUICC-SCP81-SESSION-01",),
    ),
    Defect(
        "a server that closes is not noticed",
        _DIALOGUE,
        "        if self._tls.peer_closed and not self.over:",
        "        if self._tls.peer_closed and self.over:",
        ("EUICC-SCP81-RESUME-10",),
    ),
    Defect(
        "the query of the next URI is lost",
        _POST,
        '    path = re.sub(r"^https?://[^/?#]+", "", text) or "/"',
        '    path = re.sub(r"^https?://[^/?#]+", "", text).partition("?")[0] or "/"',
        ("EUICC-SCP81-HTTP-02", "EUICC-SCP81-HTTP-03"),
    ),
    Defect(
        "requests do not name the protocol",
        _POST,
        '            f"{X_PROTOCOL}: {PROTOCOL}",\n',
        "",
        ("EUICC-SCP81-HTTP-01",),
    ),
    Defect(
        "answers of scripts do not say their status",
        _POST,
        "        if self.status is not None:",
        "        if self.status is not None and self.status != ScriptStatus.OK:",
        ("EUICC-SCP81-HTTP-02",),
    ),
    Defect(
        "an answer with two lengths is read",
        _READER,
        'if length is not None or coding.lower() != "chunked":',
        'if coding.lower() != "chunked":',
        ("EUICC-SCP81-ANSWER-11",),
    ),
    Defect(
        "an interim answer counts",
        _READER,
        "            if head is not None and head.status >= 200:",
        "            if head is not None:",
        ("EUICC-SCP81-ANSWER-05",),
    ),
    Defect(
        "header fields are known in one spelling only",
        _READER,
        '        name = match[1].decode("ascii").lower()',
        '        name = match[1].decode("ascii")\n'
        "        name = name.lower() if name[0].isupper() else name[1:]",
        ("EUICC-SCP81-ANSWER-03",),
    ),
    Defect(
        "the Finished of the server is not compared",
        _CLIENT,
        "            if not hmac.compare_digest(body, self._expected_finished(SERVER_FINISHED)):",
        "            if not hmac.compare_digest(body, body):",
        ("EUICC-SCP81-TLS-06",),
    ),
    Defect(
        "the card posts before the server has proven the key",
        _CLIENT,
        "            self._send_finished(CLIENT_FINISHED)\n",
        "            self._send_finished(CLIENT_FINISHED)\n            self.established = True\n",
        ("EUICC-SCP81-TLS-06",),
    ),
    Defect(
        "any version of TLS is taken",
        _CLIENT,
        "        if hello.version != VERSION:",
        "        if hello.version < bytes(2):",
        ("EUICC-SCP81-TLS-07",),
    ),
    Defect(
        "compression that was not offered is taken",
        _CLIENT,
        "        if hello.suite not in self._suites or hello.compression:",
        "        if hello.suite not in self._suites:",
        ("EUICC-SCP81-TLS-09",),
    ),
    Defect(
        "extensions that were not offered are taken",
        _CLIENT,
        "        if set(hello.extensions) - set(self._offered) - {RENEGOTIATION_INFO}:",
        "        if not self._suites:",
        ("EUICC-SCP81-TLS-15",),
    ),
    Defect(
        "the server's hint is taken for the identity",
        _CLIENT,
        "            decode_identity(body)\n",
        "            self._identity = decode_identity(body)\n",
        ("EUICC-SCP81-TLS-04",),
    ),
    Defect(
        "the identity names no key version",
        _REQUEST,
        "            Tlv(0x83, bytes((self.kvn,))),\n",
        "            Tlv(0x83, bytes(1)),\n",
        ("EUICC-SCP81-TLS-04",),
    ),
)
