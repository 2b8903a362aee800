#pragma once

#include <llhttp.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/header_list.h"
#include "http/refusal.h"

namespace atolld::http {

/// llhttp in strict mode, one message at a time: first a whole head, then, if the head says so, a
/// chunked body in any pieces. Holds no message bytes between calls.
class Http1Parser {
 public:
  enum class Kind : std::uint8_t { Request, Response };
  struct TrailerLimits {
    std::size_t bytesMax = 16 * 1024;
    std::size_t countMax = 64;
  };
  /// All chunk extensions of one message together; nobody uses them, but attackers.
  static constexpr std::size_t kExtensionBytesMax = 4 * 1024;

  explicit Http1Parser(Kind kind);
  Http1Parser(const Http1Parser&) = delete;
  Http1Parser& operator=(const Http1Parser&) = delete;

  /// Parses a whole head, ending in an empty line. Every field goes to `fields`.
  /// headComplete() says whether a refusal is about the syntax (false) or only about the body's
  /// framing (true), which the caller may judge in more detail.
  std::optional<Refusal> parseHead(std::string_view head, HeaderList& fields);
  bool headComplete() const noexcept { return headComplete_; }
  int status() const noexcept { return parser_.status_code; }
  /// llhttp knows the request's method.
  bool methodKnown() const noexcept { return !methodUnknown_; }

  /// After a head with "Transfer-Encoding: chunked": decodes what it can of `input`.
  struct Chunks {
    std::size_t taken = 0;  ///< Bytes of input used; all of them unless complete.
    bool complete = false;
    std::optional<Refusal> refusal;
  };
  Chunks parseChunks(std::string_view input, std::string& body, HeaderList& trailers,
                     const TrailerLimits& limits);

 private:
  static Http1Parser& of(llhttp_t* parser) { return *static_cast<Http1Parser*>(parser->data); }
  static const llhttp_settings_t& settings();
  static int onName(llhttp_t*, const char* at, std::size_t size) noexcept;
  static int onValue(llhttp_t*, const char* at, std::size_t size) noexcept;
  static int onField(llhttp_t*) noexcept;
  static int onExtension(llhttp_t*, const char* at, std::size_t size) noexcept;
  static int onHeadersComplete(llhttp_t*) noexcept;
  static int onBody(llhttp_t*, const char* at, std::size_t size) noexcept;
  static int onMessageComplete(llhttp_t*) noexcept;
  int refuse(int status, std::string_view problem);
  int grow(std::string& text, const char* at, std::size_t size);

  llhttp_t parser_;
  bool headComplete_ = false;
  bool methodUnknown_ = false;
  bool messageComplete_ = false;
  std::string name_;
  std::string value_;
  HeaderList* fields_ = nullptr;  // During a parse…() call.
  std::string* body_ = nullptr;
  TrailerLimits limits_;
  std::size_t trailerBytes_ = 0;
  std::size_t extensionBytes_ = 0;
  std::optional<Refusal> refusal_;
};

}  // namespace atolld::http
