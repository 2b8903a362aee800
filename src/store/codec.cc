#include "store/codec.h"

#include <bit>
#include <limits>

#include "base/check.h"

namespace atolld::store {

Encoder& Encoder::f64(double value) { return u64(std::bit_cast<std::uint64_t>(value)); }

Encoder& Encoder::bytes(std::string_view value) {
  ATOLL_CHECK(value.size() <= std::numeric_limits<std::uint32_t>::max());
  return u32(static_cast<std::uint32_t>(value.size())).raw(value);
}

double Decoder::f64() { return std::bit_cast<double>(u64()); }

std::string_view Decoder::raw(std::size_t sizeBytes) {
  if (sizeBytes > rest_.size()) reject("ends too early");
  if (!ok()) return {};
  const std::string_view taken = rest_.substr(0, sizeBytes);
  rest_.remove_prefix(sizeBytes);
  return taken;
}

std::uint32_t Decoder::count(std::size_t eachBytesMin) {
  const std::uint32_t value = u32();
  if (value > rest_.size() / eachBytesMin) reject("counts more things than it holds");
  return ok() ? value : 0;
}

void Decoder::reject(std::string_view reason) {
  if (ok()) reason_ = reason;
}

Result<> Decoder::finish(std::string_view what) {
  if (!rest_.empty()) reject("has bytes after its end");
  if (ok()) return {};
  return fail(ErrorCode::Corrupt, std::string(what) + " " + std::string(reason_));
}

}  // namespace atolld::store
