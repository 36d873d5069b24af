"""The finder of comments against the server's own lexer, over random texts: tests/lexer_oracle/ holds the module that compares."""

import pathlib
import secrets
import shutil
import subprocess

import pytest

import servers

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXTS = 300_000


@pytest.fixture(scope="module")
def oracle_library(server_folder):
    """Built outside of the source tree and of the server's installation, so that nothing is left in either."""
    folder = server_folder / "lexer_oracle"
    shutil.copytree(ROOT / "tests" / "lexer_oracle", folder)
    shutil.copytree(ROOT / "capture", folder / "capture", ignore=shutil.ignore_patterns("*.o", "*.d"))
    made = subprocess.run(
        ["make", "-s", "-C", folder, f"PG_CONFIG={servers.PG_CONFIG}"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout
    return folder / "waltrail_lexer_oracle.so"


@pytest.mark.parametrize("seed", [1, None], ids=["known_seed", "new_seed"])
def test_finds_the_comments_that_the_server_lexes_as_comments(source, oracle_library, seed):
    source.execute(
        f"""CREATE FUNCTION compare(seed bigint, texts integer, OUT compared bigint, OUT found bigint, OUT refused bigint,
            OUT difference text) AS '{oracle_library}' LANGUAGE c STRICT"""
    )
    seed = seed or secrets.randbelow(2**62)
    # Names that are too long are told to the client.
    source.execute(f"ALTER DATABASE {servers.quoted(source.name)} SET client_min_messages = error")
    with source.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM compare(%s, %s)", [seed, TEXTS])
        compared, found, refused, difference = cursor.fetchone()
    print(f"from seed {seed} on, {TEXTS} texts: {compared} answers, {found} of them a context, {refused} texts refused")
    assert difference is None
    assert compared > TEXTS and found > TEXTS / 10
