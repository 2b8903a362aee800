#include "replication/frames.h"

#include <format>

#include "store/codec.h"
#include "store/crypto.h"
#include "store/log_entry.h"

namespace atolld::replication {
namespace {

constexpr std::size_t kLengthBytes = 4;
constexpr std::uint8_t kHello = 1;
constexpr std::uint8_t kEntry = 2;
constexpr std::uint8_t kNews = 3;
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kFrameBytesMax = store::kEntryBytesMax + store::kHashBytes + 1;

std::uint32_t lengthAt(std::string_view bytes) { return store::Decoder(bytes).u32(); }

std::string framed(const store::Encoder& body) {
  return store::Encoder().bytes(body.text()).take();
}

}  // namespace

std::vector<std::string_view> EntryBatch::rows() const {
  std::vector<std::string_view> all;
  all.reserve(ends.size());
  std::size_t start = 0;
  for (const std::size_t end : ends) {
    all.push_back(std::string_view(bytes).substr(start, end - start));
    start = end;
  }
  return all;
}

std::string helloFrame(const Hello& hello) {
  store::Encoder body;
  body.u8(kHello).u8(kVersion).u8(static_cast<std::uint8_t>(hello.verdict));
  body.u8(hello.isRoot ? 1 : 0).i64(hello.age.count());
  body.raw(hello.head.history).u64(hello.head.index).raw(hello.head.hash);
  return framed(body);
}

std::string newsFrame(const News& news) {
  store::Encoder body;
  body.u8(kNews).u64(news.headIndex).i64(news.age.count());
  return framed(body);
}

void appendEntryFrame(std::string& out, std::string_view row) {
  out += store::Encoder().u32(static_cast<std::uint32_t>(row.size() + 1)).u8(kEntry).text();
  out += row;
}

Result<> FrameReader::receive(std::string_view bytes) {
  // Whole frames are read where they lie; what is left of the last one is kept.
  while (!bytes.empty()) {
    if (!partial_.empty()) {
      std::size_t wanted = kLengthBytes;
      if (partial_.size() >= kLengthBytes) wanted += lengthAt(partial_);
      const std::size_t taken = std::min(wanted - partial_.size(), bytes.size());
      partial_ += bytes.substr(0, taken);
      bytes.remove_prefix(taken);
      if (partial_.size() < wanted) return {};
      if (wanted == kLengthBytes) {
        if (const std::size_t length = lengthAt(partial_); length == 0 || length > kFrameBytesMax) {
          return fail(ErrorCode::Protocol, std::format("a frame of {} bytes", length));
        }
        continue;
      }
      ATOLL_TRY_VOID(frame(std::string_view(partial_).substr(kLengthBytes)));
      partial_.clear();
      if (partial_.capacity() > 1024 * 1024) partial_ = {};
      continue;
    }
    if (bytes.size() >= kLengthBytes) {
      const std::size_t length = lengthAt(bytes);
      if (length == 0 || length > kFrameBytesMax) {
        return fail(ErrorCode::Protocol, std::format("a frame of {} bytes", length));
      }
      if (bytes.size() - kLengthBytes >= length) {
        ATOLL_TRY_VOID(frame(bytes.substr(kLengthBytes, length)));
        bytes.remove_prefix(kLengthBytes + length);
        continue;
      }
    }
    partial_ = bytes;
    return {};
  }
  return {};
}

Result<> FrameReader::frame(std::string_view body) {
  store::Decoder in(body);
  const std::uint8_t type = in.u8();
  if ((type == kHello) == greeted_) {
    return fail(ErrorCode::Protocol, "a stream has one greeting, and begins with it");
  }
  if (type == kEntry) {
    sink_.onEntry(in.rest());
    return {};
  }
  Hello hello;
  News news;
  if (type == kHello) {
    if (in.u8() != kVersion) in.reject("is of another version");
    const std::uint8_t verdict = in.u8();
    if (verdict > static_cast<std::uint8_t>(Verdict::BehindYou)) in.reject("has no known verdict");
    hello.verdict = static_cast<Verdict>(verdict);
    hello.isRoot = in.u8() != 0;
    hello.age = std::chrono::milliseconds(in.i64());
    hello.head.history = in.raw(store::kHistoryBytes);
    hello.head.index = in.u64();
    hello.head.hash = in.raw(store::kHashBytes);
    if (hello.age.count() < 0) in.reject("comes from the future");
  } else if (type == kNews) {
    news.headIndex = in.u64();
    news.age = std::chrono::milliseconds(in.i64());
    if (news.age.count() < 0) in.reject("comes from the future");
  } else {
    in.reject("is of an unknown type");
  }
  if (const Result<> whole = in.finish("a frame"); !whole) {
    return fail(ErrorCode::Protocol, whole.error().detail);
  }
  if (type == kHello) {
    greeted_ = true;
    sink_.onHello(std::move(hello));
  } else {
    sink_.onNews(news);
  }
  return {};
}

Verdict judge(const store::Position& head, std::uint64_t baseIndex, const store::Position& asked,
              const std::optional<std::string>& hashAtAsked) {
  if (asked.index == 0) return baseIndex == 0 ? Verdict::Follow : Verdict::TooOld;
  if (head.index == 0) return Verdict::BehindYou;  // It is of no history yet.
  if (asked.history != head.history) return Verdict::Foreign;
  if (asked.index > head.index) return Verdict::BehindYou;
  if (!hashAtAsked) return Verdict::TooOld;
  return *hashAtAsked == asked.hash ? Verdict::Follow : Verdict::Foreign;
}

}  // namespace atolld::replication
