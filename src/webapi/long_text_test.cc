// Texts so long that V8 only refers to their characters.

#include <doctest/doctest.h>

#include "webapi/test_script.h"

namespace atolld::webapi {
namespace {

TEST_CASE("a long text is decoded like a short one, whatever characters it has") {
  for (const char* const unit : {
           "abc",             // ASCII
           "gr\\xfcn",        // Latin-1
           "\\u20ac5",        // UTF-16
           "\\ud83d\\ude00",  // surrogate pairs
       }) {
    CAPTURE(unit);
    // One unit is decoded by what decodes short texts; the rest is arithmetic.
    const std::string script =
        "(() => { const unit = '" + std::string(unit) +
        "', count = 300000; const text = unit.repeat(count);"
        "const one = new TextEncoder().encode(unit), all = new Uint8Array(one.length * count);"
        "for (let i = 0; i < count; ++i) all.set(one, i * one.length);"
        "const wide = new Uint16Array(text.length);"
        "for (let i = 0; i < text.length; ++i) wide[i] = text.charCodeAt(i);"
        "const utf8 = new TextDecoder().decode(all);"
        "const utf16 = new TextDecoder('utf-16le').decode(wide);"
        "return [utf8 === text, utf16 === text, utf8.slice(-unit.length) === unit,"
        "        JSON.parse(JSON.stringify({ utf8 })).utf8 === text, utf8.length === text.length,"
        "        new TextEncoder().encode(utf8).length === all.length].join() })()";
    CHECK(evaluate(script) == "true,true,true,true,true,true");
  }
}

TEST_CASE("in a long text too, what is malformed becomes U+FFFD") {
  CHECK(evaluate("(() => { const bytes = new Uint8Array(200000).fill(0xe9);"
                 "bytes.set([0xe2, 0x82, 0xac], 1000);"
                 "const text = new TextDecoder().decode(bytes);"
                 "return [text.length, text[999], text[1000], text[1001]].join() })()") ==
        "199998,\xEF\xBF\xBD,\xE2\x82\xAC,\xEF\xBF\xBD");
  CHECK(evaluate("new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array(2e5).fill(0xe9))")
            .starts_with("TypeError"));
}

TEST_CASE("long texts count as the isolate's memory, and are given back when nobody has them") {
  CHECK(evaluate("(() => { const bytes = new Uint8Array(1e6).fill(65), decoder = new TextDecoder();"
                 "for (let i = 0; i < 2000; ++i) decoder.decode(bytes); return 'freed' })()") ==
        "freed");
  TestScript hoarder(
      "const bytes = new Uint8Array(1e6).fill(65), decoder = new TextDecoder(), all = [];"
      "export default { fetch() { for (;;) all.push(decoder.decode(bytes)) } }");
  host::Outbox outbox;
  std::vector<host::Event> events;
  events.push_back(hoarder.request());
  const Result<> ran = hoarder.isolate().run(events, outbox);
  REQUIRE_FALSE(ran.has_value());
  CHECK(ran.error().code == ErrorCode::TooLarge);
}

}  // namespace
}  // namespace atolld::webapi
