"""The manual pages name what the program has: each option of each command, and each key of a file."""

import pathlib
import re

import pytest

PAGES = pathlib.Path(__file__).resolve().parents[2] / "man"
COMMANDS = ("init", "apply", "check", "status", "verify", "decode")
NOT_IN_A_FILE = {"until", "remove", "drop-slot", "help", "watch"}


def text_of(page):
    """Without the marks of roff."""
    return re.sub(r"\\f.", "", (PAGES / page).read_text(encoding="utf-8").replace("\\-", "-"))


def options_of(waltrail, *command):
    return set(re.findall(r"^ +(?:-\w,)?--([a-z-]+)", waltrail.run(*command, "--help").stdout, re.MULTILINE))


def section(text, name):
    """From the heading to the next."""
    return re.search(rf"^\.S[SH] \"?{re.escape(name)}(?!\w).*?(?=^\.S[SH] |\Z)", text, re.MULTILINE | re.DOTALL)[0]


def test_it_has_these_commands(waltrail):
    help_text = waltrail.run("--help").stdout
    listed = re.findall(r"^  ([a-z]+) {2,}", help_text[help_text.index("Subcommands:"):], re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_option_is_in_the_manual(waltrail, command):
    page = text_of("waltrail.1")
    described = page if command in ("check",) else section(page, f"waltrail {command}")
    missing = {option for option in options_of(waltrail, command) - {"help"} if f"--{option}" not in described}
    # They take those of apply.
    shared = options_of(waltrail, "apply") if command in ("init", "status", "verify") else set()
    assert missing - shared == set()


def test_each_exit_status_is_in_the_manual():
    readme = (PAGES.parent / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"(\d) ", re.search(r"^Exit status: (.*?)\. ", readme, re.MULTILINE)[1])
    described = re.findall(r"^\.B (\d)$", section(text_of("waltrail.1"), "EXIT STATUS"), re.MULTILINE)
    assert described == listed


def test_each_key_is_in_the_manual(waltrail):
    page = text_of("waltrail.toml.5")
    for command, heading in (("apply", "KEYS OF [apply]"), ("init", "KEYS OF [init]")):
        keys = options_of(waltrail, command) - NOT_IN_A_FILE
        if command == "init":
            keys -= options_of(waltrail, "apply") - {"tables"}
        assert {key for key in keys if key not in section(page, heading)} == set()


def test_the_example_is_taken(waltrail, tmp_path):
    page = text_of("waltrail.toml.5")
    example = re.search(r"^\.nf\n(.*?)^\.fi", section(page, "EXAMPLE"), re.MULTILINE | re.DOTALL)[1]
    file = tmp_path / "example.toml"
    file.write_text(example.replace("host=db1", "host=/nonexistent"), encoding="utf-8")
    done = waltrail.run("--config", file, "check", check=False)
    assert done.returncode == 1 and "could not connect to the source" in done.stdout + done.stderr
