"""Paragraphs of text in known languages, from Debian packages: the training material of the built-in language model.

Statistics only are derived from it; no text goes into the repository. Licences of the texts: LibreOffice MPL-2.0; Battle for Wesnoth, Freeciv, KGeography,
Marble, GnuCash, Evolution, GIMP and the manual pages GPL or LGPL and the licences that their pages name; the GNOME user documentation CC-BY-SA-3.0; the Debian
Administrator's Handbook GPL-2+ or CC-BY-SA-3.0. Used by train_language_model.py.
"""
import gzip, html, io, re, struct, subprocess, tarfile
from pathlib import Path

HELP = "cs da de en-us es fi fr hu it ja ko nl pl pt pt-br ru sv tr zh-cn zh-tw ca sk sl et eu gl id vi".split()
MESSAGES = "ar he nb nn th uk bg be mk sr fa hr ro lt lv af cy ga is".split()
PAGES = "cs da de es fi fr hu it ja nb nl pl pt pt-br ro ru sv tr uk zh".split()
OTHERS = "wesnoth-1.16-data freeciv-data kgeography-data marble-data gnucash-common evolution-common gimp-data gnome-user-docs manpages".split()
HANDBOOK = "debian-handbook"  # never trained on: the passages of another domain
PACKAGES = [f"libreoffice-help-{x}" for x in HELP] + [f"libreoffice-l10n-{x}" for x in MESSAGES] + [f"manpages-{x}" for x in PAGES] + OTHERS + [HANDBOOK]

TARGETS = "ar zh cs da nl en fi fr de he hu it ja ko no pl pt ru es sv th tr uk".split()  # the 23 of Phi-3.5
LATIN = [x for x in "cs da nl en fi fr de hu it no pl pt es sv tr".split()]
LATIN_OTHERS = "ca gl ro sk sl hr et lt lv vi id eu eo af is cy ga".split()  # known only so that they are not taken for one of the 23
CYRILLIC = ["ru", "uk"]
CYRILLIC_OTHERS = "bg be mk sr".split()
ARABIC = ["ar"]
ARABIC_OTHERS = ["fa"]
SAME = {"nb": "no", "nn": "no", "C": "en", "man": "en"}
KNOWN = set(TARGETS + LATIN_OTHERS + CYRILLIC_OTHERS + ARABIC_OTHERS)
ENGLISH = set("the of is to and with this that are be not it you from which have can will".split())


def language_of(folder):
    """The label of a folder's name (pt_BR, zh-CN, nb, sr@latin); None for a language that is not looked at."""
    if folder == "sr@latin":
        return "hr"
    if "@" in folder:
        return None
    code = re.split(r"[-_.]", folder)[0]
    code = SAME.get(code, code)
    return code if code in KNOWN else None


