"""One statement that reads, whatever a database takes for a quote or a comment."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ratchet.data import statements
from ratchet.errors import ContractError


def _read(text: str, kind: str = "postgresql") -> str:
    return statements.reading(text, kind, "loop.yaml: source.options.tables.t")


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("SELECT 1", "SELECT 1"),
        (" select 1 ;\n; ", " select 1"),
        ("WITH x AS (SELECT 1) SELECT * FROM x", "WITH x AS (SELECT 1) SELECT * FROM x"),
        ("SELECT '(delete from x); --'", "SELECT '(delete from x); --'"),
        ("SELECT 1 -- (copy; insert into\n, 2", "SELECT 1  \n, 2"),
        ("/* (delete from x); */ SELECT 1", "  SELECT 1"),
        ("SELECT '/*', 1 AS \"a;b\", 2 AS `c;d` -- */", "SELECT '/*', 1 AS \"a;b\", 2 AS `c;d`"),
        ("SELECT 'it''s; so', $$;'$$, $a$ ; $b$ $a$", "SELECT 'it''s; so', $$;'$$, $a$ ; $b$ $a$"),
        ("SELECT a$$b, updated, copy FROM t FOR UPDATE", "SELECT a$$b, updated, copy FROM t FOR UPDATE"),
        ('SELECT max("copy") FROM t', 'SELECT max("copy") FROM t'),
        ("SELECT a #>> '{b}', c::text, :start", "SELECT a #>> '{b}', c::text, :start"),
        ("SELECT E'a\\n', 'C:\\x'", "SELECT E'a\\n', 'C\\:\\x'"),
        ("SELECT ':start', '\\:end', $q$:x$q$", "SELECT '\\:start', '\\:end', $q$\\:x$q$"),
    ],
)
def test_one_select_is_sent_without_its_comments(text: str, sent: str) -> None:
    assert _read(text) == sent


def test_nothing_in_quotes_is_a_parameter() -> None:
    compiled = sa.text(_read("SELECT ':a', '12:30:15', 'x::y', \":b\", $$:c$$, '\\:d', e::text, :start")).compile()
    assert list(compiled.params) == ["start"]
    assert str(compiled) == "SELECT ':a', '12:30:15', 'x::y', \":b\", $$:c$$, ':d', e::text, :start"


SEVERAL = "holds several statements"
ATTEMPTS = [
    ("", "holds no statement"),
    ("-- nothing", "holds no statement"),
    (";", "holds no statement"),
    ("commit; begin read write; insert into t values (4); commit; select 1 as a", SEVERAL),
    ("set transaction read write; select 1", SEVERAL),
    ("set transaction read write", "begins with SET"),
    ("copy t to program 'id'", "begins with COPY"),
    ("(select 1)", r"begins with \("),
    ("explain analyze delete from t", "begins with EXPLAIN"),
    ("\u00a0select 1", "begins with \u00a0SELECT"),
    ("select 1; -- nothing\n select 2", SEVERAL),
    ("with x as (insert into t values (2) returning a) select * from x", "holds INSERT in a WITH"),
    ("with x as (update t set a = 1 returning a) select * from x", "holds UPDATE in a WITH"),
    ("with x as (delete from t returning *) select * from x", "holds DELETE in a WITH"),
    ("with x as (merge into t using s on true when matched then delete) select 1", "holds MERGE in a WITH"),
    ("with x as materialized ( /* a */ copy (select 1) to 'x') select 1", "holds COPY in a WITH"),
    ("select (with x as (with y as (select 1) delete from t returning *) select max(a) from x)", "holds DELETE"),
    ("with x as (select 1) delete from t", "holds DELETE in a WITH"),
    ("select 1 as a into t", "holds INTO"),
    ("select 1 into outfile '/tmp/x'", "holds INTO"),
    ("select 1 /* /* */, ' */ ; delete from t; select '", "a comment that is not closed, or holds another"),
    ("select 1 /* never", "a comment that is not closed"),
    ("select 'never", "a quote ' that is not closed"),
    ('select "never', 'a quote " that is not closed'),
    ("select `never", "a quote ` that is not closed"),
    ("select 'a\\'; delete from t; select '1'", "a backslash before a quote"),
    ("select E'a\\'' ; delete from t; select '1'", "a backslash before a quote"),
    ("select $\u20ac$ ' $\u20ac$; delete from t; select '1'", SEVERAL),
    ("select a$$b; delete from t; select $$b", SEVERAL),
]


@pytest.mark.parametrize(("text", "words"), ATTEMPTS)
def test_what_may_write_is_refused(text: str, words: str) -> None:
    with pytest.raises(ContractError, match=words) as caught:
        _read(text)
    assert str(caught.value).startswith("loop.yaml: source.options.tables.t: expected one SELECT that reads")


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("select 1 as $$; delete from t; select 1 as $$", "mysql", "a \\$ that is part of no name"),
        ("select 1 # '\n; delete from t; # '", "mysql", "a comment that begins with #"),
        ("select 1 # '\n; delete from t; # '", "mariadb", "a comment that begins with #"),
    ],
)
def test_what_two_databases_read_in_two_ways_is_refused(text: str, kind: str, words: str) -> None:
    with pytest.raises(ContractError, match=words):
        _read(text, kind)


def test_what_only_one_database_runs_of_a_comment_is_not_sent() -> None:
    assert _read("select 1 /*! ; delete from t */ /*M! ; drop table t */", "mysql") == "select 1"
    with pytest.raises(ContractError, match="not closed"):  # to MySQL, --' is no comment
        _read("select 1 --'\n, '; delete from t; -- '\n'", "mysql")
