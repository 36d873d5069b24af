"""`waltrail status --watch` looks again and again, on a terminal and for programs."""

import json
import os
import pty
import signal
import subprocess
import time

import pytest

import servers
from waltrail_program import PROGRAM


@pytest.fixture
def watch(pair):
    """A function that starts `status --watch` with its output in a pipe, or on a terminal."""
    source, destination, _slot = pair
    started = []

    def start(*more, terminal=False, destination=destination):
        arguments = [PROGRAM, "status", "--destination", destination.conninfo(), "--source", source.conninfo(), "--watch", *more]
        if not terminal:
            process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                       preexec_fn=servers.die_with_parent(signal.SIGKILL))  # fmt: skip
            started.append(process)
            return process, process.stdout
        ours, theirs = pty.openpty()
        process = subprocess.Popen(arguments, stdout=theirs, preexec_fn=servers.die_with_parent(signal.SIGKILL))
        os.close(theirs)
        started.append(process)
        return process, os.fdopen(ours, "r", newline="")

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_json_is_one_object_a_line(pair, watch, waltrail):
    source, destination, slot = pair
    process, output = watch("1", "--json")
    first = json.loads(output.readline())
    assert list(first) == ["at", "sources"] and first["sources"][0]["changes"] == 0
    source.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, 7) i")
    waltrail.apply_until_now(source, destination, slot)
    deadline = time.monotonic() + 30
    while json.loads(output.readline())["sources"][0]["changes"] != 7:
        assert time.monotonic() < deadline
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == -signal.SIGINT
    assert process.stderr.read() == ""


def test_lines_are_the_same_with_a_time_above(watch, pair, waltrail):
    source, destination, _slot = pair
    process, output = watch()
    lines = [output.readline() for _ in range(11)]
    assert lines[0].endswith("Z\n") and lines[1] == "\n"
    assert lines[2].startswith(f'source "{source.name}"')
    assert lines[10] == "\n"
    assert output.readline().endswith("Z\n")  # again, after two seconds


def test_a_terminal_is_cleared_for_each_report(watch):
    _process, terminal = watch("1", terminal=True)
    text = ""
    while text.count("\033[H\033[2J") < 3:
        text += terminal.read(1)
    reports = text.split("\033[H\033[2J")
    assert reports[0] == "" and "recorded" in reports[1] and "recorded" in reports[2]


def test_a_server_that_goes_away_is_told_and_waited_for(fresh_destination, source, slot, waltrail, watch):
    waltrail.init(source, fresh_destination, f"{slot}_fresh")
    process, output = watch("1", "--json", destination=fresh_destination)
    assert "sources" in json.loads(output.readline())
    fresh_destination.server.stop("immediate")
    told = servers.wait_until(lambda: json.loads(output.readline()).get("error"), "the error")
    assert "destination" in told
    fresh_destination.server.start()
    servers.wait_until(lambda: "sources" in json.loads(output.readline()), "the report")
    assert process.poll() is None


def test_a_server_that_is_not_there_at_first_is_waited_for(fresh_destination, source, slot, waltrail, watch):
    waltrail.init(source, fresh_destination, f"{slot}_fresh")
    fresh_destination.server.stop("immediate")
    process, output = watch("1", "--json", destination=fresh_destination)
    told = json.loads(output.readline())["error"]
    assert "could not connect to the destination" in told and f'slot "{slot}_fresh" is reserved' in told and "apply not connected" in told
    fresh_destination.server.start()
    servers.wait_until(lambda: "sources" in json.loads(output.readline()), "the report")
    assert process.poll() is None


def test_a_destination_that_knows_nothing_is_an_error_at_first(source, waltrail):
    done = waltrail.run("status", "--destination", source.conninfo(), "--watch", "1", check=False)
    assert done.returncode == 1 and done.stdout == "" and "run \"waltrail init\"" in done.stderr


def test_a_reader_that_goes_away_ends_it(watch):
    process, output = watch("1", "--json")
    output.readline()
    output.close()
    assert process.wait(10) == -signal.SIGPIPE
