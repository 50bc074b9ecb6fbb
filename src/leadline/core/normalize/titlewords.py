"""The words that `titles.py` reads: what tells a level, what tells a department, what tells neither."""

from __future__ import annotations

import re
from typing import NamedTuple

from leadline.core.normalize.phrases import pattern, phrases

# Abbreviated offices, with the department each leads.
OFFICERS = {
    "ceo": "general_management", "cfo": "finance", "coo": "operations", "cto": "it", "cio": "it", "ciso": "it",
    "cso": "it", "cdo": "it", "cmo": "marketing", "cbo": "general_management", "cro": "sales", "cco": "sales",
    "chro": "hr", "cpo": "product", "clo": "legal", "cao": "operations", "cxo": "general_management", "cho": "hr",
    "cgo": "marketing", "cino": "product", "cpto": "product", "pdg": "general_management", "daf": "finance",
    "dsi": "it", "drh": "hr",
}  # fmt: skip

# Looked for before any level, in this order.
OUTSIDE_RANKS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "intern",
        pattern("""
            intern, interns, internship, working student, student assistant, student worker, student employee,
            trainee, trainees, co op student, placement student, apprenti*, volontar*, werkstud*, praktik*, azubi,
            auszubild*, stagiair*, stagista, alternan*, becari*, practicante, pasante, tirocin*, estagiari*,
            praktykant*
        """),
    ),
    (
        "student",
        pattern(
            """
            student, students, studentin, studente, studentessa, studier*, etudiant, etudiante, estudiante,
            undergrad*, pupil, schuler*, doktorand*, phd candidate, doctoral candidate, mba candidate,
            degree candidate, masters candidate, master candidate, bachelor candidate, msc candidate, bsc candidate
            """,
            not_before="""
            success, affair*, service*, recruit*, experience, life, engagement, advis*, relations, enrol*, support,
            loan*, housing, account*, records, counsel*, finance*, union, outreach, development, wellbeing, lending
            """,
        ),
    ),
    (
        "freelancer",
        pattern(
            """
            freelanc*, free lanc*, freiberuf*, self employed, selbstand*, selbststand*, selbststaend*, autonomo,
            zzp, zzper, independent consultant, independent contractor, independent advisor, independent adviser,
            independent professional, independent agent, independent sales rep*, solopreneur, gig worker,
            auto entrepreneur, travailleur independant, libero professionista
            """
        ),
    ),
    ("freelancer", re.compile(r"(?<!general )\bcontractor$")),
)

_CHIEF_OF_A_CRAFT = """
    of staff, engineer, architect, accountant, scientist, nurse, pilot, designer, economist, technician, mechanic,
    cook, inspector, clerk, buyer, editor, steward
"""
_TEAMMATES = "business, channel, hr, talent, people, technology, alliance, strategic, delivery, finance, sales, client"

# The first match in a role counts; of two that start at one place, the earlier in this list.
LEVELS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "individual",
        pattern("""
            product owner, process owner, system owner, service owner, data owner, platform owner,
            application owner, project owner, solution owner, feature owner, asset owner, risk owner, control owner,
            account owner
        """),
    ),
    ("vp", pattern("vp, svp, evp, gvp, rvp, avp, vice president*, vicepresident*, vize prasident*, vizeprasident*")),
    ("director", pattern("chief of staff")),
    ("c_suite", pattern("chief", not_before=_CHIEF_OF_A_CRAFT)),
    ("c_suite", pattern(", ".join(OFFICERS))),
    ("c_suite", re.compile(r"^md$")),
    (
        "c_suite",
        pattern("""
            managing director, director managing, managing partner, founder, founders, cofounder, owner, proprietor,
            entrepreneur,
            founding partner, general partner, senior partner, equity partner, general counsel, secretary general,
            chairman, chairwoman, chairperson, chair of the board, vice chair*, board member, board director,
            vorstand*, geschaftsfuhr*, geschaeftsfuehr*, geschaftsleit*, inhaber*, unternehmer*, grunder*,
            directeur general, directrice generale, gerant, gerante, fondat*, proprietaire, director general,
            directora general, consejero delegado, consejera delegada, fundador*, propietari*,
            amministratore delegato, amministratrice delegata, titolare, algemeen directeur, verkstallande direktor,
            administrerende direktor, prezes
        """),
    ),
    ("c_suite", pattern("president, presidente, prasident, prasidentin", not_after="vice")),
    (
        "director",
        pattern("""
            director, directors, dir, directora, head, heads, general manager, gm, country manager, treasurer, dean,
            chief, leiter, leiterin, leitung, leitend*, bereichsleit*, abteilungsleit*, ressortleit*, direktor*,
            prokurist*, directeur, directrice, direttore, direttrice, diretor, diretora, hoofd, dyrektor*
        """),
    ),
    (
        "manager",
        pattern("""
            teamleit*, team leit*, gruppenleit*, projektleit*, schichtleit*, filialleit*, teamchef
        """),
    ),
    ("director", re.compile(r"\b\w{4,}leit(?:er|erin|ung)\b")),
    (
        "director",
        re.compile(
            r"\bprincipal\b"
            r"(?! (?:\w+ )?(?:engineer|consultant|scientist|architect|analyst|developer|designer|research))"
        ),
    ),
    (
        "manager",
        pattern("""
            manager, managers, mgr, mgrs, mngr, manger, mananger, mgmt, senior management, middle management,
            supervisor*, superintendent, foreman, team lead, team leader, teamlead, leader, controller, controllers,
            comptroller, manageur, managerin, gestionnaire, gerente, jefe, jefa, lider, encargado, encargada,
            coordinador general, responsable, responsables, responsabile, chef de, chef du, chef d, capo,
            capoufficio, kierownik
        """),
    ),
    ("manager", pattern("lead, leads", not_before="gen*, qualif*, manage*, nurtur*, scor*")),
    (
        "c_suite",
        re.compile("".join(rf"(?<!{word} )" for word in phrases(_TEAMMATES)) + r"\bpartner\b(?= at\b| in\b| of\b|$)"),
    ),
)  # fmt: skip

