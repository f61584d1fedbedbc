"""Defects of the servers in a bad network and through a restart, and who notices them."""

from __future__ import annotations

from typing import Final

from tests.planted.defect import Defect

_LOST: Final = "testcases/network/test_lost_messages.py::test"
_TOLD: Final = "testcases/network/test_card_notifications.py::test"
_KILLED: Final = "testcases/network/test_killed_servers.py::test"
_AGAIN: Final = f"{_LOST}_a_lost_command_comes_again_and_runs_once"
_SILENT: Final = f"{_LOST}_a_silent_card_is_asked_ever_more_seldom_and_then_no_more"
_WORD: Final = f"{_LOST}_after_a_lost_answer_the_card_has_the_word"
_ITS_OWN: Final = f"{_LOST}_an_answer_is_to_its_own_command_and_counts_once"
_HALF: Final = f"{_LOST}_half_an_answer_is_none_and_blocks_nothing"
_IN_TURN: Final = f"{_LOST}_commands_to_one_card_go_one_after_another"
_AWAY: Final = f"{_LOST}_what_waited_for_a_device_runs_once"
_NUMBER: Final = f"{_LOST}_a_number_that_went_to_another_device_answers_for_that_one"
_CENTRE: Final = f"{_LOST}_a_centre_that_will_not_is_asked_again"
_GO_ON: Final = f"{_KILLED}_servers_that_were_killed_go_on_where_they_were"
_SR: Final = "hil/provisioning/sm_sr"
_QUEUE: Final = f"{_SR}/ota_queue.py"

