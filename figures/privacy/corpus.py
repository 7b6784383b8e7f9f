"""A seeded corpus of messages in which every kind of personal data is planted among what looks like it."""

import random
import string
from collections.abc import Callable
from dataclasses import dataclass

NAMES = ("Maja Lindqvist", "O'Connor", "José", "张伟", "김민수", "محمد", "Ольга", "राम", "Nguyễn Văn An")
"""A list in seven scripts, as a user would give it."""


@dataclass(frozen=True)
class Message:
    """A text and what was planted in it."""

    text: str
    planted: tuple[tuple[int, int, str], ...]
    """Start, end and kind."""


def corpus(count: int, seed: int = 0) -> list[Message]:
    """Return `count` messages; about half of what looks like personal data in them is none."""
    rng = random.Random(seed)
    return [_message(rng) for _ in range(count)]


def _message(rng: random.Random) -> Message:
    text, planted = "", []
    for _ in range(rng.randint(1, 4)):
        if rng.random() < 0.5:
            kind = rng.choice(list(MAKERS))
            value = MAKERS[kind](rng)
            before, after = rng.choice(FRAMES[kind])
            start = len(text) + len(before)
            planted.append((start, start + len(value), kind))
            text += before + value + after
        else:
            text += rng.choice(LOOKALIKES)(rng)
        text += rng.choice((" ", " ", "\n", ". "))
    return Message(text, tuple(planted))


def digits(rng: random.Random, count: int) -> str:
    """Return random digits."""
    return "".join(rng.choice(string.digits) for _ in range(count))


def fill(rng: random.Random, pattern: str) -> str:
    """Return `pattern` with a random digit for each `#`."""
    return "".join(rng.choice(string.digits) if character == "#" else character for character in pattern)


def group(text: str, size: int, gap: str) -> str:
    """Return `text` in groups of `size` characters."""
    return gap.join(text[at : at + size] for at in range(0, len(text), size))


def email(rng: random.Random) -> str:
    """Return an address in one of the forms that people write."""
    user = rng.choice(("anna.berg", "j_smith99", "o'neil", "info+shop", "josé.núñez", "x", "Иван"))
    host = rng.choice(("example.com", "mail.example.co.uk", "uni-köln.de", "qq.com", "a-b.example.museum"))
    return rng.choice((f"{user}@{host}", f"{user}@{host}".upper(), f"{user} (at) {host.replace('.', ' (dot) ')}"))


PHONES = (
    "+44 20 7946 0###", "020 7946 0###", "07700 900###", "+447700900###", "(020) 7946 0###",
    "+1 212-555-01##", "(212) 555-01##", "212.555.01##", "+1 (415) 555 26##",
    "+49 30 2312 5###", "030/23125 ###", "0171 2345###", "+49 (0)89 1234 ####",
    "+33 6 39 98 ## ##", "06 39 98 ## ##", "01.42.68.53.##", "0033 6 39 98 ## ##",
    "+34 612 34 5# ##", "612 345 ###", "+39 06 6982 ####", "+39 347 123 ####",
    "138####5678", "+86 138 0013 8###", "010-6552 9###", "139-1234-####",
    "090-1234-####", "03-3224-9###", "+81 90 1234 ####",
)  # fmt: skip
"""Forms with the ranges that regulators keep free for fiction, where there are such."""


def phone(rng: random.Random) -> str:
    """Return a number as it is written in its country or from abroad, at times in full-width digits."""
    number = fill(rng, rng.choice(PHONES))
    full_width = str.maketrans(string.digits, "０１２３４５６７８９")
    return number.translate(full_width) if rng.random() < 0.1 else number


