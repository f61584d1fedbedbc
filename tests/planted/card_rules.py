"""Defects of the virtual card in rules that hold for all cards, and the cases that notice them."""

from __future__ import annotations

from typing import Final

from tests.planted.defect import Defect

_EUICC: Final = "hil/virtual/euicc"
_WIRE: Final = "hil/wire"

DEFECTS: Final = (
    Defect(
        "a lost network ends a test profile that was enabled locally",
        f"{_EUICC}/profile_states.py",
        " self.local:\n            return False",
        " False:\n            return False",
        ("EUICC-ESX-TEST-03", "EUICC-ESX-EMERGENCY-02"),
    ),
    Defect(
        "a lost network brings the fall-back profile that is enabled already",
        f"{_EUICC}/profile_states.py",
        "target is None or target.state is LifeCycle.ENABLED or",
        "target is None or",
        ("EUICC-ES5-LOSS-03",),
    ),
    Defect(
        "a test profile takes the place of the emergency profile",
        f"{_EUICC}/profile_states.py",
        " or (self.local and not target.emergency):",
        ":",
        ("EUICC-ESX-EMERGENCY-02",),
    ),
    Defect(
        "the emergency profile is disabled as a test profile",
        f"{_EUICC}/profile_states.py",
        "or present is None or present.emergency is not emergency:",
        "or present is None:",
        ("EUICC-ESX-EMERGENCY-02",),
    ),
    Defect(
        "the emergency profile gets the fall-back attribute",
        f"{_EUICC}/profile_states.py",
        "if not target.installed or target.emergency:",
        "if not target.installed:",
        ("EUICC-ESX-EMERGENCY-03",),
    ),
    Defect(
        "the fall-back profile gets the emergency attribute",
        f"{_EUICC}/profile_states.py",
        "if not target.installed or target.fallback:",
        "if not target.installed:",
        ("EUICC-ESX-EMERGENCY-03",),
    ),
    Defect(
        "POL1 stands in the way of the emergency profile",
        f"{_EUICC}/profile_states.py",
        "        if before is None:\n            before = b",
        "        if present is not None and target.emergency:\n"
        "            _check_policy(present, Policy.DISABLE_NOT_ALLOWED)\n"
        "        if before is None:\n            before = b",
        ("EUICC-ESX-EMERGENCY-01",),
    ),
    Defect(
        "a notification that was sent and is not confirmed is not repeated",
        f"{_EUICC}/notifier.py",
        "        if self._changes.pending() is not None:\n            self._due",
        "        if self._changes.pending() is not None and not done:\n            self._due",
        ("EUICC-ES5-NOTIFY-06",),
    ),
    Defect(
        "a repeated notification has a sequence number of its own",
        f"{_EUICC}/notifier.py",
        "pending.kind, pending.sequence, aid",
        "pending.kind, pending.sequence + pending.sent, aid",
        ("EUICC-ES5-NOTIFY-06",),
    ),
    Defect(
        "a roll-back is told under the sequence number of the change",
        f"{_EUICC}/change_book.py",
        "        sequence = last % _LAST_SEQUENCE + 1\n",
        "        sequence = last % _LAST_SEQUENCE + (kind is not NotificationType.ROLLED_BACK)\n",
        ("EUICC-ES5-NOTIFY-06",),
    ),
    Defect(
        "PUT KEY takes key versions that there are not",
        f"{_EUICC}/gp_keys.py",
        "_ALL_VERSIONS: Final = range(0x01, 0x80)",
        "_ALL_VERSIONS: Final = range(0x00, 0x100)",
        ("EUICC-RAM-KEYS-05",),
    ),
    Defect(
        "PUT KEY replaces a key by one of another length",
        f"{_EUICC}/gp_keys.py",
        "if (old.kind, len(old.value)) != (key.kind, len(key.value)):",
        "if old.kind != key.kind:",
        ("EUICC-RAM-KEYS-07",),
    ),
    Defect(
        "PUT KEY stores the keys before one that is wrong",
        f"{_WIRE}/key_blocks.py",
        "        key, at = _read(raw, at, cipher)\n",
        "        try:\n            key, at = _read(raw, at, cipher)\n"
        "        except KeyBlockError as err:\n"
        "            if err.fault is Fault.CHECK_VALUE:\n                raise\n"
        "            break\n",
        ("EUICC-RAM-KEYS-06", "EUICC-RAM-KEYS-09", "EUICC-RAM-KEYS-10"),
    ),
    Defect(
        "PUT KEY of one key counts from the first",
        f"{_EUICC}/gp_keys.py",
        "new = dict(enumerate(found, first))",
        "new = dict(enumerate(found, 1))",
        ("EUICC-RAM-KEYS-08",),
    ),
    Defect(
        "the answer to PUT KEY tells no check values",
        f"{_EUICC}/gp_keys.py",
        'checks = b"".join(one.check_value() for one in found)',
        "checks = bytes(3 * len(found))",
        ("EUICC-RAM-KEYS-08",),
    ),
    Defect(
        "a counter that is at its end begins anew",
        f"{_WIRE}/scp80_parameters.py",
        "        return CounterDecision(ResponseStatus.COUNTER_BLOCKED, stored)\n",
        "        stored = 0\n",
        ("EUICC-SCP80-COUNTER-05",),
    ),
    Defect(
        "a counter that is not to be checked is checked",
        f"{_WIRE}/scp80_parameters.py",
        "    if mode < CounterMode.HIGHER:\n",
        "    if mode < CounterMode.NOT_CHECKED:\n",
        ("EUICC-SCP80-COUNTER-07",),
    ),
    Defect(
        "a packet without counter is held to one",
        f"{_WIRE}/scp80_parameters.py",
        "    if mode < CounterMode.HIGHER:\n",
        "    if mode is CounterMode.NOT_CHECKED:\n",
        ("EUICC-SCP80-COUNTER-06",),
    ),
    Defect(
        "all key sets of a domain have one counter",
        f"{_EUICC}/secured_packets.py",
        "self._execute(opened, keys.kvn, destination)",
        "self._execute(opened, 1, destination)",
        ("EUICC-SCP80-COUNTER-08",),
    ),
    Defect(
        "remote file management that is locked takes scripts",
        f"{_EUICC}/destinations.py",
        "if not one.state & LOCKED]",
        "if not one.state & LOCKED or one.kind is not Kind.DOMAIN]",
        ("EUICC-RFM-STATUS-01",),
    ),
    Defect(
        "ciphering is no part of the minimum security level",
        f"{_WIRE}/toolkit_parameters.py",
        "        and spi.ciphered >= least.ciphered\n",
        "",
        ("EUICC-RFM-LEVEL-03",),
    ),
    Defect(
        "the counter is no part of the minimum security level",
        f"{_WIRE}/toolkit_parameters.py",
        "        and spi.counter >= least.counter\n",
        "",
        ("EUICC-RFM-LEVEL-04",),
    ),
    Defect(
        "full access is stronger than NEVER",
        f"{_EUICC}/remote_access.py",
        "        self._access.check(file, operation)\n",
        "        if not self._domain.full:\n            self._access.check(file, operation)\n",
        ("EUICC-RFM-ACCESS-04",),
    ),
    Defect(
        "Kc comes although service 27 is not available",
        f"{_EUICC}/authenticate.py",
        "if usim and service_available(naa, _SERVICE_GSM_ACCESS):",
        "if usim:",
        ("EUICC-UICC-AKA-18",),
    ),
    Defect(
        "Kc does not come with service 27",
        f"{_EUICC}/authenticate.py",
        "if usim and service_available(naa, _SERVICE_GSM_ACCESS):",
        "if usim and isim:",
        ("EUICC-UICC-AKA-18",),
    ),
    Defect(
        "the GSM context needs no service",
        f"{_EUICC}/authenticate.py",
        "gsm = context == _GSM and service_available(naa, _SERVICE_GSM_CONTEXT)",
        "gsm = context == _GSM",
        ("EUICC-UICC-AKA-19",),
    ),
    Defect(
        "the GSM context needs no PIN",
        f"{_EUICC}/authenticate.py",
        "        check_pin(naa, self._pins)\n",
        "        if not gsm:\n            check_pin(naa, self._pins)\n",
        ("EUICC-UICC-AKA-20",),
    ),
    Defect(
        "a used sequence number counts more than a wrong MAC",
        f"{_EUICC}/authenticate.py",
        "            raise RefusalError(_WRONG_MAC, str(err)) from err\n",
        '            told = int.from_bytes(autn[:6], "big") ^ int.from_bytes(keys.ak, "big")\n'
        "            if state.numbers.judge(told, key.rules) is Freshness.USED:\n"
        "                return make_auts(key.algorithm, rand, state.numbers.highest)\n"
        "            raise RefusalError(_WRONG_MAC, str(err)) from err\n",
        ("EUICC-UICC-AKA-17",),
    ),
    Defect(
        "AUTHENTICATE does not look at b8 of its context",
        f"{_EUICC}/authenticate.py",
        "        context = command.p2\n",
        "        context = command.p2 | 0x80\n",
        ("EUICC-UICC-AKA-21",),
    ),
    Defect(
        "AUTHENTICATE serves contexts that are not offered as the 3G context",
        f"{_EUICC}/authenticate.py",
        "if not gsm and context != _AKA:",
        "if not gsm and context == _GSM:",
        ("EUICC-UICC-AKA-22", "EUICC-UICC-AKA-23"),
    ),
    Defect(
        "the key usage of a certificate is not checked",
        f"{_EUICC}/key_establishments.py",
        "                usages=ecasd.usages,\n",
        "",
        ("EUICC-ES8-KEYS-21", "EUICC-ES5-ISDRKEYS-08"),
    ),
    Defect(
        "a certificate is taken before its first day",
        f"{_WIRE}/gp_certificate.py",
        "if content.effective is not None and today < content.effective:",
        "if content.effective is not None and today == date.min:",
        ("EUICC-ES8-KEYS-22",),
    ),
    Defect(
        "any scenario of a key establishment is taken for the third",
        f"{_WIRE}/key_establishment.py",
        "if len(scenario) != 2 or scenario[0] != SCENARIO or scenario[1] & 0xF0:",
        "if len(scenario) != 2:",
        ("EUICC-ES8-KEYS-23",),
    ),
    Defect(
        "keys are established whatever their type is said to be",
        f"{_WIRE}/key_establishment.py",
        "if _byte(objects, 0x80) != AES:",
        "if not _byte(objects, 0x80):",
        ("EUICC-ES8-KEYS-24",),
    ),
    Defect(
        "a key usage that there is not is taken for three keys",
        f"{_WIRE}/key_establishment.py",
        "        usage = _byte(objects, 0x95)\n",
        "        usage = _byte(objects, 0x95)\n"
        "        usage = usage if usage in tuple(Usage) else Usage.THREE_KEYS\n",
        ("EUICC-ES8-KEYS-26",),
    ),
    Defect(
        "an initial counter of any length is taken",
        f"{_WIRE}/key_establishment.py",
        "if len(self.counter) not in _COUNTERS:",
        "if len(self.counter) > _COUNTERS[-1]:",
        ("EUICC-ES8-KEYS-27",),
    ),
    Defect(
        "identifiers may be missing where they are to enter the keys",
        f"{_WIRE}/key_establishment.py",
        "        if len(both) != 1:\n",
        "        if not both:\n",
        ("EUICC-ES8-KEYS-28", "EUICC-ES8-KEYS-29"),
    ),
    Defect(
        "an SCP03 sequence counter at its end begins anew",
        f"{_EUICC}/secure_session.py",
        '            raise RefusalError(0x6983, f"counter of key set {kvn:02X} is used up")\n',
        "            counter = 1\n",
        ("EUICC-SCP03-COUNTER-01",),
    ),
    Defect(
        "a test profile that was enabled locally is rolled back",
        f"{_EUICC}/profile_states.py",
        "            change.put(_LOCAL, before)\n",
        "            change.put(_LOCAL, before)\n"
        "            self._changes.record(change, NotificationType.CHANGED, before)\n",
        ("EUICC-ESX-TEST-04",),
    ),
    Defect(
        "two applications have one TAR",
        f"{_EUICC}/domain_contents.py",
        "if used & set(remote.tars):",
        "if len(remote.tars) > len(set(remote.tars)):",
        ("EUICC-RAM-INSTALL-02",),
    ),
    Defect(
        "Milenage gives IK for CK",
        f"{_WIRE}/aka/milenage.py",
        "            ck=self._out(temp, 3),\n            ik=self._out(temp, 4),\n",
        "            ck=self._out(temp, 4),\n            ik=self._out(temp, 3),\n",
        ("EUICC-UICC-AKA-24",),
    ),
    Defect(
        "Milenage conceals a resynchronisation by the key of f5",
        f"{_WIRE}/aka/milenage.py",
        "return self._out(self._temp(rand), 5)[:6]",
        "return self._out(self._temp(rand), 2)[:6]",
        ("EUICC-UICC-AKA-24",),
    ),
    Defect(
        "the test algorithm rotates CK by two bytes",
        f"{_WIRE}/aka/xor_test.py",
        "ck=out[1:] + out[:1], ik=out[2:] + out[:2]",
        "ck=out[2:] + out[:2], ik=out[1:] + out[:1]",
        ("EUICC-UICC-AKA-25",),
    ),
    Defect(
        "the test algorithm conceals by the first bytes of XDOUT",
        f"{_WIRE}/aka/xor_test.py",
        "ak=out[3:9]",
        "ak=out[:6]",
        ("EUICC-UICC-AKA-25",),
    ),
    Defect(
        "a notification is sent in clear",
        f"{_WIRE}/notification.py",
        'SPI: Final = bytes.fromhex("0600")',
        'SPI: Final = bytes.fromhex("0200")',
        ("EUICC-ES5-NOTIFY-01",),
    ),
    Defect(
        "the files of an ADF are under the access domain of the UICC",
        f"{_EUICC}/remote_access.py",
        "domains = self._own if name else self._uicc",
        "domains = self._uicc",
        ("EUICC-RFM-ACCESS-05",),
    ),
    Defect(
        "a PIN that a script presents is verified at the terminal",
        f"{_EUICC}/remote_files.py",
        "        answer = self._run(application, raw, context)\n",
        "        answer = self._run(application, raw, context)\n"
        "        self._pins._verified |= context.pins._verified\n",
        ("EUICC-RFM-PIN-01",),
    ),
    Defect(
        "the minimum security level of security domains in a profile is lost",
        f"{_EUICC}/install_domains.py",
        "                level=remote.level,\n",
        "",
        ("EUICC-RAM-LEVEL-01",),
    ),
    Defect(
        "the minimum security level that INSTALL names is lost",
        f"{_EUICC}/domain_contents.py",
        "            level=remote.level,\n",
        "",
        ("EUICC-RAM-LEVEL-02",),
    ),
)
