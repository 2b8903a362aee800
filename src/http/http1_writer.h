#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/message.h"

namespace atolld::http {

/// "OK" for 200; empty for a status without a registered phrase.
std::string_view reasonPhrase(int status);

/// The value of a Date field for now; rendered once per second and thread.
/// @spec RFC 9110 section 5.6.7
std::string_view dateNow();

/// What the connection has decided about a response's framing.
struct Http1Framing {
  enum class Body : std::uint8_t { Absent, Length, Chunked, UntilClose };
  Body body = Body::Absent;
  std::uint64_t length = 0;
  enum class Connection : std::uint8_t { Default, Close, KeepAlive, WebSocket };
  Connection connection = Connection::Default;
};

/// Appends a response head. Fields that would frame the message are left out, and so is a field
/// that could not stand on one line: no handler can split a response.
void writeResponseHead(std::string& out, int status, const HeaderList& headers,
                       const Http1Framing& framing);

/// Appends a request head, by the same rules; Host comes first.
void writeRequestHead(std::string& out, const RequestHead& head, const Http1Framing& framing);

/// Appends the line that opens a chunk of that size.
void writeChunkHeader(std::string& out, std::size_t bytes);
/// Appends the last chunk and the trailer section.
void writeLastChunk(std::string& out, const HeaderList& trailers);

}  // namespace atolld::http