# An aide is not what they aid: from here on a title is about somebody else.
AIDED = re.compile(
    r"\b(?:assistants?|asst|assist[ae]n[tz]\w*|asistente|adjoint\w*|secretar\w+|sekretar\w*|aide|pa|ea|advis[eo]rs?"
    r"|analyst|associate|liaison|coordinator|support|reports?|reporting|referent\w*)"
    r" (?:to|of|for|der|des|dem|de|du|del|della|an|zur|zum|van)\b.*"
)
OFFICE_OF = re.compile(
    r"\boffice of(?: the)? \w+(?: \w+ officer)?\b|\b(?:ceo|cfo|coo|cto|cio|cmo|president|chairman)s? office\b"
)
ASSISTANT = pattern(
    """
    executive assistant, personal assistant, administrative assistant, management assistant, admin assistant,
    office assistant, team assistant, board assistant, ceo assistant, cfo assistant, presidents assistant,
    president assistant, director assistant, directors assistant, executive secretary, assistant, asst, assistenz,
    assistentin, assistente, asistente, assistante, vorstandsassisten*, geschaftsfuhrungsassisten*, sekretar*,
    secretaire, secretary
    """,
    not_before="vice, vp, director*, manager*, mgr, head, controller, general, principal, treasurer",
)
FORMER = pattern(
    "former, formerly, ex, retired, emeritus, past, ehemalig*, pensioniert*, unemployed, seeking, looking for"
)

# Words that name work without telling a level.
OCCUPATIONS = pattern("""
    engineer, engineers, ingenieur*, ingeniero, ingeniera, analyst*, specialist*, spezialist*, consultant,
    consultants, accountant, accountants, buyer, buyers, developer, developers, entwickler*, programm*,
    administrator, administrators, admin, associate, associates, represent*, rep, reps, officer, officers, clerk,
    clerks, coordinator, coordinators, koordinator*, executive, executives, exec, advisor, adviser, advisors, agent,
    agents, technician, technicians, techniker*, designer, designers, architect, architects, scientist, scientists,
    planner, planners, strategist, recruiter, recruiters, bookkeeper, book keeper, auditor, auditors, nurse, nurses,
    teacher, teachers, lehrer*, professor, professors, lecturer, lawyer, lawyers, attorney, attorneys, counsel,
    paralegal, sachbearbeit*, referent*, berater*, comptable, acheteu*, charge, chargee, employee, employees,
    mitarbeit*, editor, writer, copywriter, researcher, tester, operator, operators, worker, workers, driver,
    drivers, partner, partners, sdr, bdr, ae, am, csm, expert*, member, generalist*, scrum master, physician,
    doctor, dr, evangelist, producer, merchandiser, estimator, inspector, electrician, trainer, coach, instructor,
    librarian, economist, junior, jr, senior, staff, kaufmann, kauffrau
""")
OCCUPATION_ENDINGS = re.compile(r"\b\w{3,}(?:ist|ists|ian|eer|eers)\b")

OFTEN_MISSPELT = (
    "president", "director", "manager", "officer", "executive", "assistant", "founder", "financial", "finance",
    "marketing", "procurement", "purchasing", "operations", "engineer", "engineering", "accounting", "accountant",
    "specialist", "consultant", "coordinator", "freelance", "student", "supervisor", "technology", "controller",
    # Right as they are, but near to one of the above.
    "office", "managing", "marketer", "operation", "managers", "directors", "engineers", "executives", "financing",
)  # fmt: skip


class Department(NamedTuple):
    """Words of one function. `weak` ones give way to any other: "Finance Operations Manager" is finance."""

    function: str
    words: re.Pattern[str]
    weak: bool


def _department(function: str, listed: str, *, weak: bool = False) -> Department:
    return Department(function, pattern(listed), weak)


