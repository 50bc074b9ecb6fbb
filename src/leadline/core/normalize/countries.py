"""Country names as people write them -> ISO 3166-1 alpha-2.

The table has every assigned code with its alpha-3 code, its usual English name and other spellings:
official short forms, local names, former names and parts that are entered as countries.
"""

from __future__ import annotations

import re
from functools import lru_cache

from leadline.core.normalize.text import fold, nearest

_TABLE = """
AD AND Andorra
AE ARE United Arab Emirates; UAE; U.A.E.; Emirates; Dubai; Abu Dhabi; Sharjah
AF AFG Afghanistan
AG ATG Antigua and Barbuda; Antigua
AI AIA Anguilla
AL ALB Albania; Shqiperia
AM ARM Armenia; Hayastan
AO AGO Angola
AQ ATA Antarctica
AR ARG Argentina; Argentinien; Argentine
AS ASM American Samoa
AT AUT Austria; Österreich; Oesterreich; Autriche; Oostenrijk
AU AUS Australia; Australien; Australie; Aus.; New South Wales; Queensland; Tasmania
AW ABW Aruba
AX ALA Åland Islands; Aland
AZ AZE Azerbaijan
BA BIH Bosnia and Herzegovina; Bosnia; Bosna i Hercegovina; Bosnia-Herzegovina; Bosnien
BB BRB Barbados
BD BGD Bangladesh
BE BEL Belgium; Belgique; België; Belgie; Belgien; Belgica; Flanders; Wallonia
BF BFA Burkina Faso
BG BGR Bulgaria; Bulgarien; Balgariya
BH BHR Bahrain
BI BDI Burundi
BJ BEN Benin
BL BLM Saint Barthélemy; St Barts
BM BMU Bermuda
BN BRN Brunei; Brunei Darussalam
BO BOL Bolivia; Plurinational State of Bolivia
BQ BES Bonaire, Sint Eustatius and Saba; Bonaire; Caribbean Netherlands
BR BRA Brazil; Brasil; Brasilien; Brésil; Brazilia
BS BHS Bahamas
BT BTN Bhutan
BV BVT Bouvet Island
BW BWA Botswana
BY BLR Belarus; Belorussia; White Russia; Weissrussland
BZ BLZ Belize
CA CAN Canada; Kanada; Ontario; Quebec; British Columbia; Alberta; Nova Scotia; Manitoba; Saskatchewan
CC CCK Cocos (Keeling) Islands; Cocos Islands; Keeling Islands
CD COD Democratic Republic of the Congo; DR Congo; DRC; Democratic Republic of Congo; Dem. Rep. Congo; Congo, Dem. Rep.; Congo, The Democratic Republic; Congo-Kinshasa; Congo (Kinshasa); Congo, Democratic Republic; Zaire
CF CAF Central African Republic
CG COG Congo; Congo-Brazzaville; Congo (Brazzaville)
CH CHE Switzerland; Schweiz; Suisse; Svizzera; Swiss Confederation; Swiss; Zwitserland; Suiza
CI CIV Côte d'Ivoire; Ivory Coast; Elfenbeinküste
CK COK Cook Islands
CL CHL Chile
CM CMR Cameroon; Cameroun; Kamerun
CN CHN China; PR China; PRC; P.R.C.; P.R. China; People's Republic of China; Mainland China; Zhongguo; 中国
CO COL Colombia; Kolumbien; Columbia
CR CRI Costa Rica
CU CUB Cuba; Kuba
CV CPV Cabo Verde; Cape Verde
CW CUW Curaçao
CX CXR Christmas Island
CY CYP Cyprus; Zypern; Kypros
CZ CZE Czechia; Czech Republic; Czech Rep; Cesko; Česká republika; Tschechien; Tschechische Republik
DE DEU Germany; Deutschland; Federal Republic of Germany; FRG; BRD; Allemagne; Alemania; Duitsland; Germania; Tyskland; Niemcy; Ger; Bavaria; Bayern
DJ DJI Djibouti
DK DNK Denmark; Danmark; Dänemark; Daenemark; Danemark; Dinamarca
DM DMA Dominica
DO DOM Dominican Republic; Republica Dominicana; Dominican Rep
DZ DZA Algeria; Algerie; Algerien
EC ECU Ecuador
EE EST Estonia; Eesti; Estland
EG EGY Egypt; Ägypten; Aegypten; Misr
EH ESH Western Sahara
ER ERI Eritrea
ES ESP Spain; España; Spanien; Espagne; Spanje; Spagna; Catalonia; Cataluña; Canary Islands
ET ETH Ethiopia
FI FIN Finland; Suomi; Finnland; Finlande
FJ FJI Fiji
FK FLK Falkland Islands; Falklands; Malvinas
FM FSM Micronesia; Federated States of Micronesia
FO FRO Faroe Islands; Faroes; Føroyar
FR FRA France; Frankreich; Francia; Frankrijk; French Republic; Frankrike
GA GAB Gabon
GB GBR United Kingdom; UK; U.K.; Great Britain; GB; G.B.; Britain; England; Scotland; Wales; Northern Ireland; United Kingdom of Great Britain and Northern Ireland; Grossbritannien; Vereinigtes Königreich; Royaume-Uni; Reino Unido; Regno Unito; Verenigd Koninkrijk; UK and Ireland; London
GD GRD Grenada
GE GEO Georgia; Sakartvelo; Georgien
GF GUF French Guiana
GG GGY Guernsey
GH GHA Ghana
GI GIB Gibraltar
GL GRL Greenland; Kalaallit Nunaat; Grönland
GM GMB Gambia
GN GIN Guinea
GP GLP Guadeloupe
GQ GNQ Equatorial Guinea
GR GRC Greece; Hellas; Ellada; Hellenic Republic; Griechenland; Grèce; EL; Grecia
GS SGS South Georgia and the South Sandwich Islands; South Georgia
GT GTM Guatemala
GU GUM Guam
GW GNB Guinea-Bissau
GY GUY Guyana
HK HKG Hong Kong; Hongkong; Hong Kong SAR; Hong Kong S.A.R.; Hong Kong, China
HM HMD Heard Island and McDonald Islands
HN HND Honduras
HR HRV Croatia; Hrvatska; Kroatien; Croatie
HT HTI Haiti
HU HUN Hungary; Magyarország; Magyarorszag; Ungarn; Hongrie
ID IDN Indonesia; Indonesien
IE IRL Ireland; Éire; Eire; Republic of Ireland; Irland; Irlande; Ireland, Republic; Southern Ireland
IL ISR Israel
IM IMN Isle of Man
IN IND India; Bharat; Indien; Inde; Republic of India
IO IOT British Indian Ocean Territory
IQ IRQ Iraq; Irak
IR IRN Iran; Islamic Republic of Iran; Iran, Islamic Republic; Persia
IS ISL Iceland; Ísland; Island
IT ITA Italy; Italia; Italien; Italie; Italië; Włochy
JE JEY Jersey
JM JAM Jamaica
JO JOR Jordan; Jordanien
JP JPN Japan; Nippon; Nihon; Japon; 日本
KE KEN Kenya; Kenia
KG KGZ Kyrgyzstan; Kyrgyz Republic; Kirgistan
KH KHM Cambodia; Kampuchea
KI KIR Kiribati
KM COM Comoros
KN KNA Saint Kitts and Nevis; St Kitts
KP PRK North Korea; Korea, North; DPRK; Democratic People's Republic of Korea; Korea, Democratic People's Republic; Korea, Dem. People's Rep.; Democratic Republic of Korea
KR KOR South Korea; Korea; Republic of Korea; Korea, Republic; Korea, South; Korea (South); S. Korea; Südkorea; ROK; Hanguk; 한국
KW KWT Kuwait
KY CYM Cayman Islands; Caymans
KZ KAZ Kazakhstan; Kasachstan; Qazaqstan
LA LAO Laos; Lao People's Democratic Republic; Lao PDR
LB LBN Lebanon; Liban; Libanon
LC LCA Saint Lucia; St Lucia
LI LIE Liechtenstein; Fürstentum Liechtenstein
LK LKA Sri Lanka; Ceylon
LR LBR Liberia
LS LSO Lesotho
LT LTU Lithuania; Lietuva; Litauen
LU LUX Luxembourg; Luxemburg; Letzebuerg; Luxembourgh
LV LVA Latvia; Latvija; Lettland
LY LBY Libya; Libyan Arab Jamahiriya
MA MAR Morocco; Maroc; Marokko; Marruecos
MC MCO Monaco
MD MDA Moldova; Republic of Moldova; Moldova, Republic
ME MNE Montenegro; Crna Gora
MF MAF Saint Martin; St Martin; Saint Martin (French part)
MG MDG Madagascar
MH MHL Marshall Islands
MK MKD North Macedonia; Macedonia; FYROM; Former Yugoslav Republic of Macedonia; Makedonija
ML MLI Mali
MM MMR Myanmar; Burma
MN MNG Mongolia
MO MAC Macao; Macao SAR; Macau
MP MNP Northern Mariana Islands; Saipan
MQ MTQ Martinique
MR MRT Mauritania
MS MSR Montserrat
MT MLT Malta
MU MUS Mauritius
MV MDV Maldives
MW MWI Malawi
MX MEX Mexico; United Mexican States; México; Mejico; Mexiko; Mexique; Estados Unidos Mexicanos; CDMX
MY MYS Malaysia
MZ MOZ Mozambique; Mocambique
NA NAM Namibia
NC NCL New Caledonia
NE NER Niger
NF NFK Norfolk Island
NG NGA Nigeria
NI NIC Nicaragua
NL NLD Netherlands; The Netherlands; Nederland; Holland; Niederlande; Pays-Bas; Paises Bajos; Paesi Bassi; Netherland; Kingdom of the Netherlands; Nederlands
NO NOR Norway; Norge; Norwegen; Norvège; Noreg; Noorwegen; Noruega
NP NPL Nepal
NR NRU Nauru
NU NIU Niue
NZ NZL New Zealand; Aotearoa; Neuseeland; NewZealand; N. Zealand
OM OMN Oman
PA PAN Panama
PE PER Peru; Perú
PF PYF French Polynesia; Tahiti
PG PNG Papua New Guinea
PH PHL Philippines; Pilipinas; Phillipines; Philippinen; Republic of the Philippines
PK PAK Pakistan
PL POL Poland; Polska; Polen; Pologne; Polonia
PM SPM Saint Pierre and Miquelon
PN PCN Pitcairn; Pitcairn Islands
PR PRI Puerto Rico
PS PSE Palestine; State of Palestine; Palestinian Territory; West Bank; Gaza
PT PRT Portugal
PW PLW Palau
PY PRY Paraguay
QA QAT Qatar; Katar
RE REU Réunion; Reunion Island
RO ROU Romania; România; Rumänien; Roumanie; Rumania
RS SRB Serbia; Srbija; Serbien
RU RUS Russia; Russian Federation; Russland; Rossiya; Россия; Russie
RW RWA Rwanda
SA SAU Saudi Arabia; KSA; Kingdom of Saudi Arabia; Saudi; Saudi-Arabien
SB SLB Solomon Islands
SC SYC Seychelles
SD SDN Sudan
SE SWE Sweden; Sverige; Schweden; Suède; Suecia; Zweden; Svezia
SG SGP Singapore; Singapur; Singapour; Republic of Singapore
SH SHN Saint Helena, Ascension and Tristan da Cunha; Saint Helena; St Helena
SI SVN Slovenia; Slovenija; Slowenien
SJ SJM Svalbard and Jan Mayen; Svalbard
SK SVK Slovakia; Slovensko; Slovak Republic; Slowakei
SL SLE Sierra Leone
SM SMR San Marino
SN SEN Senegal
SO SOM Somalia
SR SUR Suriname; Surinam
SS SSD South Sudan
ST STP Sao Tome and Principe
SV SLV El Salvador
SX SXM Sint Maarten; St Maarten; Sint Maarten (Dutch part)
SY SYR Syria; Syrian Arab Republic
SZ SWZ Eswatini; Swaziland
TC TCA Turks and Caicos Islands; Turks and Caicos
TD TCD Chad; Tchad; Tschad
TF ATF French Southern Territories
TG TGO Togo
TH THA Thailand
TJ TJK Tajikistan
TK TKL Tokelau
TL TLS Timor-Leste; East Timor
TM TKM Turkmenistan
TN TUN Tunisia; Tunisie; Tunesien
TO TON Tonga
TR TUR Turkey; Türkiye; Turkiye; Türkei; Turquie; Republic of Türkiye
TT TTO Trinidad and Tobago; Trinidad
TV TUV Tuvalu
TW TWN Taiwan; Taiwan, Province of China; Republic of China; R.O.C.; Taiwan ROC; Chinese Taipei; 台灣
TZ TZA Tanzania; United Republic of Tanzania; Tanzania, United Republic
UA UKR Ukraine; Ukraina; Україна; The Ukraine
UG UGA Uganda
UM UMI United States Minor Outlying Islands
US USA United States; United States of America; U.S.; U.S.A.; US of A; USofA; America; The States; Vereinigte Staaten; Vereinigte Staaten von Amerika; Estados Unidos; EEUU; EE.UU.; EUA; Etats-Unis; États-Unis d'Amérique; Stati Uniti; Verenigde Staten; Amerika; USA - United States; Alabama; Alaska; Arizona; Arkansas; California; Colorado; Connecticut; Florida; Hawaii; Idaho; Illinois; Indiana; Iowa; Kansas; Kentucky; Louisiana; Maryland; Massachusetts; Michigan; Minnesota; Mississippi; Missouri; Montana; Nebraska; Nevada; New Hampshire; New Jersey; New Mexico; New York; NYC; North Carolina; North Dakota; Ohio; Oklahoma; Oregon; Pennsylvania; Rhode Island; South Carolina; South Dakota; Tennessee; Texas; Utah; Vermont; Virginia; West Virginia; Wisconsin; Wyoming; Washington DC; Washington State
UY URY Uruguay
UZ UZB Uzbekistan
VA VAT Vatican City; Holy See; Vatican; Vatican City State
VC VCT Saint Vincent and the Grenadines; St Vincent
VE VEN Venezuela; Bolivarian Republic of Venezuela; Venezuela, Bolivarian Republic
VG VGB British Virgin Islands; Virgin Islands, British; BVI
VI VIR United States Virgin Islands; Virgin Islands of the United States; US Virgin Islands; Virgin Islands, U.S.; USVI
VN VNM Vietnam; Viet Nam; Socialist Republic of Vietnam
VU VUT Vanuatu
WF WLF Wallis and Futuna
WS WSM Samoa; Western Samoa
YE YEM Yemen; Jemen
YT MYT Mayotte
ZA ZAF South Africa; Südafrika; Afrique du Sud; RSA; R.S.A.; Republic of South Africa; Suid-Afrika; Zuid-Afrika
ZM ZMB Zambia
ZW ZWE Zimbabwe
"""  # noqa: E501 - one country per line reads best

