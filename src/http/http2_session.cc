#include "http/http2_session.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "http/field_rules.h"

namespace atolld::http {
namespace {

/// Output is made up to here before the transport takes some: enough for a full socket buffer's
/// write, little enough that a more urgent stream need not wait behind it.
constexpr std::size_t kOutputBytesMax = 128 * 1024;
/// Frames that only cost (PING, SETTINGS, PRIORITY, empty DATA, unknown types): at once, per
/// second.
constexpr double kCalmBurst = 2000;
constexpr double kCalmPerSecond = 200;
/// nghttp2's own bucket for protocol oddities that are no errors.
constexpr std::uint64_t kGlitchBurst = 1000;
constexpr std::uint64_t kGlitchRate = 33;
constexpr double kResetsPerSecond = 33;
constexpr std::size_t kFrameHeaderBytes = 9;
constexpr std::size_t kClientMagicBytes = 24;
constexpr std::size_t kSentHeaderBytesMax = 1024 * 1024;

}  // namespace

void Http2Outbound::push(Bytes bytes) {
  if (bytes.empty()) return;
  size_ += bytes.size();
  pieces_.push_back(std::move(bytes));
}

void Http2Outbound::take(std::size_t bytes, OutputQueue& output) {
  ATOLL_CHECK(bytes <= size_);
  size_ -= bytes;
  while (bytes > 0) {
    Bytes& front = pieces_[first_];
    if (front.size() > bytes) {
      output.append(front.slice(0, bytes));
      front.removePrefix(bytes);
      break;
    }
    bytes -= front.size();
    output.append(std::exchange(front, {}));
    ++first_;
  }
  if (first_ == pieces_.size()) {
    pieces_.clear();
    first_ = 0;
  } else if (first_ >= 64) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

void Http2Outbound::clear() {
  pieces_.clear();
  first_ = size_ = 0;
}

void Http2Fields::add(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) {
    // nghttp2 only reads it; its type is older than const.
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  fields_.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
}

bool Http2Fields::addAll(const HeaderList& headers) {
  bool dated = false;
  for (const auto [name, value] : headers) {
    const KnownField known = knownField(name);
    if (known == KnownField::Date) dated = true;
    const bool ours =
        known != KnownField::Other && known != KnownField::Date && known != KnownField::Trailer;
    if (!ours && isLowerToken(name) && isFieldValue(value)) add(name, value);
  }
  return dated;
}

/// nghttp2's side of the events.
struct Http2Session::Callbacks {
  static Http2Session& of(void* user) { return *static_cast<Http2Session*>(user); }

  static int beginHeaders(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept {
    of(user).events_.onBeginHeaders(*frame);
    return 0;
  }
  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t nameSize, const std::uint8_t* value, std::size_t valueSize,
                    std::uint8_t, void* user) noexcept {
    const bool ok =
        of(user).events_.onHeader(*frame, asText(name, nameSize), asText(value, valueSize));
    return ok ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  /// nghttp2 would drop such a field and go on; a message with one is malformed.
  static int invalidHeader(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*, std::size_t,
                           const std::uint8_t*, std::size_t, std::uint8_t, void*) noexcept {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  static int frame(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept {
    of(user).events_.onFrame(*frame);
    return 0;
  }
  static int data(nghttp2_session*, std::uint8_t, std::int32_t stream, const std::uint8_t* data,
                  std::size_t size, void* user) noexcept {
    of(user).events_.onData(stream, asText(data, size));
    return 0;
  }
  static int frameSent(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept {
    Http2Session& self = of(user);
    if (frame->hd.type == NGHTTP2_RST_STREAM) self.noteReset(frame->hd.stream_id);
    self.events_.onFrameSent(*frame);
    return 0;
  }
  static int streamClosed(nghttp2_session*, std::int32_t stream, std::uint32_t code,
                          void* user) noexcept {
    of(user).events_.onStreamClosed(stream, code);
    return 0;
  }
  static nghttp2_ssize send(nghttp2_session*, const std::uint8_t* data, std::size_t size, int,
                            void* user) noexcept {
    OutputQueue& output = of(user).output_;
    if (output.size() >= kOutputBytesMax) return NGHTTP2_ERR_WOULDBLOCK;
    output.append(asText(data, size));
    return static_cast<nghttp2_ssize>(size);
  }
  static int sendData(nghttp2_session*, nghttp2_frame*, const std::uint8_t* header,
                      std::size_t size, nghttp2_data_source* source, void* user) noexcept {
    OutputQueue& output = of(user).output_;
    if (output.size() >= kOutputBytesMax) return NGHTTP2_ERR_WOULDBLOCK;
    output.append(asText(header, kFrameHeaderBytes));
    static_cast<Http2Outbound*>(source->ptr)->take(size, output);
    return 0;
  }
  static nghttp2_ssize readSource(nghttp2_session* session, std::int32_t stream, std::uint8_t*,
                                  std::size_t sizeMax, std::uint32_t* flags,
                                  nghttp2_data_source* source, void*) noexcept {
    Http2Outbound& outbound = *static_cast<Http2Outbound*>(source->ptr);
    if (outbound.size() == 0 && !outbound.ended) return NGHTTP2_ERR_DEFERRED;
    const std::size_t size = std::min(sizeMax, outbound.size());
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (size == outbound.size() && outbound.ended) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      Http2Fields fields;
      for (const auto [name, value] : outbound.trailers) {
        const bool allowed = !isForbiddenInTrailer(name) && isLowerToken(name);
        if (allowed && isFieldValue(value)) fields.add(name, value);
      }
      const bool submitted =
          fields.size() > 0 &&
          nghttp2_submit_trailer(session, stream, fields.data(), fields.size()) == 0;
      if (submitted) *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    }
    return static_cast<nghttp2_ssize>(size);
  }

  static nghttp2_session_callbacks* make() {
    nghttp2_session_callbacks* callbacks = nullptr;
    ATOLL_CHECK(nghttp2_session_callbacks_new(&callbacks) == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, &beginHeaders);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, &header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, &invalidHeader);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &data);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, &frameSent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &streamClosed);
    nghttp2_session_callbacks_set_send_callback2(callbacks, &send);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, &sendData);
    return callbacks;
  }
};

nghttp2_data_provider2 Http2Session::provider(Http2Outbound& outbound) {
  nghttp2_data_provider2 provider{};
  provider.source.ptr = &outbound;
  provider.read_callback = &Callbacks::readSource;
  return provider;
}

Http2Session::Http2Session(Role role, Events& events, std::size_t resetBurst)
    : events_(events),
      role_(role),
      passing_(role == Role::Server ? kClientMagicBytes : 0),
      calm_{.burst = kCalmBurst, .perSecond = kCalmPerSecond},
      resets_{.burst = static_cast<double>(resetBurst), .perSecond = kResetsPerSecond} {
  // Shared by every session and never freed: nghttp2 copies it.
  static nghttp2_session_callbacks* const callbacks = Callbacks::make();
  nghttp2_option* option = nullptr;
  ATOLL_CHECK(nghttp2_option_new(&option) == 0);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_glitch_rate_limit(option, kGlitchBurst, kGlitchRate);
  nghttp2_option_set_max_send_header_block_length(option, kSentHeaderBytesMax);
  const int made = role == Role::Server
                       ? nghttp2_session_server_new2(&session_, callbacks, this, option)
                       : nghttp2_session_client_new2(&session_, callbacks, this, option);
  nghttp2_option_del(option);
  ATOLL_CHECK(made == 0);
}

Http2Session::~Http2Session() { nghttp2_session_del(session_); }

void Http2Session::receive(std::string_view bytes) {
  std::size_t at = 0;
  const auto feedUpToHere = [&] {
    feed(bytes.substr(0, at));
    bytes.remove_prefix(at);
    at = 0;
  };
  while (at < bytes.size() && !failed_) {
    if (passing_ > 0) {
      const std::size_t size = std::min(passing_, bytes.size() - at);
      passing_ -= size;
      at += size;
      continue;
    }
    inspected_[inspectedSize_++] = bytes[at];
    if (inspectedSize_ < inspectedWanted()) {
      ++at;
      continue;
    }
    const std::size_t size = std::exchange(inspectedSize_, 0);
    passing_ = kFrameHeaderBytes + inspectedNumber(0, 3) - size;
    // The frames before it must have had their effect on the streams, but not this one yet.
    if (needsState()) feedUpToHere();
    if (failed_) return;
    if (const std::optional<std::uint32_t> code = judgeFrame()) {
      feedUpToHere();
      terminate(*code);
      return;
    }
    ++at;
  }
  feedUpToHere();
}

void Http2Session::feed(std::string_view bytes) {
  if (failed_ || bytes.empty()) return;
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const nghttp2_ssize taken = nghttp2_session_mem_recv2(session_, data, bytes.size());
  if (taken >= 0) return;
  terminate(taken == NGHTTP2_ERR_FLOODED ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
}

void Http2Session::send() {
  if (!broken_ && nghttp2_session_send(session_) != 0) failed_ = broken_ = true;
}

bool Http2Session::finished() const {
  return broken_ || (nghttp2_session_want_write(session_) == 0 &&
                     (failed_ || nghttp2_session_want_read(session_) == 0));
}

void Http2Session::terminate(std::uint32_t code) {
  if (std::exchange(failed_, true)) return;
  nghttp2_session_terminate_session(session_, code);
}

std::uint32_t Http2Session::inspectedNumber(std::size_t offset, std::size_t size) const {
  std::uint32_t value = 0;
  for (const char byte : std::string_view(inspected_.data() + offset, size)) {
    value = value << 8 | static_cast<unsigned char>(byte);
  }
  return value;
}

std::size_t Http2Session::inspectedWanted() const {
  if (inspectedSize_ < kFrameHeaderBytes) return kFrameHeaderBytes;
  const bool number =
      (inspected_[3] == NGHTTP2_PRIORITY || inspected_[3] == NGHTTP2_WINDOW_UPDATE) &&
      inspectedNumber(0, 3) >= 4;
  return kFrameHeaderBytes + (number ? 4 : 0);
}

bool Http2Session::needsState() const {
  return role_ == Role::Server &&
         (inspected_[3] == NGHTTP2_DATA || inspected_[3] == NGHTTP2_HEADERS ||
          inspected_[3] == NGHTTP2_WINDOW_UPDATE);
}

/// The code to end the connection with, if the frame that begins here must not be accepted.
std::optional<std::uint32_t> Http2Session::judgeFrame() {
  const auto type = static_cast<std::uint8_t>(inspected_[3]);
  const std::uint32_t stream = inspectedNumber(5, 4) & 0x7fffffff;
  const bool empty = inspectedNumber(0, 3) == 0 && (inspected_[4] & NGHTTP2_FLAG_END_STREAM) == 0;
  const bool costs = type > NGHTTP2_CONTINUATION || type == NGHTTP2_PING ||
                     type == NGHTTP2_SETTINGS || type == NGHTTP2_PRIORITY ||
                     (type == NGHTTP2_DATA && empty);
  if (costs && !calm_.spend()) return NGHTTP2_ENHANCE_YOUR_CALM;
  // nghttp2 has such a limit too, but it shows only once its GOAWAY is sent.
  if (type == NGHTTP2_RST_STREAM && !resets_.spend()) return NGHTTP2_ENHANCE_YOUR_CALM;
  if (type == NGHTTP2_PRIORITY) {
    const bool self = inspectedNumber(0, 3) >= 4 &&
                      (inspectedNumber(kFrameHeaderBytes, 4) & 0x7fffffff) == stream;
    if (stream == 0 || self) return NGHTTP2_PROTOCOL_ERROR;
  }
  if (!needsState()) return std::nullopt;
  const auto id = static_cast<std::int32_t>(stream);
  if (type == NGHTTP2_WINDOW_UPDATE) {
    if (inspectedNumber(0, 3) == 4) refuseOverflow(id, inspectedNumber(kFrameHeaderBytes, 4));
    return std::nullopt;
  }
  if (type == NGHTTP2_HEADERS && id > streamMax_) {
    streamMax_ = id;
    return std::nullopt;
  }
  const bool stray = id % 2 == 1 && id <= streamMax_ && !unknownStreamsAllowed_ &&
                     nghttp2_session_find_stream(session_, id) == nullptr;
  if (stray && !wasReset(id)) return NGHTTP2_STREAM_CLOSED;
  return std::nullopt;
}

/// Resets the stream whose window a WINDOW_UPDATE would carry above 2^31-1 (RFC 9113 6.9.1).
/// nghttp2 would end the whole connection for it; the update finds the stream closed.
void Http2Session::refuseOverflow(std::int32_t stream, std::uint32_t increment) {
  if (stream == 0 || nghttp2_session_find_stream(session_, stream) == nullptr) return;
  const std::int64_t window = nghttp2_session_get_stream_remote_window_size(session_, stream);
  if (window + (increment & 0x7fffffff) <= NGHTTP2_MAX_WINDOW_SIZE) return;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, NGHTTP2_FLOW_CONTROL_ERROR);
  send();
}

bool Http2Session::Allowance::spend() {
  const auto now = std::chrono::steady_clock::now();
  const std::chrono::duration<double> passed = now - std::exchange(at, now);
  left = std::min(burst, left + passed.count() * perSecond) - 1;
  return left >= 0;
}

void Http2Session::noteReset(std::int32_t stream) {
  std::int32_t& slot = ownResets_[ownResetCount_++ % ownResets_.size()];
  forgottenResetMax_ = std::max(forgottenResetMax_, slot);
  slot = stream;
}

bool Http2Session::wasReset(std::int32_t stream) const {
  return stream <= forgottenResetMax_ || std::ranges::contains(ownResets_, stream);
}

}  // namespace atolld::http
