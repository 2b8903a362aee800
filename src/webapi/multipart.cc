#include "webapi/multipart.h"

#include <format>

#include "base/encoding.h"

namespace atolld::webapi {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
// A part's headers are a name, a file name and a type: more is somebody testing us.
constexpr std::size_t kPartHeadBytesMax = 16 * 1024;

std::string_view trimBlanks(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Undoes what forms do to names: %22, %0D, %0A, and nothing else.
std::string unescapeName(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view escape = text.substr(i, 3);
    if (escape == "%22") {
      out += '"';
    } else if (equalsIgnoringCase(escape, "%0d")) {
      out += '\r';
    } else if (equalsIgnoringCase(escape, "%0a")) {
      out += '\n';
    } else {
      out += text[i];
      continue;
    }
    i += 2;
  }
  return out;
}

/// The value of `name="value"` or `name=value` among a header's parameters.
std::optional<std::string> findParameter(std::string_view parameters, std::string_view name) {
  while (!parameters.empty()) {
    parameters = trimBlanks(parameters);
    if (parameters.starts_with(';')) {
      parameters.remove_prefix(1);
      continue;
    }
    const std::size_t equals = parameters.find_first_of("=;");
    if (equals == std::string_view::npos || parameters[equals] == ';') {
      parameters.remove_prefix(equals == std::string_view::npos ? parameters.size() : equals);
      continue;
    }
    const bool wanted = equalsIgnoringCase(trimBlanks(parameters.substr(0, equals)), name);
    parameters.remove_prefix(equals + 1);
    std::string value;
    if (parameters.starts_with('"')) {
      std::size_t i = 1;
      for (; i < parameters.size() && parameters[i] != '"'; ++i) {
        // Browsers send a backslash as itself; only \" can be meant as an escape.
        if (parameters[i] == '\\' && parameters.substr(i + 1, 1) == "\"") ++i;
        value += parameters[i];
      }
      parameters.remove_prefix(std::min(i + 1, parameters.size()));
    } else {
      const std::size_t end = std::min(parameters.find(';'), parameters.size());
      value = trimBlanks(parameters.substr(0, end));
      parameters.remove_prefix(end);
    }
    if (wanted) return unescapeName(value);
  }
  return std::nullopt;
}

std::unexpected<Error> malformed(std::size_t part, std::string_view what) {
  return fail(ErrorCode::InvalidArgument, std::format("part {}: {}", part, what));
}

/// Reads the lines between a boundary and a part's content into `part`.
Result<> readHead(std::string_view head, std::size_t number, MultipartPart& part) {
  bool disposed = false;
  while (!head.empty()) {
    const std::size_t end = std::min(head.find(kLineEnd), head.size());
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + kLineEnd.size(), head.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return malformed(number, "a header line has no colon");
    const std::string_view name = trimBlanks(line.substr(0, colon));
    const std::string_view value = trimBlanks(line.substr(colon + 1));
    if (equalsIgnoringCase(name, "content-type")) {
      part.contentType = std::string(value);
    } else if (equalsIgnoringCase(name, "content-disposition")) {
      const std::size_t semicolon = std::min(value.find(';'), value.size());
      if (!equalsIgnoringCase(trimBlanks(value.substr(0, semicolon)), "form-data")) {
        return malformed(number, "its Content-Disposition is not form-data");
      }
      auto partName = findParameter(value.substr(semicolon), "name");
      if (!partName) return malformed(number, "its Content-Disposition has no name");
      part.name = *std::move(partName);
      part.filename = findParameter(value.substr(semicolon), "filename");
      disposed = true;
    }
  }
  if (!disposed) return malformed(number, "it has no Content-Disposition");
  return {};
}

}  // namespace

Result<std::vector<MultipartPart>> parseMultipart(std::string_view body,
                                                  std::string_view boundary) {
  const std::string delimiter = "--" + std::string(boundary);
  const std::string lineDelimiter = std::string(kLineEnd) + delimiter;
  std::vector<MultipartPart> parts;
  std::size_t at = 0;
  if (!body.starts_with(delimiter)) {
    at = body.find(lineDelimiter);
    if (at == std::string_view::npos) {
      return fail(ErrorCode::InvalidArgument, "the boundary of the Content-Type is not in it");
    }
    at += kLineEnd.size();
  }
  at += delimiter.size();
  for (std::size_t number = 1;; ++number) {
    if (body.substr(at).starts_with("--")) return parts;
    while (at < body.size() && (body[at] == ' ' || body[at] == '\t')) ++at;
    if (!body.substr(at).starts_with(kLineEnd)) {
      return malformed(number, "its boundary line does not end");
    }
    at += kLineEnd.size();
    MultipartPart part;
    std::size_t headEnd = at;
    if (!body.substr(at).starts_with(kLineEnd)) {
      headEnd = body.substr(0, at + kPartHeadBytesMax).find("\r\n\r\n", at);
      if (headEnd == std::string_view::npos) return malformed(number, "its headers do not end");
    }
    ATOLL_TRY_VOID(readHead(body.substr(at, headEnd - at), number, part));
    part.begin = headEnd + (headEnd == at ? 2 : 4);
    // The line end in front of a boundary is the boundary's, also right after the headers.
    part.end = body.find(lineDelimiter, part.begin - kLineEnd.size());
    if (part.end == std::string_view::npos) return malformed(number, "no boundary ends it");
    at = part.end + lineDelimiter.size();
    part.end = std::max(part.end, part.begin);
    parts.push_back(std::move(part));
  }
}

}  // namespace atolld::webapi
