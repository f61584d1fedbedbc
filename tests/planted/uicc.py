"""Defects of the virtual card's files and of its USIM, and the conformance cases that notice."""

from __future__ import annotations

from typing import Final

from tests.planted.defect import Defect

_EUICC: Final = "hil/virtual/euicc"
_IDENTITY: Final = f"{_EUICC}/identity.py"

DEFECTS: Final = (
    Defect(
        "an EF beside the current DF is found by its id",
        f"{_EUICC}/files.py",
        "    return beside if isinstance(beside, Df) and not beside.name else None\n",
        "    return beside\n",
        ("EUICC-UICC-SELECT-20",),
    ),
    Defect(
        "an application is forgotten outside its ADF",
        f"{_EUICC}/files.py",
        "        return active\n",
        "        return start.application if start.application.name else None\n",
        ("EUICC-UICC-SELECT-21",),
    ),
    Defect(
        "EXTERNAL AUTHENTICATE is taken in any class",
        f"{_EUICC}/security_domain.py",
        "            good = good and messaging == SECURED\n",
        "            good = True\n",
        ("EUICC-SCP03-AUTH-04",),
    ),
    Defect(
        "GET IDENTITY never conceals",
        _IDENTITY,
        "        choices = CalculationInfo.decode(_content(usim, _CALCULATION)).choices\n",
        "        choices = CalculationInfo(()).choices\n",
        ("EUICC-UICC-IDENTITY-01", "EUICC-UICC-IDENTITY-02"),
    ),
    Defect(
        "GET IDENTITY takes the same ephemeral key every time",
        _IDENTITY,
        "            return conceal(*identity, scheme=Scheme(number), key=key)\n",
        "            return conceal("
        'imsi, mnc_digits, routing, scheme=Scheme(number), key=key, ephemeral=b"\\x11" * 32)\n',
        ("EUICC-UICC-IDENTITY-01", "EUICC-UICC-IDENTITY-02"),
    ),
    Defect(
        "GET IDENTITY takes the last scheme first",
        _IDENTITY,
        "    for number, key in choices:\n",
        "    for number, key in reversed(choices):\n",
        ("EUICC-UICC-IDENTITY-01", "EUICC-UICC-IDENTITY-03"),
    ),
    Defect(
        "GET IDENTITY does not look at its identity context",
        _IDENTITY,
        "        if command.p1 or command.p2 not in (_SUCI, _SUCI_OFF_NETWORK):\n",
        "        if command.p1:\n",
        ("EUICC-UICC-IDENTITY-04",),
    ),
    Defect(
        "GET IDENTITY does not look at P1",
        _IDENTITY,
        "        if command.p1 or command.p2 not in",
        "        if command.p2 not in",
        ("EUICC-UICC-IDENTITY-05",),
    ),
    Defect(
        "GET IDENTITY takes command data",
        _IDENTITY,
        "        without_data(command)\n",
        "",
        ("EUICC-UICC-IDENTITY-06",),
    ),
    Defect(
        "file commands are taken in either class",
        f"{_EUICC}/file_commands.py",
        "        if bool(command.cla & _UICC_CLASS) != (command.ins in _IN_UICC_CLASS):\n",
        "        if command.ins < 0:\n",
        ("EUICC-UICC-IDENTITY-07",),
    ),
    Defect(
        "a channel that is not open is served as the basic one",
        f"{_EUICC}/runtime.py",
        "        channel = self._channels[number] if number < CHANNELS else None\n",
        "        channel = (self._channels[number] if number < CHANNELS else None)"
        " or self._channels[0]\n",
        ("EUICC-UICC-IDENTITY-08",),
    ),
    Defect(
        "GET IDENTITY is answered outside the USIM",
        _IDENTITY,
        "        naa = channel.df.application\n",
        "        naa = channel.application or channel.df.application\n",
        ("EUICC-UICC-IDENTITY-09",),
    ),
    Defect(
        "GET IDENTITY does not ask for PIN1",
        _IDENTITY,
        "        check_pin(naa, self._pins)\n",
        "",
        ("EUICC-UICC-IDENTITY-10",),
    ),
    Defect(
        "GET IDENTITY does not look at the services of the USIM",
        _IDENTITY,
        "        by_card = all(service_available(naa, one) for one in",
        "        by_card = all(one < 0 or True for one in",
        ("EUICC-UICC-IDENTITY-11",),
    ),
)
