from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.cmac import CMAC

from hil.errors import CodecError
from hil.wire import isdp_keys
from hil.wire.identifiers import isd_p_aid
from hil.wire.scp03 import KeySet

BASE = KeySet(0x30, enc=bytes(range(16)), mac=bytes(range(16, 32)), dek=bytes(range(32, 48)))


def test_key_is_the_cmac_of_counter_label_zero_aid_and_length() -> None:
    aid = isd_p_aid(0x10)
    derived = isdp_keys.derive(BASE, aid)
    mac = CMAC(algorithms.AES(BASE.mac))
    mac.update(
        b"\x00\x00\x00\x01" + b"hil ISD-P key MAC" + b"\x00" + aid + (128).to_bytes(4, "big")
    )
    assert derived.mac == mac.finalize()
    assert derived.kvn == 0x30


def test_each_isdp_each_use_and_each_euicc_has_its_own_key() -> None:
    other = KeySet(0x30, enc=bytes(16), mac=bytes(16), dek=bytes(16))
    sets = [isdp_keys.derive(base, isd_p_aid(tar)) for base in (BASE, other) for tar in (16, 17)]
    keys = {key for one in sets for key in (one.enc, one.mac, one.dek)}
    assert len(keys) == 12


def test_keys_keep_the_length_of_the_base() -> None:
    long = KeySet(0x30, enc=bytes(32), mac=bytes(32), dek=bytes(32))
    assert len(isdp_keys.derive(long, isd_p_aid(16)).dek) == 32


def test_impossible_aid_is_refused() -> None:
    with pytest.raises(CodecError):
        isdp_keys.derive(BASE, b"")
