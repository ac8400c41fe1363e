"""Golden decisions of the text stages (data/pipeline/text), from ftfy and from datatrove's URLFilter.

    pip install ftfy==6.3.1 datatrove==0.10.1 tldextract pyahocorasick fasteners
    python tests/golden/make_text_goldens.py            # writes tests/golden/text/{mojibake,urls}.json

mojibake.json: [{text, fixed}]: ftfy.fix_encoding of clean texts, of texts misread as Latin-1 or Windows-1252 up to three times, of damaged and mixed ones.
urls.json: {lists, cases: [{url, reason}]}: datatrove's verdict with the small lists written here (none of its own lists is used). The public suffixes are
those of `suffixes.dat`, also written here, so that no version of the real list matters.
Deterministic; no network.
"""

import json
import random
from pathlib import Path

import ftfy
import ftfy.bad_codecs  # noqa: F401  (sloppy-windows-1252)
from datatrove.data import Document
from datatrove.pipeline.filters import URLFilter
from tldextract import TLDExtract

OUT = Path(__file__).parent / "text"

CLEAN = [
    "schön, größer, Straße",
    "L’été est déjà fini — hélas !",
    "¿Dónde está el niño? ¡Aquí!",
    "“Quoted” text with an ellipsis…",
    "naïve café façade",
    "Zażółć gęślą jaźń",
    "Příliš žluťoučký kůň úpěl ďábelské ódy",
    "Привет, мир",
    "Γειά σου Κόσμε",
    "日本語のテキストです。",
    "中文文本，标点。",
    "한국어 문장입니다.",
    "نص عربي قصير",
    "שלום עולם",
    "हिन्दी में लिखा",
    "emoji 😀 and 🎉 party",
    "50 °C ± 2, 3 × 4 = 12, ½ cup",
    "price: 10 € or £8",
    "Ørsted, Ångström, Æsir",
    "São Paulo, coração, avô",
    "it’s a dog’s life",
    "100 µm – 200 µm",
    "• first point",
    "Trademark™ and registered®",
    "the “left” and ‘right’ – dashes — all",
    "fiancée à la carte",
    "L'àvia fa pa cada dia",
    "Tiếng Việt có dấu",
    "Türkçe: ığüşöç İĞÜŞÖÇ",
    "Íslenska þýðing æ ö",
]

UNCHANGED = [
    "plain ASCII text, nothing here",
    "Ã is a letter of Portuguese, as in CAMARÃO",
    "MÃE E FILHO",
    "The letter â, as in âge",
    "A RAÇÃO DO CÃO",
    "à la mode",
    "Äpfel und Öl",
    "I’m “fine” – thanks…",
    "√2 ≈ 1.414, ∞ ≠ 0",
    "Ω ≈ ç √ ∫",
    "«guillemets» à la française",
    "¡Hola! ¿Qué tal?",
    "37 °C, 5 % ± 1",
    "£100 or €120 or ¥900",
    "© 2020 Company™",
    "ÃÕ",
    "Â",
    "été à Évian",
    "Đà Nẵng",
    "(o^_^)o ヽ(´ー｀)ノ",
    "ÀÉÎÕÜ",
    "x² + y³",
    "Š ž œ Œuvre",
    "cœur, sœur, œuvre",
    "§ 12 Abs. 3 ¶ 4",
    "10 µg · 3 ÷ 2",
    "RÉPUBLIQUE FRANÇAISE",
    "Straße 5½",
    "‘quoted’",
    "SÃO JOSÉ",
    "voilà, déjà là",
    "ËÏÖ ÿ",
    "日本語 ® テスト",
    "Ünïcödé",
    "Å is a unit, Å",
    "¶ §",
    "Ð and Þ are Icelandic letters",
    "ªº",
    "don´t use acute accents",
    "¬ logic ∧ ∨",
]

DAMAGED = [
    "voilÃ  le travail",
    "Ã la carte, fÃ¼r alle",
    "donâ€™t and naïve in one line",
    "sÃ³ and 日本語 together",
    "â€œquotedâ€\x9d and more",
    "â€œquotedâ€� lost",
    "â€¦ and then â€” nothing",
    "a Â© sign",
    "a Â sign alone",
    "Â¿QuÃ© pasa?",
    "control \x93quoted\x94 text",
    "it\x92s broken",
    "price Â£10",
    "10Â°C",
    "âœ” done",
    "âœ” done and 中文",
    "ðŸ˜€ smile",
    "ðŸ˜€ smile 中",
    "ÃƒÂ©tÃ©",
    "l’humanitÃ©",
    "Ã¥Ã¤Ã¶",
    "Ð¿Ñ€Ð¸Ð²ÐµÑ‚",
    "Ã\x89cole",
    "Ãcole",
    "fÃ cil",
    "Ã  bientÃ´t",
    "Ã quele tempo",
    "CÃ´te dâ€™Ivoire",
    "Ã¢â‚¬Å“deepÃ¢â‚¬Â\x9d",
    "Ãƒâ€šÃ‚Â£",
    "mixed schÃ¶n und schön",
    "GrÃ¼ÃŸe aus MÃ¼nchen",
    "Ã¡Ã©Ã­Ã³Ãº",
    "weiÃ?",
    "SÃ£o Paulo – Brasil",
    "Ã¯Â»Â¿text with BOM",
    "â‚¬ 100",
    "The Mona Lisa doesnÃƒÂ¢Ã¢â€šÂ¬Ã¢â€žÂ¢t have eyebrows.",
    "Ø§Ù„Ø¹Ø±Ø¨ÙŠØ©",
    "à¤¹à¤¿à¤¨à¥à¤¦à¥€",
]


