"""Names of companies and people, derived from ids: the same id gives the same name on any machine.

Invented from word lists; a resemblance to an existing company or person is an accident. To change a
list is to rename every world.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES = _words(
    """
    Aaron Abigail Adrian Aisha Alan Albert Alice Alison Amara Amelia Amir Amy Andrea Andrew Angela Anita Anna
    Anthony Arjun Arthur Ashley Barbara Beatrice Benjamin Bethany Brandon Brian Bridget Caleb Cameron Carla Carlos
    Caroline Catherine Charles Charlotte Chen Chloe Christian Claire Colin Connor Craig Daniel Danielle David
    Deborah Denise Diana Diego Dominic Donna Dylan Edward Eleanor Elena Elijah Elizabeth Emily Emma Eric Esther
    Ethan Eva Evelyn Fatima Felix Fiona Florence Francis Frank Gareth Gary Gemma George Grace Graham Greta Hannah
    Harold Harriet Hassan Heather Helen Henry Holly Howard Hugo Ian Imogen Imran Ines Irene Isaac Isabel Ivan Jack
    Jacob James Jamie Jane Janet Jason Jasmine Jennifer Jeremy Jessica Joan Joel John Jonathan Jordan Joseph Joshua
    Joyce Julia Julian Karen Katherine Keith Kelly Kenneth Kevin Kieran Kim Laura Lauren Leah Leo Leon Liam Lila
    Linda Lisa Louis Louise Lucas Lucy Luis Lydia Marcus Margaret Maria Mark Martin Mary Matthew Maya Megan Mei
    Melissa Michael Michelle Miriam Mohammed Monica Nadia Naomi Natalie Nathan Neil Nicholas Nicole Nina Noah Nora
    Oliver Olivia Omar Oscar Owen Pamela Patricia Patrick Paul Peter Philip Priya Rachel Rahul Ralph Raymond Rebecca
    Richard Robert Robin Rosa Rose Ruth Ryan Samantha Samuel Sandra Sara Sean Sebastian Sharon Simon Sofia Sophie
    Stella Stephen Stuart Susan Sylvia Tara Teresa Thomas Tim Tina Toby Tracy Valerie Vanessa Victor Victoria
    Vincent Walter Wendy William Yasmin Yusuf Zachary Zoe
    """
)

LAST_NAMES = _words(
    """
    Abbott Adams Ahmed Alexander Allen Anderson Andrews Archer Armstrong Atkinson Bailey Baker Baldwin Banks Barker
    Barnes Barrett Bates Baxter Becker Bell Bennett Berry Bishop Black Blake Booth Bowen Boyd Bradley Brooks Brown
    Bryant Burke Burns Burton Butler Byrne Cameron Campbell Carpenter Carr Carroll Carter Castillo Chambers Chandra
    Chapman Chavez Chen Clark Clarke Cole Coleman Collins Cook Cooper Cox Craig Crawford Cruz Cunningham Curtis
    Davies Davis Dawson Day Dean Diaz Dixon Douglas Doyle Duncan Dunn Edwards Elliott Ellis Evans Farrell Ferguson
    Fernandez Fisher Fleming Fletcher Flores Ford Foster Fox Francis Fraser Freeman Fuller Garcia Gardner George
    Gibson Gilbert Gomez Gonzalez Goodwin Gordon Graham Grant Gray Green Greene Griffin Griffiths Gupta Hall
    Hamilton Hansen Harper Harris Harrison Hart Harvey Hayes Henderson Henry Hernandez Hicks Hill Hoffman Holland
    Holmes Hopkins Howard Hudson Hughes Hunt Hunter Hussain Irving Jackson Jacobs James Jenkins Jensen Jimenez
    Johnson Johnston Jones Jordan Joseph Kaur Kaye Kelly Kennedy Khan King Knight Kumar Lambert Lane Larsen Lawrence
    Lawson Lee Lewis Li Lloyd Long Lopez Lynch MacDonald Marsh Marshall Martin Martinez Mason Matthews May McCarthy
    McDonald McKenzie Mehta Mendoza Meyer Miller Mills Mitchell Moore Morales Moreno Morgan Morris Morrison Murphy
    Murray Myers Nash Nelson Newman Newton Nguyen Nicholls Norris Novak OBrien OConnor Oliver Olsen Ortiz Osborne
    Owens Page Palmer Parker Parsons Patel Patterson Payne Pearce Perez Perkins Perry Peters Peterson Phillips
    Pierce Porter Powell Price Quinn Ramirez Ramos Reed Rees Reid Reyes Reynolds Rice Richards Richardson Riley
    Rivera Roberts Robertson Robinson Rodriguez Rogers Rose Ross Rossi Rowe Russell Ryan Sanchez Sanders Saunders
    Schmidt Schneider Scott Shah Sharma Shaw Simmons Simpson Singh Smith Spencer Stephens Stevens Stewart Stone
    Sullivan Sutton Suzuki Tanaka Taylor Thomas Thompson Torres Tucker Turner Vargas Vaughan Wagner Walker Wallace
    Walsh Wang Ward Warren Watkins Watson Watts Weaver Webb Weber Wells West Wheeler White Wilkinson Williams
    Williamson Willis Wilson Wong Wood Woods Wright Wu Yang Yates Young Zhang
    """
)

# First words of company names: places, plain surnames and coined words.
_ROOTS = _words(
    """
    Acorn Alderbrook Altamont Amberley Anchor Apex Arcadia Arden Argent Ashdown Ashford Aspen Aster Atlas Avon Axiom
    Balmoral Banbury Barrow Bayfield Beacon Bellamy Benchmark Birchwood Blackwell Bluestone Bracken Bramble Brandt
    Bridgeport Brightwater Brixton Broadmoor Brookfield Calder Caldwell Cambria Canterbury Capstone Cardinal
    Carlisle Castlegate Cedar Chesterfield Clearwater Cobalt Colby Copperfield Cornerstone Coventry Cranford
    Crestview Crossley Cumberland Dalton Danforth Dartmoor Delmar Denholm Dorset Drayton Dunmore Eastgate Edgewater
    Eldridge Elmhurst Emerson Endeavour Everett Fairfax Falcon Farnham Fenwick Fieldstone Finch Fleetwood Foxglove
    Galloway Garrison Glenmore Granite Greenfield Greystone Halcyon Hallmark Hanover Harbour Hartwell Hawthorn
    Heathrow Helix Heron Highland Hollis Horizon Hudson Huntley Ironbridge Ivory Jasper Juniper Keystone Kingfisher
    Kingsley Kirkwood Lakeland Lancaster Langley Lantern Larkspur Laurel Lexington Lighthouse Linden Lockwood
    Lombard Longford Lynwood Madison Magnolia Mallard Maple Marlowe Meadowbank Mercer Meridian Merritt Midland
    Milford Monarch Montrose Moorgate Napier Newbury Northfield Northgate Norwood Oakmont Oakridge Olympia Orchard
    Orion Osprey Overton Oxbow Paramount Parkside Pembroke Pendleton Pennine Pinnacle Pioneer Plymouth Portland
    Prescott Preston Quarry Queensway Radcliffe Ravenna Redwood Regent Ridgeway Riverside Rockford Rosewood Rowan
    Royston Rutland Sable Salisbury Sandstone Saxon Sentinel Severn Shelby Sheridan Silverline Southgate Spruce
    Stafford Stanton Sterling Stockton Stonebridge Summit Sussex Tamarack Tandem Telford Thames Thornton Tideway
    Tidewater Trent Trident Truro Tudor Union Vale Vanguard Vantage Vector Victoria Wakefield Walden Warwick
    Waterford Wellington Westbrook Westfield Westmount Whitfield Whitmore Willow Winchester Windermere Windsor
    Woodland Wycombe York Zenith
    """
)

_TRADES: dict[str, Sequence[str]] = {
    "healthcare": (
        "Health Services",
        "Care Group",
        "Medical Supply",
        "Health Systems",
        "Clinics Support",
        "Healthcare",
    ),
    "logistics": ("Logistics", "Freight", "Haulage", "Distribution", "Supply Chain", "Transport", "Warehousing"),
    "manufacturing": ("Manufacturing", "Industries", "Engineering", "Components", "Metalworks", "Plastics", "Tooling"),
    "professional": ("Partners", "Advisory", "Consulting", "Associates", "Legal Services", "Accountants"),
    "financial": ("Capital", "Finance", "Wealth", "Lending", "Payments"),
    "insurance": ("Insurance", "Underwriting", "Assurance"),
    "software": ("Software", "Labs", "Systems", "Cloud", "Analytics"),
    "retail": ("Stores", "Retail", "Home", "Outfitters", "Foods"),
    "education": ("College", "Learning", "Academy", "University"),
    "government": ("Council", "County Services", "Public Works"),
    "hospitality": ("Hotels", "Restaurants", "Resorts", "Catering"),
    "construction": ("Builders", "Construction", "Contractors", "Civil"),
    "energy": ("Energy", "Power", "Renewables"),
    "": ("Group", "Holdings", "Enterprises", "Company", "International"),
}

_TLDS = {"United Kingdom": ".co.uk", "Germany": ".de", "France": ".fr", "Canada": ".ca", "Australia": ".com.au",
         "Netherlands": ".nl", "India": ".in", "Ireland": ".ie", "Brazil": ".com.br", "Japan": ".co.jp"}  # fmt: skip

FREE_MAIL = ("gmail.com", "outlook.com", "yahoo.com", "icloud.com", "hotmail.com")

# Tools that a company may have in use; every technology in a world is one of these.
TECHNOLOGIES = (
    "Dynamics 365", "Pipedrive", "Zoho CRM", "Pardot", "Mailchimp", "ActiveCampaign", "NetSuite", "SAP", "Sage",
    "QuickBooks", "Xero", "Coupa", "Ariba", "Power BI", "Tableau", "Snowflake", "Segment", "Zapier", "Zendesk",
    "Intercom", "Jira", "Workday", "Gong",
)  # fmt: skip


def number(*key: str) -> int:
    """A whole number of 64 bits that depends on the key alone; evenly spread."""
    return int.from_bytes(blake2b("\x1f".join(key).encode(), digest_size=8).digest())


def pick(options: Sequence[T], *key: str) -> T:
    """One of the options, by the key alone."""
    return options[number(*key) % len(options)]


def person(record_id: str) -> tuple[str, str]:
    """First and last name of the person with this id. Two ids may share a name, as in life."""
    return pick(FIRST_NAMES, "first", record_id), pick(LAST_NAMES, "last", record_id)


def slug(name: str) -> str:
    """The letters and digits of a name in lower case."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def company_words(number: int, industry: str) -> str:
    """Two or three words that could name a company of this industry. Many numbers give the same words."""
    trades = _trades(industry)
    rest, root = divmod(number, len(_ROOTS))
    return f"{_ROOTS[root]} {trades[rest % len(trades)]}"


