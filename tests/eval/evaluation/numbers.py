"""Values that have a form of their own: numbers with check digits, addresses of machines, dates."""

import datetime
import unicodedata

#: Test ranges of the card schemes: prefix and length.
CARDS = [("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("34", 15), ("37", 15), ("6011", 16), ("3530", 16)]
#: Length of the account part, and whether the bank's part has letters.
IBANS = {"de": ("DE", 18, 0), "fr": ("FR", 23, 0), "es": ("ES", 20, 0), "it": ("IT", 23, 1), "nl": ("NL", 14, 4), "en": ("GB", 18, 4), "pt": ("PT", 21, 0), "pl": ("PL", 24, 0), "sv": ("SE", 20, 0), "tr": ("TR", 22, 0)}
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
#: How a day with its month's name is written.
IN_WORDS = {"en": ["{d} {m} {y}", "{m} {d}, {y}"], "de": ["{d}. {m} {y}"], "es": ["{d} de {m} de {y}"], "pt": ["{d} de {m} de {y}"]}
#: How a day is written in digits.
IN_DIGITS = {"en": ["{mm}/{dd}/{y}", "{y}-{mm}-{dd}"], "de": ["{dd}.{mm}.{y}", "{d}.{M}.{y}"], "fr": ["{dd}/{mm}/{y}"], "es": ["{dd}/{mm}/{y}"], "it": ["{dd}/{mm}/{y}"], "nl": ["{dd}-{mm}-{y}"], "pt": ["{dd}/{mm}/{y}"], "pl": ["{dd}.{mm}.{y}"], "sv": ["{y}-{mm}-{dd}"], "tr": ["{dd}.{mm}.{y}"]}
DOMAINS = ["mail.example", "post.example.org", "klinik.example.com", "contoso.example", "uni.example.net", "buero.example.de", "web.example.fr"]


def plain(text):
    """Letters that an e-mail address or a host name can have."""
    text = text.lower().replace("ß", "ss").replace("ø", "o").replace("ł", "l").replace("ı", "i").replace("æ", "ae")
    folded = unicodedata.normalize("NFD", text)
    return "".join(c for c in folded if c.isascii() and c.isalnum())


def digits(rng, count):
    return "".join(rng.choice("0123456789") for _ in range(count))


def grouped(text, size, by=" "):
    return by.join(text[at : at + size] for at in range(0, len(text), size))


def luhn_digit(number):
    doubled = [int(c) * (2 if at % 2 == 0 else 1) for at, c in enumerate(reversed(number))]
    return str(-sum(n - 9 if n > 9 else n for n in doubled) % 10)


def card(rng):
    prefix, length = rng.choice(CARDS)
    body = prefix + digits(rng, length - len(prefix) - 1)
    number = body + luhn_digit(body)
    if length == 15:
        return rng.choice([number, f"{number[:4]} {number[4:10]} {number[10:]}"])
    return rng.choice([number, grouped(number, 4), grouped(number, 4, "-")])


def iban(rng, language):
    country, length, letters = IBANS[language]
    account = "".join(rng.choice("ABCDEFGHKLMNPRSTUVWX") for _ in range(letters)) + digits(rng, length - letters)
    value = int("".join(str(int(c, 36)) for c in account + country + "00"))
    number = f"{country}{98 - value % 97:02}{account}"
    return rng.choice([number, grouped(number, 4)])


def us_ssn(rng):
    area = rng.choice([n for n in range(1, 899) if n != 666])
    return f"{area:03}-{rng.randint(1, 99):02}-{rng.randint(1, 9999):04}"


def ip_address(rng):
    if rng.random() < 0.25:
        return ":".join(["2001", "db8"] + [f"{rng.randint(0x10, 0xffff):x}" for _ in range(6)])
    return f"{rng.choice([10, 172, 192, 198, 203])}.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"


def url(rng, name):
    path = rng.choice(["", f"/p/{rng.randint(100, 99999)}", f"/users/{plain(name)}?tab=files", "/a/b.html#top"])
    return f"{rng.choice(['https://', 'http://', 'https://www.'])}{rng.choice(DOMAINS)}{path}"


def email(rng, first, last):
    first, last = plain(first) or "info", plain(last) or "mail"
    local = rng.choice([f"{first}.{last}", f"{first[0]}{last}", f"{last}_{first}{rng.randint(1, 99)}", f"{first}+{last}"])
    return f"{local}@{rng.choice(DOMAINS)}"


def day(rng, first, last, language, spelled=None):
    start = datetime.date(first, 1, 1)
    one = start + datetime.timedelta(days=rng.randrange((datetime.date(last, 12, 31) - start).days))
    in_words = rng.random() < 0.5 if spelled is None else spelled
    forms = IN_WORDS.get(language, ["{d} {m} {y}"]) if in_words else IN_DIGITS[language]
    month = MONTHS[language].split()[one.month - 1]
    return rng.choice(forms).format(d=one.day, dd=f"{one.day:02}", mm=f"{one.month:02}", M=one.month, m=month, y=one.year)


def id_number(rng):
    letter = rng.choice("ABCDEHKMPRTX")
    return rng.choice([f"{letter}{digits(rng, 9)}", digits(rng, 8), f"{letter}{rng.choice('HKM')}-{rng.randint(2015, 2026)}-{digits(rng, 5)}", f"{digits(rng, 4)}-{digits(rng, 3)}-{rng.randint(1, 9)}"])


def phone(rng, language):
    two, three, four = (digits(rng, n) for n in (2, 3, 4))
    forms = {
        "en": [f"({rng.randint(201, 989)}) 555-{four}", f"+1 {rng.randint(201, 989)} 555 {four}", f"{rng.randint(201, 989)}-555-{four}", f"020 7946 0{three}", f"+44 20 7946 0{three}"],
        "de": [f"+49 89 {four}{three}", f"0171 {four}{three}", f"030 / {four}-{two}", f"(0221) {four}{two}", f"0049 40 {four} {three}"],
        "fr": [f"06 {two} {two} {four[:2]} {four[2:]}", f"+33 1 {two} {four[:2]} {four[2:]} {two}", f"0{rng.randint(1, 5)}.{two}.{four[:2]}.{four[2:]}.{two}"],
        "es": [f"+34 6{two} {three} {three}", f"91 {three} {two} {two}", f"6{two} {three} {three}"],
        "it": [f"+39 06 {four} {four}", f"347 {three} {four}", f"02 {four}{three}"],
        "nl": [f"+31 6 {four}{four}", f"06-{four}{four}", f"020 {three} {four}"],
        "pt": [f"+351 21 {three} {four}", f"91{digits(rng, 1)} {three} {three}"],
        "pl": [f"+48 22 {three} {two} {two}", f"6{two} {three} {three}"],
        "sv": [f"+46 8 {three} {two} {two}", f"070-{three} {two} {two}"],
        "tr": [f"+90 212 {three} {two} {two}", f"0532 {three} {two} {two}"],
    }
    return rng.choice(forms[language])
