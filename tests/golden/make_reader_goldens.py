"""Writes tests/golden/readers/: small WARC, WET and Parquet files by warcio and pyarrow, and what their own readers find in them.

    pip install warcio==1.8.1 pyarrow==26.0.1 && python tests/golden/make_reader_goldens.py

  pages.warc.gz, pages.warc    a gzip member per record; the same uncompressed. Pages in several charsets and codings among records that are no documents
  texts.warc.wet.gz            conversion records
  table.parquet                columns of many types in three row groups
  <name>.jsonl                 the documents: id, text, url, date or fields, charset; in order
"""

import datetime
import decimal
import gzip
import io
import json
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq
from warcio.archiveiterator import ArchiveIterator
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

ROOT = pathlib.Path(__file__).parent / "readers"
DATE = "2024-05-06T07:08:09Z"


def page(text, charset=None):
    meta = f'<meta charset="{charset}">' if charset else ""
    return f"<!DOCTYPE html><html><head>{meta}<title>t</title></head><body><p>{text}</p></body></html>"


def chunked(data, size=37):
    out = b""
    for at in range(0, len(data), size):
        piece = data[at:at + size]
        out += b"%x\r\n%s\r\n" % (len(piece), piece)
    return out + b"0\r\n\r\n"


RUSSIAN = "Съешь же ещё этих мягких французских булок, да выпей чаю. " * 4
JAPANESE = "いろはにほへと ちりぬるを わかよたれそ つねならむ うゐのおくやま けふこえて。" * 3
FRENCH = "Dès Noël où un zéphyr haï me vêt de glaçons würmiens je dîne d'exquis rôtis de bœuf à l'aÿ d'âge mûr et cætera. " * 2

# name, status, headers, body, charset of the page (None: no document)
RESPONSES = [
    ("utf8", "200 OK", [("Content-Type", "text/html; charset=utf-8")], page("caf\u00e9 \U0001f600").encode(), "utf-8"),
    ("header-charset", "200 OK", [("Content-Type", "text/html; charset=windows-1251")], page(RUSSIAN).encode("cp1251"), "cp1251"),
    ("meta-charset", "200 OK", [("Content-Type", "text/html")], page(JAPANESE, "Shift_JIS").encode("shift_jis"), "shift_jis"),
    ("latin-label", "200 OK", [("Content-Type", 'text/html; charset="ISO-8859-1"')], page("\u201cquoted\u201d \u20ac \u00e9").encode("cp1252"), "cp1252"),
    ("detected", "200 OK", [("Content-Type", "text/html")], page(RUSSIAN).encode("koi8-r"), "koi8-r"),
    ("utf16", "200 OK", [("Content-Type", "text/html")], page(FRENCH).encode("utf-16"), "utf-16"),
    ("chunked", "200 OK", [("Content-Type", "text/html"), ("Transfer-Encoding", "chunked")], chunked(page("in pieces " * 30).encode()), "utf-8"),
    ("gzip", "200 OK", [("Content-Type", "text/html"), ("Content-Encoding", "gzip")], gzip.compress(page("packed " * 50).encode(), mtime=0), "utf-8"),
    ("chunked-gzip", "206 Partial Content",
     [("content-type", "TEXT/HTML"), ("content-encoding", "gzip"), ("transfer-encoding", "chunked")],
     chunked(gzip.compress(page("both " * 90).encode(), mtime=0)), "utf-8"),
    ("not-chunked", "200 OK", [("Content-Type", "application/xhtml+xml"), ("Transfer-Encoding", "chunked")], page("only said to be").encode(), "utf-8"),
    ("no-type", "200 OK", [], page("untyped").encode(), "utf-8"),
    ("empty", "200 OK", [("Content-Type", "text/html")], b"", "utf-8"),
    ("missing", "404 Not Found", [("Content-Type", "text/html")], page("not found").encode(), None),
    ("image", "200 OK", [("Content-Type", "image/png")], b"\x89PNG\r\n\x1a\n\0\0WARC/1.0\r\n", None),
]


def identifier(number):
    return f"<urn:uuid:00000000-0000-4000-8000-{number:012d}>"


def write_records(out, compress):
    writer = WARCWriter(out, gzip=compress)
    number = 0

    def write(record):
        nonlocal number
        record.rec_headers.replace_header("WARC-Record-ID", identifier(number))
        record.rec_headers.replace_header("WARC-Date", DATE)
        writer.write_record(record)
        number += 1

    write(writer.create_warcinfo_record("pages.warc.gz", {"software": "test"}))
    for name, status, headers, body, _ in RESPONSES:
        uri = f"http://example.org/{name}?a=1&b=\u00fc"
        request = StatusAndHeaders("GET / HTTP/1.1", [("Host", "example.org")], is_http_request=True)
        write(writer.create_warc_record(uri, "request", http_headers=request))
        response = StatusAndHeaders(status, headers, protocol="HTTP/1.1")
        write(writer.create_warc_record(uri, "response", payload=io.BytesIO(body), length=len(body), http_headers=response))
        write(writer.create_warc_record(uri, "metadata", payload=io.BytesIO(b"fetchTimeMs: 5"), length=14, warc_content_type="application/warc-fields"))
    write(writer.create_revisit_record("http://example.org/again", "sha1:AAAA", "http://example.org/utf8", DATE))