# `Republic of Cuba` is `Cuba`; where that would be wrong the table has the full form.
_FILLER = re.compile(
    r"\b(?:kingdom of|state of|the|of|and|republic|peoples?|democratic|federal|federative|federation|islamic|arab|union"
    r"|commonwealth|principality|sultanate|grand duchy|hashemite|socialist|independent|eastern"
    r"|special administrative region)\b"
)
_SHORTEST_TYPO = 5
_EDGES = re.compile(r"[,;/|()\[\]\n]|\s[-–—>]\s")


def _key(name: str) -> str:
    """Folded, except for scripts that folding would empty."""
    return fold(name).removesuffix(" the").removesuffix(" of") or name.strip()


def _bare(key: str) -> str:
    """Without the words of constitutions, except for the two pairs of countries that only those words tell apart."""
    if "dem" in key and ("congo" in key or "korea" in key):
        return key
    return " ".join(_FILLER.sub(" ", key).split())


def _read_table() -> dict[str, str]:
    names: dict[str, str] = {}
    for line in _TABLE.strip().splitlines():
        alpha2, alpha3, rest = line.split(" ", 2)
        for name in (alpha2, alpha3, *rest.split(";")):
            names.setdefault(_key(name), alpha2)
    return names


def _read_bare() -> dict[str, str]:
    bare: dict[str, str] = {}
    for name, code in NAMES.items():
        if len(short := _bare(name)) > 3:
            bare.setdefault(short, NAMES.get(short, code))
    return bare


NAMES = _read_table()
CODES = frozenset(NAMES.values())
_BARE = _read_bare()
_LONG = tuple(name for name in _BARE if len(name) >= _SHORTEST_TYPO)


@lru_cache(maxsize=16_384)
def country(text: str) -> str | None:
    """ISO alpha-2 code; None when the text names no country that we know."""
    return _whole(text) or _part(text) or _slip(text)


def _whole(text: str) -> str | None:
    key = _key(text)
    return NAMES.get(key) or _BARE.get(_bare(key)) or NAMES.get(key.replace(" ", ""))


def _part(text: str) -> str | None:
    """`Berlin, Germany`, `Germany (DE)`, `USA - West`: the part that names a country, the last first."""
    parts = [part for part in _EDGES.split(text) if part.strip()]
    if len(parts) < 2:
        return None
    return next((code for part in reversed(parts) if (code := _whole(part))), None)


def _slip(text: str) -> str | None:
    bare = _bare(_key(text))
    near = nearest(bare, _LONG, cutoff=0.82) if len(bare) >= _SHORTEST_TYPO else None
    return _BARE[near] if near else None
