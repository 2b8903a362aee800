#include "html/tokenizer.h"

#include <doctest/doctest.h>

#include <random>

namespace atolld::html {
namespace {

/// "T:text|<a x=1>|</a>|C:comment|D:doctype|R:raw", fed in pieces of `step` bytes. Texts that
/// follow one another are joined.
std::string tokens(std::string_view html, std::size_t step = SIZE_MAX, bool cdata = false) {
  Tokenizer tokenizer;
  tokenizer.allowCdata(cdata);
  std::string out, all;
  bool text = false;
  const auto drain = [&] {
    Token token;
    while (tokenizer.next(token)) {
      all += token.raw;
      if (token.kind != Token::Kind::Text || !text) out += out.empty() ? "" : "|";
      if (token.kind == Token::Kind::Text && !text) out += "T:";
      text = token.kind == Token::Kind::Text;
      switch (token.kind) {
        case Token::Kind::Text:
          out += token.raw;
          break;
        case Token::Kind::StartTag: {
          out += "<" + token.name;
          for (const Attribute& one : token.attributes) {
            out += " " + std::string(token.raw.substr(one.begin, one.nameEnd - one.begin)) + "=" +
                   std::string(token.raw.substr(one.valueBegin, one.valueEnd - one.valueBegin));
          }
          out += token.selfClosing ? "/>" : ">";
          if (token.name == "script") tokenizer.setTextMode(TextMode::Script, "script");
          if (token.name == "style") tokenizer.setTextMode(TextMode::RawText, "style");
          if (token.name == "plaintext") tokenizer.setTextMode(TextMode::PlainText, "plaintext");
          break;
        }
        case Token::Kind::EndTag:
          out += "</" + token.name + ">";
          break;
        case Token::Kind::Comment:
          out += "C:" + std::string(token.text);
          break;
        case Token::Kind::Doctype:
          out += "D:" + std::string(token.text);
          break;
        case Token::Kind::Raw:
          out += "R:" + std::string(token.raw);
          break;
      }
    }
  };
  for (std::string_view rest = html; !rest.empty();) {
    tokenizer.write(rest.substr(0, step));
    rest.remove_prefix(std::min(step, rest.size()));
    drain();
  }
  tokenizer.end();
  drain();
  CHECK(all == html);
  return out;
}

}  // namespace

TEST_CASE("Each construct is its token, however the document is cut") {
  struct Row {
    std::string_view html, tokens;
  };
  for (const Row& row : {
           Row{"", ""},
           Row{"hello", "T:hello"},
           Row{"a<b>c</b>d", "T:a|<b>|T:c|</b>|T:d"},
           Row{"<A HREF=x Y='1 > 2' z=\"q\" w>", "<a HREF=x Y=1 > 2 z=q w=>"},
           Row{"<a x = y / b/c>", "<a x=y b= c=>"},
           Row{"<a x=y/>", "<a x=y/>"},
           Row{"<br/>", "<br/>"},
           Row{"<a =x>", "<a =x=>"},
           Row{"<a x==y>", "<a x==y>"},
           Row{"<a x=\"1\"y=2>", "<a x=1 y=2>"},
           Row{"<a x=>", "<a x=>"},
           Row{"</a x=1 >", "</a>"},
           Row{"1 < 2 <3 <> a<", "T:1 < 2 <3 <> a<"},
           Row{"</>x</ y>", "C:|T:x|C: y"},
           Row{"<!-- a --><!--b--!>c", "C: a |C:b|T:c"},
           Row{"<!--><!---><!----><!-- - -- -->", "C:|C:|C:|C: - -- "},
           Row{"<!--!>x--><!--a--!x-->", "C:!>x|C:a--!x"},
           Row{"<!doctype html><!DocType x \"y>z\">", "D: html|D: x \"y|T:z\">"},
           Row{"<!x y><?php z?>", "C:x y|C:?php z?"},
           Row{"<![CDATA[x]]>", "C:[CDATA[x]]"},
           Row{"<style>a<b></styles></style x>c", "<style>|T:a<b></styles>|</style>|T:c"},
           Row{"<script>if (a<b) '</p>'</SCRIPT >x", "<script>|T:if (a<b) '</p>'|</script>|T:x"},
           Row{"<script><!-- <script></script> --></script>x",
               "<script>|T:<!-- <script></script> -->|</script>|T:x"},
           Row{"<script><!-- <script></script></script>x",
               "<script>|T:<!-- <script></script>|</script>|T:x"},
           Row{"<script><!--><script></script>x", "<script>|T:<!--><script>|</script>|T:x"},
           Row{"<script><!-- <scripts></script>x", "<script>|T:<!-- <scripts>|</script>|T:x"},
           Row{"<plaintext><b></plaintext>", "<plaintext>|T:<b></plaintext>"},
           Row{"<a b='", "R:<a b='"},
           Row{"x<!-- a", "T:x|R:<!-- a"},
           Row{"x<!doctype", "T:x|R:<!doctype"},
           Row{"x</b", "T:x|R:</b"},
           Row{"<x-y:z.1>", "<x-y:z.1>"},
           Row{"gr\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80<b>",
               "T:gr\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80|<b>"},
           Row{"broken \xe2\x82", "T:broken \xe2\x82"},
       }) {
    CAPTURE(row.html);
    for (const std::size_t step :
         {SIZE_MAX, std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{5}}) {
      CAPTURE(step);
      CHECK(tokens(row.html, step) == row.tokens);
    }
  }
}

TEST_CASE("In foreign content CDATA sections are text between marks") {
  for (const std::size_t step : {SIZE_MAX, std::size_t{1}, std::size_t{4}}) {
    CHECK(tokens("a<![CDATA[x<b>]]]>y", step, true) == "T:a|R:<![CDATA[|T:x<b>]|R:]]>|T:y");
    CHECK(tokens("<![CDATA[]]>", step, true) == "R:<![CDATA[|R:]]>");
  }
}

TEST_CASE("Text is cut between characters only") {
  Tokenizer tokenizer;
  Token token;
  tokenizer.write("a\xf0\x9f\x98");
  REQUIRE(tokenizer.next(token));
  CHECK(token.raw == "a");
  CHECK_FALSE(tokenizer.next(token));
  tokenizer.write("\x80z");
  REQUIRE(tokenizer.next(token));
  CHECK(token.raw == "\xf0\x9f\x98\x80z");
}

TEST_CASE("Random markup comes out whole, and the same however it is cut") {
  std::mt19937 random(3);
  constexpr std::string_view kParts[] = {
      "<", ">",  "/", "a",  "script",   "style", "<!--", "-->",  "-",         "!",    " ",
      "=", "\"", "'", "</", "<script>", "]]",    "<?",   "\xc3", "<![CDATA[", "\xbc", "</script>"};
  for (int round = 0; round < 3000; ++round) {
    std::string html;
    for (std::size_t i = random() % 25; i > 0; --i) html += kParts[random() % std::size(kParts)];
    CAPTURE(html);
    const bool cdata = round % 2 == 0;
    const std::string whole = tokens(html, SIZE_MAX, cdata);
    CHECK(tokens(html, 1, cdata) == whole);
    CHECK(tokens(html, 1 + random() % 6, cdata) == whole);
  }
}

}  // namespace atolld::html
