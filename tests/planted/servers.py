"""Defects of the servers and of the virtual network, and the test cases that notice them."""

from __future__ import annotations

from typing import Final

from tests.planted.defect import Defect

_SR: Final = "hil/provisioning/sm_sr"
_SUPPORT: Final = "hil/provisioning/support_server"
_LINE: Final = "testcases/authentication/test_on_the_line.py::test"
_STEPS: Final = "testcases/line/test_order_of_steps.py::test"
_SIDES: Final = "testcases/line/test_side_by_side.py::test"
_EIS: Final = "testcases/management/test_eis.py::test"
_AIR: Final = "testcases/management/test_profiles_over_the_air.py::test"
_PACKETS: Final = "testcases/ordering/test_packets.py::test"
_REQUEST: Final = "testcases/ordering/test_profile_request.py::test"
_ATTACH: Final = "testcases/network/test_attach.py::test"

DEFECTS: Final = (
    Defect(
        "the support server gives images to whoever opened a session",
        f"{_SUPPORT}/device_sessions.py",
        '        if row.state not in ("passed", "skipped"):\n',
        '        if row.state not in ("passed", "skipped", "open", "refused"):\n',
        (
            f"{_STEPS}_what_safety_needs_keeps_its_order",
            f"{_LINE}_a_device_with_a_wrong_key_set_gets_no_image",
        ),
    ),
    Defect(
        "the support server does not judge the eSIM's answer",
        f"{_SUPPORT}/device_sessions.py",
        "    return esim_objection(answer, keys, bytes(row.esim_challenge))\n",
        "    return None if answer else esim_objection(answer, keys, bytes(row.esim_challenge))\n",
        (f"{_LINE}_an_esim_with_other_keys_is_refused",),
    ),
    Defect(
        "the support server takes reports on another device's image",
        f"{_SUPPORT}/server.py",
        "        if image.eid != row.eid:\n",
        "        if not image.eid:\n",
        (f"{_SIDES}_nobody_gets_the_image_of_another_device",),
    ),
    Defect(
        "the SM-SR does not verify the signature of an EIS",
        f"{_SR}/eis_book.py",
        "        if not is_signed_by(signed, key):\n",
        "        if not signed.signature and not is_signed_by(signed, key):\n",
        (f"{_EIS}_an_eis_with_a_wrong_signature_is_refused",),
    ),
    Defect(
        "the SM-SR disables what POL2 forbids to disable",
        f"{_SR}/management.py",
        "        if profile.pol2 & POL2_NO_DISABLE:\n            raise refusal(",
        "        if profile.pol2 > 255:\n            raise refusal(",
        (f"{_AIR}_a_policy_rule_holds_against_the_sm_sr",),
    ),
    Defect(
        "a receiver stores the set that has another MAC",
        "hil/provisioning/reception.py",
        "        return PacketSet.decode(raw, mac_key)\n",
        "        return PacketSet.decode(raw)\n",
        (
            f"{_PACKETS}_of_a_batch_what_stands_before_a_bad_set_stays",
            f"{_PACKETS}_packets_for_another_receiver_are_refused",
        ),
    ),
    Defect(
        "a sender believes whatever server answers",
        "hil/provisioning/door.py",
        "    if not exchange.proves(challenge.proof, keys, Side.RESPONDER):\n",
        "    if not challenge.proof:\n",
        (f"{_PACKETS}_a_server_that_cannot_prove_itself_gets_no_packet",),
    ),
    Defect(
        "a proof of one session is good in another one",
        "hil/provisioning/trust.py",
        "        mac.update(self.initiator_nonce + self.responder_nonce)\n",
        "        mac.update(self.responder_nonce)\n",
        (f"{_PACKETS}_a_server_that_cannot_prove_itself_gets_no_packet",),
    ),
    Defect(
        "the eUICC maker gives base keys to any role",
        "hil/provisioning/eum.py",
        "        require_role(caller, Role.SM_DP)\n        return base_key_set(",
        "        require_role(caller, *Role)\n        return base_key_set(",
        (f"{_REQUEST}_an_operator_is_no_sm_dp",),
    ),
    Defect(
        "the SM-SR changes an EIS that is on its way to another SM-SR",
        f"{_SR}/eis_book.py",
        "        if is_leaving(connection, eid) or is_arriving(connection, eid):\n",
        "        if is_arriving(connection, eid):\n",
        ("SMSR-ES7-LEAVING-02", "SMSR-ES7-LEAVING-03"),
    ),
    Defect(
        "the network does not catch up with a card that is out of step",
        "hil/virtual/network/authentication_centre.py",
        "        known.sqn = max(known.sqn, read_auts(known.algorithm, rand, auts))\n",
        "        read_auts(known.algorithm, rand, auts)\n",
        (f"{_ATTACH}_a_card_out_of_step_is_resynchronised",),
    ),
)
