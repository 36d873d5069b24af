"""The examples of docs/questions.md, and those in the comments of functions."""

import pathlib
import re

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "questions.md"
TRAIL = pathlib.Path(__file__).resolve().parents[1] / "questions" / "shop.sql"
PAIR = re.compile(r"```sql\n(.*?)```\n```text\n(.*?)```", re.DOTALL)


def of_page():
    """Pairs of a query and what psql answers."""
    return [(match[1], match[2]) for match in PAIR.finditer(PAGE.read_text())]


def of_comments(database):
    """Pairs of a function's or procedure's signature and the statement that its comment has for an example; nobody calls a trigger function."""
    return [
        (signature, re.search(r"Example: (.*;)\s*$", comment, re.DOTALL)[1])
        for signature, comment in database.query("""
            SELECT p.oid::regprocedure::text, obj_description(p.oid, 'pg_proc') FROM pg_proc AS p
            WHERE p.pronamespace = 'changes'::regnamespace AND p.prorettype <> 'trigger'::regtype ORDER BY 1""")
    ]  # fmt: skip
