"""What python-stdnum says of numbers: one line each, `validator<TAB>number<TAB>0 or 1`.

For every validator of libs/pii that stdnum has too: 1,000 numbers that stdnum takes, and 9,000
made from them by the slips that people make (a wrong digit, two swapped, one lost, one doubled),
each judged again. The seed is fixed, so every run tests the same. libs/validators/tests/oracle.rs reads
it. `None` from a judge leaves a number out: there ours differs on purpose, and the judge says why.
"""

import hashlib
import importlib
import multiprocessing
import random
import re
import sys

from stdnum import iban, luhn, verhoeff
from stdnum.bitcoin import _bech32_alphabet, _expand_hrp, bech32_checksum
from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_97_10

VALID = 1_000
ALL = 10_000
DIGITS = "0123456789"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CLASSES = {"#": DIGITS, "@": LETTERS, "%": DIGITS + LETTERS, "^": "0123456789ABCDEF"}


def module(name):
    return importlib.import_module("stdnum." + name)


def plain(number):
    return "".join(c for c in number if c.isalnum())


def by(*names, **options):
    """One of these modules of stdnum takes it."""
    modules = [module(name) for name in names]

    def judge(number):
        return any(takes(m.validate, number, **options) for m in modules)

    return judge


def takes(validate, number, **options):
    try:
        validate(number, **options)
        return True
    except (ValidationError, ValueError, IndexError):
        return False


def only_if(judge, condition):
    """Ours asks for more than stdnum: numbers that nobody issues are nobody's."""
    return lambda number: bool(judge(number) and condition(plain(number)))


def except_if(judge, condition):
    """Left out: what stdnum refuses or takes for a reason that ours does not share."""
    return lambda number: None if condition(plain(number)) else judge(number)


def date(rng, form="{y:02}{m:02}{d:02}"):
    return form.format(y=rng.randrange(100), m=rng.randrange(1, 13), d=rng.randrange(1, 29))


def itin(number):
    # The IRS also gives out the groups 50 to 65 since 2011, which stdnum does not know.
    digits = plain(number)
    wider = len(digits) == 9 and digits.isdigit() and digits[0] == "9" and 50 <= int(digits[3:5]) <= 65
    return wider or by("us.itin")(number)


def pupil(number):
    # stdnum also wants a local authority of its list of 2011; authorities change.
    upn, number = module("gb.upn"), plain(number)
    good = len(number) == 13 and number[1:-1].isdigit() and number[-1] in upn._alphabet
    return good and upn.calc_check_digit(number[1:]) == number[0]


def austrian_tax(number):
    # stdnum also wants a tax office of its list; offices were merged in 2021.
    tin = module("at.tin")
    good = len(number) == 9 and number.isdigit() and 3 <= int(number[:2]) <= 98
    return good and tin.calc_check_digit(number) == number[-1]


def belgian(number):
    # stdnum looks at today's year to know whether 20yy can be; ours has no clock.
    judged, digits = by("be.ssn")(number), plain(number)
    if len(digits) == 11 and digits.isdigit():
        late = 97 - int("2" + digits[:9]) % 97 == int(digits[9:])
        if late and not judged:
            return None
    return judged and int(digits[4:6]) <= 31


def born(name, checks):
    """The date must be one, but may be to come: ours has no clock."""
    m = module(name)

    def judge(number):
        number = m.compact(number)
        if not number.isdigit() or not checks(m, number):
            return False
        return takes(m.get_birth_date, number)

    return judge


def danish(m, number):
    return len(number) == 10 and number[6:] != "0000"


def norwegian(m, number):
    return (
        len(number) == 11
        and m.calc_check_digit1(number) == number[-2]
        and m.calc_check_digit2(number) == number[-1]
    )


