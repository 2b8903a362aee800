#include "dispatch/error_page.h"

#include <format>
#include <string>

namespace atolld::dispatch {
namespace {

constexpr std::string_view kHead =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n<style>\n"
    "body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 3rem auto; "
    "padding: 0 1rem; color: #222; background: #fff }\n"
    "h1 { font-size: 1.3rem; color: #b00020; overflow-wrap: anywhere }\n"
    "pre { font: 14px/1.5 ui-monospace, monospace; padding: 1rem; overflow-x: auto; "
    "background: #f5f5f5; border-radius: 6px }\n"
    "mark { display: block; margin: 0 -1rem; padding: 0 1rem; background: #ffd9de; "
    "color: inherit }\n"
    "footer { color: #666; font-size: .85rem }\n"
    "@media (prefers-color-scheme: dark) { body { color: #ddd; background: #1b1b1b } "
    "h1 { color: #ff8a9a } pre { background: #262626 } mark { background: #5a2630 } }\n"
    "</style>\n";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string excerptHtml(const deploy::MappedStack::Excerpt& excerpt) {
  std::string html = std::format("<h2><code>{}:{}:{}</code></h2>\n", escaped(excerpt.source),
                                 excerpt.line, excerpt.column);
  if (excerpt.lines.empty()) return html;
  html += "<pre>";
  for (const auto& [number, text] : excerpt.lines) {
    const std::string line = std::format("{:>5}  {}", number, escaped(text));
    // A block of its own line: it needs no newline.
    html += number == excerpt.line ? "<mark>" + line + "</mark>" : line + "\n";
  }
  return html + "</pre>\n";
}

}  // namespace

bool acceptsHtml(const http::RequestHead& head) {
  return head.headers.find("accept").value_or("").contains("text/html");
}

void answerErrorPage(http::Exchange& exchange, Refusal refusal, std::string_view ray,
                     std::string_view message, const deploy::MappedStack& stack) {
  const gateway::RefusalInfo& info = gateway::refusalInfo(refusal);
  std::string html(kHead);
  html += std::format("<title>{0}</title>\n<h1>{0}</h1>\n", escaped(message));
  if (stack.excerpt) html += excerptHtml(*stack.excerpt);
  if (!stack.text.empty()) html += "<pre>" + escaped(stack.text) + "</pre>\n";
  html += std::format("<footer>{} (ray {})</footer>\n", info.code, ray);
  http::ResponseHead head;
  head.status = info.status;
  head.headers.add("content-type", "text/html; charset=utf-8");
  head.headers.add("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'");
  head.headers.add("cache-control", "no-store");
  head.headers.add("atoll-error", info.code);
  head.headers.add("atoll-ray", ray);
  head.body = http::BodyKind::Length;
  head.contentLength = html.size();
  exchange.respond(head, Bytes(std::move(html)));
}

}  // namespace atolld::dispatch
