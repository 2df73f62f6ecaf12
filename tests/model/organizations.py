"""Names of organizations: real ones, and made-up ones in the forms that real ones have."""

import string

import pools

LEGAL = {
    "en": ["Inc", "Inc.", "LLC", "Ltd", "Ltd.", "Corp", "Corp.", "Corporation", "PLC", "plc", "LLP", "Co.", "Company", "Pty Ltd", "Limited", "LP", "Incorporated"],
    "de": ["GmbH", "AG", "KG", "GmbH & Co. KG", "OHG", "e.V.", "UG", "SE", "eG", "mbH", "gGmbH", "Stiftung"],
    "fr": ["SARL", "SA", "SAS", "EURL", "et Fils", "S.A.", "S.A.S.", "SNC"],
    "es": ["S.L.", "S.A.", "SL", "SA", "S. Coop.", "e Hijos", "S.A. de C.V.", "S.L.U."],
    "it": ["S.p.A.", "S.r.l.", "Srl", "SpA", "SNC", "e Figli", "S.a.s."],
    "nl": ["B.V.", "N.V.", "BV", "NV", "VOF", "en Zonen", "Holding B.V."],
    "pt": ["Lda.", "S.A.", "Ltda.", "Lda", "& Filhos", "ME", "EIRELI"],
    "pl": ["sp. z o.o.", "S.A.", "sp. j.", "Sp. z o.o.", "i Synowie"],
    "sv": ["AB", "HB", "& Söner", "ApS", "AS", "Oy", "A/S"],
    "tr": ["A.Ş.", "Ltd. Şti.", "ve Oğulları", "Holding", "Sanayi ve Ticaret A.Ş."],
}
ROOTS = "tech data net soft bio med cyber cloud nova aero hydro eco agri info micro omni trans inter pan geo astro quant syn vita lumen opti veri vertex zen alto core".split()
TAILS = "ix ia on ex is us ent ora ify ly io tech soft net ware works labs hub base link sys gen dyne tron point wave line grid forge stack bridge path mind flow".split()


def coined(rng, values):
    """A word that somebody may have made for a firm."""
    chance = rng.random()
    if chance < 0.35:
        return rng.choice(ROOTS).capitalize() + rng.choice(TAILS)
    if chance < 0.5:
        return rng.choice(ROOTS).capitalize() + rng.choice(TAILS).capitalize()
    if chance < 0.65:
        return "".join(rng.sample(string.ascii_uppercase, rng.randint(2, 4)))
    if chance < 0.8:
        return rng.choice(values.word_lists["org_words"])
    return values.last().split()[-1]


def organization(values):
    rng, language = values.rng, values.language
    legal = rng.choice(LEGAL[language] if rng.random() < 0.75 else LEGAL["en"])
    chance = rng.random()
    nouns = values.word_lists["org_nouns"]
    companies, groups = pools.companies()
    if chance < 0.20:
        return rng.choice(companies)
    if chance < 0.24:
        return rng.choice(groups)
    if chance < 0.50:
        return of_persons(values, legal, nouns)
    if chance < 0.68 or language == "en" and chance < 0.74:
        word = coined(rng, values)
        noun = rng.choice(nouns)
        adjective = rng.choice(values.word_lists["org_adjectives"])
        return rng.choice([word, f"{word} {noun}", f"{word} {legal}", f"{adjective} {noun}", f"{adjective} {word} {noun}", f"{word} {noun} {legal}", f"{adjective} {noun} {legal}", f"The {adjective} {noun}", f"{word} {rng.choice(['&', 'and'])} {coined(rng, values)}"])
    bodies = [line.partition("\t") for line in values.word_lists["bodies"]]
    forms = [form for code, _, form in bodies if code == (language if rng.random() < 0.85 else "en")]
    form = rng.choice(forms)
    return form.format(c=values.city(), r=values.region(), n=values.country(), l=values.last(), f=values.first(), a=rng.choice(values.word_lists["org_adjectives"]), o=rng.choice(nouns))


def of_persons(values, legal, nouns):
    """`Weber & Sons`, `Smith-Jones LLC`, `Okafor Group`."""
    rng = values.rng
    one, two, three = (values.last() for _ in range(3))
    noun = rng.choice(nouns)
    return rng.choice([
        f"{one} {legal}", f"{one} {legal}", f"{one}, {two} and {three}", f"{one}-{two}", f"{one} {rng.choice(['&', 'and', 'und' if values.language == 'de' else '&'])} {two}",
        f"{one} & {rng.choice(['Sons', 'Co', 'Co.', 'Partners', 'Daughters', 'Söhne' if values.language == 'de' else 'Associates', 'Company'])}",
        f"{one} {noun}", f"{one} {noun}", f"{one} {noun} {legal}", f"{one} {rng.choice(['Group', 'Holdings', 'Brothers', 'Bros.', 'Partners', 'Industries'])}", f"{one} and Sons", f"{one} & {two} {legal}", f"{one}'s {noun}", f"{values.first()}'s {rng.choice(['Bakery', 'Diner', 'Pizza', 'Flowers', 'Garage', 'Books', 'Bar', 'Cafe'])}",
        f"{one} {two} {legal}",
    ])
