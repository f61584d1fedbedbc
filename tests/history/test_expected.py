"""How long things will take."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.history import expected_run_seconds, expected_seconds, remember
from tests.history.building import record


def test_the_median_of_the_newest_that_passed_is_expected(file: Path) -> None:
    for day, seconds in enumerate([90, *[50] * 4, 1, 2, 3, 4, 5, 6]):
        remember(record(f"r{day}", {"t": "PASS"}, day=day, seconds=seconds), file)
    remember(record("short", {"t": "FAIL"}, day=20, seconds=0.1), file)
    # ten newest: 50 50 50 1 2 3 4 5 6 and the failure, which does not count
    assert expected_seconds("t", "bench-07", file=file) == 5
    assert expected_seconds("other", "bench-07", file=file) is None
    assert expected_seconds("t", "bench-08", file=file) is None


def test_a_test_that_never_passed_is_expected_too(file: Path) -> None:
    remember(record("r", {"t": "ERROR", "n": "NOT APPLICABLE"}, seconds=7), file)
    assert expected_seconds("t", "bench-07", file=file) == 7
    assert expected_seconds("n", "bench-07", file=file) is None


def test_virtual_runs_do_not_count_once_the_bench_is_real(file: Path) -> None:
    remember(record("v", {"t": "PASS"}, seconds=1, virtual=True), file)
    assert expected_seconds("t", "bench-07", file=file) == 1
    remember(record("r", {"t": "PASS"}, day=1, seconds=60), file)
    assert expected_seconds("t", "bench-07", file=file) == 60


def test_a_run_is_the_sum_and_a_new_test_counts_as_the_middle_one(file: Path) -> None:
    for number, seconds in enumerate((1, 2, 9)):
        remember(record(f"r{number}", {f"t{number}": "PASS"}, day=number, seconds=seconds), file)
    assert expected_run_seconds(["t0", "t1", "t2", "new"], "bench-07", file=file) == 14
    assert expected_run_seconds(["new"], "bench-07", file=file) is None
    assert expected_run_seconds([], "bench-07", file=file) is None


@pytest.mark.parametrize("body", [None, b"", b"damaged, of course; in every byte of it"])
def test_nothing_is_expected_of_a_store_that_cannot_be_read(file: Path, body: bytes | None) -> None:
    if body is not None:
        file.parent.mkdir()
        file.write_bytes(body)
    assert expected_seconds("t", "bench-07", file=file) is None
    assert expected_run_seconds(["t"], "bench-07", file=file) is None
