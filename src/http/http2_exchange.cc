#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/check.h"
#include "http/http1_writer.h"
#include "http/http2_server.h"

namespace atolld::http {
namespace {

struct Digits {
  std::array<char, 20> text;
  std::size_t size;
  std::string_view view() const { return {text.data(), size}; }
};

Digits digits(std::uint64_t number) {
  Digits out{};
  const char* const end =
      std::to_chars(out.text.data(), out.text.data() + out.text.size(), number).ptr;
  out.size = static_cast<std::size_t>(end - out.text.data());
  return out;
}

}  // namespace

void Http2Exchange::startBody() {
  if (bodyStarted_ || responseEnded_ || aborted_) return;
  bodyStarted_ = true;
  if (std::exchange(awaitsContinue_, false) && !responseStarted_) {
    Http2Fields fields;
    fields.add(":status", "100");
    nghttp2_submit_headers(connection_.session_.raw(), NGHTTP2_FLAG_NONE, stream_, nullptr,
                           fields.data(), fields.size(), nullptr);
  }
  connection_.ready_.push_back(stream_);
  connection_.signal();
}

void Http2Exchange::consumed(std::size_t bytes) {
  // What is left when the response ends is given back then, all at once.
  bytes = std::min(bytes, unconsumed_);
  if (bytes == 0) return;
  unconsumed_ -= bytes;
  nghttp2_session_consume(connection_.session_.raw(), stream_, bytes);
  connection_.signalIfWork();
}

void Http2Exchange::respond(const ResponseHead& head, Bytes body) {
  ATOLL_CHECK(!responseStarted_);
  if (aborted_) return;
  const bool exact = head.body == BodyKind::Length && head.contentLength == body.size();
  if (exact || head.body == BodyKind::Unknown) {
    submitHead(head, body.empty());
  } else {
    ResponseHead measured = head;
    measured.body = body.empty() ? BodyKind::None : BodyKind::Length;
    measured.contentLength = body.size();
    submitHead(measured, body.empty());
  }
  if (!body.empty()) write(std::move(body));
  end({});
}

void Http2Exchange::respondHead(const ResponseHead& head) {
  ATOLL_CHECK(!responseStarted_);
  if (aborted_) return;
  if (head.status != 101 || protocol_.empty()) return submitHead(head, false);
  // RFC 8441 section 5: there is no switch, and no key to answer.
  isTunnel_ = true;
  ResponseHead opened{.status = 200, .headers = head.headers, .body = BodyKind::Unknown};
  opened.headers.remove("sec-websocket-accept");
  submitHead(opened, false);
}

/// `bodiless` ends the stream with the head.
void Http2Exchange::submitHead(const ResponseHead& head, bool bodiless) {
  const int status = head.status >= 200 && head.status <= 999 ? head.status : 500;
  const bool silent = status == 204 || status == 304;
  dropsBody_ = isHead_ || silent || status == 205;
  const bool none = head.body == BodyKind::None || status == 205;
  const std::uint64_t length = head.body == BodyKind::Length && !none ? head.contentLength : 0;
  if (!dropsBody_ && head.body != BodyKind::Unknown) bodyLeft_ = length;

  const Digits statusText = digits(static_cast<std::uint64_t>(status));
  const Digits lengthText = digits(length);
  Http2Fields& fields = connection_.fields_;
  fields.clear();
  fields.add(":status", statusText.view());
  if (!fields.addAll(head.headers)) fields.add("date", dateNow());
  const bool known = length > 0 || (none && !isHead_ && !silent) ||
                     (head.body == BodyKind::Length && !silent && !isHead_);
  if (known && status != 204) fields.add("content-length", lengthText.view());

  responseStarted_ = true;
  nghttp2_data_provider2 provider = Http2Session::provider(outbound_);
  const bool endsNow = bodiless || (dropsBody_ && responseEnded_);
  const int submitted = nghttp2_submit_response2(connection_.session_.raw(), stream_, fields.data(),
                                                 fields.size(), endsNow ? nullptr : &provider);
  if (submitted != 0) reset(NGHTTP2_INTERNAL_ERROR);
  connection_.signal();
}

void Http2Exchange::write(Bytes chunk) {
  ATOLL_CHECK(responseStarted_ || aborted_);
  if (responseEnded_ || aborted_ || dropsBody_ || chunk.empty()) return;
  if (bodyLeft_) {
    if (chunk.size() > *bodyLeft_) {
      abort();
      return;
    }
    *bodyLeft_ -= chunk.size();
  }
  outbound_.push(std::move(chunk));
  if (outbound_.size() >= kLowWaterBytes) wasFull_ = connection_.anyFull_ = true;
  nghttp2_session_resume_data(connection_.session_.raw(), stream_);
  connection_.signal();
}

void Http2Exchange::end(HeaderList trailers) {
  ATOLL_CHECK(responseStarted_ || aborted_);
  if (responseEnded_ || aborted_) return;
  if (bodyLeft_.value_or(0) > 0) {
    abort();
    return;
  }
  responseEnded_ = true;
  if (!dropsBody_) outbound_.trailers = std::move(trailers);
  outbound_.ended = true;
  nghttp2_session_resume_data(connection_.session_.raw(), stream_);
  connection_.signal();
}

void Http2Exchange::abort() {
  if (responseEnded_ || aborted_) return;
  reset(NGHTTP2_INTERNAL_ERROR);
}

void Http2Exchange::reset(std::uint32_t code) {
  aborted_ = true;
  outbound_.clear();
  nghttp2_submit_rst_stream(connection_.session_.raw(), NGHTTP2_FLAG_NONE, stream_, code);
  connection_.signal();
}

}  // namespace atolld::http