def warc_documents(data):
    """Through warcio's reader: payloads with chunks and compression undone; then Python's codecs."""
    charset_of = {name: charset for name, *_, charset in RESPONSES}
    documents = []
    for record in ArchiveIterator(io.BytesIO(data)):
        uri = record.rec_headers.get_header("WARC-Target-URI")
        name = uri.rsplit("/", 1)[-1].split("?")[0] if uri else ""
        charset = charset_of.get(name)
        if record.rec_type != "response" or charset is None:
            continue
        documents.append({"id": record.rec_headers.get_header("WARC-Record-ID"), "text": record.content_stream().read().decode(charset), "url": uri,
                          "date": record.rec_headers.get_header("WARC-Date"), "charset": charset})
    return documents


def write_wet(out):
    writer = WARCWriter(out, gzip=True)
    documents = []
    for number, text in enumerate(["Plain text.\nSecond line: \u00e9\u4e2d.\r\n", "", "WARC/1.0 stands\nWARC/1.0 in the text"]):
        uri, data = f"http://example.org/{number}", text.encode()
        record = writer.create_warc_record(uri, "conversion", payload=io.BytesIO(data), length=len(data), warc_content_type="text/plain")
        record.rec_headers.replace_header("WARC-Record-ID", identifier(100 + number))
        record.rec_headers.replace_header("WARC-Date", DATE)
        writer.write_record(record)
        documents.append({"id": identifier(100 + number), "text": text, "url": uri, "date": DATE, "charset": "utf-8"})
    return documents


def write_table(path):
    """Three row groups; `fields` is what the other columns should read as."""
    rows = 25
    utc = datetime.timezone.utc
    columns = {
        "text": pa.array([f"text {i} \u00e9 \"q\"\n" if i != 7 else "" for i in range(rows)], pa.string()),
        "id": pa.array(list(range(1000, 1000 + rows)), pa.int64()),
        "url": pa.array([None if i % 5 == 0 else f"http://example.org/{i}" for i in range(rows)], pa.large_string()),
        "score": pa.array([i / 8 for i in range(rows)], pa.float64()),
        "small": pa.array([i / 4 for i in range(rows)], pa.float32()),
        "big": pa.array([2**63 + i for i in range(rows)], pa.uint64()),
        "flag": pa.array([i % 3 == 0 for i in range(rows)], pa.bool_()),
        "nothing": pa.array([None] * rows, pa.int32()),
        "when": pa.array([datetime.datetime(2024, 1, 2, 3, 4, i, 500000, tzinfo=utc) for i in range(rows)], pa.timestamp("us", tz="UTC")),
        "day": pa.array([datetime.date(2024, 1, 1 + i) for i in range(rows)], pa.date32()),
        "price": pa.array([decimal.Decimal(f"{i}.25") for i in range(rows)], pa.decimal128(10, 2)),
        "tags": pa.array([[f"t{j}" for j in range(i % 4)] for i in range(rows)], pa.list_(pa.string())),
        "metadata": pa.array([{"lang": "en", "deep": {"n": i, "l": [i, None]}} for i in range(rows)]),
        "kind": pa.array([["a", "b"][i % 2] for i in range(rows)]).dictionary_encode(),
    }
    table = pa.table(columns)
    pq.write_table(table, path, row_group_size=10, compression="zstd", store_schema=True)
    documents = []
    for i, row in enumerate(pq.read_table(path).to_pylist()):
        row["when"] = f"2024-01-02T03:04:{i:02d}.500000Z"
        row["day"] = str(row["day"])
        row["price"] = str(row["price"])
        fields = {name: value for name, value in row.items() if name not in ("text", "id", "url")}
        documents.append({"id": str(row["id"]), "text": row["text"], "url": row["url"] or "", "fields": fields})
    return documents


def write_lines(name, documents):
    (ROOT / name).write_text("".join(json.dumps(document, ensure_ascii=False) + "\n" for document in documents))


def main():
    ROOT.mkdir(exist_ok=True)
    for name, compress in (("pages.warc.gz", True), ("pages.warc", False)):
        out = io.BytesIO()
        write_records(out, compress)
        (ROOT / name).write_bytes(out.getvalue())
        documents = warc_documents(out.getvalue())
        assert len(documents) == 12, len(documents)
    write_lines("pages.jsonl", documents)
    out = io.BytesIO()
    write_lines("texts.jsonl", write_wet(out))
    (ROOT / "texts.warc.wet.gz").write_bytes(out.getvalue())
    write_lines("table.jsonl", write_table(ROOT / "table.parquet"))


if __name__ == "__main__":
    main()