def _trades(industry: str) -> Sequence[str]:
    return next((words for key, words in _TRADES.items() if key and key in industry.lower()), _TRADES[""])


class Namer:
    """Gives names that must be unique within one world: company names, domains, e-mail addresses."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._domains: set[str] = set()
        self._emails: set[str] = set()

    def company(self, record_id: str, industry: str, country: str) -> tuple[str, str]:
        """Name and domain of a company. `country` is the plain English name."""
        trades = _trades(industry)
        tld = _TLDS.get(country, ".com")
        attempt = 0
        while True:
            name = _company_name(record_id, trades, attempt)
            domain = slug(name) + tld
            if name not in self._names and domain not in self._domains:
                self._names.add(name)
                self._domains.add(domain)
                return name, domain
            attempt += 1

    def domain(self, name: str, country: str = "") -> str:
        """The domain of a company whose name was given by somebody else."""
        stem, tld = slug(name) or "company", _TLDS.get(country, ".com")
        domain, attempt = stem + tld, 1
        while domain in self._domains:
            attempt += 1
            domain = f"{stem}{attempt}{tld}"
        self._domains.add(domain)
        return domain

    def email(self, first: str, last: str, domain: str) -> str:
        """An address that nobody in this world has yet: first.last@domain, numbered when taken."""
        stem = f"{slug(first)}.{slug(last)}"
        address, attempt = f"{stem}@{domain}", 1
        while address in self._emails:
            attempt += 1
            address = f"{stem}{attempt}@{domain}"
        self._emails.add(address)
        return address


def _company_name(record_id: str, trades: Sequence[str], attempt: int) -> str:
    salt = str(attempt)
    root, trade = pick(_ROOTS, "root", salt, record_id), pick(trades, "trade", salt, record_id)
    if attempt < 2:
        return f"{root} {trade}"
    if attempt < 8:
        return f"{root} & {pick(LAST_NAMES, 'partner', salt, record_id)} {trade}"
    return f"{root} {trade} {number('suffix', salt, record_id) % 100_000}"
