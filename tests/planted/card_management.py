"""Defects of the virtual card in what its servers and operators do with it."""

from __future__ import annotations

from typing import Final

from tests.planted.defect import Defect

_EUICC: Final = "hil/virtual/euicc"
_WIRE: Final = "hil/wire"

DEFECTS: Final = (
    Defect(
        "the last script does not end its chain",
        f"{_EUICC}/script_chains.py",
        "if chaining is Chaining.LAST:",
        "if chaining is None:",
        ("EUICC-SCP80-CHAIN-01",),
    ),
    Defect(
        "a script goes on with a chain that is not there",
        f"{_EUICC}/script_chains.py",
        "        if goes_on and chaining is not None:\n            return None\n",
        "",
        ("EUICC-SCP80-CHAIN-01",),
    ),
    Defect(
        "DeleteProfile leaves the files",
        f"{_EUICC}/profile_states.py",
        "        delete_tree(change, aid)\n",
        "",
        ("EUICC-ES5-DELETE-07",),
    ),
    Defect(
        "DeleteProfile leaves PINs and sequence numbers",
        f"{_EUICC}/file_store.py",
        '    change.delete_all(f"profile/{owner.hex()}/")\n',
        "",
        ("EUICC-ES5-DELETE-07",),
    ),
    Defect(
        "DeleteProfile leaves the keys",
        f"{_EUICC}/profile_states.py",
        "        self._keys.delete_all(change, aid)\n",
        "",
        ("EUICC-ES8-KEYS-20",),
    ),
    Defect(
        "a fall-back deletes by POL1",
        f"{_EUICC}/profile_states.py",
        "if old is not None and kind is NotificationType.CHANGED and _deleted_on_disable(old):",
        "if old is not None and _deleted_on_disable(old):",
        ("EUICC-ES5-LOSS-01",),
    ),
    Defect(
        "a notification is tried once more than allowed",
        f"{_EUICC}/notifier.py",
        "if pending.sent >= rules.attempts:",
        "if pending.sent > rules.attempts:",
        ("EUICC-ES5-ROLLBACK-01",),
    ),
    Defect(
        "a new key set of the ISD-R takes the others away",
        f"{_EUICC}/key_establishments.py",
        "mine = [reference.kvn] if domain == ISD_R_AID else list(_SCP03)",
        "mine = list(_SCP80 if domain == ISD_R_AID else _SCP03)",
        ("EUICC-ES5-ISDRKEYS-01",),
    ),
    Defect(
        "UpdatePOL1 is taken from any domain of the profile",
        f"{_EUICC}/domain_contents.py",
        "of_operator = bool(domains) and domains[0].aid == aid",
        "of_operator = bool(domains)",
        ("EUICC-RAM-POLICY-01",),
    ),
    Defect(
        'UpdatePOL1 loses the rule "delete on disable"',
        f"{_EUICC}/domain_contents.py",
        "policy=Policy(value[0])",
        "policy=Policy(value[0] & 0x03)",
        ("EUICC-ES6-POLICY-05",),
    ),
    Defect(
        "the derivation random is always the same",
        f"{_EUICC}/key_establishments.py",
        "random = os.urandom(ecasd.ecka.curve.random)",
        "random = bytes(range(ecasd.ecka.curve.random))",
        ("EUICC-ES8-KEYS-19",),
    ),
    Defect(
        "the random challenge is always the same",
        f"{_EUICC}/key_establishments.py",
        "random = os.urandom(ecasd.challenge_size)",
        "random = bytes(range(ecasd.challenge_size))",
        ("EUICC-ES8-KEYS-19",),
    ),
    Defect(
        '"delete existing keys" leaves other versions',
        f"{_EUICC}/key_establishments.py",
        "else list(_SCP03)",
        "else [reference.kvn]",
        ("EUICC-ES8-KEYS-20",),
    ),
    Defect(
        "the memory granted to an ISD-P is not its own",
        f"{_EUICC}/download.py",
        "return self._registry.free() + record.granted",
        "return self._registry.free()",
        ("EUICC-ES8-DOWNLOAD-10",),
    ),
    Defect(
        "an element that need not be ends the installation",
        f"{_EUICC}/installer.py",
        "if before is None or err.status.status not in _MAY_BE_PASSED_OVER:",
        "if before is not None or before is None:",
        ("EUICC-ES8-PACKAGE-16",),
    ),
    Defect(
        "a PEStatus does not name its element",
        f"{_EUICC}/installer.py",
        "return replace(failure.status, identification=identification, offset=offset)",
        "return replace(failure.status, offset=offset)",
        ("EUICC-ES8-PACKAGE-16",),
    ),
    Defect(
        "the SCP03 sequence counter moves by two",
        f"{_EUICC}/secure_session.py",
        "            self._store.set_counter(self._scope + aid, offer.keys.kvn, offer.counter)",
        "            self._store.set_counter(self._scope + aid, offer.keys.kvn, offer.counter + 1)",
        ("EUICC-SCP03-INIT-04",),
    ),
    Defect(
        "DELETE of one key deletes its version",
        f"{_EUICC}/gp_keys.py",
        "if gone.issuperset(self.keys.identifiers(self.domain, kvn)):",
        "if gone:",
        ("EUICC-RAM-KEYS-04",),
    ),
    Defect(
        "PUT KEY replaces keys that are not there",
        f"{_EUICC}/gp_keys.py",
        "            if old is None:\n                raise RefusalError(0x6A88,",
        "            if old is None:\n                continue\n            if old is None:\n"
        "                raise RefusalError(0x6A88,",
        ("EUICC-RAM-KEYS-04",),
    ),
    Defect(
        "a locked domain is selected",
        f"{_EUICC}/profile_domains.py",
        "found = [one for one in self.store.domains() if not one.state & LOCKED]",
        "found = list(self.store.domains())",
        ("EUICC-RAM-STATUS-03",),
    ),
    Defect(
        "a counter that skips is told as too low",
        f"{_WIRE}/scp80_parameters.py",
        "return CounterDecision(ResponseStatus.COUNTER_HIGH, stored)",
        "return CounterDecision(ResponseStatus.COUNTER_LOW, stored)",
        ("EUICC-SCP80-COUNTER-04",),
    ),
    Defect(
        "a counter to be exactly one higher may skip",
        f"{_WIRE}/scp80_parameters.py",
        "if mode is CounterMode.EXACTLY_ONE_HIGHER and received != stored + 1:",
        "if mode is CounterMode.EXACTLY_ONE_HIGHER and received < stored + 1:",
        ("EUICC-SCP80-COUNTER-04",),
    ),
    Defect(
        "a receipt by delivery report comes by SMS-SUBMIT",
        f"{_EUICC}/over_the_air.py",
        "if receipt.by_submit:",
        "if receipt is not None:",
        ("EUICC-SCP80-POR-04",),
    ),
    Defect(
        "a receipt on error never comes",
        f"{_EUICC}/secured_packets.py",
        "asked is ProofOfReceipt.ON_ERROR and status is not ResponseStatus.OK",
        "asked is ProofOfReceipt.ON_ERROR and status is ResponseStatus.MORE_TIME",
        ("EUICC-SCP80-POR-03",),
    ),
    Defect(
        "a receipt in clear is given",
        f"{_WIRE}/scp80_parameters.py",
        '            found.append("proof of receipt not ciphered")',
        "            pass",
        ("EUICC-SCP80-MINIMUM-06",),
    ),
    Defect(
        "ISD-Ps take packets below the minimum",
        f"{_EUICC}/destinations.py",
        "return [Destination(ISD_R_AID, None, run)]",
        "return [Destination(ISD_R_AID, None if own == ISD_R_AID else 0, run)]",
        ("EUICC-SCP80-MINIMUM-08",),
    ),
    Defect(
        "messages of two senders are put together",
        f"{_WIRE}/sms_parts.py",
        "key = (address, part.reference)",
        'key = ("", part.reference)',
        ("EUICC-SCP80-SMS-03",),
    ),
    Defect(
        "a message of another number of parts is taken",
        f"{_WIRE}/sms_parts.py",
        "if part.total != waiting.total:",
        "if part.total > 255:",
        ("EUICC-SCP80-SMS-03",),
    ),
    Defect(
        "a script of indefinite length is answered in the definite form",
        f"{_EUICC}/remote_scripts.py",
        "return ResponseScript(tuple(answers), executed, script.indefinite).encode()",
        "return ResponseScript(tuple(answers), len(answers)).encode()",
        ("EUICC-SCP80-SCRIPT-04",),
    ),
)
