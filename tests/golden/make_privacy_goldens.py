"""Golden data of the privacy stage, from datatrove 0.10.1's patterns, Dolma 1.2.1's patterns and Python 3.11's ipaddress.

    /path/to/venv/bin/python tests/golden/make_privacy_goldens.py

Needs datatrove 0.10.1 only; Dolma's three patterns and its rules are restated here (python/dolma/taggers/pii.py). Writes tests/golden/privacy/addresses.jsonl
(texts with what ipaddress says of them) and spans.jsonl (texts with the spans that both tools match, as byte offsets). Deterministic.
"""
import ipaddress
import json
import random
import re
from pathlib import Path

from datatrove.pipeline.formatters.pii import PIIFormatter, public_ip_validator

OUTPUT = Path(__file__).parent / "privacy"
DOLMA_EMAIL = re.compile("[.\\s@,?!;:)(]*([^\\s@]+@[^\\s@,?!;:)(]+?)[.\\s@,?!;:)(]?[\\s\n\r]")
DOLMA_PHONE = re.compile("\\s+\\(?(\\d{3})\\)?[-\\. ]*(\\d{3})[-. ]?(\\d{4})")
DOLMA_IP = re.compile("(?:(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)\\.){3}(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)")

EDGES_V4 = """0.0.0.0 0.255.255.255 1.0.0.0 9.255.255.255 10.0.0.0 10.255.255.255 11.0.0.0 100.63.255.255 100.64.0.0 100.127.255.255 100.128.0.0
126.255.255.255 127.0.0.1 128.0.0.0 169.253.255.255 169.254.0.0 169.255.0.0 172.15.255.255 172.16.0.0 172.31.255.255 172.32.0.0 192.0.0.0 192.0.0.7
192.0.0.8 192.0.0.9 192.0.0.169 192.0.0.170 192.0.0.171 192.0.0.172 192.0.1.255 192.0.2.0 192.0.2.255 192.0.3.0 192.88.99.1 192.167.255.255 192.168.0.0
192.168.255.255 192.169.0.0 198.17.255.255 198.18.0.0 198.19.255.255 198.20.0.0 198.51.99.255 198.51.100.0 198.51.101.0 203.0.112.255 203.0.113.0
203.0.114.0 223.255.255.255 224.0.0.1 239.255.255.255 240.0.0.0 255.255.255.254 255.255.255.255 8.8.8.8 256.1.1.1 1.2.3 1.2.3.4.5 01.2.3.4 1.02.3.4 1.2.3.
1.2.3.0004 1.2.3.-4 1..2.3 1.2.3.4a 999.1.1.1 22.214.171.124""".split()
EDGES_V6 = """:: ::1 ::2 1:: ::ffff:0:0 ::ffff:8.8.8.8
::ffff:10.0.0.1 ::ffff:100.64.0.1 ::8.8.8.8 64:ff9b::1 64:ff9b:1::1 100:: 100::1 100:0:0:1:: 2001:: 2001:1ff:: 2001:200::
2001:2::1 2001:2:1:: 2001:db8:: 2001:db8:ffff::1 2001:db9:: 2001:10:: 2001:1f:ffff:: 2001:20:: 2001:4860:4860::8888 2002:c000:204:: 2620:fe::fe 3fff::1
3ffe:ffff:: fbff:: fc00:: fdff::1 fe00:: fe7f:: fe80::1 fe80::1%eth0 fe80::1% febf:: fec0::1 ff02::1 1:2:3:4:5:6:7:8 1:2:3:4:5:6:7 1:2:3:4:5:6:7:8:9
1:2:3:4:5:6:7:: ::2:3:4:5:6:7:8 1::8 1::2::3 ::: 1:2:3:4:5:6:1.2.3.4 1:2:3:4:5:6:7:1.2.3.4 1::1.2.3.4 1.2.3.4:: 12345:: g:: :1:2:3:4:5:6:7 1:2:3:4:5:6:7:
::1%a%b ::1%a/b 2a00:1450:4001:81b::200e 2A00:1450:4001:81B::200E 12:30:45 dead::beef a::b 1:2 2001:4:112::1 2001:3::1 ::ffff:192.0.2.1
::ffff:1.2.3.04""".split()

