#include "http/http1_writer.h"

#include <array>
#include <charconv>
#include <ctime>

#include "http/field_rules.h"

namespace atolld::http {
namespace {

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
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 103:
      return "Early Hints";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 203:
      return "Non-Authoritative Information";
    case 204:
      return "No Content";
    case 205:
      return "Reset Content";
    case 206:
      return "Partial Content";
    case 207:
      return "Multi-Status";
    case 208:
      return "Already Reported";
    case 226:
      return "IM Used";
    case 300:
      return "Multiple Choices";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 305:
      return "Use Proxy";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 407:
      return "Proxy Authentication Required";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 423:
      return "Locked";
    case 424:
      return "Failed Dependency";
    case 425:
      return "Too Early";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 451:
      return "Unavailable For Legal Reasons";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 506:
      return "Variant Also Negotiates";
    case 507:
      return "Insufficient Storage";
    case 508:
      return "Loop Detected";
    case 511:
      return "Network Authentication Required";
    default:
      return "";
  }
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
