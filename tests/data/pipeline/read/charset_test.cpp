#include "data/pipeline/read/charset.h"

#include <gtest/gtest.h>

namespace phidias::data::pipeline {
namespace {

TEST(Charset, Utf8StaysByteForByte) {
  const DecodedText decoded = decode_text("caf\xc3\xa9\r\n", {.declared = "windows-1251", .html = true});
  EXPECT_EQ(decoded.text, "caf\xc3\xa9\r\n");
  EXPECT_EQ(decoded.charset, "");
  EXPECT_EQ(decode_text("\xef\xbb\xbfx", {}).text, "x");
  EXPECT_EQ(decode_text("", {}).text, "");
}

TEST(Charset, DeclarationsOutsideComeBeforeThoseInside) {
  EXPECT_EQ(decode_text("<meta charset=koi8-r>\xe9", {.declared = "windows-1252", .html = true}).text, "<meta charset=koi8-r>\xc3\xa9");
  const DecodedText inside = decode_text("<meta charset=koi8-r>\xe9", {.declared = "no-such-charset", .html = true});
  EXPECT_EQ(inside.charset, "koi8-r");
  EXPECT_EQ(inside.text, "<meta charset=koi8-r>\xd0\x98");
}

TEST(Charset, LabelsMeanWhatBrowsersTakeThemFor) {
  EXPECT_EQ(decode_text("\x93q\x94", {.declared = " ISO-8859-1 "}).text, "\xe2\x80\x9cq\xe2\x80\x9d");
  EXPECT_EQ(decode_text("\x82\xa0", {.declared = "x-sjis"}).text, "\xe3\x81\x82");
}

TEST(Charset, EncodingsThatHideInAsciiNeedADeclaration) {
  EXPECT_EQ(decode_text("\x1b$B$\"\x1b(B", {.declared = "ISO-2022-JP"}).text, "\xe3\x81\x82");
  EXPECT_EQ(decode_text(std::string_view("a\0b\0", 4), {.declared = "utf-16le"}).text, "ab");
  EXPECT_EQ(decode_text("<meta charset=utf-16>abc", {.html = true}).text, "<meta charset=utf-16>abc") << "it was read, so it is not UTF-16";
}

TEST(Charset, BrokenUtf8IsReplacedWhenMostOfItIsWhole) {
  const DecodedText cut = decode_text("\xc3\xa9\xc3\xa8\xc3\xaa \xe2\x82", {.declared = "utf-8"});
  EXPECT_EQ(cut.text, "\xc3\xa9\xc3\xa8\xc3\xaa \xef\xbf\xbd");
  EXPECT_EQ(decode_text("caf\xe9 cr\xe8me br\xfbl\xe9"
                        "e",
                        {.declared = "utf-8"})
                .text,
            "caf\xc3\xa9 cr\xc3\xa8me br\xc3\xbbl\xc3\xa9"
            "e")
      << "a wrong declaration";
}

TEST(Charset, MarksOfUtf16AndUtf32Count) {
  EXPECT_EQ(decode_text(std::string_view("\xff\xfe"
                                         "a\0\xe9\0",
                                         6),
                        {})
                .text,
            "a\xc3\xa9");
  EXPECT_EQ(decode_text(std::string_view("\xfe\xff\0a", 4), {}).charset, "utf-16be");
  EXPECT_EQ(decode_text(std::string_view("\xff\xfe\0\0a\0\0\0", 8), {}).text, "a");
  EXPECT_EQ(decode_text(std::string_view("\xff\xfe\0\xd8", 4), {}).text, "\xef\xbf\xbd") << "half of a surrogate pair";
}

TEST(Charset, FindsDeclarationsInMarkup) {
  EXPECT_EQ(meta_charset("<html><META  charset = 'GBK' >"), "GBK");
  EXPECT_EQ(meta_charset("<meta name=x content=\"charset\"><meta http-equiv=Content-Type content=\"text/html; charset=euc-jp\">"), "euc-jp");
  EXPECT_EQ(meta_charset("<meta charset"), "");
  EXPECT_EQ(meta_charset("<meta charset="), "");
  EXPECT_EQ(meta_charset("<meta charset=\""), "");
  EXPECT_EQ(meta_charset(std::string(2000, ' ') + "<meta charset=x>"), "");
  EXPECT_EQ(charset_parameter("text/html; Charset=\"utf-8\"; x=y"), "utf-8");
  EXPECT_EQ(charset_parameter("text/html"), "");
}

TEST(Charset, BinaryDataIsNoText) {
  EXPECT_TRUE(looks_binary(std::string_view("\x89PNG\r\n\0\0", 8)));
  EXPECT_TRUE(looks_binary("\x01\x02\x03 abc"));
  EXPECT_FALSE(looks_binary("\x1b[1mbold\x1b[0m\tand\n\f\b text"));
  EXPECT_FALSE(
      looks_binary(std::string_view("\xff\xfe"
                                    "a\0",
                                    4)));
  EXPECT_FALSE(looks_binary(""));
}

}  // namespace
}  // namespace phidias::data::pipeline
