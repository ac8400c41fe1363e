#include <gtest/gtest.h>
#include <zlib.h>

#include "base/error.h"
#include "tests/data/gzip.h"
#include "tests/data/pipeline/read/golden.h"
#include "tests/data/pipeline/read/reading.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::pipeline {
namespace {

// Python's names of charsets, in the names of the web.
std::string web_name(const std::string& python) {
  if (python == "cp1251") return "windows-1251";
  if (python == "cp1252") return "windows-1252";
  return python == "utf-16" ? "utf-16le" : python == "utf-8" ? "" : python;
}

void expect_golden(const Reading& reading, const std::string& name) {
  EXPECT_TRUE(reading.problems.empty()) << reading.problems.front().what;
  const std::vector<Json> expected = golden_documents(name);
  ASSERT_EQ(reading.documents.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Document& document = reading.documents[i];
    EXPECT_EQ(document.id, expected[i].at("id"));
    EXPECT_EQ(document.text(), expected[i].at("text").get<std::string>()) << document.id;
    EXPECT_EQ(document.url, expected[i].at("url"));
    EXPECT_EQ(document.fields, "\"date\":" + expected[i].at("date").dump());
    EXPECT_EQ(document.annotations().text("charset").value_or(""), web_name(expected[i].at("charset"))) << document.url;
  }
}

TEST(WarcReader, FindsWhatWarcioFinds) {
  for (const char* name : {"pages.warc.gz", "pages.warc"}) {
    const Reading reading = read_input(golden_path(name));
    expect_golden(reading, "pages.jsonl");
    EXPECT_EQ(reading.documents.front().line, 3) << "warcinfo and request stand before it";
    EXPECT_EQ(reading.documents.front().source, "pages");
  }
  expect_golden(read_input(golden_path("texts.warc.wet.gz")), "texts.jsonl");
}

TEST(WarcReader, UnitsGiveTheSameDocumentsWhateverIsTaken) {
  const Reading whole = read_input(golden_path("pages.warc.gz"));
  for (const std::int64_t unit_bytes : {1, 3000, 1 << 20}) {
    const Reading units = read_input(golden_path("pages.warc.gz"), unit_bytes);
    EXPECT_EQ(units.lines(), whole.lines());
    std::string odd, even;
    const auto part = [&](std::int64_t rest) {
      return read_inputs({{.path = golden_path("pages.warc")}}, unit_bytes, [rest](std::int64_t index) { return index % 2 == rest; });
    };
    EXPECT_EQ(part(0).documents.size() + part(1).documents.size(), whole.documents.size());
  }
  EXPECT_EQ(read_input(golden_path("pages.warc"), 1).units, 44);
}

TEST(WarcReader, OneGzipMemberAroundAllRecordsIsReadAsWell) {
  const TemporaryDirectory directory;
  expect_golden(read_input(directory.write("pages.warc.gz", gzip(read_file(golden_path("pages.warc"))))), "pages.jsonl");
}

std::string record(const std::string& text, const std::string& length = "") {
  return "WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Target-URI: <http://x/" + text +
         ">\r\nContent-Type: text/plain\r\nContent-Length: " + (length.empty() ? std::to_string(text.size()) : length) + "\r\n\r\n" + text + "\r\n\r\n";
}

Reading read_bytes(const std::string& bytes) {
  const TemporaryDirectory directory;
  return read_input(directory.write("x.wet", bytes));
}

TEST(WarcReader, DamageIsToldAndReadingGoesOnAtTheNextRecord) {
  const struct {
    std::string damage, what;
  } kCases[] = {{record("bad", "2"), "Content-Length is wrong"},
                {record("bad", "20"), "Content-Length is wrong"},
                {record("bad", "900"), "the file ends inside the record"},
                {record("bad", "-1"), "no valid Content-Length"},
                {record("bad", "99999999999999999999999"), "no valid Content-Length"},
                {"WARC/1.0\r\nWARC-Type: conversion\r\n\r\nxx\r\n", "no valid Content-Length"},
                {"some garbage\r\n", "no WARC record begins here"}};
  for (const auto& [damage, what] : kCases) {
    const Reading reading = read_bytes(record("one") + damage + record("two") + record("three"));
    ASSERT_EQ(reading.problems.size(), 1U) << damage;
    EXPECT_NE(reading.problems.front().what.find(what), std::string::npos) << reading.problems.front().what;
    EXPECT_EQ(reading.problems.front().line, 2);
    ASSERT_EQ(reading.documents.size(), 3U) << damage;
    EXPECT_EQ(reading.documents[2].url, "http://x/three");
    EXPECT_EQ(reading.documents[2].id, "x/x.wet/4");
  }
  const Reading cut = read_bytes(record("one") + record("two").substr(0, 100));
  EXPECT_EQ(cut.documents.size(), 1U);
  EXPECT_EQ(cut.problems.size(), 1U);
}

TEST(WarcReader, RecordsAboveTheLimitAreToldAndPassedOver) {
  const std::string text((64 << 20) + 1, 'x');
  const std::string long_record = "WARC/1.0\r\nWARC-Type: conversion\r\nContent-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text + "\r\n\r\n";
  const Reading reading = read_bytes(record("one") + long_record + record("two"));
  ASSERT_EQ(reading.problems.size(), 1U);
  EXPECT_NE(reading.problems.front().what.find("the limit is 67108864"), std::string::npos);
  EXPECT_EQ(reading.documents.size(), 2U);
}

TEST(WarcReader, ATruncatedFileGivesItsWholeRecordsAndThenAnError) {
  const TemporaryDirectory directory;
  const std::string whole = read_file(golden_path("pages.warc.gz"));
  const std::string path = directory.write("t.warc.gz", whole.substr(0, whole.size() * 3 / 4));
  const auto reader = open_units(list_inputs({{.path = path}}, 1 << 20).front(), 1 << 20);
  Reading reading;
  const std::string message = message_of<DataError>([&] {
    while (reader->advance()) read_unit(*reader->take(), reading);
  });
  EXPECT_NE(message.find("t.warc.gz: the gzip stream ends early"), std::string::npos) << message;
  EXPECT_GE(reading.documents.size(), 7U);
  EXPECT_TRUE(reading.problems.empty());
}

TEST(WarcReader, ADamagedGzipMemberCostsItsOwnRecord) {
  const TemporaryDirectory directory;
  const Reading whole = read_input(golden_path("pages.warc.gz"));
  std::string bytes = read_file(golden_path("pages.warc.gz"));
  std::vector<std::size_t> members;
  for (std::size_t at = bytes.find("\x1f\x8b\x08"); at != std::string::npos; at = bytes.find("\x1f\x8b\x08", at + 1)) members.push_back(at);
  ASSERT_GE(members.size(), 44U);
  for (std::size_t i = members[8] + 60; i < members[8] + 90; ++i) bytes[i] = static_cast<char>(~bytes[i]);  // the third response
  const Reading reading = read_input(directory.write("damaged.warc.gz", bytes));
  ASSERT_EQ(reading.problems.size(), 1U);
  EXPECT_NE(reading.problems.front().what.find("damaged gzip stream"), std::string::npos) << reading.problems.front().what;
  EXPECT_EQ(reading.problems.front().line, 9);
  ASSERT_EQ(reading.documents.size(), whole.documents.size() - 1);
  for (std::size_t i = 0; i < reading.documents.size(); ++i) EXPECT_EQ(reading.documents[i].id, whole.documents[i < 2 ? i : i + 1].id);
}

std::string response(const std::string& headers, const std::string& body) {
  const std::string content = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + headers + "\r\n" + body;
  return "WARC/1.1\r\nWARC-Type: response\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: " + std::to_string(content.size()) +
         "\r\n\r\n" + content + "\r\n\r\n";
}

TEST(WarcReader, BodiesThatCannotBeDecodedAreTold) {
  const Reading unknown = read_bytes(response("Content-Encoding: br\r\n", "xx"));
  ASSERT_EQ(unknown.problems.size(), 1U);
  EXPECT_NE(unknown.problems.front().what.find("'br'"), std::string::npos);
  const std::string packed = gzip(std::string(5000, 'x'));
  EXPECT_EQ(read_bytes(response("Content-Encoding: gzip\r\n", packed)).documents.size(), 1U);
  EXPECT_EQ(read_bytes(response("Content-Encoding: gzip\r\n", packed.substr(0, 20))).problems.size(), 1U);
  EXPECT_EQ(read_bytes(response("Content-Encoding: gzip\r\n", "plain after all")).documents.front().text(), "plain after all");
  const Reading bomb = read_bytes(response("Content-Encoding: gzip\r\n", gzip(std::string(70 << 20, 'x'))));
  ASSERT_EQ(bomb.problems.size(), 1U);
  EXPECT_NE(bomb.problems.front().what.find("more than 67108864 bytes"), std::string::npos);
}

TEST(WarcReader, DeflateComesWithAndWithoutItsHeader) {
  for (const int window : {15, -15}) {
    const std::string text(3000, 'y');
    std::string out(4000, '\0');
    z_stream stream{};
    deflateInit2(&stream, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    const Reading reading = read_bytes(response("Content-Encoding: deflate\r\n", out));
    ASSERT_EQ(reading.documents.size(), 1U);
    EXPECT_EQ(reading.documents.front().text(), text);
  }
}

TEST(WarcReader, CountsResponsesThatAreNoPages) {
  const TemporaryDirectory directory;
  std::string file;
  const auto add = [&](const std::string& status, const std::string& type, const std::string& body) {
    const std::string content = "HTTP/1.1 " + status + "\r\nContent-Type: " + type + "\r\n\r\n" + body;
    file += "WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:" + std::to_string(file.size()) +
            ">\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: " + std::to_string(content.size()) + "\r\n\r\n" + content + "\r\n\r\n";
  };
  add("200 OK", "text/html", "<p>a page</p>");
  add("404 Not Found", "text/html", "<p>nothing</p>");
  add("200 OK", "image/png", "pixels");
  const Reading reading = read_input(directory.write("a.warc", file));
  EXPECT_EQ(reading.documents.size(), 1u);
  EXPECT_EQ(reading.passed_over, 2);
  EXPECT_TRUE(reading.problems.empty());
}

}  // namespace
}  // namespace phidias::data::pipeline
