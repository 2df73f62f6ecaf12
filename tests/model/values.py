"""What fills the slots of the templates. A value is text in which names are marked."""

import functools
import string

import pools

PERSON, PLACE, ORGANIZATION, STREET = "PLOS"
PARTICLES = ["van", "von", "de", "van der", "van den", "de la", "del", "di", "da", "dos", "bin", "al", "el", "ben", "ibn", "le", "du", "Ó", "Mac", "ter", "zu"]
TITLES = {
    "en": ["Mr.", "Mrs.", "Ms.", "Dr.", "Prof.", "Mr", "Mrs", "Ms", "Dr", "Miss", "Professor", "Sir", "Rev.", "Capt."],
    "de": ["Herr", "Frau", "Dr.", "Prof. Dr.", "Herrn", "Herr Dr.", "Frau Dr.", "Prof."],
    "fr": ["M.", "Mme", "Monsieur", "Madame", "Dr", "Mlle", "Maître", "Docteur"],
    "es": ["Sr.", "Sra.", "Dr.", "Dra.", "Don", "Doña", "señor", "señora", "D.", "Srta."],
    "it": ["Sig.", "Sig.ra", "Dott.", "Dott.ssa", "Avv.", "Ing.", "Prof.", "signor", "signora"],
    "nl": ["dhr.", "mevr.", "dr.", "de heer", "mevrouw", "meneer", "prof.", "ir."],
    "pt": ["Sr.", "Sra.", "Dr.", "Dra.", "Dona", "Senhor", "Senhora", "Eng."],
    "pl": ["Pan", "Pani", "dr", "prof.", "pan", "pani", "inż.", "mgr"],
    "sv": ["Herr", "Fru", "Dr", "doktor", "professor", "fru"],
    "tr": ["Sayın", "Dr.", "Prof. Dr.", "Av.", "Bay", "Bayan"],
}
MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "sv": "januari februari mars april maj juni juli augusti september oktober november december",
    "tr": "Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık",
}
DAYS = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "de": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "es": "lunes martes miércoles jueves viernes sábado domingo",
    "it": "lunedì martedì mercoledì giovedì venerdì sabato domenica",
    "nl": "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
    "pt": "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
    "pl": "poniedziałek wtorek środę czwartek piątek sobotę niedzielę",
    "sv": "måndag tisdag onsdag torsdag fredag lördag söndag",
    "tr": "Pazartesi Salı Çarşamba Perşembe Cuma Cumartesi Pazar",
}


def mark(kind, text):
    return f"\x01{kind}{text}\x02"


@functools.cache
def maker(kind, locale):
    if kind == "city":
        codes = {"en": {"US", "GB", "IE", "AU", "CA", "NZ"}, "de": {"DE", "AT", "CH"}, "fr": {"FR", "BE"}, "es": {"ES", "MX", "AR", "CO"}, "it": {"IT"}, "nl": {"NL", "BE"}, "pt": {"PT", "BR"}, "pl": {"PL", "CZ", "UA"}, "sv": {"SE", "NO", "DK", "FI"}, "tr": {"TR"}}.get(locale)
        return pools.Maker([row[0] for row in pools.cities() if codes is None or row[1] in codes])
    first, last = pools.persons()[locale]
    return pools.Maker(first if kind == "first" else last)


