"""What fills the templates: names from other people's lists, all else from `numbers`.

Faker's names are partly those of the engine's own word lists, and of what it may be trained on.
Mimesis has other lists: it fills only the held-back set, and nothing else may read it.
"""

import random

from . import numbers

#: Faker's locale and mimesis' for each language.
LOCALES = {"en": ("en_US", "en"), "de": ("de_DE", "de"), "fr": ("fr_FR", "fr"), "es": ("es_ES", "es"), "it": ("it_IT", "it"), "nl": ("nl_NL", "nl"), "pt": ("pt_PT", "pt"), "pl": ("pl_PL", "pl"), "sv": ("sv_SE", "sv"), "tr": ("tr_TR", "tr")}
#: Faker's towns are invented in most locales; these are real ones, large and small.
TOWNS = {
    "en": "Leeds|Tucson|Halifax|Savannah|Swansea|Duluth|Norwich|Boise|Wagga Wagga|Santa Fe|Milton Keynes|Cork|Dunedin|Baton Rouge|Aberdeen",
    "de": "Kassel|Bad Tölz|Mülheim an der Ruhr|Graz|Winterthur|Cottbus|Regensburg|Halle|Wuppertal|Lindau|St. Pölten|Emden|Jena|Trier|Husum",
    "fr": "Clermont-Ferrand|Brest|Aix-en-Provence|Limoges|Saint-Malo|Annecy|Liège|Lausanne|Nîmes|Vannes",
    "es": "Zaragoza|Vigo|San Sebastián|Gijón|Alcalá de Henares|Rosario|Mérida|Jaén|Cádiz|Medellín",
    "it": "Bergamo|Reggio Emilia|Trento|Bari|La Spezia|Cagliari|Udine|Ravenna|Lecce|Ascoli Piceno",
    "nl": "Groningen|Den Haag|Eindhoven|Gent|Zwolle|Leeuwarden|Den Bosch|Breda|Hasselt|Delft",
    "pt": "Braga|Coimbra|Belo Horizonte|Faro|Recife|Évora|Curitiba|Viana do Castelo",
    "pl": "Gdynia|Rzeszów|Bielsko-Biała|Toruń|Zielona Góra|Katowice|Łódź|Opole",
    "sv": "Umeå|Västerås|Örebro|Kiruna|Jönköping|Lund|Karlstad|Visby",
    "tr": "Eskişehir|Trabzon|Gaziantep|İzmir|Mardin|Denizli|Kayseri|Bodrum",
}
BODIES = {
    "en": ["{c} General Hospital", "University of {c}", "{l} & {k} LLP", "{l} Logistics Ltd", "{c} County Council", "First {c} Bank", "{l} Industries, Inc."],
    "de": ["Klinikum {c}", "Universität {c}", "{l} & {k} GmbH", "Stadtwerke {c}", "{l} Maschinenbau AG", "Sparkasse {c}", "Kanzlei {l} und {k}"],
    "fr": ["Hôpital de {c}", "Université de {c}", "{l} et Fils SARL", "Cabinet {l}", "Mairie de {c}"],
    "es": ["Hospital de {c}", "Universidad de {c}", "{l} y {k} S.L.", "Ayuntamiento de {c}", "Banco de {c}"],
    "it": ["Ospedale di {c}", "Università di {c}", "{l} S.r.l.", "Studio Legale {l}", "Comune di {c}"],
    "nl": ["Ziekenhuis {c}", "Universiteit {c}", "{l} & Zonen B.V.", "Gemeente {c}"],
    "pt": ["Hospital de {c}", "Universidade de {c}", "{l} & Filhos, Lda.", "Câmara Municipal de {c}"],
    "pl": ["Szpital w {c}", "Uniwersytet w {c}", "{l} sp. z o.o."],
    "sv": ["{c} universitet", "{l} & Söner AB", "{c} kommun"],
    "tr": ["{c} Üniversitesi", "{l} A.Ş.", "{c} Devlet Hastanesi"],
}
TITLES = {"en": ["Mr.", "Mrs.", "Ms.", "Dr.", "Prof."], "de": ["Herr", "Frau", "Dr.", "Prof. Dr."], "fr": ["M.", "Mme", "Dr"], "es": ["Sr.", "Sra.", "Dr.", "Dra."], "it": ["Sig.", "Sig.ra", "Dott."], "nl": ["dhr.", "mevr.", "dr."], "pt": ["Sr.", "Sra.", "Dr."], "pl": ["Pan", "Pani", "dr"], "sv": ["Herr", "Fru", "Dr"], "tr": ["Sayın", "Dr."]}


