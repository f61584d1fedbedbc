"""Defects of an enabled profile on the virtual card: files, rights, PINs, authentication."""

from __future__ import annotations

from typing import Final

from tests.planted.defect import Defect

_EUICC: Final = "hil/virtual/euicc"
_WIRE: Final = "hil/wire"

DEFECTS: Final = (
    Defect(
        "access conditions joined by OR are all asked for",
        f"{_EUICC}/access.py",
        "return any(inner) if condition.tag == _OR else all(inner)",
        "return all(inner)",
        (
            "EUICC-UICC-RULE-02",
            "EUICC-UICC-RULE-03",
        ),
    ),
    Defect(
        "of access conditions joined by AND one is enough",
        f"{_EUICC}/access.py",
        "return any(inner) if condition.tag == _OR else all(inner)",
        "return any(inner)",
        (
            "EUICC-UICC-RULE-02",
            "EUICC-UICC-RULE-03",
        ),
    ),
    Defect(
        "the right to read serves for updating",
        f"{_EUICC}/access.py",
        "bool(item.value[0] & operation & 0xFF)",
        "bool(item.value[0] & (operation | operation >> 1) & 0xFF)",
        (
            "EUICC-UICC-RULE-02",
            "EUICC-UICC-RULE-03",
            "EUICC-UICC-RULE-06",
        ),
    ),
    Defect(
        "an operation that no access rule names is allowed",
        f"{_EUICC}/access.py",
        "                return True\n        return False\n\n    def _holds",
        "                return True\n"
        "        return not any(one.tag == _AM and one.value and one.value[0] & operation & "
        "0xFF for one in rule)\n\n    def _holds",
        (
            "EUICC-UICC-RULE-05",
            "EUICC-UICC-RULE-07",
            "EUICC-UICC-RULE-09",
        ),
    ),
    Defect(
        "the right to update serves for INCREASE",
        f"{_EUICC}/current_file.py",
        "INCREASE: Final = NAMED | 0x32",
        "INCREASE: Final = 0x02",
        ("EUICC-UICC-RULE-07",),
    ),
    Defect(
        "DEACTIVATE FILE asks no access rule",
        f"{_EUICC}/file_states.py",
        "        self._access.check(file, operation)\n",
        "",
        ("EUICC-UICC-RULE-06",),
    ),
    Defect(
        "the right to deactivate serves for activating",
        f"{_EUICC}/file_states.py",
        "self._switch(command, channel, ACTIVATE, ACTIVATED)",
        "self._switch(command, channel, DEACTIVATE, ACTIVATED)",
        ("EUICC-UICC-RULE-06",),
    ),
    Defect(
        "SEARCH RECORD asks no access rule",
        f"{_EUICC}/search_record.py",
        "        self._access.check(file, READ)\n",
        "",
        ("EUICC-UICC-RULE-08",),
    ),
    Defect(
        "RETRIEVE DATA asks no access rule",
        f"{_EUICC}/data_objects.py",
        "            self._access.check(file, READ)\n",
        "",
        ("EUICC-UICC-RULE-09",),
    ),
    Defect(
        "the right to read serves for SET DATA",
        f"{_EUICC}/data_objects.py",
        "self._access.check(file, UPDATE)",
        "self._access.check(file, READ)",
        ("EUICC-UICC-RULE-09",),
    ),
    Defect(
        "remote file management of one ADF reaches another",
        f"{_EUICC}/remote_access.py",
        "if name and name != self._adf:",
        "if name and not self._adf:",
        ("EUICC-RFM-ACCESS-03",),
    ),
    Defect(
        "access domains of remote file management are not heeded",
        f"{_EUICC}/remote_access.py",
        "            domains.use.check(file, operation)",
        "            pass",
        (
            "EUICC-RFM-ACCESS-01",
            "EUICC-RFM-ACCESS-02",
        ),
    ),
    Defect(
        "who may use files remotely may make and delete them",
        f"{_EUICC}/remote_access.py",
        "            domains.admin.check(file, operation)",
        "            domains.use.check(file, operation)",
        ("EUICC-RFM-MANAGE-02",),
    ),
    Defect(
        "DELETE FILE gives no memory back",
        f"{_EUICC}/file_memory.py",
        "            self._charge(change, -sum(one.cost for one in (file, *below)))\n",
        "",
        ("EUICC-RFM-MANAGE-01",),
    ),
    Defect(
        "CREATE FILE costs no memory",
        f"{_EUICC}/file_memory.py",
        "                self._charge(change, file.cost)\n",
        "",
        ("EUICC-RFM-MANAGE-01",),
    ),
    Defect(
        "files are made and resized beyond the memory left",
        f"{_EUICC}/file_memory.py",
        "        if growth > room:\n"
        '            raise RefusalError(0x6A84, f"{growth} bytes wanted, {room} free")',
        "        return",
        ("EUICC-RFM-MANAGE-03",),
    ),
    Defect(
        "CREATE FILE of an id in use answers 6A80",
        f"{_EUICC}/file_management.py",
        "raise RefusalError(0x6A89, f\"file {fid:04X} exists in {parent.path or 'the MF'}\")",
        'raise RefusalError(0x6A80, "there")',
        ("EUICC-RFM-MANAGE-01",),
    ),
    Defect(
        "RESIZE FILE loses the content",
        f"{_EUICC}/file_management.py",
        'content = bytes(file.content[:size]).ljust(size, b"\\xff")',
        'content = b"\\xff" * size',
        ("EUICC-RFM-MANAGE-01",),
    ),
    Defect(
        "DELETE FILE asks no access rule",
        f"{_EUICC}/file_management.py",
        "        try:\n            self._access.check(file, DELETE_SELF)\n"
        "        except RefusalError:\n            self._access.check(parent, DELETE_CHILD)\n",
        "",
        ("EUICC-RFM-MANAGE-02",),
    ),
    Defect(
        "a script chain to be kept is lost at a reset",
        f"{_EUICC}/script_chains.py",
        "        if chaining is Chaining.FIRST_KEPT_ON_RESET:\n"
        "            self._keep(name, state.write())\n",
        "",
        ("EUICC-RFM-CHAIN-01",),
    ),
    Defect(
        "a link has a content of its own",
        f"{_EUICC}/file_writer.py",
        "save_content(change, self._tree.owner, file, bytes(content))\n"
        "        file.content[:] = content",
        "save_content(change, self._tree.owner, file, bytes(content))\n"
        "        file.content = bytearray(content)",
        ("EUICC-UICC-UPDATE-04",),
    ),
    Defect(
        "the FCP of a file without SFI lacks 88",
        f"{_EUICC}/fcp.py",
        '    body += tlv.encode(0x88, b"" if file.sfi is None else bytes((file.sfi << 3,)))',
        '    body += b"" if file.sfi is None else tlv.encode(0x88, bytes((file.sfi << 3,)))',
        ("EUICC-UICC-FCP-06",),
    ),
    Defect(
        "the FCP shows a deactivated file activated",
        f"{_EUICC}/fcp.py",
        "    body += tlv.encode(0x8A, bytes((file.life_cycle,))) + tlv.encode(0x8B, "
        "file.security)\n    body += tlv.encode(0x80",
        "    body += tlv.encode(0x8A, bytes((5,))) + tlv.encode(0x8B, file.security)\n"
        "    body += tlv.encode(0x80",
        ("EUICC-UICC-FCP-07",),
    ),
    Defect(
        "SELECT of a deactivated file does not warn",
        f"{_EUICC}/selection.py",
        "sw = _DEACTIVATED if found.life_cycle == files.DEACTIVATED else OK",
        "sw = OK",
        ("EUICC-UICC-FCP-07",),
    ),
    Defect(
        "SELECT last occurrence finds the first",
        f"{_EUICC}/selection.py",
        "return fitting[-which]",
        "return fitting[0]",
        ("EUICC-UICC-SELECT-30",),
    ),
    Defect(
        "SELECT next occurrence does not go on",
        f"{_EUICC}/selection.py",
        "place = fitting.index(current) + (1 if which == 2 else -1)",
        "place = 1 if which == 2 else fitting.index(current) - 1",
        ("EUICC-UICC-SELECT-30",),
    ),
    Defect(
        "SELECT of a DF leaves an EF current",
        f"{_EUICC}/selection.py",
        "            channel.df, channel.ef = found, None\n        else",
        "            channel.df = found\n        else",
        ("EUICC-UICC-CURRENT-01",),
    ),
    Defect(
        "an application that was terminated keeps its PINs",
        f"{_EUICC}/selection.py",
        "                self._end_session(chosen)",
        "                pass",
        ("EUICC-UICC-PIN-16",),
    ),
    Defect(
        "writing a cyclic file leaves the record pointer",
        f"{_EUICC}/record_commands.py",
        "        channel.record = 1\n",
        "",
        ("EUICC-UICC-CURRENT-02",),
    ),
    Defect(
        "SEARCH RECORD from the next record begins at the current one",
        f"{_EUICC}/search_record.py",
        "start = current + 1",
        "start = current or 1",
        ("EUICC-UICC-SEARCH-10",),
    ),
    Defect(
        "SEARCH RECORD behind a value begins at the first byte",
        f"{_EUICC}/search_record.py",
        "return (mode, second, 0) if",
        "return (mode, None, 0) if",
        ("EUICC-UICC-SEARCH-10",),
    ),
    Defect(
        "SEARCH RECORD from an offset begins at the first byte",
        f"{_EUICC}/search_record.py",
        "(mode, None, second)",
        "(mode, None, 0)",
        ("EUICC-UICC-SEARCH-10",),
    ),
    Defect(
        "UNBLOCK PIN leaves a PIN disabled",
        f"{_EUICC}/pin_commands.py",
        "            attributes=pin.attributes | ENABLED,\n            tries=pin.most_tries,",
        "            tries=pin.most_tries,",
        ("EUICC-UICC-PIN-15",),
    ),
    Defect(
        "ENABLE PIN takes any value",
        f"{_EUICC}/pin_commands.py",
        "        self._compare(path, pin, command.data)\n"
        "        self._accept(path, replace(pin, attributes=pin.attributes | ENABLED",
        "        self._accept(path, replace(pin, attributes=pin.attributes | ENABLED",
        ("EUICC-UICC-PIN-15",),
    ),
    Defect(
        "a PIN that may not be disabled is",
        f"{_EUICC}/pin_commands.py",
        "if not pin.attributes & MAY_BE_DISABLED:",
        "if not pin.attributes:",
        ("EUICC-UICC-PIN-17",),
    ),
    Defect(
        "any verified key counts for all of its DF",
        f"{_EUICC}/pins.py",
        "            return (path, key) in self._verified\n",
        "            return any(one[0] == path for one in self._verified)\n",
        ("EUICC-UICC-PIN-17",),
    ),
    Defect(
        "a sequence number may jump as far as it likes",
        f"{_WIRE}/aka/sequence_numbers.py",
        "if rules.delta is not None and seq - newest > rules.delta:",
        "if rules.delta is not None and seq - newest > 1 << 50:",
        ("EUICC-UICC-AKA-15",),
    ),
    Defect(
        "AUTS lacks the index of the sequence number",
        f"{_WIRE}/aka/sequence_numbers.py",
        "return max(seq << IND_BITS | ind for ind, seq in enumerate(self.accepted))",
        "return max(self.accepted) << IND_BITS",
        ("EUICC-UICC-AKA-15",),
    ),
    Defect(
        "USIM and ISIM share sequence numbers",
        f"{_EUICC}/aka_store.py",
        'return f"{self._prefix}aka-state/{one.place}"',
        'return f"{self._prefix}aka-state/all"',
        ("EUICC-UICC-AKA-16",),
    ),
    Defect(
        "the largest size of a BER-TLV file counts for one object",
        f"{_EUICC}/data_objects.py",
        "if file.maximum and used + size > file.maximum:",
        "if file.maximum and size > file.maximum:",
        ("EUICC-UICC-OBJECT-13",),
    ),
)