class Values:
    def __init__(self, language, rng):
        self.language, self.rng = language, rng
        self.persons = pools.persons()
        self.home = [locale for locale in pools.HOME[language] if locale in self.persons]
        self.all = sorted(self.persons)
        self.cities = pools.cities()
        self.local = [row for row in self.cities if row[1] in {"en": {"US", "GB", "CA", "AU", "IE"}, "de": {"DE", "AT", "CH"}, "fr": {"FR", "BE", "CH"}, "es": {"ES", "MX", "AR"}, "it": {"IT"}, "nl": {"NL", "BE"}, "pt": {"PT", "BR"}, "pl": {"PL"}, "sv": {"SE"}, "tr": {"TR"}}[language]]
        self.word_lists = {name: pools.lines(name) for name in ["jobs", "nationalities", "languages", "org_nouns", "org_words", "org_adjectives", "bodies", "word_names"]}

    # persons

    def name(self, kind, locale):
        """A first or last name: of a list, or new and like those of it."""
        rng = self.rng
        if kind == "first" and rng.random() < 0.03:
            return rng.choice(self.word_lists["word_names"])
        if rng.random() < 0.22:
            return maker(kind, locale).new(rng)
        if locale in ("en_US", "en") and rng.random() < 0.6:
            first, last = pools.census()
            pool = first if kind == "first" else last
            return pool[min(int(rng.expovariate(1 / (len(pool) / 6))), len(pool) - 1)]
        return rng.choice(self.persons[locale][kind == "last"])

    def locale(self):
        at_home = self.home and self.rng.random() < (0.35 if self.language == "en" else 0.65)
        return self.rng.choice(self.home if at_home else self.all)

    def first(self, locale=None):
        rng = self.rng
        locale = locale or self.locale()
        name = self.name("first", locale)
        return f"{name}-{self.name('first', locale)}" if rng.random() < 0.04 else name

    def last(self, locale=None):
        rng = self.rng
        locale = locale or self.locale()
        name = self.name("last", locale)
        chance = rng.random()
        if chance < 0.05:
            return f"{name}-{self.name('last', locale)}"
        if chance < 0.09:
            return f"{rng.choice(PARTICLES)} {name}"
        if chance < 0.10:
            return f"{rng.choice(['O’', 'O' + chr(39), 'D' + chr(39), 'Mc', 'Mac'])}{name}"
        if chance < 0.13 or (locale.startswith("es") and chance < 0.3):
            return f"{name} {self.name('last', locale)}"
        return name

    def full(self):
        rng, locale = self.rng, self.locale()
        first, last = self.first(locale), self.last(locale if rng.random() < 0.85 else None)
        chance = rng.random()
        letter = rng.choice(string.ascii_uppercase)
        match chance:
            case _ if chance < 0.68:
                return f"{first} {last}"
            case _ if chance < 0.74:
                return f"{first} {letter}. {last}"
            case _ if chance < 0.76:
                return f"{first} {letter} {last}"
            case _ if chance < 0.83:
                return f"{first} {self.first(locale)} {last}"
            case _ if chance < 0.88:
                return f"{letter}. {last}" if rng.random() < 0.6 else f"{letter}. {rng.choice(string.ascii_uppercase)}. {last}"
            case _ if chance < 0.90:
                return f"{first} {last.upper()}"
            case _ if chance < 0.915:
                return f"{first} {last} {rng.choice(['Jr.', 'Sr.', 'III', 'II', 'Jr'])}"
            case _ if chance < 0.97:
                return first
        return last

    # places

    def city(self):
        rng = self.rng
        chance = rng.random()
        if chance < 0.17:
            return maker("city", self.language if rng.random() < 0.6 else None).new(rng)
        pool = self.local if chance < 0.6 else self.cities
        # Half of them large, so that all the world's capitals are seen often.
        return pool[min(int(rng.expovariate(1 / (len(pool) / (12 if rng.random() < 0.5 else 3)))), len(pool) - 1)][0]

    def region(self):
        regions, counties = pools.regions()
        return self.rng.choice(regions) if self.rng.random() < 0.85 else self.rng.choice(counties)

    def country(self):
        local = pools.territories(self.language)
        common = pools.countries() if self.language == "en" else pools.lines(f"countries_{self.language}")
        chance = self.rng.random()
        return self.rng.choice(common if chance < 0.65 else local if chance < 0.9 else pools.countries())

    def state(self):
        code = self.rng.choice(sorted(pools.states()))
        return code if self.rng.random() < 0.6 else pools.states()[code]

    def street(self):
        rng = self.rng
        known = [locale for locale in pools.HOME[self.language] if locale in pools.streets()]
        locale = rng.choice(known if rng.random() < 0.8 else sorted(pools.streets()))
        fake = pools.streets()[locale]
        fake.seed_instance(rng.random())
        text = fake.street_address().replace("\n", ", ")
        if rng.random() < 0.4 and self.language == "en":
            kind = rng.choice("St|Street|Ave|Avenue|Rd|Road|Lane|Ln|Drive|Dr|Blvd|Way|Court|Place|Pl|Terrace|Hwy|St.|Rd.|Ave.|Close|Crescent|Square|Gardens|Parkway".split("|"))
            name = rng.choice([self.last("en_US"), rng.choice(["Main", "Oak", "High", "Church", "Park", "Maple", "Station", "Mill", "King", "Queen", "Elm", "North", "West 4th", "E 12th", "Victoria", "Washington", "River", "Cedar Hill", "5th", "42nd"]), self.city()])
            text = f"{rng.randint(1, 9999)}{rng.choice(['', '', '', '', 'A', 'b'])} {name} {kind}"
            if rng.random() < 0.25:
                text += f"{rng.choice([',', ''])} {rng.choice(['Apt', 'Apt.', 'Suite', 'Unit', '#', 'Flat', 'Floor', 'Ste'])} {rng.randint(1, 60)}{rng.choice(['', 'B'])}"
        return text

    def street_name(self):
        text = self.street().split(",")[0]
        return text.strip(string.digits + " -/").strip() or "Main Street"

    def postcode(self):
        rng, digits = self.rng, string.digits
        if self.language == "en" and rng.random() < 0.25:
            letters = string.ascii_uppercase
            return f"{rng.choice(letters)}{rng.choice(letters)}{rng.randint(1, 20)} {rng.choice(digits)}{rng.choice(letters)}{rng.choice(letters)}"
        return "".join(rng.choice(digits) for _ in range(rng.choice([5, 5, 5, 4])))

    def address(self):
        """Street, code and town, in one of the orders that people use."""
        rng = self.rng
        street, city = mark(STREET, self.street()), mark(PLACE, self.city())
        if self.language == "en":
            region = mark(PLACE, self.state())
            forms = [f"{street}, {city}, {region} {self.postcode()}", f"{street}, {city}", f"{street}, {city} {self.postcode()}", f"{street}, {city}, {mark(PLACE, self.country())}", f"{street}, {city}, {region}", f"{street} {city} {region} {self.postcode()}", f"{street}"]
        else:
            code = self.postcode()
            forms = [f"{street}, {code} {city}", f"{street}, {city}", f"{street}, {code} {city}, {mark(PLACE, self.country())}", f"{street} in {code} {city}"]
        return rng.choice(forms)

    # organizations

    def organization(self):
        import organizations

        return organizations.organization(self)

    # the rest

    def code(self):
        rng = self.rng
        letters = "".join(rng.choice(string.ascii_uppercase) for _ in range(rng.randint(0, 3)))
        return letters + rng.choice(["", "-", ""]) + "".join(rng.choice(string.digits) for _ in range(rng.randint(4, 12)))

    def account(self):
        """An IBAN, a card or another long number, in blocks or not."""
        rng = self.rng
        digits = "".join(rng.choice(string.digits) for _ in range(rng.choice([10, 16, 18, 20, 22])))
        country = rng.choice(["DE", "FR", "ES", "IT", "NL", "PT", "PL", "SE", "TR", "GB", "CH", ""]) if rng.random() < 0.7 else ""
        text = country + digits
        if rng.random() < 0.5:
            text = rng.choice([" ", " ", "-"]).join(text[at : at + 4] for at in range(0, len(text), 4))
        return text

    def date(self):
        rng, language = self.rng, self.language
        day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(1940, 2027)
        named = MONTHS[language].split()[month - 1]
        forms = [f"{day:02}/{month:02}/{year}", f"{year}-{month:02}-{day:02}", f"{day}.{month}.{year}", f"{day} {named} {year}", f"{day} {named}", f"{named} {year}"]
        if language == "en":
            forms += [f"{named} {day}, {year}", f"{named} {day}", f"{named[:3]} {day}", f"{day}th of {named}", f"the {day}th"]
        if language == "de":
            forms += [f"{day}. {named} {year}", f"{day}. {named}"]
        if language in ("es", "pt"):
            forms += [f"{day} de {named} de {year}", f"{day} de {named}"]
        return rng.choice(forms)

    def phone(self):
        rng = self.rng
        return "".join(rng.choice(string.digits) if c == "0" else c for c in rng.choice(["+00 000 0000000", "(000) 000-0000", "000-000-0000", "0000 000000", "000.000.0000", "+0 000 000 0000", "0000000000", "000 000 000", "00 00 00 00 00", "0000 000 00 00", "000-000 00 00", "+00 00 000 00 00", "(00) 00000-0000", "0000 / 0000-00", "00000 00000", "0000 0000"]))

    def mail(self):
        rng = self.rng
        user = pools.fold(rng.choice([f"{self.first()}.{self.last()}", self.first(), f"{self.first()[0]}{self.last()}"])).replace(" ", "")
        host = pools.fold(rng.choice(["gmail", "example", "mail", self.last()])).replace(" ", "")
        return f"{user}@{host}.{rng.choice(['com', 'org', 'net', 'de', 'co.uk', 'example'])}"

    def fill(self, slot):
        rng, language = self.rng, self.language
        match slot:
            case "P":
                return mark(PERSON, self.full())
            case "PF":
                return mark(PERSON, self.first())
            case "PL":
                return mark(PERSON, self.last())
            case "PR":
                return mark(PERSON, f"{self.last()}, {self.first()}")
            case "PI":
                return mark(PERSON, ". ".join(rng.sample(string.ascii_uppercase, rng.randint(1, 2))) + ".")
            case "PI2":
                return mark(PERSON, f"{rng.choice(string.ascii_uppercase)}. {self.last()}")
            case "PFL":
                return pools.fold(self.first()).replace(" ", "") + rng.choice(["", "", str(rng.randint(1, 99)), "_" + pools.fold(self.last()).replace(" ", "")])
            case "TP":
                name = self.last() if rng.random() < 0.6 else f"{self.first()} {self.last()}"
                return f"{rng.choice(TITLES[language])} {mark(PERSON, name)}"
            case "T":
                return rng.choice(TITLES[language])
            case "L":
                return mark(PLACE, self.city())
            case "LU":
                return mark(PLACE, self.city().upper())
            case "C":
                return mark(PLACE, self.country())
            case "R":
                return mark(PLACE, self.region())
            case "PLC":
                return self.fill(rng.choice(["L", "L", "C", "R"]))
            case "LR":
                return f"{mark(PLACE, self.city())}, {mark(PLACE, self.state())}"
            case "LC":
                return f"{mark(PLACE, self.city())}, {mark(PLACE, self.country())}"
            case "O":
                return mark(ORGANIZATION, self.organization())
            case "S":
                return mark(STREET, self.street())
            case "ST":
                return mark(STREET, self.street_name())
            case "SA":
                return self.address()
            case "Z":
                return self.postcode()
            case "D":
                return self.date()
            case "H":
                return rng.choice([f"{rng.randint(0, 23)}:{rng.randint(0, 59):02}", f"{rng.randint(1, 12)} pm", f"{rng.randint(1, 12)}:30 am"] if language == "en" else [f"{rng.randint(0, 23)}:{rng.randint(0, 59):02}"])
            case "Y":
                return str(rng.randint(1950, 2027))
            case "N":
                return str(rng.choice([rng.randint(1, 30), rng.randint(1, 5000)]))
            case "AGE":
                return str(rng.randint(3, 97))
            case "M":
                return rng.choice([f"${rng.randint(5, 90000):,}", f"{rng.randint(5, 9000)} EUR", f"€{rng.randint(1, 900)}", f"{rng.randint(5, 900)} {rng.choice(['dollars', 'euros', 'pounds', 'kr'])}", f"£{rng.randint(1, 999)}.{rng.randint(10, 99)}"])
            case "ID":
                return self.code()
            case "IBAN":
                return self.account()
            case "PLU":
                return mark(PERSON, self.last().upper())
            case "E":
                return self.mail()
            case "TEL":
                return self.phone()
            case "U":
                return f"{rng.choice(['https://', 'www.', 'http://www.'])}{pools.fold(self.last()).replace(' ', '')}.{rng.choice(['com', 'org', 'net'])}{rng.choice(['', '/login', '/help'])}"
            case "J":
                return rng.choice(self.word_lists["jobs"]) if language == "en" else rng.choice(pools.lines(f"jobs_{language}"))
            case "MON":
                return rng.choice(MONTHS[language].split())
            case "WD":
                return rng.choice(DAYS[language].split())
            case "NAT":
                return rng.choice(self.word_lists["nationalities"])
            case "LANG":
                return rng.choice(self.word_lists["languages"])
        raise KeyError(slot)
