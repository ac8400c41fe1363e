#include <gtest/gtest.h>

#include "tests/data/pipeline/read/reading.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::pipeline {
namespace {

TEST(TextFilesReader, EachFileIsADocumentNamedByItsPlace) {
  const TemporaryDirectory directory;
  const auto folder = directory.path() / "books";
  std::filesystem::create_directories(folder / "b");
  directory.write("books/b/two.txt", "second\n");
  directory.write("books/one.md", "first");
  directory.write("books/empty.txt", "");
  directory.write("books/page.html", "<p>\xe9t\xe9</p><meta charset=latin1>");
  const Reading reading = read_input(folder.string());
  EXPECT_TRUE(reading.problems.empty());
  ASSERT_EQ(reading.documents.size(), 4U);
  EXPECT_EQ(reading.documents[0].id, "books/b/two.txt");
  EXPECT_EQ(reading.documents[0].text(), "second\n");
  EXPECT_EQ(reading.documents[1].id, "books/empty.txt");
  EXPECT_EQ(reading.documents[1].text(), "");
  EXPECT_EQ(reading.documents[2].text(), "first");
  EXPECT_EQ(reading.documents[2].source, "books");
  EXPECT_EQ(reading.documents[2].file, (folder / "one.md").string());
  EXPECT_EQ(reading.documents[3].text(), "<p>\xc3\xa9t\xc3\xa9</p><meta charset=latin1>") << "HTML stays HTML";
  EXPECT_EQ(reading.documents[3].annotations().text("charset"), "windows-1252");
}

TEST(TextFilesReader, BinaryFilesInAFolderOfTextsAreTold) {
  const TemporaryDirectory directory;
  std::filesystem::create_directories(directory.path() / "in");
  directory.write("in/a.txt", "text");
  directory.write("in/b", std::string("\x7f"
                                      "ELF\0\1\2",
                                      7));
  directory.write("in/c.txt.gz", "\x1f\x8b broken");
  directory.write("in/d.txt", "more text");
  const Reading reading = read_inputs({{.path = (directory.path() / "in").string(), .format = InputFormat::text}});
  EXPECT_EQ(reading.documents.size(), 2U);
  ASSERT_EQ(reading.problems.size(), 2U);
  EXPECT_NE(reading.problems[0].what.find("binary"), std::string::npos);
  EXPECT_NE(reading.problems[0].file.find("in/b"), std::string::npos);
  EXPECT_EQ(reading.problems[0].line, 0);
  EXPECT_NE(reading.problems[1].what.find("damaged gzip"), std::string::npos) << reading.problems[1].what;
}

TEST(TextFilesReader, GroupsDoNotChangeTheDocuments) {
  const TemporaryDirectory directory;
  std::filesystem::create_directories(directory.path() / "in");
  for (int i = 0; i < 50; ++i) directory.write("in/" + std::to_string(i) + ".txt", std::string(static_cast<std::size_t>(i), 'x'));
  const std::string folder = (directory.path() / "in").string();
  EXPECT_EQ(read_input(folder, 100).lines(), read_input(folder).lines());
  EXPECT_EQ(read_input(folder, 100).documents.size(), 50U);
  EXPECT_EQ(read_input(folder).units, 1);
}

}  // namespace
}  // namespace phidias::data::pipeline
