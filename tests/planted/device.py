"""Defects of the virtual device, and the test cases that notice them."""

from __future__ import annotations

from typing import Final

from tests.planted.defect import Defect

_DEVICE: Final = "hil/virtual/device"
_IMAGE: Final = "testcases/image_file/test_refusals.py::test"
_MODES: Final = "testcases/modes/test_modes.py::test"
_EVENTS: Final = "testcases/modes/test_input_events.py::test"
_TEST: Final = "testcases/only_test_profiles/test_test_profiles_only.py::test"
_KEYS: Final = "testcases/authentication/test_key_set.py::test"
_MANNERS: Final = "testcases/authentication/test_manners.py::test"
_ATTACH: Final = "testcases/network/test_attach.py::test"

DEFECTS: Final = (
    Defect(
        "the device takes an image for another eSIM",
        f"{_DEVICE}/acceptance.py",
        "        if image.eid != self._eid():\n",
        "        if not image.eid:\n",
        (f"{_IMAGE}_an_image_for_another_esim",),
    ),
    Defect(
        "the device takes an image for another device",
        f"{_DEVICE}/acceptance.py",
        "        if image.device_id is not None and image.device_id != self._config.device_id:\n",
        "        if image.device_id is not None and not image.device_id:\n",
        (f"{_IMAGE}_an_image_for_another_device",),
    ),
    Defect(
        "the device takes a used counter",
        f"{_DEVICE}/acceptance.py",
        "        if image.counter <= self._counter():\n",
        "        if image.counter < self._counter() - 1:\n",
        (f"{_IMAGE}_an_image_whose_counter_was_used",),
    ),
    Defect(
        "the device takes signatures for either life",
        f"{_DEVICE}/config.py",
        "        return {kind: self.signing_keys[kind]} if kind in self.signing_keys else {}\n",
        "        return dict(self.signing_keys) if kind else {}\n",
        (f"{_IMAGE}_an_image_signed_for_the_other_life",),
    ),
    Defect(
        "the device takes an image from anybody",
        f"{_DEVICE}/firmware.py",
        "        if not self.authentication.granted:\n",
        "        if self.authentication.state == 'locked':\n",
        (f"{_IMAGE}_an_image_from_a_sender_that_is_not_authenticated",),
    ),
    Defect(
        "the device does not look inside in test mode",
        f"{_DEVICE}/acceptance.py",
        "            look_inside(image)\n",
        "            _ = look_inside\n",
        (
            f"{_TEST}_other_profiles_are_refused",
            f"{_TEST}_a_test_network_does_not_make_a_test_profile",
            f"{_TEST}_another_disclosed_key_does_not_help",
            f"{_TEST}_leaving_the_mode_brings_back_the_rules_of_first_mode",
        ),
    ),
    Defect(
        "the device believes the class that the header claims",
        f"{_DEVICE}/acceptance.py",
        "    if not inspection.is_test:\n",
        '    if not inspection.is_test and image.profile_class != "test":\n',
        (f"{_TEST}_a_forged_header_does_not_help",),
    ),
    Defect(
        "a weaker event changes the mode that the server has commanded",
        f"{_DEVICE}/modes.py",
        "        return self.mode is Mode.TEST or _STRENGTH[self.cause] > _STRENGTH[event]\n",
        "        return self.mode is Mode.TEST and event in _STRENGTH\n",
        (f"{_MODES}_the_command_of_the_server_wins_over_all_other_events",),
    ),
    Defect(
        "the device stays in first mode after an installation",
        f"{_DEVICE}/modes.py",
        "            self._set(Mode.SECOND, InputEvent.NONE)\n\n    def _held",
        "            _ = Mode.SECOND\n\n    def _held",
        (f"{_MODES}_after_an_installation_the_device_is_back_in_second_mode",),
    ),
    Defect(
        "the device takes packets over the air in any mode",
        f"{_DEVICE}/over_the_air.py",
        "        if self._mode() is not Mode.SECOND:\n",
        "        if self._mode() not in tuple(Mode):\n",
        (f"{_EVENTS}_packets_over_the_air_are_for_second_mode",),
    ),
    Defect(
        "a command of the server may be replayed",
        f"{_DEVICE}/authentication.py",
        "        nonce, self._command_nonce = self._command_nonce, None\n",
        "        nonce = self._command_nonce\n",
        (
            f"{_MODES}_forged_and_replayed_commands_are_refused",
            f"{_MANNERS}_nobody_replaces_the_manner_without_the_key_set",
        ),
    ),
    Defect(
        "the device takes any proof of the server",
        f"{_DEVICE}/authentication.py",
        "        if not proof_good:\n",
        "        if not proof_good and not proof:\n",
        (
            f"{_KEYS}_a_wrong_key_set_fails",
            f"{_KEYS}_a_replayed_proof_fails",
            f"{_KEYS}_the_device_s_own_proof_reflected_fails",
            f"{_KEYS}_too_many_wrong_proofs_lock_the_device_for_a_time",
            f"{_EVENTS}_a_failed_authentication_is_no_input_event",
            f"{_MANNERS}_both_needs_both",
        ),
    ),
    Defect(
        "the device's nonce is always the same",
        f"{_DEVICE}/authentication.py",
        "        device_nonce = secrets.token_bytes(proofs.NONCE_LENGTH)\n",
        "        device_nonce = bytes(proofs.NONCE_LENGTH)\n",
        (f"{_KEYS}_nonces_are_fresh", f"{_KEYS}_a_replayed_proof_fails"),
    ),
    Defect(
        "wrong proofs never lock the device",
        f"{_DEVICE}/authentication.py",
        "        over = failures - self._config.attempts\n",
        "        over = min(-1, failures - self._config.attempts)\n",
        (f"{_KEYS}_too_many_wrong_proofs_lock_the_device_for_a_time",),
    ),
    Defect(
        "where both are asked for, the key set is enough",
        f"{_DEVICE}/authentication.py",
        "        jig_good = not manner.needs_jig or self._jig().accepted\n",
        "        jig_good = manner.needs_key_set or self._jig().accepted\n",
        (f"{_MANNERS}_both_needs_both",),
    ),
    Defect(
        "a sender stays let in when the jig is gone",
        f"{_DEVICE}/authentication.py",
        "        elif self._granted.needs_jig and not self._jig().accepted:\n",
        "        elif self._granted.needs_jig and self._jig() is None:\n",
        (f"{_MANNERS}_taking_the_jig_away_takes_the_authentication_away",),
    ),
    Defect(
        "skipping is called passed",
        f"{_DEVICE}/authentication.py",
        '        return self._grant(Manner.SKIP, "skipped")\n',
        '        return self._grant(Manner.SKIP, "passed")\n',
        (f"{_MANNERS}_skipping_is_called_skipped",),
    ),
    Defect(
        "the device says that it is registered though it was rejected",
        f"{_DEVICE}/registration.py",
        '        if "registered" in answer:\n',
        '        if "registered" in answer or "rejected" in answer:\n',
        (f"{_ATTACH}_a_profile_with_another_key_is_rejected",),
    ),
    Defect(
        "the device does not hand on what the card says of its sequence number",
        f"{_DEVICE}/registration.py",
        '        return {"auts": given.auts.hex()} if given.auts else {"mac_failure": True}\n',
        '        return {"mac_failure": True}\n',
        (f"{_ATTACH}_a_card_out_of_step_is_resynchronised",),
    ),
)