DEPARTMENTS: tuple[Department, ...] = (
    _department("revops", """
        revops, rev ops, revenue op*, salesops, sales ops, sales operation*, sales enablement, marketing ops, mops,
        marketing operation*, gtm op*, go to market op*, commercial operation*, growth ops, growth operations, crm,
        deal desk
    """),
    _department("sales", """
        sales*, sales engineer, sales engineers, account executive*, account manager*, account director*,
        key account*, business development, biz dev, bd, sdr, bdr, ae, commercial, customer success, partnership*,
        partner manager*, channel, channel partner*, alliances, revenue, chief customer, pre sales, presales,
        closer, vertrieb*, verkauf*, vente, ventes, commerciale, ventas, vendite, vendas, comercial, sprzedaz*
    """),
    _department("marketing", """
        marketing*, product marketing, marketeer, brand*, communication*, comms, content, growth, demand,
        demand gen*, seo, sem, pr, public relations, social media, digital, event, events, copywriter, advertising,
        media, mercadeo, mercadotecnia, kommunikation*
    """),
    _department("finance", """
        financ*, finanz*, fin, accounts, accounting, accountant*, accounts payable, accounts receivable, ap, ar,
        a p, a r, treasur*, controll*, comptroller, bookkeep*, book keep*, audit*, tax, invoic*, billing, fp and a,
        fpa, fp a, credit, actuar*, risk, investor relations, buchhalt*, rechnungswesen, comptab*, contab*,
        contador*, amministrazione
    """),
    _department("procurement", """
        procure*, purchas*, sourcing, buyer*, vendor management, supplier*, category manag*, einkauf*, einkaeuf*,
        beschaffung*, achat, achats, acheteu*, compras, comprador*, acquisti, inkoop*, inkop*, zakup*,
        aprovisionamiento
    """),
    _department("it", """
        it, ict, information, information technology, information system*, information security, technology,
        technologies, tech,
        security, infosec, cyber*, sysadmin*, sys admin*, system admin*, systems admin*, network*, infrastructure,
        helpdesk, help desk, data, cloud, database, digital transformation, erp, software architect, informatik*,
        informatique, informatica, sistemas, systemes d information, edv
    """),
    _department("hr", """
        hr, human resource*, human capital, people, talent, recruit*, headhunter, personnel,
        learning and development, l and d, compensation, payroll, employee experience, workforce, personalabteilung,
        personalleit*, personalref*, personalwesen, personalmanag*, ressources humaines, rh, recursos humanos, rrhh,
        risorse umane, kadry
    """),
    _department("engineering", """
        engineer*, developer*, software, programmer*, programming, r and d, rnd, research*, devops, dev ops, sre,
        qa, technical, architect*, hardware, firmware, full stack, fullstack, back end, backend, front end,
        frontend, scientist, mechanic*, electrical, entwickl*, ingenieur*, ingenier*, ingegner*, technik*,
        forschung*
    """),
    _department("product", """
        product, products, product owner, ux, ui, user experience, designer*, innovation, produkt*, producto,
        produit, prodotto
    """),
    _department("legal", """
        legal, counsel, general counsel, attorney, lawyer, solicitor, paralegal, advocate, compliance, contract,
        contracts, privacy, data protection, recht*, jurist*, justiziar*, juridique, juridico, avvocato, abogado,
        abogada, avocat
    """),
    _department("operations", """
        office manager*, manager office, operation, operations, operational, ops, supply chain, logisti*,
        manufactur*, production, plant, plants,
        warehous*, quality, facility, facilities, maintenance, process*, lean, fleet, transport*, site, back office,
        project, projects, program, programme, pmo, continuous improvement, service delivery, distribution,
        betrieb*, produktion*, werkleit*, werksleit*, lager*, operaciones
    """, weak=True),
    _department("general_management", """
        president, presidente, prasident, director managing, founder, founders, cofounder, owner, managing director,
        managing partner,
        general partner, general manager, gm, md, proprietor, entrepreneur, chairman, chairwoman, chairperson,
        chair, board, executive director, partner, country manager, chief executive, chief business, chief of staff,
        strategy, geschaftsfuhr*, geschaeftsfuehr*, geschaftsleit*, vorstand*, inhaber*, unternehmer*, grunder*,
        directeur general, directrice generale, gerant, fondat*, director general, consejero delegado,
        consejera delegada, fundador*, amministratore delegato, titolare, verkstallande direktor, prezes
    """, weak=True),
)  # fmt: skip
OFFICER = pattern(", ".join(OFFICERS))
WEAK_FUNCTIONS = frozenset(department.function for department in DEPARTMENTS if department.weak)
# These would be read as a department that they are not.
NO_DEPARTMENT = re.compile(
    r"\b(?:vice presid\w*|vicepresid\w*|business partner|office of(?: the)? \w+|personal assistant|social worker)\b"
)