def chinese(number):
    # stdnum also wants a county that existed at the birth; ours wants a province.
    ric = module("cn.ric")
    if len(number) != 18 or not number[:17].isdigit():
        return False
    provinces = {*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55)}
    provinces |= {*range(61, 66), 71, 81, 82, 83, 91}
    good = int(number[:2]) in provinces and 1800 <= int(number[6:10]) < 2100
    return good and ric.calc_check_digit(number) == number[-1] and takes(ric.get_birth_date, number)


def taiwanese(number):
    # Since April 2023 a multiple of 5 is enough (Ministry of Finance); stdnum still wants 10.
    ubn = module("tw.ubn")
    if len(number) != 8 or not number.isdigit() or number == "00000000":
        return False
    rest = ubn.calc_checksum(number) % 5
    return rest == 0 or (rest == 4 and number[6] == "7")


def account(number):
    # stdnum knows the form of each country's account too; ours knows its length.
    judged = takes(iban.validate, number, check_country=False)
    if not judged and mod_97_10.is_valid(number[4:] + number[:4]):
        return None
    return judged


def luhn_of(length, prefix="", condition=lambda number: True):
    def judge(number):
        number = plain(number)
        good = len(number) == length and number.isdigit() and condition(number)
        return good and luhn.is_valid(prefix + number)

    return judge


def base58(rng):
    body = rng.choice(b"\x00\x05").to_bytes(1, "big") + rng.randbytes(20)
    body += hashlib.sha256(hashlib.sha256(body).digest()).digest()[:4]
    value, text = int.from_bytes(body, "big"), ""
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    while value:
        value, rest = divmod(value, 58)
        text = alphabet[rest] + text
    return "1" * (len(body) - len(body.lstrip(b"\0"))) + text


def bech32(rng):
    data = [0] + [rng.randrange(32) for _ in range(32)]
    rest = bech32_checksum(_expand_hrp("bc") + data + [0] * 6) ^ 1
    data += [rest >> 5 * (5 - i) & 31 for i in range(6)]
    return "bc1" + "".join(_bech32_alphabet[value] for value in data)


def german_account(rng):
    bban = "".join(rng.choices(DIGITS, k=18))
    return "DE" + iban.calc_check_digits("DE00" + bban) + bban


def spi(rng):
    number = rng.choice("0123") + "".join(rng.choices(DIGITS, k=9))
    return number + module("fr.nif").calc_check_digits(number)


def tva(rng):
    siren = "".join(rng.choices(DIGITS, k=8))
    return "FR" + module("fr.siren").to_tva(siren + luhn.calc_check_digit(siren))


def rude(number):
    # Names that make a bad word are changed by the registry; ours takes them as they come.
    return number[:4] in module("mx.curp")._name_blacklist | module("mx.rfc")._name_blacklist


def rfc_left_out(number):
    # stdnum also wants certain characters in the homonym key, which the law does not say.
    return rude(number) or (len(number) > 10 and not re.match("^[1-9A-V][1-9A-Z][0-9A]$", number[-3:]))


def italian_day(number):
    # Days above 71 are no woman's birthday; stdnum takes them mod 40.
    digit = lambda c: c if c.isdigit() else DIGITS["LMNPQRSTUV".find(c)]
    return int(digit(number[9]) + digit(number[10])) < 72


def singapore_left_out(number):
    # Years to come depend on today; those before 1800 are left to stdnum.
    if len(number) == 10 and number[:4].isdigit():
        return not 1800 <= int(number[:4]) <= 2025
    return number[:1] == "T" and number[1:3].isdigit() and int(number[1:3]) > 25


def swedish_left_out(number):
    # Coordination numbers (day + 60) are people's too; 29 February needs today's century.
    digits = number[-10:]
    return not digits.isdigit() or int(digits[4:6]) > 60 or digits[2:6] == "0229" or (
        len(number) == 12 and number[:2] not in ("18", "19", "20")
    ) or digits[6:] == "0000"


same = lambda number: len(set(number)) == 1
zeros = lambda number: not number.strip("0")

