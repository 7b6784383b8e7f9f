"""Every kind of personal data by its name, those first whose mask wins where two overlap."""

from edge_pipeline.scrubbing import card, email, iban, ip, names, national_id, pattern, phone, url
from edge_pipeline.scrubbing.interface import Kind

KINDS: dict[str, Kind] = {
    "url": url.KIND,
    "email": email.KIND,
    "iban": iban.KIND,
    "card": card.KIND,
    "id": national_id.KIND,
    "ip": ip.KIND,
    "phone": phone.KIND,
    "name": names.KIND,
    "pattern": pattern.KIND,
}