DEFECTS: Final = (
    Defect(
        "a command that was sent once is not sent again",
        f"{_SR}/ota_rows.py",
        "        select(OTA_COMMANDS).where(OTA_COMMANDS.c.state.in_(PENDING))"
        ".order_by(OTA_COMMANDS.c.id)\n    ).all()",
        '        select(OTA_COMMANDS).where(OTA_COMMANDS.c.state == "queued")'
        ".order_by(OTA_COMMANDS.c.id)\n    ).all()",
        (_AGAIN, _WORD),
    ),
    Defect(
        "a repetition has a counter of its own, so that the card runs it again",
        _QUEUE,
        "                if packet is None:\n",
        "                if packet is None or row.attempts:\n",
        (_AGAIN, _WORD),
    ),
    Defect(
        "the pauses between repetitions do not grow",
        _QUEUE,
        "self.answer_s * self.back_off ** (attempt - 1))",
        "self.answer_s * self.back_off ** 0)",
        (_SILENT,),
    ),
    Defect(
        "a command is sent for ever",
        _QUEUE,
        "        if row.attempts >= self._patience.attempts:\n",
        "        if row.attempts >= self._patience.attempts * 1000:\n",
        (_SILENT,),
    ),
    Defect(
        "a command that nobody answered is taken for done",
        _QUEUE,
        '            self._finish(row, "failed", f"no answer after {row.attempts} attempts")\n',
        '            self._finish(row, "done", "", response=bytes.fromhex("ab0780010123029000"))\n',
        (_SILENT,),
    ),
    Defect(
        "the answer to an older command counts for the newer one",
        f"{_SR}/ota_answers.py",
        "            if answer.counter == row.counter and answer.tar == bytes(row.tar):\n",
        "            if answer.tar == bytes(row.tar):\n",
        (_ITS_OWN,),
    ),
    Defect(
        "the SM-SR does not store the counter that it uses",
        f"{_SR}/ota_security.py",
        ".values(counter=counter))\n",
        ".values(counter=counter - 1))\n",
        (_ITS_OWN, _IN_TURN, _GO_ON),
    ),
    Defect(
        "the proof of receipt that says counter low is a failure",
        _QUEUE,
        "        elif answer.status == ResponseStatus.COUNTER_LOW:\n",
        "        elif answer.status == ResponseStatus.COUNTER_HIGH:\n",
        (_WORD, _HALF),
    ),
    Defect(
        "what is known of a lost answer is not asked of the card",
        f"{_SR}/job_outcome.py",
        "    return tries < MAX_VERIFICATIONS and any(",
        "    return tries < 0 and any(",
        (_WORD, _HALF),
    ),
    Defect(
        "a job is done though the card says otherwise",
        f"{_SR}/job_outcome.py",
        "    if outcome.card is None:\n",
        "    if outcome.card is None or outcome.enabled:\n",
        (_WORD,),
    ),
    Defect(
        "the EIS is changed before the card has confirmed",
        f"{_SR}/jobs.py",
        "            for command in made:\n",
        '            if kind == "enable":\n'
        "                from hil.provisioning.sm_sr import eis_rows\n\n"
        "                eis_rows.set_enabled(connection, eid, isdp_aid)\n"
        "            for command in made:\n",
        (_AGAIN, _SILENT),
    ),
    Defect(
        "a job that failed changes the EIS as if it had not",
        f"{_SR}/eis_effects.py",
        "    elif outcome.failed:\n        return\n",
        "    elif outcome.failed and not outcome.kind:\n        return\n",
        (_SILENT,),
    ),
    Defect(
        "parts of an answer are joined as they come",
        "hil/wire/sms_parts.py",
        '    return Whole(kind, b"".join(parts[place].payload for place in sorted(parts)))\n',
        '    return Whole(kind, b"".join(parts[place].payload for place in parts))\n',
        (_HALF,),
    ),
    Defect(
        "a doubled part counts as two",
        "hil/wire/sms_parts.py",
        "        waiting.parts[part.place] = part\n",
        "        waiting.parts[len(waiting.parts) + 1] = part\n",
        (_HALF,),
    ),
    Defect(
        "all commands of a job leave at once",
        f"{_SR}/ota_rows.py",
        "        found.setdefault(row.eid, row)\n",
        "        found.setdefault(str(row.id), row)\n",
        (_IN_TURN,),
    ),
    Defect(
        "two procedures run on one card at a time",
        f"{_SR}/jobs.py",
        "            if busy is not None:\n",
        "            if busy is not None and busy.kind == kind:\n",
        (_IN_TURN, "SMSR-ES3-CREATE-07"),
    ),
    Defect(
        "copies that piled up at the SMS centre make a job fail",
        _QUEUE,
        '            self._finish(row, "unanswered", "the card refuses',
        '            self._finish(row, "failed", "the card refuses',
        (_WORD,),
    ),
    Defect(
        "an answer is looked for at one eUICC of a number alone",
        f"{_SR}/ota_answers.py",
        "                broken = err\n                continue\n",
        "                broken = err\n                break\n",
        (_NUMBER,),
    ),
    Defect(
        "a message that the SMS centre does not take now fails the job",
        _QUEUE,
        "            self._note_untaken(row, str(err))\n",
        '            self._finish(row, "failed", str(err))\n',
        (_CENTRE,),
    ),
    Defect(
        "a lost connection to the SMS centre is not made anew",
        f"{_SR}/smpp_carrier.py",
        "            self._over.wait(pause)\n",
        "            return\n",
        (_CENTRE,),
    ),
    Defect(
        "jobs that ran when the SM-SR was killed are given up",
        f"{_SR}/jobs.py",
        "        for row in rows:\n            self._settle(row.job)\n",
        "        with self._store.transaction() as connection:\n"
        '            connection.execute(update(OTA_JOBS).values(state="failed"))\n'
        "        for row in rows:\n            self._settle(row.job)\n",
        (_GO_ON,),
    ),
    Defect(
        "function calls are forgotten by a restart",
        "hil/provisioning/function_calls.py",
        "        self._running_s = running_s\n",
        "        self._running_s = running_s\n"
        "        with store.transaction() as connection:\n"
        "            connection.execute(delete(FUNCTION_CALLS))\n",
        (_GO_ON,),
    ),
    Defect(
        "an SM-DP gives up the calls that it was killed in",
        "hil/provisioning/online/calls.py",
        "        if row.attempts >= MAX_ATTEMPTS:\n",
        "        if row.attempts >= 1:\n",
        (_GO_ON,),
    ),
    Defect(
        "a status notification that did not arrive is not repeated",
        "hil/provisioning/support_server/outbox.py",
        '            values = {"next_try": now + wait, "reason": str(failure)}\n',
        '            values = {"state": "arrived", "reason": str(failure)}\n',
        (
            _GO_ON,
            "testcases/management/test_notifications.py::test_a_lost_notification_is_repeated_until_it_arrives",
        ),
    ),
    Defect(
        "status notifications that wait are forgotten by a restart",
        "hil/provisioning/support_server/outbox.py",
        "        self._silent: dict[str, float] = {}\n",
        "        self._silent: dict[str, float] = {}\n"
        "        with store.transaction() as connection:\n"
        '            connection.execute(update(OUTBOX).values(state="arrived"))\n',
        (_GO_ON,),
    ),
    Defect(
        "a card that repeats its notification is not confirmed again",
        f"{_SR}/card_notifications.py",
        '                if known.state in ("confirmed", "refused"):\n',
        '                if known.state == "refused":\n',
        (f"{_TOLD}_a_notification_counts_once_and_is_confirmed_each_time",),
    ),
    Defect(
        "an old notification of a card is believed",
        f"{_SR}/card_notifications.py",
        "% _NUMBERS >= _AHEAD:\n",
        "% _NUMBERS >= _NUMBERS:\n",
        (f"{_TOLD}_an_old_or_forged_notification_is_not_believed",),
    ),
    Defect(
        "what POL1 has deleted stays in the EIS",
        f"{_SR}/card_notifications.py",
        "            for aid in _deleted(outcome.response):\n",
        "            for aid in _deleted(outcome.response)[1:]:\n",
        (f"{_TOLD}_a_notification_counts_once_and_is_confirmed_each_time",),
    ),
    Defect(
        "a confirmation whose answer was lost is taken for good",
        f"{_SR}/card_notifications.py",
        '            state = "audit"\n',
        '            state = "confirmed"\n',
        (f"{_TOLD}_after_a_lost_answer_to_a_confirmation_the_card_is_asked",),
    ),
    Defect(
        "an SM-DP does not delete what its attempt before a death has left",
        "hil/provisioning/online/procedure.py",
        '        if row.sm_dp == wanted.sm_dp and row.state in ("in-creation", "created"):\n',
        '        if row.sm_dp == wanted.sm_dp and row.state == "left":\n',
        (f"{_KILLED}_a_download_that_a_kill_broke_off_comes_to_its_end",),
    ),
    Defect(
        "a download that a death broke off is given up",
        "hil/provisioning/online/calls.py",
        '                .where(DP_CALLS.c.state == "running")\n',
        '                .where(DP_CALLS.c.state == "running", DP_CALLS.c.attempts == 0)\n',
        (f"{_KILLED}_a_download_that_a_kill_broke_off_comes_to_its_end", _GO_ON),
    ),
)
