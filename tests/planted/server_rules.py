"""Defects of the servers in whom they let in and what they keep, and who notices them."""

from __future__ import annotations

from typing import Final

from tests.planted.defect import Defect

_JUDGING: Final = "testcases/line/test_judging_devices.py::test"
_STEPS: Final = "testcases/line/test_order_of_steps.py::test"
_PACKETS: Final = "testcases/ordering/test_packets.py::test"
_AIR: Final = "testcases/management/test_profiles_over_the_air.py::test"
_SUPPORT: Final = "hil/provisioning/support_server"
_SR: Final = "hil/provisioning/sm_sr"

DEFECTS: Final = (
    Defect(
        "of the jig's readings the first one alone counts",
        f"{_SUPPORT}/jig.py",
        "        for sample in samples:\n            reason = self",
        "        for sample in samples[:1]:\n            reason = self",
        (f"{_JUDGING}_every_reading_of_the_jig_counts",),
    ),
    Defect(
        "a jig need not be watched without a gap",
        f"{_SUPPORT}/jig.py",
        "            if after.at_ns - before.at_ns > self.max_gap_s * _NS:",
        "            if after.at_ns - before.at_ns > 1e6 * _NS:",
        (f"{_JUDGING}_every_reading_of_the_jig_counts",),
    ),
    Defect(
        "the uncertainty of a reading does not count",
        f"{_SUPPORT}/jig.py",
        "        if value - uncertainty < self.low or value + uncertainty > self.high:",
        "        if value < self.low or value > self.high:",
        (f"{_JUDGING}_every_reading_of_the_jig_counts",),
    ),
    Defect(
        "the support server does not judge the dwell",
        f"{_SUPPORT}/jig.py",
        "        if held < self.dwell_s:",
        "        if held < 0:",
        (f"{_JUDGING}_every_reading_of_the_jig_counts",),
    ),
    Defect(
        "the support server does not judge the jig's current",
        f"{_SUPPORT}/jig.py",
        "        if reason is not None or self.amps is None:",
        "        if True:",
        (f"{_JUDGING}_every_reading_of_the_jig_counts",),
    ),
    Defect(
        "where both are asked for, the support server does not judge the jig",
        f"{_SUPPORT}/device_sessions.py",
        "        if reason is None and manner.needs_jig:",
        "        if reason is None and manner is Manner.JIG:",
        (f"{_JUDGING}_both_key_set_and_jig_have_to_be_good",),
    ),
    Defect(
        "where both are asked for, the support server does not judge the key set",
        f"{_SUPPORT}/device_sessions.py",
        "        elif manner.needs_key_set:",
        "        elif manner is Manner.KEY_SET:",
        (f"{_JUDGING}_both_key_set_and_jig_have_to_be_good",),
    ),
    Defect(
        "a device in commercial life may skip",
        f"{_SUPPORT}/device_sessions.py",
        '            allowed = device is not None and device.life == "development"',
        "            allowed = device is not None",
        (f"{_JUDGING}_only_a_device_in_development_may_skip",),
    ),
    Defect(
        "the support server bears any number of wrong proofs",
        f"{_SUPPORT}/devices.py",
        "        if failures >= self._limit:",
        "        if failures >= self._limit * 1000:",
        (f"{_JUDGING}_too_many_wrong_proofs_lock_a_device_out",),
    ),
    Defect(
        "the support server does not count wrong proofs",
        f"{_SUPPORT}/devices.py",
        "                .values(failures=DEVICES.c.failures + 1)",
        "                .values(failures=DEVICES.c.failures)",
        (f"{_JUDGING}_too_many_wrong_proofs_lock_a_device_out",),
    ),
    Defect(
        "a success does not end the support server's count",
        f"{_SUPPORT}/device_sessions.py",
        '        if device is not None and state == "passed":',
        '        if device is not None and state == "skipped":',
        (f"{_JUDGING}_too_many_wrong_proofs_lock_a_device_out",),
    ),
    Defect(
        "a session with a device never ends",
        f"{_SUPPORT}/device_sessions.py",
        "        if row.until < self._clock():",
        "        if row.until < 0:",
        (f"{_JUDGING}_a_session_that_is_over_opens_nothing",),
    ),
    Defect(
        "the support server's nonce is always the same",
        f"{_SUPPORT}/device_sessions.py",
        "            server_nonce=secrets.token_bytes(NONCE_LENGTH),",
        "            server_nonce=bytes(NONCE_LENGTH),",
        (f"{_JUDGING}_a_session_is_of_its_own_station_and_its_own_nonce",),
    ),
    Defect(
        "the support server does not judge the device's proof",
        f"{_SUPPORT}/device_sessions.py",
        "    if not hello.proves_device(device.keys, server_nonce):",
        "    if not hello.proof:",
        (f"{_JUDGING}_a_session_is_of_its_own_station_and_its_own_nonce",),
    ),
    Defect(
        "an image that was replaced can still be given out",
        f"{_SUPPORT}/workshop.py",
        "            if row.state in OPEN_STATES:\n                self",
        "            if row.state == 'sent':\n                self",
        (f"{_STEPS}_steps_may_be_repeated_and_left_out",),
    ),
    Defect(
        "the newest image of a device goes first",
        f"{_SUPPORT}/workshop.py",
        "            row = "
        "connection.execute(chosen.order_by(IMAGES.c.built_at)).first()\n"
        "            mno",
        "            row = "
        "connection.execute(chosen.order_by(IMAGES.c.built_at.desc())).first()\n"
        "            mno",
        (f"{_STEPS}_profiles_of_one_device_go_in_their_order_or_by_choice",),
    ),
    Defect(
        "an image is made anew each time it is fetched",
        f"{_SUPPORT}/workshop.py",
        '            if record.state == "sent":\n                return record',
        '            if record.state == "sent":\n'
        "                _set_counter(connection, eid, record.counter + 7)",
        (f"{_STEPS}_an_image_that_is_fetched_again_is_the_same",),
    ),
    Defect(
        "an image goes to a device that the eSIM has left",
        f"{_SUPPORT}/server.py",
        "        if device is not None and device.device_id != row.device_id:",
        "        if device is not None and not row.device_id:",
        (f"{_STEPS}_an_image_does_not_follow_an_esim_into_a_session_of_another_device",),
    ),
    Defect(
        "policy rules are not asked as an image leaves",
        f"{_SUPPORT}/workshop.py",
        "            self._allow(ImageQuestion(eid, row.iccid, mno, row.enable, row.issue > 1))\n",
        "",
        (f"{_STEPS}_an_image_that_policy_rules_forbid_does_not_leave",),
    ),
    Defect(
        "a proof at the door is good twice",
        "hil/provisioning/door.py",
        "            if known.proved:\n                raise",
        "            if known.proved and not known.peer:\n                raise",
        (f"{_PACKETS}_a_session_is_good_once_it_is_proved",),
    ),
    Defect(
        "a wrong proof at the door may be corrected",
        "hil/provisioning/door.py",
        "                del self._sessions[session]\n                raise",
        "                raise",
        (f"{_PACKETS}_a_session_is_good_once_it_is_proved",),
    ),
    Defect(
        "a session is good before it is proved",
        "hil/provisioning/door.py",
        "            if not known.proved:",
        "            if not known:",
        (f"{_PACKETS}_a_session_is_good_once_it_is_proved",),
    ),
    Defect(
        "other packets for a profile are confirmed, and not stored",
        "hil/provisioning/reception.py",
        "            raise Refusal(\n"
        "                RefusalCode.EXISTS,\n"
        '                f"{self.owner} holds other packets for {packet_set.iccid}: '
        'nothing was stored",\n'
        "            )",
        "            return False",
        (f"{_PACKETS}_stored_packets_are_not_replaced",),
    ),
    Defect(
        "packets in the name of another SM-DP are taken",
        "hil/provisioning/reception.py",
        "        if packet_set.sm_dp != peer.id:",
        "        if not packet_set.sm_dp:",
        (f"{_PACKETS}_packets_that_are_not_what_they_say_are_refused",),
    ),
    Defect(
        "a receiver does not look into test profiles",
        "hil/provisioning/reception.py",
        '        if packet_set.profile_class == "test":',
        '        if packet_set.profile_class == "never":',
        (f"{_PACKETS}_packets_that_are_not_what_they_say_are_refused",),
    ),
    Defect(
        "any peer delivers packets",
        "hil/provisioning/reception.py",
        "        if peer.role is not Role.SM_DP:",
        "        if peer.role is Role.EUM:",
        (f"{_PACKETS}_a_peer_that_is_no_sm_dp_sends_no_packets",),
    ),
    Defect(
        "any peer reserves ISD-Ps",
        "hil/provisioning/reception.py",
        "        require_role(self.door.principal(session), Role.SM_DP)\n",
        "        self.door.principal(session)\n",
        (f"{_PACKETS}_a_peer_that_is_no_sm_dp_sends_no_packets",),
    ),
    Defect(
        "packets go where the MNO's profiles usually go",
        "hil/provisioning/sm_dp.py",
        "        receiver = routing.receiver if routing.route is Route.SUPPORT_SERVER else None",
        "        receiver = routing.receiver",
        ("testcases/ordering/test_refused_orders.py::test_what_the_mno_gives_is_what_comes",),
    ),
    Defect(
        "the SMS centre loses what is for a device that is off",
        "hil/virtual/network/subscribers.py",
        "        subscriber.waiting.append(delivery)\n",
        "        if subscriber.send is None:\n"
        "            return True\n"
        "        subscriber.waiting.append(delivery)\n",
        (
            "testcases/installation/test_over_the_air.py::test_a_packet_for_a_device_that_is_off_waits_for_it",
        ),
    ),
    Defect(
        "memory that was granted before is not counted",
        f"{_SR}/download_functions.py",
        "            if granted + memory > capacity:",
        "            if memory > capacity:",
        ("SMSR-ES3-COMPLETED-01",),
    ),
    Defect(
        "POL2 of a complete download is forgotten",
        f"{_SR}/eis_book.py",
        "            pol2=pol2,\n        )\n\n    def update_properties",
        "        )\n\n    def update_properties",
        ("SMSR-ES3-COMPLETED-01",),
    ),
    Defect(
        "the EIS shows all memory as left",
        f"{_SR}/management.py",
        "            remaining_memory=max(0, eis.memory - sum(one.memory for one in "
        "all_profiles)),",
        "            remaining_memory=eis.memory,",
        ("SMSR-ES3-COMPLETED-01",),
    ),
    Defect(
        "the certificate of another eUICC is good",
        "hil/provisioning/certificates.py",
        "    if eid is not None and decode_eid(ecasd.content.subject) != eid:",
        "    if eid is not None and not eid:",
        ("SMDP-ES2-DOWNLOAD-10",),
    ),
    Defect(
        "a certificate for signing is good for keys",
        "hil/provisioning/certificates.py",
        "        usages={KEY_AGREEMENT},\n        today=today,",
        "        usages={KEY_AGREEMENT} | SIGNING_USAGES,\n        today=today,",
        ("SMDP-ES2-DOWNLOAD-12",),
    ),
    Defect(
        "a certificate of an eUICC is good for ever",
        "hil/provisioning/certificates.py",
        "        usages={KEY_AGREEMENT},\n        today=today,",
        "        usages={KEY_AGREEMENT},",
        ("SMDP-ES2-DOWNLOAD-13",),
    ),
    Defect(
        "a repeated status notification counts again",
        f"{_SR}/server.py",
        "            ).first():\n                return\n",
        "            ).first():\n"
        "                self._effects.event(connection, notification)\n"
        "                return\n",
        ("SMSR-STATUS-REPEATED-01",),
    ),
    Defect(
        "the number of an eUICC does not follow its enabled profile",
        f"{_SR}/eis_rows.py",
        '            _set_state(connection, row, "disabled", '
        "delete_due=wants_deletion(row))\n"
        "    follow_number(connection, eid)",
        '            _set_state(connection, row, "disabled", delete_due=wants_deletion(row))',
        ("SMSR-ES4-ADDRESS-03",),
    ),
    Defect(
        "what was disabled is not deleted, whatever POL2 says",
        f"{_SR}/eis_rows.py",
        '            _set_state(connection, row, "disabled", '
        "delete_due=wants_deletion(row))\n"
        "    fallback",
        '            _set_state(connection, row, "disabled", delete_due=False)\n    fallback',
        ("SMSR-ES4-POLICY-03",),
    ),
    Defect(
        "what another profile has replaced is not deleted, whatever POL2 says",
        f"{_SR}/eis_rows.py",
        '            _set_state(connection, row, "disabled", '
        "delete_due=wants_deletion(row))\n"
        "    follow",
        '            _set_state(connection, row, "disabled", delete_due=False)\n    follow',
        ("SMSR-ES4-POLICY-04",),
    ),
    Defect(
        "the date of an audit is not noted",
        f"{_SR}/eis_effects.py",
        '    if outcome.kind == "audit" and not outcome.failed:',
        '    if outcome.kind == "audit" and outcome.failed:',
        ("SMSR-ES4-ENABLE-01",),
    ),
    Defect(
        "the SM-SR disables the profile with the fall-back attribute",
        f"{_SR}/management.py",
        "        if profile.fallback:\n            raise",
        "        if profile.fallback and not profile.eid:\n            raise",
        (f"{_AIR}_operations_in_the_wrong_state_are_refused",),
    ),
    Defect(
        "the SM-SR deletes the profile with the fall-back attribute",
        f"{_SR}/management.py",
        '        if profile.state == "enabled" or profile.fallback:',
        '        if profile.state == "enabled":',
        (f"{_AIR}_operations_in_the_wrong_state_are_refused",),
    ),
    Defect(
        "packets that the card does not take make a disabled profile",
        f"{_SR}/eis_effects.py",
        '            state = "created" if outcome.failed else "disabled"',
        '            state = "disabled"',
        (f"{_AIR}_packets_that_the_card_does_not_take_make_no_profile",),
    ),
)
