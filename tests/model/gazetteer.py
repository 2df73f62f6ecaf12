"""What the model's word lists say of words and phrases: bits as in `tagger::Class`."""

import pathlib

import pools
import values

FIRST, FIRST_TOP, LAST, LAST_TOP, PLACE, PLACE_TOP, REGION, WORD, ORG, ORG_PART, LEGAL, TITLE, JOB, _HEAD, FUNCTION, CALENDAR = (1 << bit for bit in range(16))
#: From how many people on a town is large.
LARGE = 150_000
DICTIONARY = pathlib.Path("/usr/share/dict/american-english-small")


def spellings(name):
    """The name, and what German makes of it where there are no umlauts."""
    folded = pools.fold(name)
    german = pools.fold(name.lower().replace("ä", "ae").replace("ö", "oe").replace("ü", "ue"))
    return {folded, german}


def lists():
    found = {}

    def add(name, bits):
        for spelling in spellings(name):
            found[spelling] = found.get(spelling, 0) | bits

    def all_of(names, bits):
        for name in names:
            add(name, bits)

    first, last = pools.census()
    all_of(first[:900], FIRST | FIRST_TOP)
    all_of(first, FIRST)
    all_of(last[:3000], LAST | LAST_TOP)
    all_of(last[:32000], LAST)
    for locale, (first, last) in pools.persons().items():
        all_of(first, FIRST | (FIRST_TOP if locale in pools.WELL_KNOWN else 0))
        all_of(last, LAST | (LAST_TOP if locale in pools.WELL_KNOWN else 0))
    for name, _, population, _ in pools.cities():
        add(name, PLACE | (PLACE_TOP if population > LARGE else 0))
    states, counties = pools.regions()
    all_of(pools.countries() + states, REGION)
    for language in values.TITLES:
        all_of(pools.territories(language), REGION)
        if language != "en":
            all_of(pools.lines(f"countries_{language}"), REGION)
        all_of(values.MONTHS[language].split() + values.DAYS[language].split(), CALENDAR)
    companies, groups = pools.companies()
    all_of(companies, ORG)
    all_of([name for name in groups if " " in name or len(name) > 3], ORG)
    all_of([name for name in pools.wordnet()["location"] if " " not in name and len(name) > 3], PLACE)
    all_of(pools.lines("org_parts") + pools.lines("org_nouns"), ORG_PART)
    all_of(pools.lines("legal_forms"), LEGAL)
    all_of(pools.lines("titles"), TITLE)
    all_of(pools.lines("nationalities") + pools.lines("languages"), CALENDAR)
    for name in ["jobs", *(f"jobs_{language}" for language in values.TITLES if language != "en")]:
        all_of([job for job in pools.lines(name) if " " not in job], JOB)
    all_of(pools.ordinary(), WORD)
    all_of(pools.function_words(), FUNCTION)
    return found


def write(path):
    found = lists()
    path.write_text("".join(f"{bits:x}\t{name}\n" for name, bits in sorted(found.items())), encoding="utf-8")
    print(f"{path}: {len(found)} entries")