class Faker:
    name = "faker"

    def __init__(self, language, seed):
        import faker

        self.fake = faker.Faker(LOCALES[language][0])
        self.fake.seed_instance(seed)
        self.towns = TOWNS[language].split("|")
        self.rng = random.Random(seed)

    def first(self):
        return self.fake.first_name()

    def last(self):
        return self.fake.last_name()

    def town(self):
        return self.rng.choice(self.towns)

    def country(self):
        return self.fake.country()

    def street(self):
        return self.fake.street_address().replace("\n", ", ")

    def postcode(self):
        return self.fake.postcode()


class Mimesis:
    name = "mimesis"

    def __init__(self, language, seed):
        import mimesis

        locale = mimesis.Locale(LOCALES[language][1])
        self.person = mimesis.Person(locale, seed=seed)
        self.address = mimesis.Address(locale, seed=seed)

    def first(self):
        return self.person.first_name()

    def last(self):
        return self.person.last_name()

    def town(self):
        return self.address.city()

    def country(self):
        return self.address.country()

    def street(self):
        return self.address.address()

    def postcode(self):
        return self.address.postal_code()


class Values:
    """A value for each name that a template uses, with its type."""

    def __init__(self, source, language, seed):
        self.names = source(language, seed)
        self.language = language
        self.rng = random.Random(f"{seed}/{language}/{source.name}")

    def fill(self, name):
        """(type, value)"""
        rng, language, names = self.rng, self.language, self.names
        match name:
            case "P":
                return "PERSON", f"{names.first()} {names.last()}"
            case "PF":
                return "PERSON", names.first()
            case "PL":
                return "PERSON", names.last()
            case "PR":
                return "PERSON", f"{names.last()}, {names.first()}"
            case "PI":
                return "PERSON", f"{names.first()[0]}. {names.last()}"
            case "T":
                return "TITLE", rng.choice(TITLES[language])
            case "L":
                return "LOCATION", names.town()
            case "C":
                return "LOCATION", names.country()
            case "O":
                form = rng.choice(BODIES[language])
                return "ORGANIZATION", form.format(c=names.town(), l=names.last(), k=names.last())
            case "S":
                return "STREET_ADDRESS", names.street()
            case "Z":
                return "POSTAL_CODE", names.postcode()
            case "D":
                return "DATE_TIME", numbers.day(rng, 2015, 2026, language)
            case "B":
                return "DATE_OF_BIRTH", numbers.day(rng, 1930, 2010, language)
            case "A":
                return "AGE", str(rng.randint(18, 96))
            case "E":
                return "EMAIL_ADDRESS", numbers.email(rng, names.first(), names.last())
            case "N":
                return "PHONE_NUMBER", numbers.phone(rng, language)
            case "I":
                return "IBAN_CODE", numbers.iban(rng, language)
            case "K":
                return "CREDIT_CARD", numbers.card(rng)
            case "SSN":
                return "US_SSN", numbers.us_ssn(rng)
            case "IP":
                return "IP_ADDRESS", numbers.ip_address(rng)
            case "U":
                return "URL", numbers.url(rng, names.last())
            case "ID":
                return "ID_NUMBER", numbers.id_number(rng)
        raise KeyError(name)
