"""Web addresses -> registrable domain, e-mail addresses -> address and class of its domain."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from publicsuffixlist import PublicSuffixList

# A page on these says nothing about a company's own domain.
HOSTED = frozenset({
    "linkedin.com", "facebook.com", "fb.com", "instagram.com", "twitter.com", "x.com", "youtube.com", "tiktok.com",
    "xing.com", "google.com", "goo.gl", "maps.app.goo.gl", "linktr.ee", "bit.ly", "yelp.com", "crunchbase.com",
    "medium.com", "wikipedia.org", "apple.com", "amazon.com", "etsy.com", "example.com",
})  # fmt: skip

FREE_MAIL = frozenset({
    "gmail.com", "googlemail.com", "aol.com", "icloud.com", "me.com", "mac.com", "protonmail.com", "proton.me",
    "pm.me", "tutanota.com", "tuta.io", "tutanota.de", "hushmail.com", "fastmail.com", "fastmail.fm", "hey.com",
    "zoho.com", "zohomail.com", "mail.com", "email.com", "usa.com", "inbox.com", "rocketmail.com", "ymail.com",
    "msn.com", "passport.com", "comcast.net", "verizon.net", "att.net", "sbcglobal.net", "bellsouth.net", "cox.net",
    "charter.net", "earthlink.net", "juno.com", "optonline.net", "roadrunner.com", "frontier.com", "windstream.net",
    "btinternet.com", "btopenworld.com", "virginmedia.com", "ntlworld.com", "sky.com", "talktalk.net",
    "blueyonder.co.uk", "tiscali.co.uk", "o2.co.uk", "web.de", "freenet.de", "t-online.de", "arcor.de", "online.de",
    "1und1.de", "posteo.de", "mailbox.org", "orange.fr", "wanadoo.fr", "free.fr", "laposte.net", "sfr.fr",
    "neuf.fr", "bbox.fr", "libero.it", "virgilio.it", "alice.it", "tin.it", "tiscali.it", "terra.es",
    "telefonica.net", "sapo.pt", "ziggo.nl", "kpnmail.nl", "planet.nl", "telenet.be", "skynet.be", "bluewin.ch",
    "hispeed.ch", "chello.at", "aon.at", "telia.com", "bredband.net", "online.no", "mail.dk", "elisanet.fi",
    "wp.pl", "o2.pl", "onet.pl", "interia.pl", "op.pl", "seznam.cz", "centrum.cz", "abv.bg", "mail.ru", "bk.ru",
    "list.ru", "inbox.ru", "rambler.ru", "yandex.ru", "yandex.com", "ya.ru", "ukr.net", "i.ua", "qq.com",
    "foxmail.com", "163.com", "126.com", "yeah.net", "sina.com", "sohu.com", "aliyun.com", "naver.com",
    "hanmail.net", "daum.net", "nate.com", "docomo.ne.jp", "ezweb.ne.jp", "rediffmail.com", "indiatimes.com",
    "uol.com.br", "bol.com.br", "terra.com.br", "ig.com.br", "globo.com", "bigpond.com", "bigpond.net.au",
    "optusnet.com.au", "xtra.co.nz", "shaw.ca", "rogers.com", "sympatico.ca", "telus.net", "walla.com",
    "walla.co.il", "duck.com", "lycos.com", "excite.com", "prodigy.net.mx", "mweb.co.za",
})  # fmt: skip
# These give addresses under many countries: yahoo.co.uk, hotmail.fr, gmx.net.
FREE_BRANDS = frozenset({"yahoo", "hotmail", "outlook", "live", "gmx", "aol", "gmail", "yandex", "zoho"})

DISPOSABLE = frozenset({
    "mailinator.com", "guerrillamail.com", "guerrillamail.net", "guerrillamail.org", "sharklasers.com", "grr.la",
    "10minutemail.com", "10minutemail.net", "20minutemail.com", "temp-mail.org", "temp-mail.io", "tempmail.com",
    "tempmail.net", "tempmailo.com", "tempail.com", "tempr.email", "yopmail.com", "yopmail.fr", "yopmail.net",
    "trashmail.com", "trashmail.de", "trashmail.net", "trash-mail.com", "wegwerfmail.de", "wegwerfemail.de",
    "byom.de", "muell.email", "spambog.com", "spam4.me", "spamgourmet.com", "mailnesia.com", "mailcatch.com",
    "maildrop.cc", "mailnull.com", "mintemail.com", "mohmal.com", "moakt.com", "getnada.com", "nada.email",
    "dispostable.com", "discard.email", "discardmail.com", "discardmail.de", "fakeinbox.com", "fakemail.net",
    "fake-mail.net", "throwawaymail.com", "throwaway.email", "emailondeck.com", "getairmail.com", "33mail.com",
    "anonbox.net", "anonymbox.com", "burnermail.io", "inboxkitten.com", "mytemp.email", "luxusmail.org",
    "jetable.org", "spamex.com", "tmail.ws", "tmpmail.org", "tmpmail.net", "1secmail.com", "1secmail.net",
    "1secmail.org", "emltmp.com", "dropmail.me", "harakirimail.com", "incognitomail.org", "instant-mail.de",
    "mailtemp.net", "minuteinbox.com", "einrot.com", "cuvox.de", "dayrep.com", "fleckens.hu", "gustr.com",
    "jourrapide.com", "rhyta.com", "superrito.com", "teleworm.us", "armyspy.com",
})  # fmt: skip

_EDUCATION = re.compile(
    r"(?:\.edu|\.edu\.[a-z]{2}|\.ac\.[a-z]{2}|\.k12\.[a-z]{2}\.us|\.sch\.uk)$"
    r"|(?:^|\.)(?:uni|univ|hs|tu|fh|th)-|(?:^|\.)(?:student|students|stud|alumni)[-.]"
    r"|universit(?:y|ies|aet|at|e|a|eit|et)\b|hochschule|(?:^|\.)(?:tum|kit|rwth-aachen|ethz|epfl)\.(?:de|ch)$"
)
_SCHEME = re.compile(r"^(?:mailto:|[a-z][a-z0-9+.-]*://+)", re.IGNORECASE)
_SLIPPED_SCHEME = re.compile(r"^(?:https?|htp|htttp|hhtp|ttp)s?[:;,.]?/+", re.IGNORECASE)
_HOST = re.compile(r"^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$")
_ADDRESS = re.compile(r"[^\s<>@,;:\"()\[\]]+@[^\s<>@,;:\"'()\[\]]+")
_LOCAL = re.compile(r"^[a-z0-9!#$%&'*+/=?^_`{|}~.-]+$")
_NO_ADDRESS = re.compile(r"^(?:no-?e?-?mail|none|noreply|no-reply|unknown|na|n/a|null|test|xx+|asdf+|fake|nobody)@")


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    """The list inside the package; read once, on first use, never from the network."""
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(accept_unknown=True)


@lru_cache(maxsize=16_384)
def domain(text: str) -> str | None:
    """Registrable domain (`https://shop.acme.co.uk/x` is `acme.co.uk`), in ASCII (`xn--`).

    None for what is no web address, an IP address, a public suffix or a page on a shared host.
    """
    host = host_of(text)
    registrable = registrable_domain(host) if host else None
    return None if registrable in HOSTED else registrable


@lru_cache(maxsize=16_384)
def registrable_domain(host: str) -> str | None:
    """The part of a host name that is bought as one."""
    found: str | None = _suffixes().privatesuffix(host)
    return found


@lru_cache(maxsize=16_384)
def host_of(text: str) -> str | None:
    """The host in a web or e-mail address, lower case and ASCII; None when there is none."""
    rest = _SCHEME.sub("", _SLIPPED_SCHEME.sub("", text.strip().strip("<>\"'").replace("\\", "/"))).lstrip("/.")
    host = re.split(r"[/?#\s,;|]", rest, maxsplit=1)[0].rpartition("@")[2].partition(":")[0].rstrip(".").lower()
    try:
        host = host.encode("idna").decode("ascii") if not host.isascii() else host
    except UnicodeError:
        return None
    # A name's last label is never a number; an address's always is.
    is_name = _HOST.match(host) and not host.rpartition(".")[2].isdigit()
    return host if is_name and len(host) <= 253 else None


@lru_cache(maxsize=16_384)
def email(text: str) -> str | None:
    """The first well-formed address in the text, lower case; None when there is none."""
    for match in _ADDRESS.finditer(text.lower()):
        local, _, host = match[0].strip(".").rpartition("@")
        if _LOCAL.match(local) and host_of(host) and not _NO_ADDRESS.match(match[0]):
            return f"{local.removeprefix('mailto:')}@{host_of(host)}"
    return None


def email_class(text: str, competitors: AbstractSet[str] = frozenset()) -> str | None:
    """Class of an address or domain: competitor, disposable, free, education or corporate.

    `competitors` are registrable domains. None when the text has no domain.
    """
    address = email(text)
    host = address.rpartition("@")[2] if address else host_of(text) if "@" not in text else None
    return _host_class(host, frozenset(competitors)) if host else None


@lru_cache(maxsize=16_384)
def _host_class(host: str, competitors: frozenset[str]) -> str | None:
    registrable = registrable_domain(host)
    if registrable is None:
        return None
    names = {host, registrable}
    if names & competitors:
        return "competitor"
    if names & DISPOSABLE:
        return "disposable"
    if names & FREE_MAIL or registrable.partition(".")[0] in FREE_BRANDS:
        return "free"
    return "education" if _EDUCATION.search(host) else "corporate"