LOCALS = ["a", "john.doe", "x+tag", "o'neil", "a_b-c", "1a", "-a", "a..b", ".a", "a.", "!#$%&'*+/=?^_`{|}~-", "ü", "jö.rg", "联系abc", "é-x", "A.B.C",
          "user%host"]
DOMAINS = ["example.org", "b", "b.c", "mail.Example.CO.uk", "-b.c", "b-.c", "b..c", "b.c.", "1.2", "[1.2.3.4]", "[300.2.3.4]", "bücher.de",
           "xn--bcher-kva.de", "a.b-c.d", "b.c-", "b_c.d"]
AROUND = ["{} ", "Write to {}.", "<{}>", "({}), ", "mailto:{}?x=1 ", "x {},y", "{}\n", "{}@z.de ", "…{}… ", "a@b.cc{} "]
PHONES = ["555-123-4567", "(555) 123-4567", "555.123.4567", "5551234567", "555 123 4567", "555--123-4567", "1-800-555-1234", "+1 555 123 4567", "(555)123 4567",
          "55-123-4567", "555-1234", "555-123-45678", "٥٥٥-123-4567"]


def is_global(text):
    try:
        return ipaddress.ip_address(text).is_global
    except ValueError:
        return None


def texts():
    draw = random.Random(5)
    for local in LOCALS:
        for domain in DOMAINS:
            yield draw.choice(AROUND).format(f"{local}@{domain}")
    for address in EDGES_V4:
        yield f"at {address} there"
        yield draw.choice(["v{}-rc", "{},", "({})", "10.{}", "{}.1", "http://{}:80/", "{}/24", "ip={}"]).format(address)
    for phone in PHONES:
        yield f"Call {phone} now"
        yield draw.choice(["{}", "\n{}\n", "x{} ", "  {}", "a\u00a0{}.", "ISBN {} "]).format(phone)
    yield "no address at all"
    yield "a@b.c d@e.f,g@h.i (j@k.l) 8.8.8.8 8.8.4.4, 10.0.0.1 and (202) 555-0100 or 202.555.0101."
    yield "first line x@y.org\nsecond 1.1.1.1\n\n   \n 303 555 0199 \u2028 q@r.st\u3000end"


def paragraphs(text):
    """Dolma's split: lines with their line end; (offset, text)."""
    return [(match.start(), match.group()) for match in re.finditer(r"[^\n]*\n|[^\n]+$", text)]


def dolma_spans(text):
    spans = {"email": [], "phone": [], "ip": []}
    for offset, line in paragraphs(text):
        for match in DOLMA_EMAIL.finditer(line):
            addressee, domain = match.group(1).split("@", 1)
            if addressee.strip() != "(" and "." in domain:
                spans["email"].append((offset + match.start(), offset + match.end()))
        for match in DOLMA_PHONE.finditer(line):
            spans["phone"].append((offset + match.start(), offset + match.end()))
        for match in DOLMA_IP.finditer(line):
            spans["ip"].append((offset + match.start(), offset + match.end()))
    return spans


def datatrove_spans(formatter, text):
    return {"email": [match.span() for match in formatter.emails_replacer.regex.finditer(text)],
            "ip": [match.span() for match in formatter.ip_replacer.regex.finditer(text) if public_ip_validator(match.group(0))]}


def in_bytes(text, spans):
    return {kind: [[len(text[:begin].encode()), len(text[:end].encode())] for begin, end in list_] for kind, list_ in spans.items()}


def main():
    OUTPUT.mkdir(exist_ok=True)
    with open(OUTPUT / "addresses.jsonl", "w", encoding="utf-8") as out:
        for address in EDGES_V4 + EDGES_V6:
            out.write(json.dumps({"text": address, "global": is_global(address)}) + "\n")
    formatter = PIIFormatter()
    with open(OUTPUT / "spans.jsonl", "w", encoding="utf-8") as out:
        for text in texts():
            record = {"text": text, "datatrove": in_bytes(text, datatrove_spans(formatter, text)), "dolma": in_bytes(text, dolma_spans(text))}
            out.write(json.dumps(record, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
