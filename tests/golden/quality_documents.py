"""Documents for make_quality_goldens.py: real passages and adversarial ones, from Python's own library and a seed alone.

Real: Python's language reference (pydoc_data.topics, PSF licence). Adversarial: every rule of the filters from both sides, all scripts, all line ends.
"""

import pydoc_data.topics
import random
import unicodedata

SENTENCES = [
    "The people of the valley have to be with the river in the spring.",
    "Water boils at a lower temperature when the pressure of the air is low, and that is why cooks in the mountains wait.",
    "To prove that the sum of two even numbers is even, write them as twice a number and add.",
    "A map is a picture of the land; with it and a compass you have all that you need to find your way.",
    'She asked, "Is that the way to the old mill?" and he said that it was.',
    "In 1848 the price was 3.14 pounds (U.S. units), i.e. about twice that of 1830!",
    "They don't know what they've got till it's gone\u2026 and that is the end of it.",
    "Das Wetter in den Bergen \u00e4ndert sich schnell, und wer dort wandert, sollte das wissen.",
    "\u041f\u043e\u0433\u043e\u0434\u0430 \u0432 \u0433\u043e\u0440\u0430\u0445 \u043c\u0435\u043d\u044f\u0435\u0442\u0441\u044f \u0431\u044b\u0441\u0442\u0440\u043e.",
    "\u5c71\u7684\u5929\u6c14\u53d8\u5316\u5f88\u5feb\u3002\u6240\u4ee5\u8981\u5c0f\u5fc3\uff01",
    "\u65e5\u672c\u8a9e\u306e\u6587\u7ae0\u306f\u3001\u5358\u8a9e\u306e\u9593\u306b\u7a7a\u767d\u304c\u306a\u3044\u3002\u30c6\u30b9\u30c8\u3067\u3059\u3002",
    "\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22\u0e44\u0e21\u0e48\u0e21\u0e35\u0e0a\u0e48\u0e2d\u0e07\u0e27\u0e48\u0e32\u0e07\u0e23\u0e30\u0e2b\u0e27\u0e48\u0e32\u0e07\u0e04\u0e33",
    "\u0627\u0644\u0637\u0642\u0633 \u0641\u064a \u0627\u0644\u062c\u0628\u0627\u0644 \u064a\u062a\u063a\u064a\u0631 \u0628\u0633\u0631\u0639\u0629\u060c \u0623\u0644\u064a\u0633 \u0643\u0630\u0644\u0643\u061f",
    "\u05d4\u05d0\u05e8\"\u05e5 \u05d2\u05d3\u05d5\u05dc\u05d4 \u05d5\u05d9\u05e4\u05d4.",
    "\u0939\u093f\u0928\u094d\u0926\u0940 \u092e\u0947\u0902 \u090f\u0915 \u0935\u093e\u0915\u094d\u092f\u0964 \u0926\u0942\u0938\u0930\u093e \u0935\u093e\u0915\u094d\u092f\u0965",
    "\ud55c\uad6d\uc5b4 \ubb38\uc7a5\uc740 \ub744\uc5b4\uc4f0\uae30\uac00 \uc788\uc2b5\ub2c8\ub2e4.",
    "Emoji \U0001f468\u200d\U0001f469\u200d\U0001f467 and flags \U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7 and hearts \u2764\ufe0f are words too?",
    "Combining e\u0301 a\u0310 marks, \u0130stanbul, \u017fhort s, \ufb01ne ligatures, \u212aelvin and \u01c5.",
]
ODD_LINES = [
    "", " ", "\t", "-", "- item", "\u2022 point of the list", "\u25ba arrow", "...", "\u2026", "and so on...", "and so on\u2026", "and so on...  ", "# heading", "### #", "lorem ipsum dolor sit amet.",
    "Lorem Ipsum is dummy text.", "Please enable JavaScript to see this page.", "javascript: alert(1).", "if (a) { return b; }.", "Read our privacy policy today.", "This site Uses Cookies to work.",
    "The terms of use have changed.", "We make use of cookies here.", "Our COO\u212aIE policy is this.", "Cited[1] as known[23][edit].", "Facts [citation needed] are rare.", "java[1]script is split here.",
    "A marker at the end.[4]", "A marker and space. [5]", "[\u0661\u0662] Arabic digits [x] stay.", "One.", "Two words.", "x" * 1001 + " is long.", "x" * 1000 + " is not too long.", "\u00e9" * 1001 + " is long.",
    "Who?! What?? \"Yes.\" 'No.' (Maybe.) [Never.]", "Mr. U.S. Grant vs. J. R. R. T. and so on.", "He said \u201cgo.\u201d Then he went.", "3.14.15 is a date? v1.2.3!", "No end of this line", "Ends with a quote'", "\"Quoted\"",
    "\u00a0nbsp\u00a0around\u00a0words\u00a0", "\u3000ideographic\u3000space.\u3000", "tab\tseparated\tvalues\t.", "under_score __init__ x_1 _", "a,b;c:d'e.f@g 1,000.5 1;2 1'2 a.1 1.a", "http://example.org/a?b=c&d=e#f", "foo@example.org",
    "!!!", "\u3002\u3002\u3002", "\u061f \u0964 \u06d4", "<b>html</b> &amp; text.", "\u200b\u200b", "\ufeff", "\u00ad\u200e", "\uff11\uff12\uff13 \u00bd \u2167 \u2460 \u0663", "\x00 \x01 \x7f", "a" * 300,
]
ENDS = ["\n", "\n", "\n", "\n", "\n\n", "\n\n\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\u0085", "\u2028", "\u2029", "\n \n", "\x1f", " "]