# name: (forms or generator, judge)
JUDGED = {
    "us_ssn": (["###-##-####"], by("us.ssn")),
    "us_itin": (["9##-##-####"], itin),
    "us_ein": (["##-#######"], by("us.ein")),
    "us_routing": (["0########", "1########", "2########", "3########"], only_if(by("us.rtn"), lambda n: int(n[:2]) in {*range(13), *range(21, 33), *range(61, 73), 80} and not zeros(n))),
    "us_npi": (["1#########", "2#########"], luhn_of(10, "80840", lambda n: n[0] in "12")),
    "ca_sin": (["### ### ###"], by("ca.sin")),
    "ca_bn": (["#########", "#########RT####"], by("ca.bn")),
    "ca_bc_phn": (["9#########"], by("ca.bc_phn")),
    "ca_ohip": (["##########"], luhn_of(10, "", lambda n: n[0] != "0")),
    "mx_curp": (lambda rng: fill(rng, "@@@@" + date(rng) + "HDF@@@##"), except_if(by("mx.curp"), lambda n: rude(n) or n[10:11] == "X")),
    "mx_rfc": (lambda rng: fill(rng, "@@@@"[: rng.choice((3, 4))] + date(rng) + "%%#"), except_if(by("mx.rfc", validate_check_digits=True), rfc_left_out)),
    "mx_nss": (["###########"], luhn_of(11, "", lambda n: n[:2] != "00")),
    "uk_nhs": (["### ### ####"], except_if(by("gb.nhs"), zeros)),
    "uk_utr": (["##########"], by("gb.utr")),
    "uk_vat": (["GB#########", "GB############"], by("gb.vat")),
    "uk_upn": (["@###########%"], pupil),
    "ie_pps": (["#######@", "#######@A", "#######@W"], by("ie.pps")),
    "ie_vat": (["IE#######@", "IE#######@A", "IE#A#####@"], except_if(by("ie.vat"), lambda n: len(n.removeprefix("IE")) == 9 and n.removeprefix("IE")[1].isalpha())),
    "de_tax_id": (["###########"], by("de.idnr")),
    "de_tax_number": (["###########", "28##0########", "9###0########"], except_if(by("de.stnr"), same)),
    "de_vat": (["DE#########"], by("de.vat")),
    "at_svnr": (lambda rng: fill(rng, "####") + date(rng, "{d:02}{m:02}{y:02}"), only_if(by("at.vnr"), lambda n: 1 <= int(n[4:6]) <= 31 and 1 <= int(n[6:8]) <= 15)),
    "at_tax": (["#########"], austrian_tax),
    "at_uid": (["ATU########"], by("at.uid")),
    "ch_ahv": (["756##########"], by("ch.ssn")),
    "ch_uid": (["CHE#########", "CHE#########MWST"], by("ch.uid", "ch.vat")),
    "fr_nir": (lambda rng: fill(rng, "1") + date(rng, "{y:02}{m:02}") + fill(rng, "##########"), only_if(by("fr.nir"), lambda n: n[0] in "123478" and int(n[3:5]) in {*range(1, 13), *range(20, 43), *range(50, 100)})),
    "fr_spi": (spi, by("fr.nif")),
    "fr_siren": (["#########"], except_if(by("fr.siren"), zeros)),
    "fr_siret": (["##############", "356000000#####"], except_if(by("fr.siret"), lambda n: n.startswith("000000000"))),
    "fr_tva": (tva, by("fr.tva")),
    "be_national_number": (lambda rng: date(rng) + fill(rng, "#####"), belgian),
    "be_vat": (["BE0#########", "#########"], by("be.vat")),
    "be_eid": (["############"], by("be.eid")),
    "nl_bsn": (["#########"], by("nl.bsn")),
    "nl_btw": (["NL#########B01"], except_if(by("nl.btw"), lambda n: len(n.removeprefix("NL")) != 12)),
    "es_dni": (["########@"], only_if(by("es.dni", "es.nif"), lambda n: n[0] in DIGITS + "KLM")),
    "es_nie": (["X#######@", "Y#######@", "Z#######@"], by("es.nie")),
    "es_cif": (["A########", "B#######@", "P#######@"], by("es.cif")),
    "es_ccc": (["####################"], by("es.ccc")),
    "it_fiscal_code": (lambda rng: fill(rng, "@@@@@@##") + rng.choice("ABCDEHLMPRST") + "%02d" % (rng.randrange(1, 29) + rng.choice((0, 40))) + fill(rng, "@###@"), except_if(only_if(by("it.codicefiscale"), italian_day), lambda n: len(n) == 11)),
    "it_vat": (["########0##", "0######001#"], by("it.iva")),
    "pt_nif": (["#########"], by("pt.nif")),
    "pt_cc": (["#########ZZ#", "#########%%#"], except_if(by("pt.cc"), lambda n: len(n) != 12)),
    "tr_national_id": (["###########"], by("tr.tckimlik")),
    "tr_tax": (["##########"], by("tr.vkn")),
    "se_personnummer": (lambda rng: rng.choice(("", "19")) + date(rng) + fill(rng, "-####"), except_if(by("se.personnummer"), swedish_left_out)),
    "se_orgnr": (["5#####-####", "SE##########01"], only_if(by("se.orgnr", "se.vat"), lambda n: n.removeprefix("SE")[0] != "0" and n.removeprefix("SE")[2] >= "2")),
    "fi_hetu": (lambda rng: date(rng, "{d:02}{m:02}{y:02}") + rng.choice("+-AYF") + fill(rng, "###%"), by("fi.hetu", allow_temporary=True)),
    "fi_ytunnus": (["#######-#", "FI########"], by("fi.ytunnus")),
    "dk_cpr": (lambda rng: date(rng, "{d:02}{m:02}{y:02}") + fill(rng, "-####"), born("dk.cpr", danish)),
    "dk_cvr": (["########"], by("dk.cvr")),
    "no_fodselsnummer": (lambda rng: date(rng, "{d:02}{m:02}{y:02}") + fill(rng, "#####"), born("no.fodselsnummer", norwegian)),
    "no_orgnr": (["#########", "NO#########MVA"], except_if(by("no.orgnr", "no.mva"), lambda n: zeros(n) or n.endswith("MVA") and not n.startswith("NO"))),
    "no_account": (["###########"], except_if(by("no.kontonr"), lambda n: len(n) != 11 or n.startswith("0000"))),
    "pl_pesel": (lambda rng: date(rng) + fill(rng, "#####"), by("pl.pesel")),
    "pl_nip": (["###-###-##-##"], by("pl.nip")),
    "pl_regon": (["#########", "##############"], by("pl.regon")),
    "in_aadhaar": (["############"], by("in_.aadhaar")),
    "in_vid": (["################"], by("in_.vid")),
    "in_pan": (["@@@P@####@"], by("in_.pan")),
    "in_gstin": (["27@@@P@####@1Z%"], by("in_.gstin")),
    "in_epic": (["@@@#######"], by("in_.epic")),
    "sg_uen": (["2009#####@", "########@", "T08LL####@"], except_if(by("sg.uen"), singapore_left_out)),
    "kr_rrn": (lambda rng: date(rng) + fill(rng, "-1######"), by("kr.rrn")),
    "jp_my_number": (["############"], by("jp.in_")),
    "jp_corporate": (["#############"], by("jp.cn")),
    "cn_ric": (lambda rng: "110101" + date(rng, "19{y:02}{m:02}{d:02}") + fill(rng, "####"), chinese),
    "cn_uscc": (["91110108MA######%%"], by("cn.uscc")),
    "tw_ubn": (["########"], taiwanese),
    "th_pin": (["1############", "0############"], except_if(by("th.tin"), zeros)),
    "au_abn": (["###########"], by("au.abn")),
    "au_acn": (["#########"], by("au.acn")),
    "au_tfn": (["#########", "########"], by("au.tfn")),
    "ng_nin": (["###########"], lambda n: len(n) == 11 and n.isdigit() and not zeros(n) and verhoeff.is_valid(n)),
    "za_id": (lambda rng: date(rng) + fill(rng, "####0##"), except_if(by("za.idnr"), lambda n: n[10:11] == "2")),
    "za_tax": (["0#########", "9#########"], except_if(by("za.tin"), zeros)),
    "br_cpf": (["###.###.###-##"], except_if(by("br.cpf"), same)),
    "br_cnpj": (["##############", "%%%%%%%%%%%%##"], by("br.cnpj")),
    "ar_cuit": (["20#########", "30#########"], by("ar.cuit")),
    "ar_cbu": (["######################"], except_if(by("ar.cbu"), lambda n: n.startswith("000"))),
    "ar_dni": (["########", "#######"], except_if(by("ar.dni"), same)),
    "cl_rut": (["########%", "#######%"], by("cl.rut")),
    "bic": (["@@@@DE%%", "@@@@@@%%", "@@@@FR%%%%%"], by("bic")),
    "imei": (["###############"], except_if(by("imei"), lambda n: len(n) == 14 or n.startswith("00000000"))),
    "mac": (["^^:^^:^^:^^:^^:^^"], except_if(by("mac", validate_manufacturer=False), lambda n: len(n) != 12)),
    "lei": (["%%%%%%%%%%%%%%%%%%##"], except_if(by("lei"), lambda n: len(n) != 20 or not n[-2:].isdigit())),
    "card": (["4###############"], except_if(luhn_of(16, "", lambda n: n[0] == "4"), lambda n: len(n) != 16 or n[0] != "4")),
    "iban": (german_account, account),
    "base58_address": (base58, except_if(by("bitcoin"), lambda n: n[:1] not in "13" or n.startswith("bc1"))),
    "bech32_address": (bech32, except_if(by("bitcoin"), lambda n: not n.startswith("bc1q"))),
}


