"""Cards of four kinds as transcripts: what a client sends, what the card answers, over T=0.

The consumer's EUICCInfo1 is that of a published session of lpac (estkme-group/lpac, issue 143), the
IoT card's selection and GetEuiccData of one of onomondo-ipa (Iapyx-Informatica/onomondo-ipa, issue
3); the status words of the M2M card are those a card manager accepts for one. The other answers are
written after SGP.22 (5.7, annex H), SGP.32 and ETSI TS 102 221.
"""

from __future__ import annotations

from hil.wire.apdu import CommandApdu, ResponseApdu

ISD_R = "A0000005591010FFFFFFFF8900000100"
ECASD = "A0000005591010FFFFFFFF8900000200"
USIM = "A0000000871002FFFFFFFF8907090000"
ATR_CONSUMER = bytes.fromhex("3B9F97803FC7828031E073FE211F6409069200829000FB")
OPEN, SELECT_ISD_R = "0070000001", "01A4040410" + ISD_R
EID_ASKED, CERTS_ASKED = "81E2910006BF3E035C015A", "81E2910003BF5600"
CONSUMER_EID = "89044045930000000000001492294428"
IOT_EID = "89049032000000000000279973200019"


def obj(tag: str, *parts: str) -> str:
    """Write one data object in hex; contents up to 255 bytes."""
    body = "".join(parts).replace(" ", "")
    size = len(body) // 2
    return tag + ("" if size < 0x80 else "81") + f"{size:02X}" + body


UICC_FILES = {
    "00A40004023F00": obj("62", "82027821", "83023F00", "8A0105", "C606900100830101") + "9000",
    "80AA00000AA9088100820101830107": "9000",
    "00A40004022F00": obj("62", "82054221001C01", "83022F00", "8A0105", "8002001C") + "9000",
    "00B201041C": obj("61", obj("4F", USIM), obj("50", b"USIM".hex())) + "FFFF" + "9000",
    "00A40004022FE2": obj("62", "82024121", "83022FE2", "8A0105", "8002000A") + "9000",
    "00B000000A": "984405000000000000F1" + "9000",
    "00A4040410" + USIM: "6982",
}
"""A UICC with EF.DIR, EF.ICCID and one USIM that may not be entered."""

INFO_1 = (
    "BF20358203020300A916041481370F5125D0B1D408D4C3B232E6D25E795BEBFB"
    "AA16041481370F5125D0B1D408D4C3B232E6D25E795BEBFB"
)


def info_2(*more: str) -> str:
    return obj(
        "BF22",
        "8103020301",
        "8203020300",
        "8303040607",
        obj("84", "810103", "82030A0000", "83022800"),
        "8504057F32E0",
        "880203F8",
        "A916041481370F5125D0B1D408D4C3B232E6D25E795BEBFB",
        "AA16041481370F5125D0B1D408D4C3B232E6D25E795BEBFB",
        "8B0102",
        "0403010000",
        obj("0C", b"GM-XX-0001".hex()),
        *more,
    )


PROFILES = obj(
    "BF2D",
    obj(
        "A0",
        obj(
            "E3",
            "5A0A984405000000000000F1",
            "4F10A0000005591010FFFFFFFF8900001000",
            "9F700101",
            obj("91", b"Abc".hex()),
            obj("92", b"Home".hex()),
            "950102",
        ),
        obj(
            "E3",
            "5A0A984405000000000000F2",
            "4F10A0000005591010FFFFFFFF8900001100",
            "9F700100",
            obj("90", b"mine".hex()),
            "950100",
        ),
    ),
)


class Transcript:
    """A card object that answers as written, 61xx first; everything else gets ``otherwise``."""

    def __init__(
        self, table: dict[str, str], *, atr: bytes = ATR_CONSUMER, otherwise: str = "6D00"
    ) -> None:
        self.table = {key.replace(" ", ""): value for key, value in table.items()}
        self.otherwise = bytes.fromhex(otherwise)
        self.asked: list[str] = []
        self._atr = atr
        self._waiting = b""

    def power_on(self) -> bytes:
        return self._atr

    def power_off(self) -> None:
        self._waiting = b""

    def transmit(self, apdu: bytes) -> bytes:
        text = apdu.hex().upper()
        self.asked.append(text)
        if apdu[1] == 0xC0:
            waiting, self._waiting = self._waiting, b""
            return waiting + b"\x90\x00"
        if text not in self.table:
            return self.otherwise
        answer = ResponseApdu.decode(bytes.fromhex(self.table[text]))
        if answer.data and answer.sw == 0x9000 and CommandApdu.decode(apdu).data:
            self._waiting = answer.data
            return bytes((0x61, len(answer.data) & 0xFF))
        return answer.encode()


def plain() -> Transcript:
    table = UICC_FILES | {OPEN: "019000", SELECT_ISD_R: "6A82", "00708001": "9000"}
    return Transcript(table)


def consumer(**changes: str) -> Transcript:
    table = UICC_FILES | {
        OPEN: "019000",
        "00708001": "9000",
        SELECT_ISD_R: obj("6F", f"8410{ISD_R}", "A5049F6501FF", "E0058203020300") + "9000",
        CERTS_ASKED: "6A88",
        EID_ASKED: f"BF3E125A10{CONSUMER_EID} 9000",
        "81E2910003BF2200": f"{info_2()} 9000",
        "81E2910003BF2000": f"{INFO_1} 9000",
        "81E2910003BF2D00": f"{PROFILES} 9000",
    }
    return Transcript(table | changes)


def iot() -> Transcript:
    card = consumer()
    card.table[CERTS_ASKED] = "BF5600 9000"
    card.table[EID_ASKED] = f"BF3E125A10{IOT_EID} 9000"
    return card


def m2m() -> Transcript:
    return Transcript(
        UICC_FILES
        | {
            OPEN: "019000",
            "00708001": "9000",
            SELECT_ISD_R: f"6F18 8410{ISD_R} A504 9F6501FF 9000",
            CERTS_ASKED: "6985",
            EID_ASKED: "6985",
            "81CAFF2100": "FF210C 810102 820300F000 83021000 9000",
            "01A4040410" + ECASD: f"6F18 8410{ECASD} A504 9F6501FF 9000",
            "01CA005A00": "5A1089049032123451234512345678901235 9000",
        }
    )


def sim_2g() -> Transcript:
    return Transcript({"A0A40000023F00": "9F17"}, atr=bytes.fromhex("3B00"), otherwise="6E00")