def luhn(body: str) -> str:
    """Return the check digit of ISO/IEC 7812."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def card(rng: random.Random) -> str:
    """Return a payment card of five networks, in groups or without."""
    prefix, length = rng.choice((("4", 16), ("53", 16), ("2301", 16), ("37", 15), ("6011", 16), ("62", 16)))
    body = prefix + digits(rng, length - 1 - len(prefix))
    number = body + luhn(body)
    if length == 15:
        return rng.choice((number, f"{number[:4]} {number[4:10]} {number[10:]}"))
    return rng.choice((number, group(number, 4, " "), group(number, 4, "-")))


def iban(rng: random.Random) -> str:
    """Return an account of five countries with its check digits (ISO 13616)."""
    country, account = rng.choice(
        (("DE", fill(rng, "#" * 18)), ("GB", fill(rng, "NWBK" + "#" * 14)), ("NL", fill(rng, "ABNA" + "#" * 10)),
         ("ES", fill(rng, "#" * 20)), ("FR", fill(rng, "#" * 23)))
    )  # fmt: skip
    numeric = "".join(str(int(character, 36)) for character in f"{account}{country}00")
    number = f"{country}{98 - int(numeric) % 97:02d}{account}"
    return rng.choice((number, group(number, 4, " "), number.lower()))


def chinese_id(rng: random.Random) -> str:
    """Return a resident number of Beijing with its check character (ISO 7064 MOD 11-2)."""
    body = (
        f"1101{rng.choice(('01', '05', '08'))}19{rng.randint(50, 99)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"
    )
    body += digits(rng, 3)
    remainder = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(body)) % 11
    return body + "10X98765432"[remainder]


def german_id(rng: random.Random) -> str:
    """Return a tax number: ten digits of which one comes twice, and the check digit (ISO 7064 MOD 11,10)."""
    pool = list(string.digits)
    while pool[0] == "0":
        rng.shuffle(pool)
    body = [*pool[:9], rng.choice(pool[:9])]
    product = 10
    for digit in body:
        total = (int(digit) + product) % 10 or 10
        product = 2 * total % 11
    number = "".join(body) + str((11 - product) % 10)
    return rng.choice((number, f"{number[:2]} {number[2:5]} {number[5:8]} {number[8:]}"))


def spanish_id(rng: random.Random) -> str:
    """Return a DNI or NIE with its letter (mod 23)."""
    letters = "TRWAGMYFPDXBNJZSQVHLCKE"
    if rng.random() < 0.5:
        number = digits(rng, 8)
        return number + rng.choice(("", "-")) + letters[int(number) % 23]
    first, number = rng.randrange(3), digits(rng, 7)
    return "XYZ"[first] + number + letters[int(f"{first}{number}") % 23]


def french_id(rng: random.Random) -> str:
    """Return a social security number with its key (mod 97)."""
    body = f"{rng.choice('12')}{rng.randint(40, 99)}{rng.randint(1, 12):02d}75{rng.randint(100, 999)}{digits(rng, 3)}"
    key = f"{97 - int(body) % 97:02d}"
    return rng.choice((body + key, f"{body[0]} {group(body[1:7], 2, ' ')} {group(body[7:], 3, ' ')} {key}"))


def other_id(rng: random.Random) -> str:
    """Return a Social Security number, a CPF or an AHV number."""
    which = rng.randrange(3)
    if which == 0:
        return f"{rng.randint(1, 665):03d}-{rng.randint(1, 99):02d}-{rng.randint(1, 9999):04d}"
    if which == 1:
        body = digits(rng, 9)
        for size in (10, 11):
            rest = sum(int(digit) * (size - place) for place, digit in enumerate(body)) * 10 % 11
            body += str(rest % 10)
        return f"{group(body[:9], 3, '.')}-{body[9:]}"
    body = "756" + digits(rng, 9)
    check = -sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(body)) % 10
    return f"{body[:3]}.{body[3:7]}.{body[7:11]}.{body[11:]}{check}"


def national_id(rng: random.Random) -> str:
    """Return a number of one of seven countries."""
    return rng.choice((chinese_id, german_id, spanish_id, french_id, other_id))(rng)


def ip(rng: random.Random) -> str:
    """Return an address of version 4 or 6."""
    four = ".".join(str(rng.randint(first, 254)) for first in (128, 1, 1, 1))
    six = ":".join(f"{rng.randrange(1, 65536):x}" for _ in range(8))
    return rng.choice((four, six, f"2001:db8::{rng.randrange(4096, 65536):x}"))


def url(rng: random.Random) -> str:
    """Return an address with a password, a key or a token."""
    secret = "".join(rng.choice(string.ascii_letters + string.digits) for _ in range(16))
    return rng.choice(
        (f"https://user:{secret}@example.com/a", f"postgres://app:{secret}@db.example/x",
         f"https://example.com/r?id=4&token={secret}", f"https://example.com/v1?api_key={secret}#top")
    )  # fmt: skip


MAKERS: dict[str, Callable[[random.Random], str]] = {
    "email": email,
    "phone": phone,
    "card": card,
    "iban": iban,
    "id": national_id,
    "ip": ip,
    "url": url,
    "name": lambda rng: rng.choice(NAMES),
}
"""Kind to what makes one value of it."""

_PLAIN = (("", ""), ("it is ", ""), ("(", ")"), ("see ", ", thanks"), ("“", "”"), ("是", "，谢谢"))
FRAMES = {
    "email": (*_PLAIN, ("邮箱", "请回复"), ("mailto:", "")),
    "phone": (*_PLAIN, ("Call ", " now"), ("Tel.: ", ""), ("手机", "联系"), ("☎ ", ";")),
    "card": (*_PLAIN, ("Visa ", " exp 04/27"), ("卡号", "。")),
    "iban": (*_PLAIN, ("IBAN ", " BIC ABCDDEFF"), ("IBAN: ", ".")),
    "id": (*_PLAIN, ("身份证", "。"), ("ID: ", "")),
    "ip": (*_PLAIN, ("from ", " at 10:30"), ("host=", "")),
    "url": (*_PLAIN, ("open ", ".")),
    "name": (*_PLAIN, ("Dear ", ","), ("我叫", "。")),
}
"""Kind to what may stand before and after it."""


def wrong_card(rng: random.Random) -> str:
    """Return sixteen digits of a card network whose check digit is wrong."""
    body = "4" + digits(rng, 14)
    return group(body + str((int(luhn(body)) + rng.randint(1, 9)) % 10), 4, rng.choice(("", " ")))


LOOKALIKES: tuple[Callable[[random.Random], str], ...] = (
    lambda rng: fill(rng, f"order {rng.choice(('45000#####', 'ORD-2023####-####', '#####', '100-##-####-7'))}"),
    lambda rng: fill(rng, f"on 20{rng.randint(10, 29)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d} 1#:3#:0#"),
    lambda rng: f"am {rng.randint(1, 28):02d}.{rng.randint(1, 12):02d}.20{rng.randint(10, 29)}",
    lambda rng: fill(rng, rng.choice(("$1,###.00", "1.###,50 €", "£#.##", "USD ###", "1 ### ###,00 kr", "¥##,###"))),
    lambda rng: fill(rng, rng.choice(("v1.2.3.4", "version 10.0.19###.33##", "release 2.1#.0.#", "3.1#.1"))),
    lambda rng: fill(rng, rng.choice(("ISBN 978-3-16-148410-0", "EAN 40063813339##", "SKU A#######", "1Z999AA10##"))),
    wrong_card,
    lambda rng: fill(rng, "DE00 1234 5678 1234 5678 ##"),
    lambda rng: fill(rng, rng.choice(("17000000##", "17000000#####", "uid 83#######", "ticket 0000####"))),
    lambda rng: fill(rng, rng.choice(("48.13715#, 11.57612#", "-33.8688##,151.2093##", "3840x2160", "1920 x 1080"))),
    lambda rng: fill(rng, rng.choice(("2019-2023", "pages 110-125", "12:30:45", "10-20-30-40", "score 3-2", "24/7"))),
    lambda rng: rng.choice(("@handle", "icon@2x.png", "5@3.50", "a::b::c", "std::vector", "foo@bar", "http://x.io/")),
    lambda rng: "".join(rng.choice("0123456789abcdef") for _ in range(40)),
    lambda rng: rng.choice(("00:1A:2B:3C:4D:5E", "127.0.0.1", "localhost:8080", "1.2.3", "192.168.1", "::1")),
    lambda rng: rng.choice(("Joséphine", "大厦", "OLGA", "Rama", "lindqvist", "https://example.com/?page=2")),
    lambda rng: fill(rng, rng.choice(("room 10#", "RTX 4090 24GB", "#0,### people", "0.8-1.20.1", "IMEI 49#"))),
)  # fmt: skip
"""What looks like personal data and is none."""
