#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/header_list.h"
#include "http/message.h"

/// What HTTP says about caching, as the Cache API of Workers applies it: pure functions.
/// https://developers.cloudflare.com/workers/runtime-apis/cache/
namespace atolld::dispatch {

/// How long a response may be kept from now on; nothing if it must not be: no-store, private,
/// no-cache, a Set-Cookie that is not declared private, or no time left. Of s-maxage, max-age and
/// Expires the first counts; without them a status has the time that Cloudflare gives it.
/// @spec RFC 9111 section 4.2
std::optional<std::chrono::seconds> cacheLifetime(int status, const http::HeaderList& response,
                                                  UnixMillis now);

/// The request's values of the fields that the response's Vary names: what tells its variants
/// apart. Only compared, never parsed.
std::string cacheVariant(const http::HeaderList& response, const http::HeaderList& request);
/// Whether a variant of a response with that Vary suits the request.
bool suitsVariant(std::string_view variant, const http::HeaderList& response,
                  const http::HeaderList& request);

/// Bytes `first` to `last` of a body, both included.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

/// What a stored response answers a request with: 200 (its own status) and all of it, 304, 206 with
/// a part, or 416.
struct CacheAnswer {
  int status = 200;
  std::optional<ByteRange> range;  ///< With 206.
};
/// If-None-Match before If-Modified-Since before Range (RFC 9110 section 13.2.2). Several ranges
/// at once are answered with the whole.
CacheAnswer answerFromCache(int status, const http::HeaderList& response, std::uint64_t bodyBytes,
                            const http::HeaderList& request);

/// "Sun, 06 Nov 1994 08:49:37 GMT"; nothing for any other form.
std::optional<UnixMillis> parseHttpDate(std::string_view text);

}  // namespace atolld::dispatch
