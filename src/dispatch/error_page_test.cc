#include "dispatch/error_page.h"

#include <doctest/doctest.h>

namespace atolld::dispatch {
namespace {

class PageExchange final : public http::Exchange {
 public:
  void setSink(http::ExchangeSink&) override {}
  void startBody() override {}
  void consumed(std::size_t) override {}
  void respond(const http::ResponseHead& given, Bytes bytes) override {
    head = given;
    body = bytes.toString();
  }
  void respondHead(const http::ResponseHead&) override {}
  void write(Bytes) override {}
  void end(http::HeaderList) override {}
  void abort() override {}
  std::size_t bufferedBytes() const override { return 0; }

  http::ResponseHead head;
  std::string body;
};

}  // namespace

TEST_CASE("the error page shows message, line and stack, and nothing in them is markup") {
  PageExchange exchange;
  const deploy::MappedStack stack{
      .text = "Error: <b>\n    at f (src/a.ts:2:3)",
      .excerpt = deploy::MappedStack::Excerpt{.source = "src/\"a\".ts",
                                              .line = 2,
                                              .column = 3,
                                              .lines = {{1, "x"}, {2, "a < b && c"}}}};
  answerErrorPage(exchange, Refusal::ScriptException, "ray1", "Error: <b>", stack);
  CHECK(exchange.head.status == 500);
  CHECK(exchange.head.headers.find("atoll-error") == "script_exception");
  CHECK(exchange.head.headers.find("content-security-policy")->starts_with("default-src 'none'"));
  CHECK(exchange.body.contains("<h1>Error: &lt;b&gt;</h1>"));
  CHECK(exchange.body.contains("src/&quot;a&quot;.ts:2:3"));
  CHECK(exchange.body.contains("<mark>    2  a &lt; b &amp;&amp; c</mark>"));
  CHECK(exchange.body.contains("at f (src/a.ts:2:3)"));
  CHECK_FALSE(exchange.body.contains("<b>"));
}

TEST_CASE("only who asks for HTML is a browser") {
  http::RequestHead head;
  CHECK_FALSE(acceptsHtml(head));
  head.headers.add("accept", "*/*");
  CHECK_FALSE(acceptsHtml(head));
  head.headers.set("accept", "text/html,application/xhtml+xml;q=0.9");
  CHECK(acceptsHtml(head));
}

}  // namespace atolld::dispatch
