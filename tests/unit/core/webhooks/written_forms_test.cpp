// SPDX-License-Identifier: Apache-2.0
// A text in an answer, in whatever way it is written there.

#include "host/core/written_forms.hpp"

#include <catch2/catch.hpp>

using koppel::core::replace_however_written;

namespace {

std::string replaced(std::string in, const std::string& what) {
  replace_however_written(in, what, "word");
  return in;
}

}  // namespace

TEST_CASE("a text is found as it is, percent-encoded and with JSON's escapes", "[text]") {
  const std::string url = "https://k.example/x-_";
  for (const char* written :
       {"https://k.example/x-_", "https:\\/\\/k.example\\/x-_", "https%3A%2F%2Fk.example%2fx-_",
        "https%253A%252F%252Fk.example%252Fx-_", "https:\\\\\\/\\\\\\/k.example\\\\\\/x-_",
        "\\u0068ttps:\\u002F\\u002fk.example/x\\u002d_", "%68%74%74%70%73%3a//k%2Eexample/x%2D%5f"}) {
    INFO(written);
    CHECK(replaced(written, url) == "word");
    CHECK(replaced("[\"" + std::string(written) + "\",\"" + written + "\"]", url) == "[\"word\",\"word\"]");
  }
}

TEST_CASE("what is another text stays as it is", "[text]") {
  for (const char* other : {"", "%", "%6", "%6x", "\\", "\\u", "\\u00", "\\u006", "\\n", "bc", "ab%6", "ab\\u00", "%25",
                            "ab%62", "\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\a"}) {
    INFO(other);
    CHECK(replaced(other, "abc") == other);
  }
  CHECK(replaced("abc", "") == "abc");
  CHECK(replaced("aababc", "abc") == "aabword");
  CHECK(replaced(std::string("a\0abc", 5), "abc") == std::string("a\0word", 6));
}
