#include <algorithm>
#include <utility>

#include "base/check.h"
#include "http/http1_server.h"

namespace atolld::http {
Http1Exchange::Http1Exchange(Http1ServerConnection& connection, const RequestHead& head,
                             const RequestFraming& framing)
    : connection_(connection),
      version_(head.version),
      isHead_(head.method == "HEAD"),
      keepAlive_(framing.keepAlive),
      awaitsContinue_(head.expectsContinue),
      requestComplete_(head.body == BodyKind::None),
      mayTunnel_(head.webSocket) {}

void Http1Exchange::startBody() {
  if (bodyStarted_ || responseEnded_ || aborted_) return;
  bodyStarted_ = true;
  if (std::exchange(awaitsContinue_, false) && !responseStarted_) {
    connection_.output_.append("HTTP/1.1 100 Continue\r\n\r\n");
  }
  connection_.signal();
}

void Http1Exchange::consumed(std::size_t bytes) {
  ATOLL_CHECK(bytes <= unconsumed_);
  const bool wasFull = unconsumed_ >= connection_.limits_.receiveWindowBytes;
  unconsumed_ -= bytes;
  if (wasFull || !connection_.input_.empty()) connection_.signal();
}

void Http1Exchange::respond(const ResponseHead& head, Bytes body) {
  ATOLL_CHECK(!responseStarted_);
  if (aborted_) return;
  const bool chunked = head.body == BodyKind::Unknown;
  if (chunked || (head.body == BodyKind::Length && head.contentLength == body.size())) {
    respondHead(head);
  } else {
    // The body says how long it is.
    ResponseHead exact = head;
    exact.body = body.empty() ? BodyKind::None : BodyKind::Length;
    exact.contentLength = body.size();
    respondHead(exact);
  }
  if (!body.empty()) write(std::move(body));
  end({});
}

void Http1Exchange::respondHead(const ResponseHead& head) {
  ATOLL_CHECK(!responseStarted_);
  if (aborted_) return;
  if (head.status == 101 && mayTunnel_) return openTunnel(head);
  const int status = head.status >= 200 && head.status <= 999 ? head.status : 500;
  const Http1Framing framing = frame(status, head);
  responseStarted_ = true;
  framing_ = framing.body;
  bodyLeft_ = framing.length;
  writeResponseHead(connection_.output_.buffer(), status, head.headers, framing);
  // These have no body, whatever their head says one would be.
  if (isHead_ || status == 205 || status == 304) framing_ = Http1Framing::Body::Absent;
  connection_.signal();
}

/// What the client has sent behind its request, and sends from now on, is the tunnel's.
void Http1Exchange::openTunnel(const ResponseHead& head) {
  responseStarted_ = isTunnel_ = true;
  keepAlive_ = requestComplete_ = false;
  framing_ = Http1Framing::Body::UntilClose;
  connection_.reading_ = Http1ServerConnection::Reading::Tunnel;
  const Http1Framing framing{.connection = Http1Framing::Connection::WebSocket};
  writeResponseHead(connection_.output_.buffer(), head.status, head.headers, framing);
  connection_.signal();
}

Http1Framing Http1Exchange::frame(int status, const ResponseHead& head) {
  Http1Framing framing;
  if (status == 205 || head.body == BodyKind::None) {
    framing.body = Http1Framing::Body::Length;
  } else if (head.body == BodyKind::Length) {
    framing.body = Http1Framing::Body::Length;
    framing.length = head.contentLength;
  } else {
    framing.body =
        version_ == Version::Http10 ? Http1Framing::Body::UntilClose : Http1Framing::Body::Chunked;
  }
  // 204 has no framing fields; to HEAD and 304 only a known length says something.
  const bool bodiless = isHead_ || status == 204 || status == 304;
  if (bodiless && (status == 204 || framing.length == 0)) {
    framing = {};
  }
  if (framing.body == Http1Framing::Body::UntilClose || mustClose()) keepAlive_ = false;
  if (!keepAlive_) {
    framing.connection = Http1Framing::Connection::Close;
  } else if (version_ == Version::Http10) {
    framing.connection = Http1Framing::Connection::KeepAlive;
  }
  return framing;
}

bool Http1Exchange::mustClose() const {
  const Http1ServerConnection& c = connection_;
  if (c.draining_ || c.inputEnded_) return true;
  if (requestComplete_ || bodyStarted_) return false;
  // The body will be discarded. A client that waits for "100 Continue" may send it or not, and we
  // could not tell it from the next request.
  return awaitsContinue_ ||
         (c.reading_ == Http1ServerConnection::Reading::Length && c.bodyLeft_ > c.kDiscardBytesMax);
}

void Http1Exchange::write(Bytes chunk) {
  ATOLL_CHECK(responseStarted_ || aborted_);
  if (responseEnded_ || aborted_ || chunk.empty()) return;
  OutputQueue& output = connection_.output_;
  switch (framing_) {
    case Http1Framing::Body::Absent:
      return;
    case Http1Framing::Body::Length:
      if (chunk.size() > bodyLeft_) {
        // More than was announced would be read as the next response.
        abort();
        return;
      }
      bodyLeft_ -= chunk.size();
      output.append(std::move(chunk));
      break;
    case Http1Framing::Body::Chunked:
      writeChunkHeader(output.buffer(), chunk.size());
      output.append(std::move(chunk));
      output.append("\r\n");
      break;
    case Http1Framing::Body::UntilClose:
      output.append(std::move(chunk));
      break;
  }
  connection_.signal();
}

void Http1Exchange::end(HeaderList trailers) {
  ATOLL_CHECK(responseStarted_ || aborted_);
  if (responseEnded_ || aborted_) return;
  if (framing_ == Http1Framing::Body::Length && bodyLeft_ > 0) {
    abort();
    return;
  }
  if (framing_ == Http1Framing::Body::Chunked) {
    writeLastChunk(connection_.output_.buffer(), trailers);
  }
  responseEnded_ = true;
  endPosition_ = connection_.output_.appended();
  if (!keepAlive_ || connection_.draining_) connection_.stop();
  connection_.signal();
}

void Http1Exchange::abort() {
  if (responseEnded_ || aborted_) return;
  aborted_ = true;
  connection_.stop();
  connection_.signal();
}

std::size_t Http1Exchange::bufferedBytes() const { return connection_.output_.size(); }

}  // namespace atolld::http
