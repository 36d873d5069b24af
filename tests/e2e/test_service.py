"""What a service manager asks of `waltrail apply`: it is told when it is ready and that it is alive, and SIGHUP makes it read its settings again."""

import contextlib
import os
import pathlib
import re
import signal
import time

import pytest

from metrics import Metrics, url_of
from service_manager import ServiceManager
from servers import wait_until

UNIT = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "systemd" / "waltrail-apply@.service"


@pytest.fixture
def manager():
    manager = ServiceManager()
    yield manager
    manager.close()


class Service:
    """`waltrail apply` with a file of settings that a test writes anew."""

    def __init__(self, pair, waltrail, file, environment=None):
        self.source, self.destination, self.slot = pair
        self.waltrail, self.file, self.environment = waltrail, file, environment
        self.process = None

    def write(self, text):
        self.file.write_text(text, encoding="utf-8")

    def start(self):
        self.process = self.waltrail.apply(self.source, self.destination, self.slot, "--config", self.file, environment=self.environment)
        self.process.wait_for_output("streaming")
        return self.process

    def reload(self, answer):
        """Returns what was logged since."""
        before = len(self.process.output())
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: answer in self.process.output()[before:], f'"{answer}" in the log')
        return self.process.output()[before:]


@pytest.fixture
def service(pair, waltrail, tmp_path):
    service = Service(pair, waltrail, tmp_path / "settings.toml")
    service.write("[apply]\n")
    return service


def recorded(destination):
    return [name for (name,) in destination.query('SELECT DISTINCT "table" FROM public.changes ORDER BY 1')]


def test_ready_is_told_when_it_streams_and_not_before(pair, waltrail, manager):
    source, destination, slot = pair
    first = waltrail.apply(source, destination, slot)
    first.wait_for_output("streaming")
    second = waltrail.apply(source, destination, slot, environment=manager.environment())
    second.wait_for_output("still writes")
    assert not manager.is_told("READY", 1)
    assert first.stop() == 0
    message = manager.wait_for("READY")
    assert message["READY"] == "1"
    assert message["STATUS"].startswith("streaming source ")
    assert second.stop() == 0
    assert manager.wait_for("STOPPING")["STOPPING"] == "1"


def test_the_reason_of_waiting_is_told(source, fresh_destination, slot, waltrail, manager):
    destination = fresh_destination
    waltrail.init(source, destination, slot)
    apply = waltrail.apply(source, destination, slot, environment=manager.environment())
    manager.wait_for("READY")
    destination.server.stop("immediate")
    manager.forget()
    status = manager.wait_for("STATUS")["STATUS"]
    assert "destination" in status and "\n" not in status
    destination.server.start()
    assert manager.wait_for("READY")["STATUS"].startswith("streaming")
    assert apply.stop() == 0


def test_watchdog_is_fed_while_idle_and_not_while_the_destination_is_locked(pair, waltrail, manager):
    source, destination, slot = pair
    apply = waltrail.apply(source, destination, slot, "--memory-bytes", 16 << 20, "--writers", 1, environment=manager.environment(watchdog_s=4))
    manager.wait_for("READY")
    manager.forget()
    assert sum("WATCHDOG" in message for message in manager.told_within(8)) >= 3
    with contextlib.closing(destination.connect(autocommit=False)) as holder:
        holder.cursor().execute("LOCK TABLE public.changes IN ACCESS EXCLUSIVE MODE")
        # More than what may wait, as frames and as rows.
        source.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, 300000) AS i")
        wait_until(lambda: not manager.is_told("WATCHDOG", 3), "the watchdog is not fed", 60)
        holder.rollback()
    manager.wait_for("WATCHDOG")
    wait_until(lambda: destination.value("SELECT count(*) FROM public.changes") == 300000, "all is written", 120)
    assert apply.stop() == 0


def test_a_reload_keeps_what_was_counted_and_takes_another_address(service):
    service.write('[apply]\nlisten = "127.0.0.1:0"\nmetrics-interval = 1\n')
    process = service.start()
    service.source.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, 10) AS i")
    wait_until(lambda: Metrics(process).value("waltrail_changes_total", operation="create") == 10, "the count")
    first = url_of(process)
    service.write('[apply]\nlisten = "127.0.0.1:0"\nwriters = 1\n')
    service.reload("streaming source")
    assert url_of(process) == first and Metrics(process).value("waltrail_changes_total", operation="create") == 10
    service.write('[apply]\nlisten = "localhost:0"\n')
    service.reload("streaming source")
    assert url_of(process) != first and Metrics(process).value("waltrail_changes_total", operation="create") == 10
    service.write('[apply]\nlisten = "192.0.2.1:1"\n')  # nobody's
    kept = url_of(process).rpartition(":")[0]
    assert "metrics and health stay where they were" in service.reload("streaming source")
    assert url_of(process).rpartition(":")[0] == kept and Metrics(process).value("waltrail_changes_total", operation="create") == 10
    service.source.execute("DELETE FROM counters WHERE id = 1")
    wait_until(lambda: service.destination.value("SELECT count(*) FROM public.changes") == 11, "the change")
    assert process.stop() == 0


