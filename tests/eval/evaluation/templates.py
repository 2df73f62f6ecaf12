"""Sentences and forms of our own for the generated sets. `{P}` is a value of `values.Values.fill`,
`{T=Frau}` a value of its type that is always the same.

They are written to be unlike one another, not to be like anybody's sample. A line of three dashes
parts the templates; what stands after `#` behind the dashes is the kind of those that follow.
"""

TEXTS = {
    "en": """--- # prose
{P} called this morning and asked for a copy of the lease.
Please send the revised figures to {E} before noon.
If nobody answers at {N}, try {PF} on {N} instead.
The parcel for {T} {PL} went to {S}, {L} by mistake.
We moved from {L} to {L} in {D} and have not looked back.
{PF} and {PF} share an office with {P}, who retires next spring.
Charge it to card {K}; the account holder is {P}.
On {D} the committee of {O} met without {T} {PL}.
Her social security number, {SSN}, was printed on the envelope.
A refund was wired to {I} in favour of {P}.
{P}, {A}, a plumber from {L}, won the raffle.
Patient {P}, born {B}, was seen by {T} {PL} on {D}.
The request came from {IP} and asked for {U}.
I have never been to {C}, but {PF} goes there every winter.
According to {PI}, the contract with {O} ends on {D}.
Tell {PF} that the keys are with {T} {PL} at {S}.
{O} opened a second branch in {L}, {C}.
Customer number {ID} belongs to {P}, phone {N}.
The witness, a {A}-year-old from {L}, recognised {P} at once.
My sister {PF} works for {O} and my brother {PF} is still at school.
When {PL} resigned, {O} lost its best engineer.
You can read the minutes at {U} or write to {E}.
His policy number is {ID} and it was renewed on {D}.
{P}'s flight from {L} to {L} was cancelled twice.
Nobody told {PF} about the visit of {P} from {O}.
--- # form
Name: {P}
Date of birth: {B}
Address: {S}, {L}
Phone: {N}
E-mail: {E}
---
SURNAME, FIRST NAME: {PR}
SSN: {SSN}
MRN: {ID}
ATTENDING: {T} {PL}
---
Cardholder: {P}
Card number: {K}
Billing address: {S}, {L} {Z}
---
name,email,city,phone
{P},{E},{L},{N}
{P},{E},{L},{N}
{P},{E},{L},{N}
---
{"customer": {"name": "{P}", "email": "{E}", "iban": "{I}", "last_login_ip": "{IP}"}}
---
| Name | Town | Account |
|---|---|---|
| {P} | {L} | {I} |
| {P} | {L} | {I} |
--- # mail
Hi {PF},

thanks for the quick reply. {P} from {O} will join us on {D}; her number is {N}.

Best,
{PF}
---
Dear {T} {PL},

your appointment at {O} has been moved to {D}. Bring the card ending as on file and your patient ID {ID}.

Kind regards
{P}
{O}
{S}, {L}
{N}
---
From: {P} <{E}>
To: {P} <{E}>
Subject: keys

{PF}, can you pick up the keys from {PF}? I am in {L} until {D}.
--- # chat
[{D=09:12}] {PF}: is {P} in today?
[{D=09:13}] {PF}: no, she is at {O}, call {N}
""",
    "de": """--- # prose
{P} hat heute früh angerufen und um eine Kopie des Mietvertrags gebeten.
Bitte schicken Sie die Unterlagen noch heute an {E}.
Wenn unter {N} niemand abhebt, versuchen Sie es bei {PF}.
Das Paket für {T} {PL} ging versehentlich an die {S} in {L}.
Wir sind am {D} von {L} nach {L} gezogen.
{PF} und {PF} teilen sich ein Büro mit {P}.
Die Rückzahlung ging auf das Konto {I} von {P}.
Am {D} tagte der Vorstand der {O} ohne {T} {PL}.
{P}, {A} Jahre alt, Tischler aus {L}, hat gewonnen.
Der Patient {P}, geb. am {B}, wurde von {T} {PL} behandelt.
Die Anfrage kam von {IP} und galt {U}.
Nach {C} fährt {PF} jeden Winter, ich war noch nie dort.
Die Kundennummer {ID} gehört {P}, Telefon {N}.
Meine Schwester {PF} arbeitet bei {O}.
Laut {PI} endet der Vertrag mit {O} am {D}.
Sagen Sie {PF}, dass der Schlüssel bei {T} {PL} liegt.
Die Karte {K} ist auf {P} ausgestellt.
{T=Frau} {PL} aus {L} hat den Hund von {T=Herrn} {PL} gefunden.
--- # form
Name: {P}
Geburtsdatum: {B}
Anschrift: {S}, {L}
Telefon: {N}
IBAN: {I}
---
Versicherte Person: {PR}
Versichertennummer: {ID}
Wohnort: {L}
---
vorname;nachname;ort;mail
{PF};{PL};{L};{E}
{PF};{PL};{L};{E}
--- # mail
Hallo {PF},

danke für die schnelle Antwort. {P} von {O} kommt am {D} dazu, erreichbar unter {N}.

Liebe Grüße
{PF}
---
Sehr geehrte {T=Frau} {PL},

Ihr Termin in der {O} wurde auf den {D} verlegt.

Mit freundlichen Grüßen
{P}
{S}
{L}
--- # chat
{PF}: kommst du heute nach {L}?
{PF}: nein, frag {P}, Handy {N}
""",
    "fr": """--- # prose
{P} a téléphoné ce matin pour demander une copie du bail.
Merci d'envoyer les chiffres à {E} avant midi.
Si personne ne répond au {N}, essayez d'appeler {PF}.
Nous avons déménagé de {L} à {L} le {D}.
Le colis de {T} {PL} a été livré au {S} par erreur.
{P}, {A} ans, plombier à {L}, a gagné la tombola.
Le remboursement a été viré sur le compte {I} de {P}.
Ma sœur {PF} travaille pour {O} et habite en {C}.
La patiente {P}, née le {B}, a été vue par le {T} {PL}.
La carte {K} est au nom de {P}.
D'après {PI}, le contrat avec {O} prend fin le {D}.
La requête venait de {IP} et demandait {U}.
--- # form
Nom : {P}
Date de naissance : {B}
Adresse : {S}, {L}
Téléphone : {N}
--- # mail
Bonjour {PF},

merci pour ta réponse. {P} de {O} nous rejoindra le {D}.

Bien à toi,
{PF}
---
{T=Madame} {PL},

votre rendez-vous à {O} est reporté au {D}.

Cordialement,
{P}
{N}
""",
    "es": """--- # prose
{P} llamó esta mañana para pedir una copia del contrato.
Por favor, envíe las cifras a {E} antes del mediodía.
Si nadie contesta en el {N}, prueba con {PF}.
Nos mudamos de {L} a {L} el {D}.
El paquete de {T} {PL} llegó por error a {S}.
{P}, de {A} años, fontanero de {L}, ganó la rifa.
La devolución se hizo a la cuenta {I} de {P}.
Mi hermana {PF} trabaja en {O} y vive en {C}.
La paciente {P}, nacida el {B}, fue atendida por {T} {PL}.
La tarjeta {K} está a nombre de {P}.
Según {PI}, el contrato con {O} termina el {D}.
La petición vino de {IP} y pedía {U}.
--- # form
Nombre: {P}
Fecha de nacimiento: {B}
Domicilio: {S}, {L}
Teléfono: {N}
--- # mail
Hola, {PF}:

gracias por contestar tan rápido. {P}, de {O}, vendrá el {D}.

Un abrazo,
{PF}
""",
    "it": """--- # prose
{P} ha telefonato stamattina per chiedere una copia del contratto.
Per favore mandi i dati a {E} prima di mezzogiorno.
Se nessuno risponde al {N}, prova con {PF}.
Ci siamo trasferiti da {L} a {L} il {D}.
Il pacco per {T} {PL} è arrivato per sbaglio in {S}.
{P}, {A} anni, idraulico di {L}, ha vinto la lotteria.
Il rimborso è stato versato sul conto {I} di {P}.
Mia sorella {PF} lavora per {O} e vive in {C}.
La paziente {P}, nata il {B}, è stata visitata da {T} {PL}.
La carta {K} è intestata a {P}.
Secondo {PI} il contratto con {O} scade il {D}.
La richiesta veniva da {IP} e chiedeva {U}.
--- # form
Nome: {P}
Data di nascita: {B}
Indirizzo: {S}, {L}
Telefono: {N}
--- # mail
Ciao {PF},

grazie per la risposta. {P} di {O} verrà il {D}.

Un saluto,
{PF}
""",
    "nl": """--- # prose
{P} belde vanochtend en vroeg om een kopie van het contract.
Stuur de cijfers vóór twaalf uur naar {E}.
Als niemand opneemt op {N}, probeer dan {PF}.
Wij zijn op {D} van {L} naar {L} verhuisd.
{P}, {A} jaar, loodgieter uit {L}, won de loterij.
De terugbetaling ging naar rekening {I} van {P}.
Mijn zus {PF} werkt bij {O} en woont in {C}.
Patiënt {P}, geboren op {B}, werd gezien door {T} {PL}.
--- # form
Naam: {P}
Geboortedatum: {B}
Adres: {S}, {L}
Telefoon: {N}
--- # mail
Beste {PF},

bedankt voor je antwoord. {P} van {O} komt op {D}.

Groeten,
{PF}
""",
    "pt": """--- # prose
{P} ligou esta manhã a pedir uma cópia do contrato.
Envie os números para {E} antes do meio-dia.
Se ninguém atender no {N}, tente falar com {PF}.
Mudámo-nos de {L} para {L} em {D}.
O reembolso foi feito para a conta {I} de {P}.
A minha irmã {PF} trabalha na {O}.
--- # form
Nome: {P}
Data de nascimento: {B}
Morada: {S}, {L}
Telefone: {N}
""",
    "pl": """--- # prose
{P} dzwoni w sprawie kopii umowy.
Proszę wysłać dane na adres {E} przed południem.
Jeśli nikt nie odbiera pod numerem {N}, odpowie {PF}.
Zwrot trafił na konto {I}, właściciel: {P}.
{O} przyjmuje od {D}.
--- # form
Imię i nazwisko: {P}
Data urodzenia: {B}
Adres: {S}, {L}
Telefon: {N}
""",
    "sv": """--- # prose
{P} ringde i morse och bad om en kopia av avtalet.
Skicka siffrorna till {E} före klockan tolv.
Om ingen svarar på {N}, prova med {PF}.
Vi flyttade från {L} till {L} den {D}.
Min syster {PF} arbetar på {O}.
--- # form
Namn: {P}
Födelsedatum: {B}
Adress: {S}, {L}
Telefon: {N}
""",
    "tr": """--- # prose
{P} bu sabah aradı ve sözleşmenin bir kopyasını istedi.
Lütfen rakamları öğleden önce {E} adresine gönderin.
Telefon {N} cevap vermezse {PF} ile konuşun.
İade {I} hesabına yapıldı, hesap sahibi {P}.
Kız kardeşim {PF} artık {L} şehrinde yaşıyor.
--- # form
Ad soyad: {P}
Doğum tarihi: {B}
Adres: {S}, {L}
Telefon: {N}
""",
}


def templates(language):
    """[(kind, template)]; a line of prose is a template of its own."""
    found, kind = [], None
    for part in ("\n" + TEXTS[language]).split("\n---")[1:]:
        head, _, body = part.partition("\n")
        kind = head.strip(" #") or kind
        body = body.strip("\n")
        found += [(kind, line) for line in body.splitlines()] if kind == "prose" else [(kind, body)]
    return found
