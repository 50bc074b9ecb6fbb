"""Big worlds that cost nothing to keep: 1,200,000 records are made when somebody reads them.

Every record is computed from the seed and its number alone, so the tables of a crowd hold no records.
Reading one through takes a few seconds per million and no memory; a sandbox keeps its own copy.
Titles, industries, sizes, countries and sources are spread as in a mid-market CRM, spellings included.
There are no leads and no deals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from random import Random
from typing import TypeVar, cast, overload

from leadline.sdk.errors import ConfigError
from leadline.sdk.sandbox import groups, spellings
from leadline.sdk.sandbox.names import FIRST_NAMES, FREE_MAIL, LAST_NAMES, TECHNOLOGIES, company_words, slug
from leadline.sdk.sandbox.world import Activity, Company, Contact, Rep, World

T = TypeVar("T")

_DAY = 86_400
_YEARS = 3 * 365 * _DAY
_MASK = (1 << 64) - 1
_TURN = 0x9E3779B97F4A7C15  # the step of splitmix64: 2^64 divided by the golden ratio, odd
_FAR = 0xD1B54A32D192ED03  # another odd number, so that the rows' sequences lie far apart
_ENOUGH = 1 << 34
_REPS = 40
# Every so many-th contact came in one import, all stamped with the same second.
_IMPORTED = 50

# What, and how many in a thousand.
_INDUSTRIES = {
    "manufacturing": 170, "professional_services": 150, "software": 120, "healthcare_non_clinical": 110,
    "logistics": 100, "financial_services": 80, "retail": 70, "construction": 50, "education": 40,
    "insurance": 30, "government": 20, "hospitality": 20, "energy": 20, "media": 20,
}  # fmt: skip
_COUNTRIES = {
    "United States": 560, "United Kingdom": 170, "Germany": 60, "Canada": 50, "France": 40, "Netherlands": 30,
    "Australia": 30, "India": 30, "Ireland": 15, "Brazil": 10, "Singapore": 5,
}  # fmt: skip
_STAFF = {3: 160, 8: 150, 25: 180, 70: 150, 140: 100, 340: 90, 720: 70, 1_500: 50, 3_200: 30, 8_000: 15, 60_000: 5}
_TITLES = {
    groups.TEAM: 380, groups.OTHERS: 300, groups.DECIDERS: 180, groups.OWNERS: 90, groups.LEARNERS: 50,
}  # fmt: skip
_SOURCES = {"Web": 300, "Event": 200, "Partner Referral": 120, "Purchased List": 280, "Other": 100}
_LIFECYCLES = {"prospect": 860, "customer": 110, "partner": 20, "competitor": 10}
_KINDS = {"website": 500, "pricing_page": 120, "content_download": 140, "webinar": 60, "email": 180}


def crowd(accounts: int, contacts: int, *, seed: int, now: int, activities_per_contact: int = 0) -> World:
    """A world with exactly so many records, made anew each time that its tables are read.

    The same arguments give the same world, in any process. Its tables can be read as lists can, and
    not be changed. Four contacts of a hundred have no account, five no e-mail, two share the second
    in which they were imported. ConfigError for numbers that make no world.
    """
    if min(accounts, contacts, seed, activities_per_contact) < 0 or accounts + contacts < 1:
        raise ConfigError("A world needs at least one record.", fix="Ask for 1 account or more.", place="accounts")
    maker = _Maker(accounts, contacts, seed, now, activities_per_contact)
    return World(
        now=now,
        companies=_table(accounts, maker.company),
        contacts=_table(contacts, maker.contact),
        activities=_table(contacts * activities_per_contact, maker.activity),
        reps=_table(_REPS, maker.rep),
    )


class Made(Sequence[T]):
    """A table of `length` rows that are made when they are asked for."""

    def __init__(self, length: int, make: Callable[[int], T]) -> None:
        self._length = length
        self._make = make

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        return map(self._make, range(self._length))

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self._make(number) for number in range(*index.indices(self._length))]
        return self._make(range(self._length)[index])


def _table(length: int, make: Callable[[int], T]) -> list[T]:
    # A world's tables are lists because its builders append to them. Readers do not tell the difference.
    return cast("list[T]", Made(length, make))


class _Draw:
    """Choices that depend on seed, table and row alone (splitmix64)."""

    __slots__ = ("_bits", "_state")

    def __init__(self, key: int, row: int) -> None:
        self._state = (key + row * _FAR) & _MASK
        self._bits = 0

    def below(self, end: int) -> int:
        """A whole number from 0 to `end` - 1, at most 2^32. Uses up some of 64 bits, then draws more."""
        if self._bits < _ENOUGH:
            self._state = (self._state + _TURN) & _MASK
            bits = ((self._state ^ (self._state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
            bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & _MASK
            self._bits = bits ^ (bits >> 31)
        self._bits, found = divmod(self._bits, end)
        return found

    def of(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]

    def chance(self, thousandths: int) -> bool:
        return self.below(1_000) < thousandths


def _spread(weights: Mapping[T, int]) -> tuple[T, ...]:
    """A thousand places, to draw one evenly."""
    return tuple(value for value, places in weights.items() for _ in range(places))


class _Maker:
    """Makes the rows of one crowd by their numbers."""

    def __init__(self, accounts: int, contacts: int, seed: int, now: int, activities_per_contact: int) -> None:
        self._accounts, self._contacts, self._per = accounts, contacts, activities_per_contact
        self._now = now
        rng = Random(f"leadline crowd {seed}")  # noqa: S311 - repeatable by design, nothing secret
        self._keys = {table: rng.getrandbits(64) for table in ("company", "contact", "activity", "rep")}
        self._industries, self._countries = _spread(_INDUSTRIES), _spread(_COUNTRIES)
        self._staff, self._titles, self._sources = _spread(_STAFF), _spread(_TITLES), _spread(_SOURCES)
        self._lifecycles, self._kinds = _spread(_LIFECYCLES), _spread(_KINDS)
        # How people spell it: as it is, three times of four.
        self._spelt_industries = {
            word: (*[word] * 12, *(spellings.industry(word, rng) for _ in range(3)), "Select") for word in _INDUSTRIES
        }
        self._spelt_countries = {
            word: (*[word] * 12, *(spellings.country(word, rng) for _ in range(4))) for word in _COUNTRIES
        }
        self._spelt_titles = {
            title: (*[title] * 12, *(spellings.title(title, rng) for _ in range(4)))
            for titles in _TITLES
            for title in titles
        }
        self._spelt_staff = {size: tuple(spellings.employees(size, rng) for _ in range(8)) for size in _STAFF}

    def rep(self, row: int) -> Rep:
        draw = _Draw(self._keys["rep"], row)
        first, last = draw.of(FIRST_NAMES), draw.of(LAST_NAMES)
        address = f"{_slug(first)}.{_slug(last)}{row + 1}@leadline.example"
        return Rep(_rep_id(row), first, last, address, active=row % 20 != 19)

    def company(self, row: int) -> Company:
        draw = _Draw(self._keys["company"], row)
        industry, name, domain = self._named(draw, row)
        country, staff = draw.of(self._countries), draw.of(self._staff)
        size = draw.below(staff) + staff // 2 + 1
        plain = draw.chance(700)
        return Company(
            id=f"acct_{row + 1:07d}",
            name=name,
            website=None if draw.chance(80) else f"https://www.{domain}",
            industry=None if draw.chance(60) else draw.of(self._spelt_industries[industry]),
            employees=None if draw.chance(100) else str(size) if plain else draw.of(self._spelt_staff[staff]),
            revenue=None if draw.chance(300) else str(size * (80 + draw.below(220)) * 1_000),
            country=draw.of(self._spelt_countries[country]),
            technologies=tuple(sorted({draw.of(TECHNOLOGIES) for _ in range(draw.below(4))})),
            maturity=draw.of(("low", "medium", "high")),
            lifecycle=draw.of(self._lifecycles),
            tier=draw.of(("Tier 1", "Tier 2")) if draw.chance(60) else None,
            owner=_rep_id(draw.below(_REPS)),
            created_at=self._now - _YEARS + draw.below(_YEARS - 30 * _DAY),
        )

    def _named(self, draw: _Draw, row: int) -> tuple[str, str, str]:
        """Industry, name and domain of a company, its first draws. The words repeat, the number does not."""
        industry = draw.of(self._industries)
        words = company_words(draw.below(1 << 30), industry)
        return industry, f"{words} {row + 1}", f"{_slug(words)}{row + 1}.example"

    def contact(self, row: int) -> Contact:
        draw = _Draw(self._keys["contact"], row)
        first, last = draw.of(FIRST_NAMES), draw.of(LAST_NAMES)
        company = None if draw.chance(40) or not self._accounts else self._company_of(draw, row)
        created = self._now - _YEARS + draw.below(_YEARS - 30 * _DAY)
        return Contact(
            id=f"cnt_{row + 1:07d}",
            company_id=None if company is None else f"acct_{company + 1:07d}",
            first_name=first,
            last_name=last,
            email=None if draw.chance(50) else self._email(draw, f"{_slug(first)}.{_slug(last)}{row + 1}", company),
            title=None if draw.chance(70) else draw.of(self._spelt_titles[draw.of(draw.of(self._titles))]),
            country=draw.of(self._spelt_countries[draw.of(self._countries)]),
            opted_out=draw.chance(20),
            source=draw.of(self._sources),
            created_at=self._now - 40 * _DAY if row % _IMPORTED == 7 else created,
            owner=_rep_id(draw.below(_REPS)),
        )

    def _company_of(self, draw: _Draw, row: int) -> int:
        """Half of the contacts go round all accounts, the others crowd at the first ones."""
        if row % 2:
            return (row // 2) % self._accounts
        return draw.below(draw.below(self._accounts) + 1)

    def _email(self, draw: _Draw, stem: str, company: int | None) -> str:
        if company is None or draw.chance(80):
            return f"{stem}@{draw.of(FREE_MAIL)}"
        return f"{stem}@{self._named(_Draw(self._keys['company'], company), company)[2]}"

    def activity(self, row: int) -> Activity:
        contact, draw = self.contact(row // self._per), _Draw(self._keys["activity"], row)
        kind = draw.of(self._kinds)
        asset = {"content_download": groups.NAMED_ASSETS, "webinar": groups.WEBINARS}.get(kind)
        web = kind in ("website", "pricing_page")
        return Activity(
            id=f"{'sess' if web else 'touch'}_{row + 1:08d}",
            table="sessions" if web else "touches",
            kind=kind,
            lead_id=None,
            contact_id=contact.id,
            company_id=contact.company_id,
            at=max(contact.created_at, self._now - draw.below(180 * _DAY)),
            direction="outbound" if kind == "email" else "inbound",
            asset=draw.of(asset) if asset else None,
            rep=contact.owner if kind == "email" else None,
            page_views=1 + draw.below(9) if web else None,
            seconds=10 + draw.below(600) if web else None,
        )


@cache  # of a few thousand words that are used a million times
def _slug(words: str) -> str:
    return slug(words)


def _rep_id(row: int) -> str:
    return f"rep_{row + 1:06d}"