def real_passages(count):
    """Passages of 400 to 2000 characters, at paragraph ends."""
    passages, r = [], random.Random(11)
    for name in sorted(pydoc_data.topics.topics):
        paragraphs = pydoc_data.topics.topics[name].split("\n\n")
        passage, wanted = "", r.randrange(400, 2000)
        for paragraph in paragraphs:
            passage += ("\n\n" if passage else "") + paragraph
            if len(passage) >= wanted:
                passages.append(passage)
                passage, wanted = "", r.randrange(400, 2000)
    r.shuffle(passages)
    return passages[:count]


def prose(r, sentences, latin=True):
    pool = SENTENCES[:8] if latin else SENTENCES
    return " ".join(r.choice(pool) for _ in range(sentences))


def repeated(r):
    """Text in which lines, paragraphs or word n-grams come back, more or less often."""
    kind = r.randrange(5)
    if kind == 0:
        lines = [prose(r, r.randrange(1, 4)) for _ in range(r.randrange(2, 8))]
        return r.choice(["\n", "\n\n", "\n\n\n"]).join(r.choice(lines) for _ in range(r.randrange(2, 20)))
    if kind == 1:
        words = "ab a b bc c abc the of cat \u00e9t\u00e9 \u4e2d\u6587 it's x-y 1.5 , .".split(" ")[: r.randrange(2, 16)]
        return " ".join(r.choice(words) for _ in range(r.randrange(1, 220)))
    if kind == 2:
        phrase = " ".join(f"w{r.randrange(50)}" for _ in range(r.randrange(1, 14)))
        filler = lambda: " ".join(f"word{r.randrange(400)}" for _ in range(r.randrange(1, 12)))
        return " ".join(r.choice([phrase, filler()]) for _ in range(r.randrange(2, 16)))
    if kind == 3:
        return "".join(r.choice("ab \n") for _ in range(r.randrange(1, 300)))
    lines = [f"line number {r.randrange(9)} of the list" + r.choice([".", "", "!", "\u2026", "..."]) for _ in range(r.randrange(1, 40))]
    return r.choice(["\n", "\r\n"]).join(lines) + r.choice(["", "\n"])


def mixed_lines(r):
    """Prose with odd lines and line ends strewn in."""
    text = ""
    odd = r.choice([0, 0.1, 0.3, 0.8])
    ends = r.choice([["\n"], ["\n", "\n\n"], ENDS])
    latin = r.random() < 0.6
    for _ in range(r.randrange(1, 16)):
        line = r.choice(ODD_LINES) if r.random() < odd else prose(r, r.randrange(1, 4), latin)
        text += r.choice(["", "", "", "  ", "\u00a0"]) + line + r.choice(["", "", "", " "]) + r.choice(ends)
    return text


def random_characters(r):
    """Without characters newer than Python's table (Unicode 14 in Python 3.11; ICU 72 has 15)."""
    ranges = [(32, 127), (32, 127), (0, 0x250), (0x250, 0x2100), (0x2000, 0x3100), (0xE000, 0x20000), (0x3000, 0xD800)]
    characters = (chr(r.randrange(*r.choice(ranges))) for _ in range(r.randrange(1, 120)))
    return "".join(c for c in characters if unicodedata.category(c) != "Cn")


def documents(adversarial, real=130, seed=5):
    r = random.Random(seed)
    texts = ["", " ", "\n", "a", "The", "\u2028", "\r\n\r\n", ".", "...", "\u2026", "#", "\x00", "\u0308", "1234", "{", "\n\n\n", "word " * 49, "word " * 50, "word " * 300, "\u4e2d" * 200, "x" * 5000]
    texts += ODD_LINES + SENTENCES + ["\n".join(ODD_LINES), "\n".join(SENTENCES), " ".join(SENTENCES)]
    texts += ["- " + sentence + "\n" for sentence in SENTENCES] + [(line + "\n") * 12 for line in ODD_LINES[2:20]] + [prose(r, 12) + " " + end for end in ENDS]
    texts += real_passages(real)
    makers = [repeated, mixed_lines, mixed_lines, random_characters]
    texts += [makers[i % 4](r) for i in range(adversarial)]
    return texts
