#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "http/header_list.h"
#include "http/output_queue.h"

namespace atolld::http {

/// A message body on its way out on one HTTP/2 stream.
class Http2Outbound {
 public:
  void push(Bytes bytes);
  /// Moves `bytes` from the front to `output`.
  void take(std::size_t bytes, OutputQueue& output);
  void clear();
  std::size_t size() const noexcept { return size_; }

  bool ended = false;  ///< No more will be pushed; trailers follow, if there are any.
  HeaderList trailers;

 private:
  std::vector<Bytes> pieces_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

/// A header block to be sent; borrows all text until it is submitted.
class Http2Fields {
 public:
  void add(std::string_view name, std::string_view value);
  /// Adds the end-to-end fields of a list; drops what HTTP/2 forbids and what could not be a field.
  /// Says whether Date was one of them.
  bool addAll(const HeaderList& headers);
  const nghttp2_nv* data() const noexcept { return fields_.data(); }
  std::size_t size() const noexcept { return fields_.size(); }
  void clear() noexcept { fields_.clear(); }

 private:
  std::vector<nghttp2_nv> fields_;
};

/// nghttp2 for either side of a connection: frames in, events out, frames out to an OutputQueue
/// without copying large bodies. Adds what nghttp2 leaves to its user: frames on closed streams are
/// errors, and frames that cost much and mean nothing are rationed.
/// @spec RFC 9113
class Http2Session {
 public:
  enum class Role : std::uint8_t { Server, Client };

  /// Called from receive() and send().
  class Events {
   public:
    virtual void onBeginHeaders(const nghttp2_frame& frame) = 0;
    /// False resets the stream.
    virtual bool onHeader(const nghttp2_frame& frame, std::string_view name,
                          std::string_view value) = 0;
    virtual void onFrame(const nghttp2_frame& frame) = 0;
    virtual void onData(std::int32_t stream, std::string_view data) = 0;
    virtual void onFrameSent(const nghttp2_frame& frame) = 0;
    /// The stream is gone: `code` is NO_ERROR or why it was reset.
    virtual void onStreamClosed(std::int32_t stream, std::uint32_t code) = 0;

   protected:
    ~Events() = default;
  };

  /// `resetBurst`: how many streams the peer may reset at once; CVE-2023-44487 is to reset and to
  /// open again, without end.
  Http2Session(Role role, Events& events, std::size_t resetBurst);
  ~Http2Session();
  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;

  /// The library's object, for what needs no help from here.
  nghttp2_session* raw() const noexcept { return session_; }
  OutputQueue& queue() noexcept { return output_; }
  const OutputQueue& queue() const noexcept { return output_; }

  void receive(std::string_view bytes);
  /// Fills the output, up to a limit that keeps priorities meaningful.
  void send();
  /// Nothing more to read or to write, but what is in queue().
  bool finished() const;
  bool failed() const noexcept { return failed_; }
  /// Ends the connection: GOAWAY with that code, then nothing.
  void terminate(std::uint32_t code);
  /// From now on the peer's new streams are ignored, so frames on unknown streams are no errors.
  void ignoreUnknownStreams() noexcept { unknownStreamsAllowed_ = true; }

  /// A source that reads `outbound`, which must live until the stream is closed.
  static nghttp2_data_provider2 provider(Http2Outbound& outbound);

 private:
  struct Callbacks;
  friend struct Callbacks;
  void feed(std::string_view bytes);
  std::uint32_t inspectedNumber(std::size_t offset, std::size_t size) const;
  std::size_t inspectedWanted() const;
  bool needsState() const;
  std::optional<std::uint32_t> judgeFrame();
  void refuseOverflow(std::int32_t stream, std::uint32_t increment);
  void noteReset(std::int32_t stream);
  bool wasReset(std::int32_t stream) const;

  Events& events_;
  const Role role_;
  nghttp2_session* session_ = nullptr;
  OutputQueue output_;
  bool failed_ = false;  // Nothing received from now on means anything.
  bool broken_ = false;  // Nothing can be sent either.
  bool unknownStreamsAllowed_ = false;

  // Received bytes are followed from frame to frame, in front of the library.
  std::array<char, 13> inspected_{};  // The header, and a PRIORITY's or WINDOW_UPDATE's number.
  std::size_t inspectedSize_ = 0;
  std::size_t passing_;         // Bytes until the next frame begins.
  std::int32_t streamMax_ = 0;  // The highest stream that the client opened.

  // Streams that we reset while the peer could still be sending on them: what was in flight is
  // ignored. On others that are closed, the peer said the last word itself, and more is an error.
  std::array<std::int32_t, 256> ownResets_{};
  std::size_t ownResetCount_ = 0;
  std::int32_t forgottenResetMax_ = 0;

  /// So many at once, and so many a second.
  struct Allowance {
    double burst;
    double perSecond;
    double left = burst;
    std::chrono::steady_clock::time_point at = std::chrono::steady_clock::now();
    bool spend();
  };
  Allowance calm_;    // Frames that cost us more than them.
  Allowance resets_;  // RST_STREAM: each may have cost us a request.
};

inline std::string_view asText(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace atolld::http