def misread(text, encoding, times):
    for _ in range(times):
        text = text.encode("utf-8").decode(encoding)
    return text


def mojibake():
    texts = list(CLEAN) + list(UNCHANGED) + list(DAMAGED)
    for text in CLEAN:
        for encoding in ("latin-1", "sloppy-windows-1252"):
            texts.append(misread(text, encoding, 1))
    for text in CLEAN[:12]:
        texts.append(misread(text, "sloppy-windows-1252", 2))
        texts.append(misread(text, "sloppy-windows-1252", 3))
    for text in CLEAN[:15]:
        texts.append(misread(text, "sloppy-windows-1252", 1) + " | 你好")  # beside characters of neither encoding
    return [{"text": text, "fixed": ftfy.fix_encoding(text)} for text in dict.fromkeys(texts)]


LISTS = {
    "domains": [
        "# comment",
        "badsite.com",
        "evil.co.uk",
        "ads.goodsite.com",
        "xn--bcher-kva.example",
        "spam.blogspot.com",
        "casino.net",
        "1.2.3.4",
        "tracker.city.kawasaki.jp",
    ],
    "urls": ["http://goodsite.com/blocked/page.html", "https://www.example.org/a?b=c"],
    "hard_words": ["forbiddenword", "poker", "Slot-Machine"],
    "soft_words": ["bet", "bonus", "win", "free", "casino"],
    "substrings": ["onlinecasino", "xx-yy-zz", "buynow77", "aab", "abab"],
}
SUFFIXES = ["com", "net", "org", "example", "co.uk", "uk", "de", "jp", "*.kawasaki.jp", "!city.kawasaki.jp", "io", "com.br", "br"]
PRIVATE = ["blogspot.com", "github.io"]


def url_texts():
    hosts = [
        "badsite.com",
        "www.badsite.com",
        "notbadsite.com",
        "badsite.com.br",
        "a.b.evil.co.uk",
        "evil.co.uk",
        "co.uk",
        "ads.goodsite.com",
        "x.ads.goodsite.com",
        "goodsite.com",
        "www.example.org",
        "spam.blogspot.com",
        "other.blogspot.com",
        "user.github.io",
        "localhost",
        "127.0.0.1",
        "1.2.3.4",
        "[::1]",
        "BadSite.COM",
        "casino.net",
        "www.casino.net",
        "tracker.city.kawasaki.jp",
        "a.tracker.city.kawasaki.jp",
        "foo.bar.kawasaki.jp",
        "unknown.tld",
        "xn--bcher-kva.example",
        "badsite.com.",
        "sub.domain.de",
        "free-win.io",
        "poker.example",
    ]
    paths = [
        "",
        "/",
        "/blocked/page.html",
        "/a?b=c",
        "/poker/rules",
        "/Poker",
        "/forbidden-word",
        "/forbiddenword.html",
        "/slotmachine",
        "/free/bonus",
        "/free/free",
        "/bet-now?win=1",
        "/online-casino-games",
        "/xx/yy/zz",
        "/buy_now_77",
        "/aaab",
        "/aba-b",
        "/some/long/article-about-history.html",
        "/BONUS/win",
        "/x#onlinecasino",
    ]
    schemes = ["http://", "https://", "", "//", "http://user:pw@", "ftp://"]
    generator = random.Random(5)
    urls = [f"http://{host}{path}" for host in hosts for path in generator.sample(paths, 9)]
    urls += [f"{generator.choice(schemes)}{generator.choice(hosts)}{generator.choice(['', ':8080', ':443'])}{generator.choice(paths)}" for _ in range(150)]
    urls += [
        "http://goodsite.com/blocked/page.html",
        "https://www.example.org/a?b=c",
        "http://",
        "not a url",
        "mailto:x@badsite.com",
        "http://a@b@badsite.com/x",
    ]
    return list(dict.fromkeys(urls))


def urls():
    dat = OUT / "suffixes.dat"
    private = ["// ===BEGIN PRIVATE DOMAINS===", *PRIVATE, "// ===END PRIVATE DOMAINS==="]
    dat.write_text("\n".join(["// ===BEGIN ICANN DOMAINS===", *SUFFIXES, "// ===END ICANN DOMAINS===", *private]) + "\n")
    url_filter = URLFilter(
        extra_domains=LISTS["domains"],
        extra_urls=LISTS["urls"],
        banned_words=LISTS["hard_words"],
        banned_subwords=LISTS["substrings"],
        soft_banned_words=LISTS["soft_words"],
        use_integrated_lists=False,
    )
    url_filter.tldextractor = TLDExtract(suffix_list_urls=[dat.resolve().as_uri()], fallback_to_snapshot=False, cache_dir=None)
    names = {
        "domain": "domain",
        "subdomain": "subdomain",
        "url": "url",
        "hard_blacklisted": "hard_word",
        "soft_blacklisted": "soft_words",
        "blacklisted_subword": "substring",
    }
    cases = []
    for url in url_texts():
        verdict = url_filter.filter(Document(text="x", id="0", metadata={"url": url}))
        cases.append({"url": url, "reason": "" if verdict is True else names[verdict[1]]})
    return {"lists": LISTS, "cases": cases}


def write(name, value):
    rows = value if isinstance(value, list) else value["cases"]
    body = ",\n".join(json.dumps(row, ensure_ascii=True) for row in rows)
    head = "" if isinstance(value, list) else '{"lists": ' + json.dumps(value["lists"]) + ',\n"cases": '
    (OUT / name).write_text(head + "[\n" + body + "\n]" + ("" if isinstance(value, list) else "}") + "\n")
    print(name, len(rows))


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    write("mojibake.json", mojibake())
    write("urls.json", urls())
