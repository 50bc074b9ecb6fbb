"""The sandbox's SOQL: what parses, what it means over rows, and the vendor's words for what does not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline_salesforce import query as connector_query
from leadline_salesforce.sandbox import ids, moments
from leadline_salesforce.sandbox.evaluate import Evaluator, Found
from leadline_salesforce.sandbox.faults import ApiError
from leadline_salesforce.sandbox.predicates import like_pattern, lowest_key
from leadline_salesforce.sandbox.soql import parse, unquote
from leadline_salesforce.sandbox.soqltree import DateRange
from leadline_salesforce.sandbox.sortedkeys import Key, SortedKeys
from leadline_salesforce.sandbox.store import Org, Row

NOW = 1_780_000_000  # 2026-05-28, a Thursday
DAY = 86_400


def account(number: int, **fields: Any) -> Row:
    stamp = moments.instant(NOW - fields.pop("age", 0))
    row: Row = {"Id": ids.from_world("001", f"a{number}"), "IsDeleted": False, "Name": f"Company {number}"}
    return row | {"CreatedDate": stamp, "SystemModstamp": stamp} | fields


ROWS = [
    account(1, Industry="Manufacturing", NumberOfEmployees=340, Technologies__c="hubspot;slack", age=10),
    account(2, Industry="manufacturing", NumberOfEmployees=50, Technologies__c="slack", age=5 * DAY),
    account(3, Name="O'Brien 100%_\\x", Type="Customer", age=40 * DAY),
    account(4, NumberOfEmployees=1000, AnnualRevenue=5.5e6, IsDeleted=True, age=60),
]


@pytest.fixture(scope="module")
def org() -> Org:
    made = Org()
    for row in ROWS:
        made.tables["Account"].put(row)
    contact = {"Id": ids.from_world("003", "c"), "LastName": "Lace", "AccountId": ROWS[0]["Id"], "SystemModstamp": "x"}
    made.tables["Contact"].put(contact)
    lead = {"Id": ids.from_world("00Q", "l"), "Name": "Ada Lead", "SystemModstamp": "x"}
    made.tables["Lead"].put(lead)
    made.tables["Task"].put({"Id": ids.from_world("00T", "t"), "WhoId": lead["Id"], "SystemModstamp": "x"})
    return made


def run(org: Org, text: str, *, deleted: bool = False) -> Found:
    return Evaluator(org, NOW, "/services/data/v66.0").run(parse(text), include_deleted=deleted)


def numbers(org: Org, where: str, *, deleted: bool = False) -> list[int]:
    found = run(org, f"SELECT Id FROM Account {where}", deleted=deleted)
    known = [row["Id"] for row in ROWS]
    return [known.index(row["Id"]) + 1 for row in found.rows]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("", [1, 2, 3]),
        ("WHERE Industry = 'MANUFACTURING'", [1, 2]),
        ("WHERE Industry != 'Manufacturing'", [3]),  # an empty value is different from every text
        ("WHERE Industry <> 'Manufacturing'", [3]),
        ("WHERE Industry = null", [3]),
        ("WHERE Industry != null", [1, 2]),
        ("WHERE industry = 'manufacturing'", [1, 2]),  # names have no case
        ("WHERE NumberOfEmployees > 50", [1]),
        ("WHERE NumberOfEmployees >= 50", [1, 2]),
        ("WHERE NumberOfEmployees < 340", [2]),  # an empty number is not small
        ("WHERE NumberOfEmployees <= 3.4e2", [1, 2]),
        ("WHERE NumberOfEmployees IN (50, 340)", [1, 2]),
        ("WHERE NumberOfEmployees NOT IN (50)", [1, 3]),
        ("WHERE Name IN ('company 1', 'Company 2')", [1, 2]),
        ("WHERE Name LIKE 'comp%'", [1, 2]),
        ("WHERE Name LIKE '_ompany 1'", [1]),
        (r"WHERE Name LIKE '%100\%\_%'", [3]),
        (r"WHERE Name = 'O\'Brien 100%_\\x'", [3]),
        ("WHERE Technologies__c INCLUDES ('slack')", [1, 2]),
        ("WHERE Technologies__c INCLUDES ('hubspot;slack')", [1]),
        ("WHERE Technologies__c INCLUDES ('hubspot', 'slack')", [1, 2]),
        ("WHERE Technologies__c EXCLUDES ('hubspot')", [2, 3]),
        ("WHERE Industry = 'Manufacturing' AND NumberOfEmployees = 50", [2]),
        ("WHERE NumberOfEmployees = 50 OR Type = 'Customer'", [2, 3]),
        ("WHERE NOT Type = 'Customer'", [1, 2]),
        ("WHERE (NOT Type = 'Customer') AND (NumberOfEmployees = 50 OR NumberOfEmployees = 340)", [1, 2]),
        ("WHERE IsDeleted = false", [1, 2, 3]),
        ("WHERE CreatedDate = TODAY", [1]),
        ("WHERE CreatedDate < TODAY", [2, 3]),
        ("WHERE CreatedDate = LAST_N_DAYS:7", [1, 2]),
        ("WHERE CreatedDate = LAST_MONTH", [3]),
        ("WHERE CreatedDate > LAST_WEEK", [1]),
        ("WHERE CreatedDate >= 2026-05-20T00:00:00Z", [1, 2]),
        ("WHERE CreatedDate = 2026-05-28T22:26:30+02:00", [1]),
        ("WHERE Id > '001000000000000AAA' AND Type = 'Customer'", [3]),
        ("ORDER BY NumberOfEmployees", [3, 2, 1]),  # empty ones first
        ("ORDER BY NumberOfEmployees DESC NULLS LAST", [1, 2, 3]),
        ("ORDER BY Industry DESC NULLS LAST, NumberOfEmployees", [2, 1, 3]),
        ("ORDER BY SystemModstamp, Id", [3, 2, 1]),
        ("ORDER BY SystemModstamp, Id LIMIT 1 OFFSET 1", [2]),
        ("WHERE SystemModstamp > 2026-05-20T00:00:00Z ORDER BY SystemModstamp, Id", [2, 1]),
        ("LIMIT 0", []),
    ],
)
def test_where_and_order(org: Org, where: str, expected: list[int]) -> None:
    found = numbers(org, where)
    assert (found if "ORDER" in where else sorted(found)) == expected


def test_ids_match_in_both_forms_and_query_all_shows_the_deleted(org: Org) -> None:
    short = ROWS[3]["Id"][:15]
    assert numbers(org, f"WHERE Id = '{short}'") == []
    assert numbers(org, f"WHERE Id IN ('{short}')", deleted=True) == [4]


def test_lookups_aliases_and_polymorphic_types(org: Org) -> None:
    found = run(org, "SELECT c.LastName, Account.Name, account.industry FROM Contact c")
    assert found.render(found.rows[0])["Account"]["Industry"] == "Manufacturing"
    task = run(org, "SELECT Who.Name, Who.Type, What.Name FROM Task WHERE Who.Name = 'ada lead'")
    shown = task.render(task.rows[0])
    assert (shown["Who"]["Name"], shown["Who"]["Type"], shown["What"]) == ("Ada Lead", "Lead", None)


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ("COUNT(Id) n, MIN(NumberOfEmployees), MAX(NumberOfEmployees) top", [{"n": 3, "expr0": 50, "top": 340}]),
        ("SUM(NumberOfEmployees), AVG(NumberOfEmployees)", [{"expr0": 390, "expr1": 195.0}]),
        ("COUNT_DISTINCT(Type) t", [{"t": 1}]),
    ],
)
def test_aggregates(org: Org, select: str, expected: list[dict[str, Any]]) -> None:
    found = run(org, f"SELECT {select} FROM Account")
    shown = [{name: value for name, value in row.items() if name != "attributes"} for row in found.rows]
    assert shown == expected


def test_groups_count_and_count_alone(org: Org) -> None:
    found = run(org, "SELECT Type, COUNT(Id) n FROM Account GROUP BY Type ORDER BY Type NULLS FIRST")
    assert [(row["Type"], row["n"]) for row in found.rows] == [(None, 2), ("Customer", 1)]
    count = run(org, "SELECT COUNT() FROM Account", deleted=True)
    assert (count.total, list(count.rows)) == (4, [])


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT Id, FROM Account", "MALFORMED_QUERY", "unexpected token: 'FROM'"),
        ("SELECT * FROM Account", "MALFORMED_QUERY", "unexpected token: '*'"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Account WHERE Name = 'x", "MALFORMED_QUERY", "expecting a right quote"),
        ('SELECT Id FROM Account WHERE Name = "x"', "MALFORMED_QUERY", "Bind variables"),
        ("SELECT Id FROM Account WHERE A = 1 AND B = 2 OR C = 3", "MALFORMED_QUERY", "unexpected token: 'OR'"),
        ("SELECT Id FROM Account WHERE A = 1 AND NOT B = 2", "MALFORMED_QUERY", "unexpected token: 'NOT'"),
        ("SELECT Id FROM Account LIMIT x", "MALFORMED_QUERY", "unexpected token: 'x'"),
        ("SELECT Name, COUNT(Id) FROM Account", "MALFORMED_QUERY", "must be grouped or aggregated: Name"),
        ("SELECT SUM(Name) FROM Account", "MALFORMED_QUERY", "does not support aggregate operator SUM"),
        ("SELECT FIELDS(ALL) FROM Account", "MALFORMED_QUERY", "LIMIT of at most 200"),
        ("SELECT Name n FROM Account", "MALFORMED_QUERY", "field aliasing"),
        ("SELECT Id FROM Acount", "INVALID_TYPE", "sObject type 'Acount' is not supported"),
        ("SELECT Nmae FROM Account", "INVALID_FIELD", "No such column 'Nmae' on entity 'Account'"),
        ("SELECT Ownr.Name FROM Account", "INVALID_FIELD", "Didn't understand relationship 'Ownr'"),
        ("SELECT Id FROM Account WHERE Name = 1", "INVALID_FIELD", "must be of type string"),
        ("SELECT Id FROM Account WHERE NumberOfEmployees = '1'", "INVALID_FIELD", "must be of type int"),
        ("SELECT Id FROM Account WHERE CreatedDate > '2026-01-01'", "INVALID_FIELD", "must be of type dateTime"),
        ("SELECT Id FROM Account WHERE CreatedDate > 2026-01-01", "INVALID_FIELD", "must be of type dateTime"),
        ("SELECT Id FROM Account WHERE Description LIKE 'x%'", "INVALID_FIELD", "can not be filtered"),
        ("SELECT Id FROM Account ORDER BY Description", "INVALID_FIELD", "can not be sorted"),
        ("SELECT Id FROM Account WHERE Id = 'abc'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: abc"),
        ("SELECT Id FROM Account WHERE Name INCLUDES ('a')", "INVALID_QUERY_FILTER_OPERATOR", "multipicklist"),
        ("SELECT Id FROM Account OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset"),
    ],
)
def test_refusals_in_the_vendors_words(org: Org, text: str, code: str, words: str) -> None:
    with pytest.raises(ApiError) as caught:
        run(org, text)
    assert caught.value.code == code
    assert words in caught.value.message


def test_an_error_points_at_the_word(org: Org) -> None:
    with pytest.raises(ApiError) as caught:
        run(org, "SELECT Id,\n  Nmae FROM Account")
    _, excerpt, caret, place, _ = caught.value.message.split("\n")
    assert excerpt[caret.index("^") :].startswith("Nmae")
    assert place == "ERROR at Row:2:Column:3"


@pytest.mark.parametrize(
    ("name", "count", "first", "after"),
    [
        ("YESTERDAY", 0, "2026-05-27", "2026-05-28"),
        ("THIS_WEEK", 0, "2026-05-24", "2026-05-31"),
        ("LAST_N_WEEKS", 2, "2026-05-10", "2026-05-24"),
        ("NEXT_MONTH", 0, "2026-06-01", "2026-07-01"),
        ("LAST_N_MONTHS", 6, "2025-11-01", "2026-05-01"),
        ("THIS_QUARTER", 0, "2026-04-01", "2026-07-01"),
        ("LAST_YEAR", 0, "2025-01-01", "2026-01-01"),
        ("LAST_90_DAYS", 0, "2026-02-27", "2026-05-29"),
        ("NEXT_N_DAYS", 3, "2026-05-29", "2026-06-01"),
        ("N_DAYS_AGO", 3, "2026-05-25", "2026-05-26"),
    ],
)
def test_date_literals(name: str, count: int, first: str, after: str) -> None:
    assert tuple(day.isoformat() for day in moments.bounds(DateRange(name, count), NOW)) == (first, after)


def test_the_readers_query_is_served_from_the_index() -> None:
    stamp, x = "2026-05-28T00:00:00.000Z", ROWS[0]["Id"]
    place = connector_query.After(stamp, x)
    where = parse(connector_query.select("Account", ("Name",), place)).where
    assert lowest_key(where) == ("2026-05-28T00:00:00.000+0000", x)
    overlap = parse(connector_query.select("Account", (), connector_query.After(stamp))).where
    assert lowest_key(overlap) == ("2026-05-28T00:00:00.000+0000", "")
    assert lowest_key(parse("SELECT Id FROM Account WHERE Name = 'x' OR SystemModstamp > TODAY").where) is None


@given(st.text(max_size=30))
def test_what_the_connector_quotes_the_sandbox_reads(text: str) -> None:
    soql = f"SELECT Id FROM Account WHERE Name = {connector_query.quote(text)}"
    where = parse(soql).where
    assert unquote(str(where.values[0].value)) == text  # type: ignore[union-attr] # one comparison


@given(st.text(alphabet="ab%_\\", max_size=8))
def test_like_patterns_never_break(text: str) -> None:
    like_pattern(connector_query.quote(text)).match("anything")


# Indexes

_KEYS = st.tuples(st.sampled_from("ab"), st.sampled_from("0123456789"))


@given(st.lists(_KEYS, unique=True), st.lists(st.tuples(st.booleans(), _KEYS)), st.none() | _KEYS)
def test_sorted_keys_agree_with_a_sorted_list(
    first: list[Key], steps: list[tuple[bool, Key]], after: Key | None
) -> None:
    keys, expected = SortedKeys(first, longest=4), set(first)
    for adding, key in steps:
        if adding and key not in expected:
            keys.add(key)
            expected.add(key)
        elif not adding and key in expected:
            keys.remove(key)
            expected.remove(key)
        elif not adding:
            with pytest.raises(KeyError):
                keys.remove(key)
        assert list(keys.after(after)) == sorted(key for key in expected if after is None or key > after)
    assert len(keys) == len(expected)


def test_the_index_by_stamp_shows_a_changed_row_once_and_in_its_new_place() -> None:
    table = Org().tables["Account"]
    for row in ROWS:
        table.put(row)
    order = [row["Id"] for row in table.since(None)]
    table.put(ROWS[2] | {"SystemModstamp": moments.instant(NOW + 1)})
    assert [row["Id"] for row in table.since(None)] == [*(i for i in order if i != ROWS[2]["Id"]), ROWS[2]["Id"]]


@pytest.mark.parametrize("backwards", [False, True])
def test_sorted_keys_can_be_emptied_from_either_end(*, backwards: bool) -> None:
    wanted = [("a", f"{number:02d}") for number in range(12)]
    keys = SortedKeys(wanted, longest=4)
    for key in sorted(wanted, reverse=backwards):
        keys.remove(key)
        wanted.remove(key)
        assert list(keys.after(None)) == wanted
        assert [list(keys.after(known))[:1] for known in wanted] == [[one] for one in wanted[1:]] + [[]] * bool(wanted)
