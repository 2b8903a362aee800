#include "control/multipart.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"

namespace atolld::control {
namespace {

constexpr std::string_view kFormData = "multipart/form-data";
constexpr std::size_t kBoundaryBytesMax = 70;  // RFC 2046 section 5.1.1.

bool isTokenCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// bcharsnospace of RFC 2046: a space could be lost at the end of a line.
bool isBoundaryCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("'()+_,-./:=?").find(c) != std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::unexpected<Error> refuse(std::string what) {
  return fail(ErrorCode::InvalidArgument, "multipart body: " + std::move(what));
}

// A field value with parameters: `form-data; name="a"; filename="b"`.
struct Parameters {
  std::string value;  // Lower case.
  std::vector<std::pair<std::string, std::string>> list;

  const std::string* find(std::string_view name) const {
    for (const auto& [key, text] : list) {
      if (key == name) return &text;
    }
    return nullptr;
  }
};

Result<std::string> takeParameterValue(std::string_view& rest, const std::string& name) {
  if (rest.starts_with('"')) {
    const std::size_t close = rest.find('"', 1);
    if (close == std::string_view::npos) return refuse("no closing quote behind " + name + "=");
    std::string value(rest.substr(1, close - 1));
    const bool odd = std::any_of(value.begin(), value.end(), [](char c) {
      return c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
    if (odd) return refuse("the value of " + name + " holds a backslash or control character");
    rest.remove_prefix(close + 1);
    return value;
  }
  const auto end = std::find_if_not(rest.begin(), rest.end(), isTokenCharacter);
  std::string value(rest.begin(), end);
  if (value.empty()) return refuse("no value behind " + name + "=");
  rest.remove_prefix(value.size());
  return value;
}

Result<Parameters> parseParameters(std::string_view text) {
  Parameters out;
  const std::size_t semicolon = std::min(text.find(';'), text.size());
  out.value = toLowerAscii(trimmed(text.substr(0, semicolon)));
  std::string_view rest = trimmed(text.substr(semicolon));
  while (!rest.empty()) {
    if (!rest.starts_with(';')) return refuse("a parameter does not begin with ';'");
    rest = trimmed(rest.substr(1));
    const std::size_t equals = rest.find('=');
    if (equals == std::string_view::npos) return refuse("a parameter has no '='");
    const std::string name = toLowerAscii(rest.substr(0, equals));
    if (name.empty() || !std::all_of(name.begin(), name.end(), isTokenCharacter)) {
      return refuse("a parameter's name is no token");
    }
    if (out.find(name)) return refuse("parameter " + name + " stands there twice");
    rest.remove_prefix(equals + 1);
    ATOLL_TRY(std::string value, takeParameterValue(rest, name));
    out.list.emplace_back(name, std::move(value));
    rest = trimmed(rest);
  }
  return out;
}

Result<std::string> boundaryOf(std::string_view contentType) {
  ATOLL_TRY(const Parameters type, parseParameters(contentType));
  if (type.value != kFormData) {
    return fail(ErrorCode::InvalidArgument,
                "content-type is \"" + type.value + "\": send multipart/form-data");
  }
  const std::string* const boundary = type.find("boundary");
  if (!boundary) return refuse("the content-type names no boundary");
  if (boundary->empty() || boundary->size() > kBoundaryBytesMax ||
      !std::all_of(boundary->begin(), boundary->end(), isBoundaryCharacter)) {
    return refuse("the boundary is not 1 to 70 of the characters RFC 2046 allows");
  }
  return *boundary;
}

Result<> readDisposition(std::string_view value, FormPart& part, const std::string& where) {
  Result<Parameters> parsed = parseParameters(value);
  if (!parsed) return fail(parsed.error(), where);
  if (parsed->value != "form-data") return refuse(where + " is no form-data");
  for (const auto& [name, text] : parsed->list) {
    if (name == "name") {
      part.name = text;
    } else if (name == "filename") {
      part.fileName = text;
    } else {
      return refuse(where + " has the parameter " + name + ": only name and filename are allowed");
    }
  }
  if (part.name.empty()) return refuse(where + " has no name");
  return {};
}

// The header fields of one part, each line closed by CRLF.
Result<> readPartHead(std::string_view head, FormPart& part, const std::string& where) {
  bool hasDisposition = false;
  bool hasType = false;
  while (!head.empty()) {
    const std::size_t lineEnd = head.find("\r\n");
    const std::string_view line = head.substr(0, lineEnd);
    head.remove_prefix(lineEnd == std::string_view::npos ? head.size() : lineEnd + 2);
    const std::size_t colon = line.find(':');
    if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos ||
        colon == std::string_view::npos || colon == 0 ||
        !std::all_of(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(colon),
                     isTokenCharacter)) {
      return refuse(where + " has a malformed header line");
    }
    const std::string name = toLowerAscii(line.substr(0, colon));
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (name == "content-disposition") {
      if (std::exchange(hasDisposition, true)) return refuse(where + " repeats " + name);
      ATOLL_TRY_VOID(readDisposition(value, part, where));
    } else if (name == "content-type") {
      if (std::exchange(hasType, true)) return refuse(where + " repeats " + name);
      part.contentType = toLowerAscii(trimmed(value.substr(0, value.find(';'))));
    } else if (name == "content-transfer-encoding" && !equalsIgnoringCase(value, "binary") &&
               !equalsIgnoringCase(value, "8bit")) {
      return refuse(where + " has a content-transfer-encoding: send the bytes as they are");
    }
  }
  if (!hasDisposition) return refuse(where + " has no content-disposition");
  return {};
}

}  // namespace

bool isMultipart(std::string_view contentType) {
  const std::string_view type = trimmed(contentType.substr(0, contentType.find(';')));
  return equalsIgnoringCase(type, kFormData);
}

Result<std::vector<FormPart>> parseMultipart(std::string_view contentType, const Bytes& body,
                                             const MultipartLimits& limits) {
  ATOLL_TRY(const std::string boundary, boundaryOf(contentType));
  const std::string delimiter = "\r\n--" + boundary;
  const std::string_view all = body.view();
  // The first delimiter has no line break in front of it.
  if (!all.starts_with(std::string_view(delimiter).substr(2))) {
    return refuse("it does not begin with the boundary");
  }
  std::vector<FormPart> parts;
  std::size_t at = delimiter.size() - 2;
  for (;;) {  // `at` is behind a delimiter.
    const std::string_view rest = all.substr(at);
    if (rest == "--" || rest == "--\r\n") return parts;
    const std::string where = "part " + std::to_string(parts.size() + 1);
    if (!rest.starts_with("\r\n")) return refuse("the line of a boundary goes on, before " + where);
    if (parts.size() == limits.partCountMax) {
      return fail(ErrorCode::TooLarge,
                  "multipart body: more than " + std::to_string(limits.partCountMax) + " parts");
    }
    at += 2;
    const std::size_t headEnd = all.substr(at, limits.partHeadBytesMax + 4).find("\r\n\r\n");
    if (headEnd == std::string_view::npos) {
      return refuse(where + " has no end of its headers within " +
                    std::to_string(limits.partHeadBytesMax) + " bytes");
    }
    FormPart part;
    ATOLL_TRY_VOID(readPartHead(all.substr(at, headEnd), part, where));
    at += headEnd + 4;
    const std::size_t end = all.find(delimiter, at);
    if (end == std::string_view::npos) return refuse(where + " is not closed by the boundary");
    part.content = body.slice(at, end - at);
    parts.push_back(std::move(part));
    at = end + delimiter.size();
  }
}

}  // namespace atolld::control
