"""Industry words as people and vendors write them -> one of `entities.INDUSTRIES`.

A phrase is a run of words; a word ending in `*` matches every word that starts so. Of all phrases
found in a text the one with the most words wins, then the longest, then the first in the text.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from typing import NamedTuple

from leadline.core.entities import INDUSTRIES
from leadline.core.normalize.phrases import phrases
from leadline.core.normalize.text import fold

PHRASES: dict[str, str] = {
    "manufacturing": """
        manufactur*, mfg, mfr, industrial*, industrial goods, industrial automation, machinery, machine*, mechanical,
        electronic*, electrical*, semiconductor*, chemical*, plastic*, steel, metal*, textile*, apparel, fashion,
        garment*, furniture, packaging, paper*, glass, ceramic*, aerospace, aviation and aerospace, defense, defence,
        defense and space, shipbuilding, appliance*, consumer goods, cpg, fmcg, food and beverage*, food production,
        food processing, food manufactur*, beverage*, wine and spirits, tobacco, cosmetic*, sporting goods, toy*,
        jewelry, luxury goods*, building materials, printing, 3d printing, robotic*, production, produktion,
        fertigung, industrie, maschinenbau, chemie, elektro*, fabrication, manufactura, manifattura, industria,
        business supplies*, computer hardware, hardware, computer networking, nanotechnology, railroad manufacture,
        arts and crafts
    """,
    "financial_services": """
        financ*, finserv, fin serv*, fin svc*, fintech, bank*, credit union*, investment*, investment banking,
        investment management, capital markets, venture capital*, private equity, wealth*, asset management, hedge
        fund*, lending, mortgage*, payment*, brokerage, securities, financial software, financial technology, treasury
        services, finanz*, finanzen, servicios financieros
    """,
    "healthcare": """
        health*, health care, hospital and health care, hospital*, medic*, medical device*, medical practice*,
        clinic*, physician*, dental, dentist*, nursing, care home*, elder care, senior living, wellness*, mental
        health care, alternative medicine, veterinary, health tech*, healthtech, medtech, patient*, diagnostic*,
        gesundheit*, gesundheitswesen, sante, salud, sanita, medizin*, krankenhaus*
    """,
    "logistics": """
        logisti*, transport*, truck*, freight, shipping, shipment, supply chain, warehous*, courier, delivery, 3pl,
        maritime, package freight*, import and export, airline*, aviation, rail*, fleet*, forwarding, spedition,
        lager*, haulage, port operations, distribution services, logistik, trasporti, transporte
    """,
    "professional_services": """
        professional serv*, prof serv*, prof svc*, consult*, management consulting, legal*, law, law firm*, law
        practice, legal services, accounting, accountan*, audit*, advisory, staffing*, recruit*, human resources,
        outsourc*, outsourcing offshoring, bpo, business services, business service, translation*, market research,
        design services, design, graphic design, architect*, architecture and planning, engineering services,
        engineering, facilities services, security and investigations, environmental services, events services,
        executive office, program development, professional training*, management services, services aux entreprises,
        beratung, unternehmensberatung, kanzlei, consumer services, think tanks, alternative dispute resolution,
        research, information services, testing services, patent*, notar*, steuerberat*, photography, international
        trade*
    """,
    "software": """
        software*, saas, computer software, information technology*, it services, it service*, it consulting,
        information technology and services, it, ict, tech, technology*, high tech, hi tech, internet, cloud*, cyber*,
        cybersecurity, computer and network security, computer games, games, gaming, video games, ai, artificial
        intelligence, machine learning, data analytics, analytics, big data, devops, app development, mobile apps, web
        development, web hosting, hosting, platform, paas, iaas, martech, adtech, crm, erp, informatik, edv,
        computer*, informatique, blockchain, crypto*, digital services, it dienstleist*, software development, it
        infrastructure, msp, edtech
    """,
    "retail": """
        retail*, e commerce, ecommerce, e comm, ecomm, online shop*, supermarket*, grocery, wholesale*, store*, shop*,
        consumer electronics, department store*, trade, handel, einzelhandel, grosshandel, commerce, comercio,
        commercio, dtc, d2c, merchandis*, florist*, convenience, online retail*, distribution
    """,
    "education": """
        educat*, school*, universit*, higher education, primary secondary education, e learning, elearning, college*,
        academ*, training, teach*, education management, bildung*, ausbildung, hochschule*, educacion, formation,
        istruzione, librar*, k12, k 12, student*
    """,
    "government": """
        government*, govt, gov, public sector, public administration, federal*, municipal*, state government, local
        government*, government administration, government relations, military, public policy, public safety, law
        enforcement, judiciary, legislative office, political organization*, international affairs, city council*,
        council, ministry, behorde*, verwaltung, offentlicher dienst, oeffentlicher dienst, oeffentlich*, embassy
    """,
    "energy": """
        energ*, oil, oil and gas, oil and energy, gas, utilit*, renewable*, renewables and environment, solar, wind,
        power, electricity, water utility, mining, mining and metals, nuclear, petroleum, petrochemical*, cleantech,
        clean tech*, energie*, strom*, stadtwerke, hydrogen, waste management, environmental*, utilities electric*
    """,
    "construction": """
        construct*, building, building construction, civil engineering, contractor*, general contractor*,
        infrastructure, home building, hvac, plumbing, bau, baugewerbe, bauwesen, hochbau, tiefbau, construccion,
        batiment, btp, edilizia, roofing, heavy construction
    """,
    "media": """
        media*, media production, entertainment, broadcast*, publish*, newspaper*, online media, film*, motion
        pictures*, music, television, tv, radio, animation, advertis*, marketing, marketing and advertising, digital
        marketing, public relations*, pr agency, communications agency, performing arts, fine art*, arts, writing and
        editing, museum*, news, podcast*, streaming, agency, werbung, medien, verlag*, sports, social media, creative
        agency
    """,
    "telecommunications": """
        telecom*, telco, telekom*, communication*, wireless, mobile network*, isp, internet service provider,
        satellite*, broadband, telefonie, tele communication*, cable operator*
    """,
    "real_estate": """
        real estate, realestate, commercial real estate, propert*, property management, real estate development,
        realty, proptech, immobilien*, immobilier, inmobiliaria, immobiliare, letting*, housing, coworking, reit
    """,
    "hospitality": """
        hospitality, hotel*, restaurant*, leisure*, leisure travel and tourism, travel*, tourism*, food service*,
        catering, gambling and casinos, casino*, recreation*, recreational facilities*, bar, bars, cafe*, gastronom*,
        gastgewerbe, hotellerie, tourismus, accommodation*, resort*, events venue*, food and beverage service*,
        cruise*, fitness, gym*
    """,
    "agriculture": """
        agricultur*, farm*, dairy, ranching, fisher*, forest*, agri*, agro*, agtech, landwirtschaft*, agriculture,
        horticultur*, crop*, livestock, viticultur*
    """,
    "nonprofit": """
        nonprofit*, non profit*, not for profit, nonprofit organization management, charit*, ngo, ngos, foundation*,
        philanthrop*, civic*, individual family services, religious institution*, church*, fund raising, fundraising,
        association*, gemeinnutzig*, gemeinnuetzig*, verein*, stiftung*, social enterprise, humanitarian
    """,
    "automotive": """
        automotive*, automobil*, auto, car, cars, vehicle*, automotive supplier*, car dealer*, auto parts, auto
        industry, car manufactur*, vehicle manufactur*, automotive manufactur*, motor vehicle*, truck manufactur*, ev
        charging, kfz, fahrzeug*, automotriz, autohaus, electric vehicle*
    """,
    "pharmaceuticals": """
        pharma*, biotech*, biotechnology, life science*, lifescience*, biopharma*, drug*, drug manufactur*, pharma
        manufactur*, pharmaceutical manufactur*, clinical research, farma*, genomic*, vaccine*
    """,
    "insurance": """
        insur*, insurance*, insurtech, reinsur*, underwrit*, assurance, versicherung*, seguros, assurances,
        assicuraz*, health insurance, insurance broker*, insurance agenc*
    """,
    "other": """
        other, others, misc, miscellaneous, sonstige*, andere, autre*, otro*, altro, various, diverse
    """,
}

_SLIP_CUTOFF = 0.84
_SHORTEST_SLIP = 5


class _Phrase(NamedTuple):
    industry: str
    words: tuple[str, ...]

    @property
    def weight(self) -> tuple[int, int]:
        return len(self.words), sum(len(word.rstrip("*")) for word in self.words)


def _index() -> dict[str, list[_Phrase]]:
    """Phrases by the first three letters of their first word."""
    index: dict[str, list[_Phrase]] = {}
    for industry, listed in PHRASES.items():
        for phrase in phrases(listed):
            words = tuple(phrase.split())
            index.setdefault(words[0].rstrip("*")[:3], []).append(_Phrase(industry, words))
    return index


_INDEX = _index()
_VOCABULARY = sorted(
    {word.rstrip("*") for listed in PHRASES.values() for word in listed.replace(",", " ").split()}
    | {
        "manufacturing",
        "healthcare",
        "financial",
        "logistics",
        "agriculture",
        "transportation",
        "telecommunications",
        "consulting",
    }
    | {"construction", "education", "pharmaceutical", "advertising", "professional", "recruitment", "technology"}
)


@lru_cache(maxsize=16_384)
def industry(text: str) -> str | None:
    """An industry; None when no word of the text tells one."""
    words = fold(text).split()
    if "_".join(words) in INDUSTRIES:
        return "_".join(words)
    return _best(words) or _best([_mended(word) for word in words])


def _best(words: list[str]) -> str | None:
    found = [(phrase, -at) for at in range(len(words)) for phrase in _starting_at(words, at)]
    specific = [entry for entry in found if entry[0].industry != "other"] or found
    return max(specific, key=lambda entry: (entry[0].weight, entry[1]))[0].industry if specific else None


def _starting_at(words: list[str], at: int) -> list[_Phrase]:
    first = words[at]
    candidates = [phrase for size in (1, 2, 3) for phrase in _INDEX.get(first[:size], ()) if len(first) >= size]
    return list(dict.fromkeys(phrase for phrase in candidates if _matches(phrase.words, words[at:])))


def _matches(pattern: tuple[str, ...], words: list[str]) -> bool:
    if len(pattern) > len(words):
        return False
    return all(
        word.startswith(part[:-1]) if part.endswith("*") else word == part
        for part, word in zip(pattern, words, strict=False)
    )


def _mended(word: str) -> str:
    near = get_close_matches(word, _VOCABULARY, n=1, cutoff=_SLIP_CUTOFF) if len(word) >= _SHORTEST_SLIP else []
    return near[0] if near else word