def test_reload_takes_what_the_file_says_now(service):
    source, destination = service.source, service.destination
    source.execute("CREATE TABLE kept (id int PRIMARY KEY); CREATE TABLE left_out (id int PRIMARY KEY)")
    process = service.start()
    service.write('log-level = "debug"\n[apply]\nexclude-tables = ["public.left_out"]\nwriters = 1\n')
    service.reload("were read again")
    process.wait_for_output("streaming", 30)
    wait_until(lambda: process.output().count("streaming source") == 2, "it streams again")
    source.execute("INSERT INTO left_out VALUES (1); INSERT INTO kept VALUES (1)")
    wait_until(lambda: recorded(destination) == ["kept"], "the change is there")
    service.write("[apply]\n")
    service.reload("were read again")
    wait_until(lambda: process.output().count("streaming source") == 3, "it streams again")
    source.execute("INSERT INTO left_out VALUES (2)")
    wait_until(lambda: recorded(destination) == ["kept", "left_out"], "the change is there")
    assert destination.value("SELECT count(*) FROM public.changes") == 2
    assert process.stop() == 0


@pytest.mark.parametrize(("text", "words"), [
    ("[apply]\nwriters = 0\n", "line 2: --writers"),
    ("[apply]\nwirters = 2\n", "wirters"),
    ("[apply\n", "line 1"),
])  # fmt: skip
def test_a_mistake_in_the_file_changes_nothing(service, text, words):
    process = service.start()
    service.write(text)
    told = [line for line in service.reload("stay as they were").splitlines() if "stay as they were" in line]
    assert len(told) == 1 and words in told[0]
    service.source.execute("INSERT INTO counters VALUES (1, 1)")
    wait_until(lambda: recorded(service.destination) == ["counters"], "it goes on")
    assert process.output().count("streaming source") == 1  # the stream was not even interrupted
    assert process.stop() == 0


def test_a_file_that_is_gone_changes_nothing(service):
    process = service.start()
    service.file.unlink()
    service.reload("stay as they were")
    assert process.is_running()
    assert process.stop() == 0


def test_the_ends_do_not_change_while_it_runs(pair, waltrail, tmp_path):
    source, destination, slot = pair
    file = tmp_path / "settings.toml"

    def write(name):
        file.write_text(f'[apply]\nsource = "{source.conninfo()}"\ndestination = "{destination.conninfo()}"\nslot = "{name}"\n', encoding="utf-8")

    write(slot)
    process = waltrail.background("apply", "--config", file)
    process.wait_for_output("streaming")
    write("another")
    process.send_signal(signal.SIGHUP)
    process.wait_for_output("change when the process is started anew")
    wait_until(lambda: process.output().count("streaming source") == 2, "it streams again")
    source.execute("INSERT INTO counters VALUES (1, 1)")
    wait_until(lambda: recorded(destination) == ["counters"], "from the same slot")
    assert process.stop() == 0


def test_reloads_lose_and_double_nothing(service):
    process = service.start()
    for number in range(40):
        service.source.execute(f"INSERT INTO counters SELECT i, i FROM generate_series({number * 500 + 1}, {number * 500 + 500}) AS i")
        process.send_signal(signal.SIGHUP)
        time.sleep(0.02 * (number % 5))
    wait_until(lambda: service.destination.value("SELECT count(*) FROM public.changes") >= 20000, "all is written", 60)
    assert service.destination.query("SELECT count(*), count(DISTINCT primary_key) FROM public.changes") == [(20000, 20000)]
    assert process.stop() == 0


def test_a_closed_terminal_ends_it(service):
    """There SIGHUP says that nobody is left to read what it writes."""
    terminal, end = os.openpty()
    process = service.waltrail.apply(service.source, service.destination, service.slot, stdin=end)
    os.close(end)
    process.wait_for_output("streaming")
    process.send_signal(signal.SIGHUP)
    assert process.wait(30) == 0
    os.close(terminal)


def test_the_unit_calls_what_there_is(waltrail):
    """Its ExecStart but for the file, and its exit status of a mistake."""
    unit = UNIT.read_text(encoding="utf-8")
    start = re.search(r"^ExecStart=/usr/bin/waltrail (.*)$", unit, re.MULTILINE)[1].replace("/etc/waltrail/%i.toml", "/dev/null").split()
    done = waltrail.run(*start, check=False)
    assert f"RestartPreventExitStatus={done.returncode}" in unit.splitlines()
    assert "--source" in done.stderr
