"""The weather of the network is what somebody asks for, and fair again when they leave."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hil.bench.json_line import JsonLine
from hil.bench.phone import Phone
from hil.bench.weather import THROTTLED, Weather
from hil.errors import BenchError, LinkError
from hil.virtual.network.link_model import Conditions
from hil.virtual.network.weather import MAX_LINE
from hil.wire.smpp import Command, ShortMessage, Status
from tests.network.running import RunningNetwork, SmppLine, wait_for
from tests.network.short_messages import MSISDN, USER_DATA, bind, submit

SILENT_S = 0.05


def where(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}"


@pytest.fixture
def weather(network: RunningNetwork) -> Iterator[Weather]:
    made = Weather(where(network.weather), where(network.radio))
    yield made
    made.clear()


@pytest.fixture
def handset(weather: Weather) -> Phone:
    return weather.phone(MSISDN)


@pytest.fixture
def sender(client: SmppLine) -> SmppLine:
    assert client.send(bind()).status == Status.OK
    return client


def heard(phone: Phone) -> list[bytes]:
    found: list[bytes] = []
    while (message := phone.hear(timeout_s=SILENT_S if found else 2.0)) is not None:
        found.append(message.user_data)
    return found


def hears_nothing(phone: Phone) -> bool:
    return phone.hear(timeout_s=SILENT_S) is None


def test_all_is_lost_until_it_is_cleared(
    network: RunningNetwork, weather: Weather, handset: Phone, sender: SmppLine
) -> None:
    weather.air(loss=1)
    assert sender.send(submit()).status == Status.OK
    assert hears_nothing(handset)
    weather.clear()
    wait_for(lambda: network.air.conditions == Conditions())
    another = weather.phone(MSISDN)
    assert sender.send(submit(3)).status == Status.OK
    assert heard(another) == [USER_DATA]


def test_what_is_doubled_goes_both_ways(weather: Weather, handset: Phone, sender: SmppLine) -> None:
    weather.air(duplication=1)
    sender.send(submit())
    assert heard(handset) == [USER_DATA] * 2
    handset.say("12345", USER_DATA)
    for _ in range(2):
        pdu = sender.hear()
        assert pdu.command is Command.DELIVER_SM
        assert isinstance(pdu.body, ShortMessage)
        assert pdu.body.message == USER_DATA


def test_messages_wait_for_coverage_and_come_at_once(
    weather: Weather, handset: Phone, sender: SmppLine
) -> None:
    weather.coverage(covered=False)
    sender.send(submit())
    assert hears_nothing(handset)
    with pytest.raises(BenchError, match="did not take"):
        handset.say("12345", USER_DATA)
    weather.coverage(covered=True)
    assert heard(handset) == [USER_DATA]


def test_the_air_stays_as_it_is_when_coverage_changes(
    network: RunningNetwork, weather: Weather
) -> None:
    weather.air(latency_s=0.01)
    weather.coverage(covered=False)
    weather.air(latency_s=0.02)
    assert not network.air.covered(1.0)
    weather.coverage(covered=True)
    assert network.air.conditions == Conditions(latency_s=0.02)


def test_a_centre_refuses_as_often_as_it_is_told(weather: Weather, sender: SmppLine) -> None:
    weather.refuse(MSISDN, 2)
    weather.refuse("1", 1)
    answers = [sender.send(submit(number)).status for number in (2, 3, 4)]
    assert answers == [THROTTLED, THROTTLED, Status.OK]
    weather.refuse(MSISDN, 1)
    weather.clear()
    weather.air()
    assert sender.send(submit(5)).status == Status.OK


def test_a_centre_hangs_up_and_lets_the_client_come_again(
    network: RunningNetwork, weather: Weather, sender: SmppLine
) -> None:
    with pytest.raises(BenchError, match="no client is bound as 'nobody'"):
        weather.hang_up("nobody")
    weather.hang_up("sm-sr")
    assert sender.closed()
    again = SmppLine(network.smpp)
    assert again.send(bind()).status == Status.OK
    again.close()


def test_a_phone_that_is_off_hears_what_waited(handset: Phone, sender: SmppLine) -> None:
    handset.off()
    handset.off()
    sender.send(submit())
    with pytest.raises(BenchError, match="switch it on first"):
        handset.hear()
    handset.on()
    assert heard(handset) == [USER_DATA]


@pytest.mark.parametrize(
    "line",
    [
        b"no json",
        b"[1]",
        b"{}",
        b'{"air": {"loss": 2}}',
        b'{"air": {"wind": 2}}',
        b'{"air": {"loss": "much"}}',
        b'{"air": {"gaps": []}}',
        b'{"coverage": 1}',
        b'{"coverage": true, "air": {}}',
        b'{"refuse": {"number": "1", "count": -1, "status": 8}}',
        b'{"refuse": {"number": 1, "count": 1, "status": 8}}',
        b'{"refuse": {"count": 1}}',
        b'{"hang_up": 7}',
        b"[" * 4000,
    ],
    ids=range(14),
)
def test_another_line_changes_nothing(network: RunningNetwork, line: bytes) -> None:
    asking = JsonLine("weather", where(network.weather))
    asking._socket.sendall(line + b"\n")
    assert set(asking.hear()) == {"error"}
    assert network.air.conditions == Conditions()
    asking.send({"air": {}})
    assert asking.hear() == {"ok": True}
    asking.close()


def test_a_line_without_an_end_is_the_last(network: RunningNetwork) -> None:
    asking = JsonLine("weather", where(network.weather))
    asking._socket.sendall(b"x" * 4 * MAX_LINE)
    assert "at most" in asking.hear()["error"]
    with pytest.raises(LinkError):
        asking.hear()
    asking.close()


def test_one_makes_the_weather_at_a_time(network: RunningNetwork, weather: Weather) -> None:
    weather.air(loss=1)
    other = Weather(where(network.weather), where(network.radio))
    with pytest.raises(BenchError, match="somebody else"):
        other.air()
    assert network.air.conditions == Conditions(loss=1)
    other.clear()
