#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace atolld::webapi {

/// One part of a multipart/form-data body.
struct MultipartPart {
  std::string name;                     ///< UTF-8, as given.
  std::optional<std::string> filename;  ///< Set: the part is a file.
  std::optional<std::string> contentType;
  std::size_t begin = 0;  ///< The content is bytes [begin, end) of the body.
  std::size_t end = 0;
};

/// Parses a whole multipart/form-data body.
///
/// Takes what browsers and HTTP clients send; a part without a name, a header line without end or a
/// missing final boundary is an error, not a guess.
///
/// @param body  not retained.
/// @param boundary  of the Content-Type, without the two dashes.
/// @error InvalidArgument  what is wrong, and in which part.
/// @spec RFC 7578; https://html.spec.whatwg.org/#multipart-form-data
Result<std::vector<MultipartPart>> parseMultipart(std::string_view body, std::string_view boundary);

}  // namespace atolld::webapi