def download(folder):
    """Fetches what is not there yet with apt-get; returns name -> file, and prints the versions."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for name in PACKAGES:
        found = sorted(folder.glob(f"{name}_*.deb"))
        if not found:
            subprocess.run(["apt-get", "download", name], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            found = sorted(folder.glob(f"{name}_*.deb"))
        files[name] = found[-1]
        print("package", name, found[-1].name.split("_")[1].replace("%3a", ":"))
    return files


def members(deb):
    """(path, bytes) of the files of a package."""
    process = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE)
    with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
        for member in archive:
            if member.isfile() and re.search(r"\.(html|page|mo|gz)$", member.name):
                yield member.name.lstrip("./"), archive.extractfile(member).read()
    process.wait()


def messages(data):
    """(original, translation) of a message catalogue."""
    magic = struct.unpack("<I", data[:4])[0]
    order = "<" if magic == 0x950412DE else ">"
    count, originals, translations = struct.unpack(order + "3I", data[8:20])
    for i in range(count):
        pair = []
        for table in (originals, translations):
            length, offset = struct.unpack(order + "2I", data[table + 8 * i:table + 8 * i + 8])
            pair.append(data[offset:offset + length].decode("utf-8", "replace"))
        original = pair[0].split("\x04")[-1]
        if original:
            for a, b in zip(original.split("\0"), pair[1].split("\0")):
                yield a, b


def html_paragraphs(text):
    text = re.sub(r"(?is)<(script|style|head|pre|code)\b.*?</\1>", " ", text)
    for piece in re.split(r"(?i)<(?:/?(?:p|h\d|li|td|th|div|title|item|section|note|br)\b)[^>]*>", text):
        yield html.unescape(re.sub(r"<[^>]+>", "", piece))


def page_paragraphs(text):
    """Paragraphs of a manual page, its requests and escapes taken off."""
    paragraph = []
    for line in text.split("\n") + [".PP"]:
        if re.match(r"""[.']\s*(PP|P|LP|TP|IP|SH|SS|sp|br|nf|fi|RS|RE|HP)\b|\s*$""", line):
            yield " ".join(paragraph)
            paragraph = []
        elif line.startswith((".B ", ".I ", ".BR ", ".IR ")):
            paragraph.append(line.split(" ", 1)[1].replace('"', ""))
        elif not line.startswith((".", "'", "\\\"")):
            paragraph.append(line)


def roff_text(text):
    text = re.sub(r"\\f(\[[^\]]*\]|\(..|.)|\\s[-+]?\d+|\\[&%/,:]|\\\*\([lr]q", "", text)
    return text.replace("\\-", "-").replace("\\(aq", "'").replace("\\ ", " ").replace("\\e", "\\")


def cleaned(text):
    """One line without what is not language: entities, format strings, tags, addresses, single identifiers. Empty when little is left."""
    text = re.sub(r"<[^>]{1,80}>|%[-0-9.$]*[a-zA-Z]+|\$[\w{}.]+|\{[^}]{0,40}\}|https?://\S+|\S+@\S+|[_~&]|\S*[/\\=]\S*|--?\w\S*", " ", text)
    text = re.sub(r"\s+", " ", text).strip()
    letters = sum(c.isalpha() for c in text)
    return text if letters >= 3 and letters >= 0.6 * len(text) else ""


def looks_english(text):
    words = re.findall(r"[a-z]+", text.lower())
    return len(words) >= 5 and sum(word in ENGLISH for word in words) >= 0.12 * len(words)


def paragraphs_of(name, path, data):
    """(language, paragraph) of one file of a package."""
    parts = path.split("/")
    if path.endswith(".mo"):
        language = language_of(parts[parts.index("LC_MESSAGES") - 1]) if "LC_MESSAGES" in parts else None
        if language is None:
            return
        for original, translation in messages(data):
            if translation != original:
                yield language, translation
                if language == "de" and len(original) > 40:  # once, with the catalogue that is most complete
                    yield "en", original
    elif "/man/" in path and path.endswith(".gz"):
        folder = parts[parts.index("man") + 1]
        language = "en" if folder.startswith("man") else language_of(folder.split(".")[0])
        if language is not None:
            for paragraph in page_paragraphs(gzip.decompress(data).decode("utf-8", "replace")):
                yield language, roff_text(paragraph)
    elif path.endswith((".html", ".page")):
        where = {"libreoffice": "help", "gnome-use": "help", "debian-ha": "html"}.get(name[:11] if name.startswith("libre") else name[:9])
        if where in parts:
            language = language_of(parts[parts.index(where) + 1])
            if language is not None:
                for paragraph in html_paragraphs(data.decode("utf-8", "replace")):
                    yield language, paragraph


def collect(files, output):
    """Writes language, package, file number and paragraph as tab-separated lines, every paragraph once; untranslated ones are left out."""
    seen = set()
    with io.open(output, "w", encoding="utf-8") as out:
        for name, deb in files.items():
            for number, (path, data) in enumerate(sorted(members(deb), key=lambda member: ("/en" not in member[0] and "/C/" not in member[0], member[0]))):
                for language, paragraph in paragraphs_of(name, path, data):
                    text = cleaned(paragraph)
                    if not text or text in seen or (language != "en" and looks_english(text)):
                        continue
                    seen.add(text)
                    out.write(f"{language}\t{name}\t{number}\t{text}\n")


if __name__ == "__main__":
    import sys
    work = Path(sys.argv[1])
    collect(download(work / "debs"), work / "paragraphs.tsv")
