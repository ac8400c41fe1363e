// Bytes of web pages and text files to UTF-8.
//
// What is valid UTF-8 stays byte for byte (without a byte-order mark), unless it is declared to be in one of the encodings that hide in ASCII (UTF-16,
// ISO-2022, HZ). Else the encoding is, in this order, what a byte-order mark says, what is declared outside (HTTP), what the page declares (<meta>), what
// uchardet finds, and windows-1252. A declared UTF-8 counts when more of its multi-byte characters are whole than broken; broken ones become U+FFFD. Labels
// mean what browsers take them for (iso-8859-1 is windows-1252, gb2312 is gb18030); conversion is ICU's.
#pragma once

#include <string>
#include <string_view>

namespace phidias::data::pipeline {

struct DecodedText {
  std::string text;     // valid UTF-8
  std::string charset;  // lower case, "windows-1251"; empty: the bytes were UTF-8
};

struct CharsetHints {
  std::string_view declared;  // by the protocol; may be empty or nonsense
  bool html = false;          // look for <meta charset> in the first 1024 bytes
};

DecodedText decode_text(std::string_view bytes, const CharsetHints& hints);

// The charset that a page declares about itself; empty when it declares none.
std::string_view meta_charset(std::string_view html);

// "text/html; charset=x": the value of charset without quotes, else empty.
std::string_view charset_parameter(std::string_view content_type);

// No text in any encoding: NUL bytes without UTF-16 or UTF-32, or more than one in twenty of the first bytes a control character.
bool looks_binary(std::string_view bytes);

}  // namespace phidias::data::pipeline
