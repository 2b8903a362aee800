#include "http/http1_writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

#include "http/field_rules.h"

namespace atolld::http {
namespace {

struct Reason {
  int status;
  std::string_view phrase;
};
/// In ascending order.
constexpr auto kReasons = std::to_array<Reason>({
    {100, "Continue"},
    {101, "Switching Protocols"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {208, "Already Reported"},
    {226, "IM Used"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {506, "Variant Also Negotiates"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
    {511, "Network Authentication Required"},
});
static_assert(std::ranges::is_sorted(kReasons, {}, &Reason::status));

void appendNumber(std::string& out, std::uint64_t number, int base = 10) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, base).ptr;
  out.append(digits.data(), end);
}

void appendStatusLine(std::string& out, int status) {
  if (status == 200) {
    out += "HTTP/1.1 200 OK\r\n";
    return;
  }
  out += "HTTP/1.1 ";
  appendNumber(out, static_cast<std::uint64_t>(status));
  out += ' ';
  out += reasonPhrase(status);
  out += "\r\n";
}

void appendField(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

/// Appends the end-to-end fields; says whether Date was one of them.
bool appendFields(std::string& out, const HeaderList& headers) {
  bool dated = false;
  for (const auto [name, value] : headers) {
    const KnownField known = knownField(name);
    if (known == KnownField::Date) dated = true;
    const bool ours =
        known != KnownField::Other && known != KnownField::Date && known != KnownField::Trailer;
    if (ours || !isToken(name) || !isFieldValue(value)) continue;
    appendField(out, name, value);
  }
  return dated;
}

void appendFraming(std::string& out, const Http1Framing& framing) {
  using Body = Http1Framing::Body;
  if (framing.body == Body::Length) {
    out += "content-length: ";
    appendNumber(out, framing.length);
    out += "\r\n";
  } else if (framing.body == Body::Chunked) {
    out += "transfer-encoding: chunked\r\n";
  }
  using Connection = Http1Framing::Connection;
  if (framing.connection == Connection::Close) out += "connection: close\r\n";
  if (framing.connection == Connection::KeepAlive) out += "connection: keep-alive\r\n";
  if (framing.connection == Connection::WebSocket) {
    out += "connection: Upgrade\r\nupgrade: websocket\r\n";
  }
}

struct DateCache {
  std::time_t second = -1;
  std::array<char, 32> text{};
  std::size_t size = 0;
};

void renderDate(DateCache& cache, std::time_t now) {
  static constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                            "Thu", "Fri", "Sat"};
  static constexpr std::array<std::string_view, 12> kMonths = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::string text(kDays[static_cast<std::size_t>(utc.tm_wday)]);
  const auto twoDigits = [&](int number, char after) {
    text += static_cast<char>('0' + number / 10);
    text += static_cast<char>('0' + number % 10);
    text += after;
  };
  text += ", ";
  twoDigits(utc.tm_mday, ' ');
  text += kMonths[static_cast<std::size_t>(utc.tm_mon)];
  text += ' ';
  appendNumber(text, static_cast<std::uint64_t>(utc.tm_year + 1900));
  text += ' ';
  twoDigits(utc.tm_hour, ':');
  twoDigits(utc.tm_min, ':');
  twoDigits(utc.tm_sec, ' ');
  text += "GMT";
  cache.size = text.copy(cache.text.data(), cache.text.size());
  cache.second = now;
}

}  // namespace

std::string_view reasonPhrase(int status) {
  const auto found = std::ranges::lower_bound(kReasons, status, {}, &Reason::status);
  return found != kReasons.end() && found->status == status ? found->phrase : "";
}

std::string_view dateNow() {
  thread_local DateCache cache;
  const std::time_t now = std::time(nullptr);
  if (now != cache.second) renderDate(cache, now);
  return {cache.text.data(), cache.size};
}

void writeResponseHead(std::string& out, int status, const HeaderList& headers,
                       const Http1Framing& framing) {
  appendStatusLine(out, status);
  const bool dated = appendFields(out, headers);
  if (!dated) appendField(out, "date", dateNow());
  appendFraming(out, framing);
  out += "\r\n";
}

void writeRequestHead(std::string& out, const RequestHead& head, const Http1Framing& framing) {
  out += head.method;
  out += ' ';
  out += head.target;
  out += " HTTP/1.1\r\n";
  appendField(out, "host", head.authority);
  appendFields(out, head.headers);
  appendFraming(out, framing);
  out += "\r\n";
}

void writeChunkHeader(std::string& out, std::size_t bytes) {
  appendNumber(out, bytes, 16);
  out += "\r\n";
}

void writeLastChunk(std::string& out, const HeaderList& trailers) {
  out += "0\r\n";
  for (const auto [name, value] : trailers) {
    if (isForbiddenInTrailer(name) || !isToken(name) || !isFieldValue(value)) continue;
    appendField(out, name, value);
  }
  out += "\r\n";
}

}  // namespace atolld::http
