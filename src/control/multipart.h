#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace atolld::control {

/// One part of a form.
struct FormPart {
  std::string name;
  std::optional<std::string> fileName;
  std::string contentType;  ///< Without parameters, lower case; empty if the part names none.
  Bytes content;            ///< Shares the body's memory.
};

struct MultipartLimits {
  std::size_t partCountMax = 1100;
  std::size_t partHeadBytesMax = 4096;
};

/// Whether a Content-Type says multipart/form-data.
bool isMultipart(std::string_view contentType);

/// Parses a multipart/form-data body.
///
/// Strict on purpose: what two parsers could read differently (a preamble, blanks behind a
/// boundary, bare line feeds, folded or repeated part headers, backslashes and filename* in names,
/// transfer encodings) is refused, as nothing that people use sends it.
///
/// @error InvalidArgument says what is wrong with which part; TooLarge names the limit.
/// @spec RFC 7578, https://www.rfc-editor.org/rfc/rfc7578
Result<std::vector<FormPart>> parseMultipart(std::string_view contentType, const Bytes& body,
                                             const MultipartLimits& limits = {});

}  // namespace atolld::control
