"""What stands before and after digits, and whether they can be a telephone number there."""

import re

NEAR = 40
"""Characters before a number that are looked at."""
_DATE = re.compile(
    r"(?:19|20)\d{2}([-/. ])\d{1,2}\1\d{1,2}(?:[ T]+\d{1,2}(?:[:.]?\d{2})*)?"
    r"|\d{1,2}([-/. ])\d{1,2}\2(?:19|20)\d{2}(?:[ T]+\d{1,2}(?:[:.]?\d{2})*)?"
    r"|(?:19|20)\d{2}\s?[-/]\s?(?:19|20)\d{2}"
    r"|(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[ -]?\d{4,6})?"
)
"""A day, with a time or without, or a range of years."""
_WORD = re.compile(
    r"(?:phone|fon|(?<![a-z])(?:tel|help|call|mob|cell|fax|whats ?app|text|txt|sms|ring|contact|dial|handy|appel"
    r"|portable|móvil|movil|llam|cellulare|chiama|celular|ligue)|тел|звон|电话|電話|手机|手機|热线|联系|携帯|전화|연락|هاتف|फोन)"
    r"[^\d\n]{0,20}$",
    re.IGNORECASE,
)
"""What announces a number, up to twenty characters before it."""
_OTHER = re.compile(
    r"(?:order|ticket|invoice|receipt|ref(?:erence)?|case|serial|model|part|sku|isbn|ean|imei|uid|id|version|batch|lot"
    r"|article|artikel|auftrag|rechnung|bestell|commande|facture|pedido|factura|ordine|fattura|订单|单号|发票|编号|注文)"
    r"(?:\s?-?(?:no|nr|num(?:ber|mer)?|code|id|号)\b)?[\s.:#-]{0,3}$",
    re.IGNORECASE,
)
"""What announces a number of another kind, right before it."""
_GLUED_WORD = re.compile(r"(?=.{0,3}[G-Zg-z])[A-Za-z]{4}$")
"""A word right before a number, and no hexadecimal digits."""
GLUED = 3
"""Letters right after a number that make a word (`08001234567now`), where one or two are part of a code."""


def is_date(part: str) -> bool:
    """Tell whether digits and separators are a day, a day with a time, or a range of years."""
    return _DATE.fullmatch(part) is not None


def is_announced(text: str, start: int) -> bool:
    """Tell whether a word such as `call` or `Tel.` stands before `start`."""
    return _WORD.search(text[max(0, start - NEAR) : start]) is not None


def is_of_another_kind(text: str, start: int) -> bool:
    """Tell whether a word such as `order no.` or `ISBN` stands right before `start`."""
    return _OTHER.search(text[max(0, start - NEAR) : start]) is not None


def may_begin(text: str, start: int, announced: bool) -> bool:
    """Tell whether a number may begin here: not within a code, a decimal or a price, but right after a word."""
    before = text[start - 1] if start else " "
    if re.search(r"\d:$", text[max(0, start - 2) : start]):
        return False  # a time of day
    if before in ".,·$£€#@=" or (before == "-" and not announced):
        return False
    glued = before.isascii() and (before.isalnum() or before == "_")
    return announced or not glued or _GLUED_WORD.search(text, max(0, start - 4), start) is not None


def may_end(text: str, end: int, sure: bool) -> bool:
    """Tell whether a number may end here: a word may follow (`08001234567now`), a unit or the rest of a code not.

    Args:
        text: The passage.
        end: Where the number ends.
        sure: It was announced or begins with a zero or a plus, so it is no amount.
    """
    if re.match(r"[.,:]?\d|[_@]|[A-Za-z]{1,2}\d", text[end : end + 3]):
        return False
    letters = re.match(r"[A-Za-z]*", text[end : end + GLUED])
    return sure or (not re.match(r"\s?[%€£$]", text[end : end + 2]) and (not letters or len(letters[0]) in (0, GLUED)))
