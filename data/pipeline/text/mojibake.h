// Repairs text whose UTF-8 bytes were once read as Latin-1 or Windows-1252 ("schÃ¶n", "donâ€™t"), also twice or three times over.
//
// The approach and the rules are those of ftfy 6.3's fix_encoding (Apache-2.0), restated for these two encodings. A line is looked at only when two or
// three neighbouring characters stand together as they do in misread text and hardly anywhere else ("Ã" before "¶", "â" before "€": is_suspicious). Then, in
// order:
//   1. the whole line goes back to bytes (Latin-1, else Windows-1252 whose undefined bytes stand for themselves); valid UTF-8 replaces it. A space that was
//      a no-break space (byte A0) is one again where that makes a character; with Windows-1252, sequences that lost bytes to U+FFFD become one U+FFFD
//   2. else every run of characters that has the form of UTF-8, is suspicious by itself and decodes is replaced
//   3. else C1 control characters become what Windows-1252 has in their place
// until nothing changes. Valid UTF-8 in, valid UTF-8 out. Differences from ftfy: no other legacy encodings (Windows-1250, -1251, -1253, -1254, -1257,
// ISO-8859-2, Mac Roman, code page 437), no CESU-8; lines are judged one by one, as fix_text does.
#pragma once

#include <string>
#include <string_view>

namespace phidias::data::pipeline {

// Whether characters stand together as in misread text. One pass, ASCII at memory speed.
bool is_suspicious(std::string_view text);

// The repaired line, or the line. Without line ends.
std::string repair_mojibake_line(std::string_view line);

// Replaces the suspicious lines of `text`; returns how many it changed.
int repair_mojibake(std::string& text);

}  // namespace phidias::data::pipeline
