"""Defects of the virtual device in what it lets in, keeps and installs, and who notices them."""

from __future__ import annotations

from typing import Final

from tests.planted.defect import Defect

_KEYS: Final = "testcases/authentication/test_key_set.py::test"
_MODES: Final = "testcases/modes/test_modes.py::test"
_EVENTS: Final = "testcases/modes/test_input_events.py::test"
_STORED: Final = "testcases/modes/test_stored_images.py::test"
_BROKEN: Final = "testcases/transfer/test_broken_transfer.py::test"
_INSTALL: Final = "testcases/installation/test_image_install.py::test"
_MANNERS: Final = "testcases/authentication/test_manners.py::test"
_DEVICE: Final = "hil/virtual/device"

DEFECTS: Final = (
    Defect(
        "an installation ends the first mode that the user has chosen",
        f"{_DEVICE}/modes.py",
        "            InputEvent.AUTHENTICATION,\n            InputEvent.DATA_TYPE,\n        ):",
        "            InputEvent.AUTHENTICATION,\n"
        "            InputEvent.DATA_TYPE,\n"
        "            InputEvent.USER_INPUT,\n"
        "        ):",
        (f"{_MODES}_an_installation_does_not_end_what_server_or_user_chose",),
    ),
    Defect(
        "an installation ends the first mode that the server has commanded",
        f"{_DEVICE}/modes.py",
        "            InputEvent.AUTHENTICATION,\n            InputEvent.DATA_TYPE,\n        ):",
        "            InputEvent.AUTHENTICATION,\n"
        "            InputEvent.DATA_TYPE,\n"
        "            InputEvent.SERVER_COMMAND,\n"
        "        ):",
        (f"{_MODES}_an_installation_does_not_end_what_server_or_user_chose",),
    ),
    Defect(
        "an image keeps the device in first mode after its installation",
        f"{_DEVICE}/modes.py",
        "            InputEvent.AUTHENTICATION,\n            InputEvent.DATA_TYPE,\n        ):",
        "            InputEvent.AUTHENTICATION,\n        ):",
        (f"{_EVENTS}_the_type_of_the_data_leads_to_first_mode",),
    ),
    Defect(
        "an image that is refused is an input event",
        f"{_DEVICE}/firmware.py",
        "        image = self._acceptance.check(raw)\n"
        "        self.modes.notice(InputEvent.DATA_TYPE)",
        "        self.modes.notice(InputEvent.DATA_TYPE)\n"
        "        image = self._acceptance.check(raw)",
        (f"{_EVENTS}_the_type_of_the_data_leads_to_first_mode",),
    ),
    Defect(
        "the nonce for orders is always the same",
        f"{_DEVICE}/authentication.py",
        "        nonce = secrets.token_bytes(proofs.NONCE_LENGTH)\n        self._command",
        "        nonce = b'N' * proofs.NONCE_LENGTH\n        self._command",
        (f"{_MODES}_forged_and_replayed_commands_are_refused",),
    ),
    Defect(
        "a restart brings back the manner of the factory",
        f"{_DEVICE}/memory.py",
        "        self._state = self._load() or Persistent(mode=mode.value, manner=manner.value)",
        "        self._state = replace(\n"
        "            self._load() or Persistent(mode=mode.value, manner=manner.value),\n"
        "            manner=manner.value)",
        (f"{_MANNERS}_a_replaced_manner_is_there_after_a_restart",),
    ),
    Defect(
        "who was let in stays so when test mode begins",
        f"{_DEVICE}/firmware.py",
        "        if Mode.TEST in (before, after) and before is not after:",
        "        if before is Mode.TEST and before is not after:",
        (f"{_KEYS}_a_sender_let_in_is_out_when_test_mode_begins_or_ends",),
    ),
    Defect(
        "who was let in stays so when test mode ends",
        f"{_DEVICE}/firmware.py",
        "        if Mode.TEST in (before, after) and before is not after:",
        "        if after is Mode.TEST and before is not after:",
        (f"{_KEYS}_a_sender_let_in_is_out_when_test_mode_begins_or_ends",),
    ),
    Defect(
        "a hello is good for many proofs",
        f"{_DEVICE}/authentication.py",
        "        hello, self._hello = self._hello, None",
        "        hello = self._hello",
        (f"{_KEYS}_a_hello_is_good_for_one_attempt",),
    ),
    Defect(
        "a restart ends the lockout",
        f"{_DEVICE}/authentication.py",
        "        self._locked_until_s = now_s() + self._lockout_s(memory.state.failures)",
        "        self._locked_until_s = now_s()",
        (f"{_KEYS}_a_restart_gives_no_new_attempts",),
    ),
    Defect(
        "the lockout does not hold for orders",
        f"{_DEVICE}/authentication.py",
        '            raise Refusal(Cme.NO_KEY_SET, "no key set to check a command of '
        'the server with")\n'
        "        if self.lockout_left_s > 0:",
        '            raise Refusal(Cme.NO_KEY_SET, "no key set to check a command of '
        'the server with")\n'
        "        if self.lockout_left_s > 1e9:",
        (f"{_KEYS}_forged_orders_are_wrong_proofs_as_well",),
    ),
    Defect(
        "a forged order is no wrong proof",
        f"{_DEVICE}/authentication.py",
        "            self._miss()\n            raise Refusal(Cme.COMMAND_NOT_AUTHORIZED",
        "            raise Refusal(Cme.COMMAND_NOT_AUTHORIZED",
        (f"{_KEYS}_forged_orders_are_wrong_proofs_as_well",),
    ),
    Defect(
        "a success does not end the count of wrong proofs",
        f"{_DEVICE}/authentication.py",
        "        if manner.needs_key_set:\n            self._memory.change(failures=0)\n",
        "",
        (f"{_KEYS}_a_success_ends_the_count_of_wrong_proofs",),
    ),
    Defect(
        "with both key set and jig, a jig that is gone changes nothing",
        f"{_DEVICE}/authentication.py",
        "        elif self._granted.needs_jig and not self._jig().accepted:",
        "        elif self._granted is Manner.JIG and not self._jig().accepted:",
        (f"{_MANNERS}_taking_the_jig_away_takes_the_authentication_away",),
    ),
    Defect(
        "a transfer goes on without the jig",
        f"{_DEVICE}/firmware.py",
        "            granted=lambda: self.authentication.granted,\n",
        "            granted=lambda: True,\n",
        (f"{_BROKEN}_a_jig_that_is_gone_before_the_last_byte_lets_no_image_in",),
    ),
    Defect(
        "what broke off goes on after a goodbye",
        f"{_DEVICE}/firmware.py",
        "        self.authentication.forget()\n        self.reception.forget()",
        "        self.authentication.forget()",
        (f"{_BROKEN}_what_broke_off_goes_on_for_its_own_image_and_sender_only",),
    ),
    Defect(
        "what broke off goes on with another image",
        f"{_DEVICE}/reception.py",
        "        if self._partial is None or self._partial[0] != announced or not resume:",
        "        if self._partial is None or not resume:",
        (f"{_BROKEN}_what_broke_off_goes_on_for_its_own_image_and_sender_only",),
    ),
    Defect(
        "the digest of what came is not compared",
        f"{_DEVICE}/reception.py",
        "            hmac.compare_digest(actual, digest) and "
        "hmac.compare_digest(actual, announced.digest)",
        "            hmac.compare_digest(digest, announced.digest)",
        (f"{_BROKEN}_an_image_that_was_damaged_on_its_way_is_refused",),
    ),
    Defect(
        "what was stored before is not judged by the rules of test mode",
        f"{_DEVICE}/installer.py",
        "            judge = self._acceptance.check if stage == FRESH else "
        "self._acceptance.check_again",
        "            judge = self._acceptance.check_again",
        (f"{_STORED}_a_stored_image_waits_for_a_mode_that_takes_it",),
    ),
    Defect(
        "second mode installs at boot what was stored before",
        f"{_DEVICE}/firmware.py",
        "        if self.modes.mode is Mode.SECOND:\n            return\n        # The",
        "        # The",
        (f"{_STORED}_a_stored_image_waits_for_a_mode_that_takes_it",),
    ),
    Defect(
        "second mode installs by command what was stored before",
        f"{_DEVICE}/firmware.py",
        "        if pending and self.modes.mode is Mode.SECOND:\n",
        "        if pending and self.modes.mode is Mode.TEST:\n",
        (f"{_STORED}_a_stored_image_waits_for_a_mode_that_takes_it",),
    ),
    Defect(
        "an image that is refused at boot is thrown away",
        f"{_DEVICE}/installer.py",
        '        if result == "refused":',
        '        if result == "refused" and self._memory.delete_image(label.image_id):',
        (f"{_STORED}_a_stored_image_waits_for_a_mode_that_takes_it",),
    ),
    Defect(
        "an image need not authenticate to the ISD-R",
        f"{_DEVICE}/acceptance.py",
        "        if not authenticates_first(image):",
        "        if not image.steps_before:",
        (
            "testcases/image_file/test_refusals.py::test_an_image_that_does_not_authenticate_to_the_isd_r_first",
        ),
    ),
    Defect(
        "the card's answers to packets are not compared",
        f"{_DEVICE}/installer.py",
        "        if packet.expected is not None and response.data != packet.expected:",
        "        if packet.expected is not None and not response.data and packet.expected:",
        (f"{_INSTALL}_a_card_that_does_not_take_the_packets_has_no_profile",),
    ),
    Defect(
        "the last step of a script may fail",
        f"{_DEVICE}/installer.py",
        "            if wrong is None:\n                continue",
        "            if wrong is None or number == len(steps):\n                continue",
        (f"{_INSTALL}_an_enabling_that_the_card_refuses_is_no_installation",),
    ),
    Defect(
        "a report of an installation names the first boot",
        f"{_DEVICE}/installer.py",
        "        report = Installed(result, reason, label.image_id, label.iccid, "
        "self._memory.state.boots)",
        "        report = Installed(result, reason, label.image_id, label.iccid, 1)",
        (f"{_INSTALL}_an_image_is_stored_and_installed_at_the_next_boot",),
    ),
    Defect(
        "a full memory drops an image that waits",
        f"{_DEVICE}/firmware.py",
        "            if label.state not in _PENDING:",
        "            if label.state:",
        (f"{_INSTALL}_a_stored_image_is_not_lost_to_a_later_one",),
    ),
    Defect(
        "the device does not register anew after its card was reset",
        f"{_DEVICE}/registration.py",
        "        esim.on_reset = self.begin",
        "        _ = esim",
        (
            "testcases/network/test_attach.py::test_a_profile_enabled_over_the_air_counts_without_a_restart",
        ),
    ),
    Defect(
        "the device keeps the card's proof of receipt to itself",
        f"{_DEVICE}/over_the_air.py",
        "        return Delivery(ok, response.data)",
        "        return Delivery(ok)",
        (
            "testcases/installation/test_over_the_air.py::test_answers_come_back_in_delivery_reports",
        ),
    ),
)
