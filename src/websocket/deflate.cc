#include "websocket/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <array>

#include "base/check.h"

namespace atolld::websocket {
namespace {

/// Fast and small: messages are mostly short, and every open socket may keep one context.
constexpr int kLevel = 3;
constexpr int kMemoryLevel = 5;
constexpr std::string_view kTail("\x00\x00\xff\xff", 4);
constexpr std::size_t kStepBytes = 16 * 1024;

/// zlib reads through a pointer that older code wanted to be mutable.
Bytef* inputOf(std::string_view bytes) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
}

}  // namespace

void Deflater::End::operator()(z_stream_s* stream) const noexcept {
  deflateEnd(stream);
  delete stream;
}

void Deflater::compress(std::string_view message, std::string& out) {
  if (!stream_) {
    auto fresh = std::make_unique<z_stream>();
    *fresh = {};
    ATOLL_CHECK(deflateInit2(fresh.get(), kLevel, Z_DEFLATED, -parameters_.windowBits, kMemoryLevel,
                             Z_DEFAULT_STRATEGY) == Z_OK);
    stream_.reset(fresh.release());
  }
  const std::size_t begin = out.size();
  stream_->next_in = inputOf(message);
  ATOLL_CHECK(message.size() < UINT32_MAX);
  stream_->avail_in = static_cast<uInt>(message.size());
  do {
    const std::size_t at = out.size();
    const std::size_t room = std::clamp<std::size_t>(message.size() / 2, 64, kStepBytes);
    out.resize(at + room);
    stream_->next_out = reinterpret_cast<Bytef*>(out.data() + at);
    stream_->avail_out = static_cast<uInt>(room);
    const int status = deflate(stream_.get(), Z_SYNC_FLUSH);
    ATOLL_CHECK(status == Z_OK || status == Z_BUF_ERROR);
    out.resize(out.size() - stream_->avail_out);
  } while (stream_->avail_out == 0);
  // A flush ends in an empty stored block, whose last four bytes the peer adds again. Of a message
  // without any bytes zlib may make nothing at all; then it is that block's first byte.
  if (std::string_view(out).substr(begin).ends_with(kTail)) out.resize(out.size() - kTail.size());
  if (out.size() == begin) out += '\0';
  if (!parameters_.contextTakeover) stream_.reset();
}

void Inflater::End::operator()(z_stream_s* stream) const noexcept {
  inflateEnd(stream);
  delete stream;
}

Inflater::Verdict Inflater::inflate(std::string_view& input, std::size_t budget, std::string& out) {
  if (!stream_) {
    auto fresh = std::make_unique<z_stream>();
    *fresh = {};
    // The full window, whatever was agreed: zlib itself compresses for 9 bits when told 8, and with
    // a smaller one a distance too far would be found or not as the bytes are cut.
    ATOLL_CHECK(inflateInit2(fresh.get(), -MAX_WBITS) == Z_OK);
    stream_.reset(fresh.release());
  }
  while (budget > 0) {
    const std::size_t at = out.size();
    const std::size_t room = std::min(budget, kStepBytes);
    const std::size_t offered = std::min(input.size(), kStepBytes);
    out.resize(at + room);
    stream_->next_in = inputOf(input);
    stream_->avail_in = static_cast<uInt>(offered);
    stream_->next_out = reinterpret_cast<Bytef*>(out.data() + at);
    stream_->avail_out = static_cast<uInt>(room);
    const int status = ::inflate(stream_.get(), Z_SYNC_FLUSH);
    out.resize(at + room - stream_->avail_out);
    budget -= room - stream_->avail_out;
    input.remove_prefix(offered - stream_->avail_in);
    if (status == Z_STREAM_END) {
      if (!restart()) return Verdict::BadData;
      if (input.empty()) return Verdict::Done;
      continue;
    }
    // Z_BUF_ERROR: there was nothing to go on with.
    if (status != Z_OK && status != Z_BUF_ERROR) return Verdict::BadData;
    // With room left over, zlib holds nothing back.
    if (stream_->avail_out > 0 && input.empty()) return Verdict::Done;
    if (stream_->avail_out > 0 && status == Z_BUF_ERROR) return Verdict::BadData;
  }
  return Verdict::Budget;
}

/// After a block marked as the last one, the stream goes on with the window it had.
bool Inflater::restart() {
  std::array<Bytef, 32 * 1024> window;
  uInt size = window.size();
  if (inflateGetDictionary(stream_.get(), window.data(), &size) != Z_OK) return false;
  if (inflateReset(stream_.get()) != Z_OK) return false;
  return inflateSetDictionary(stream_.get(), window.data(), size) == Z_OK;
}

void Inflater::endMessage() {
  if (!parameters_.contextTakeover) stream_.reset();
}

}  // namespace atolld::websocket