def fill(rng, form):
    return "".join(rng.choice(CLASSES[c]) if c in CLASSES else c for c in form)


def slip(rng, number):
    at = rng.choice([i for i, c in enumerate(number) if c.isalnum()])
    kind, old = rng.randrange(8), number[at]
    alphabet = DIGITS if old.isdigit() else LETTERS if old.isupper() else LETTERS.lower()
    if kind == 0 and number[at + 1 : at + 2].isalnum():
        return number[:at] + number[at + 1] + old + number[at + 2 :]
    if kind == 1:
        return number[:at] + number[at + 1 :]
    if kind == 2:
        return number[:at] + old + number[at:]
    return number[:at] + rng.choice(alphabet) + number[at + 1 :]


def numbers(name, source, judge):
    rng = random.Random(name)
    make = source if callable(source) else lambda rng: fill(rng, rng.choice(source))
    good = []
    for _ in range(400_000):
        if len(good) == VALID:
            break
        number = make(rng)
        if judge(number):
            good.append(number)
    else:
        sys.exit(f"{name}: stdnum takes only {len(good)} of these forms")
    yield from ((number, True) for number in good)
    for _ in range(ALL - VALID):
        number = slip(rng, rng.choice(good))
        judged = judge(number)
        if judged is not None:
            yield number, judged


def lines(name):
    judged = numbers(name, *JUDGED[name])
    return "".join(f"{name}\t{number}\t{int(bool(taken))}\n" for number, taken in judged)


def main():
    with multiprocessing.get_context("fork").Pool() as pool:
        for text in pool.imap(lines, JUDGED):
            sys.stdout.write(text)


if __name__ == "__main__":
    main()
