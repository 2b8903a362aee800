#include "webapi/keccak.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace atolld::webapi {
namespace {

using Lanes = std::array<std::uint64_t, 25>;
static_assert(std::endian::native == std::endian::little, "Keccak's lanes are little-endian");

constexpr std::array<std::uint64_t, 24> kRoundConstants{
    0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000,
    0x000000000000808B, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008A, 0x0000000000000088, 0x0000000080008009, 0x000000008000000A,
    0x000000008000808B, 0x800000000000008B, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};

/// Where the walk of the rho and pi steps goes from lane 1, and by how much each lane turns.
constexpr std::array<std::uint8_t, 24> kWalk{10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                             15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};
constexpr std::array<std::uint8_t, 24> kTurns{1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                              27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44};

/// Keccak-p[1600]: the last `rounds` of the 24. FIPS 202 section 3.3.
void permute(Lanes& a, std::size_t rounds) {
  for (std::size_t round = kRoundConstants.size() - rounds; round < kRoundConstants.size();
       ++round) {
    std::array<std::uint64_t, 5> column;
    for (std::size_t x = 0; x < 5; ++x) {
      column[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
    }
    for (std::size_t x = 0; x < 5; ++x) {
      const std::uint64_t mixed = column[(x + 4) % 5] ^ std::rotl(column[(x + 1) % 5], 1);
      for (std::size_t y = 0; y < 25; y += 5) a[y + x] ^= mixed;
    }
    std::uint64_t moved = a[1];
    for (std::size_t i = 0; i < kWalk.size(); ++i) {
      moved = std::exchange(a[kWalk[i]], std::rotl(moved, kTurns[i]));
    }
    for (std::size_t y = 0; y < 25; y += 5) {
      std::array<std::uint64_t, 5> row;
      std::copy_n(a.begin() + static_cast<std::ptrdiff_t>(y), 5, row.begin());
      for (std::size_t x = 0; x < 5; ++x)
        a[y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
    }
    a[0] ^= kRoundConstants[round];
  }
}

/// https://keccak.team/sponge_duplex.html
class Sponge {
 public:
  Sponge(KeccakStrength strength, std::size_t rounds)
      : rate_(strength == KeccakStrength::Bits128 ? 168 : 136), rounds_(rounds) {}

  std::size_t rate() const noexcept { return rate_; }

  void absorb(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t count = std::min(bytes.size(), rate_ - at_);
      auto* const state = reinterpret_cast<unsigned char*>(lanes_.data());
      for (std::size_t i = 0; i < count; ++i) {
        state[at_ + i] ^= static_cast<unsigned char>(bytes[i]);
      }
      bytes.remove_prefix(count);
      at_ += count;
      if (at_ == rate_) turn();
    }
  }

  /// Once: ends the input with the domain's bits and the padding, and gives the output.
  std::string squeeze(std::uint8_t domain, std::size_t outBytes) {
    auto* const state = reinterpret_cast<unsigned char*>(lanes_.data());
    state[at_] ^= domain;
    state[rate_ - 1] ^= 0x80;
    std::string out;
    out.reserve(outBytes);
    while (out.size() < outBytes) {
      turn();
      out.append(reinterpret_cast<const char*>(state), std::min(rate_, outBytes - out.size()));
    }
    return out;
  }

 private:
  void turn() {
    permute(lanes_, rounds_);
    at_ = 0;
  }

  Lanes lanes_{};
  const std::size_t rate_;
  const std::size_t rounds_;
  std::size_t at_ = 0;
};

constexpr std::size_t kFullRounds = 24;
constexpr std::size_t kTurboRounds = 12;

/// The number's bytes, big-endian, without leading zeros; none at all for 0 if `orNone`.
std::string bigEndian(std::uint64_t value, bool orNone) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) {
    const auto byte = static_cast<char>(value >> shift);
    if (byte != 0 || !bytes.empty() || (shift == 0 && !orNone)) bytes.push_back(byte);
  }
  return bytes;
}

/// left_encode of SP 800-185 section 2.3.1.
std::string leftEncode(std::uint64_t value) {
  const std::string bytes = bigEndian(value, false);
  return static_cast<char>(bytes.size()) + bytes;
}

/// length_encode of RFC 9861 section 3.3.
std::string lengthEncode(std::uint64_t value) {
  std::string bytes = bigEndian(value, true);
  bytes.push_back(static_cast<char>(bytes.size()));
  return bytes;
}

std::string encodeString(std::string_view text) { return leftEncode(text.size() * 8).append(text); }

}  // namespace

std::string cShake(KeccakStrength strength, std::string_view functionName,
                   std::string_view customization, std::string_view data, std::size_t outBytes) {
  Sponge sponge(strength, kFullRounds);
  const bool named = !functionName.empty() || !customization.empty();
  if (named) {
    std::string head =
        leftEncode(sponge.rate()) + encodeString(functionName) + encodeString(customization);
    head.resize((head.size() + sponge.rate() - 1) / sponge.rate() * sponge.rate());
    sponge.absorb(head);
  }
  sponge.absorb(data);
  return sponge.squeeze(named ? 0x04 : 0x1F, outBytes);
}

std::string turboShake(KeccakStrength strength, std::uint8_t domain, std::string_view data,
                       std::size_t outBytes) {
  Sponge sponge(strength, kTurboRounds);
  sponge.absorb(data);
  return sponge.squeeze(domain, outBytes);
}

std::string kangarooTwelve(KeccakStrength strength, std::string_view data,
                           std::string_view customization, std::size_t outBytes) {
  constexpr std::size_t kChunkBytes = 8192;
  const std::size_t chainBytes = strength == KeccakStrength::Bits128 ? 32 : 64;
  // The input is data, customization and its length, in chunks; copied only at their borders.
  const std::string tail = std::string(customization) + lengthEncode(customization.size());
  const std::size_t total = data.size() + tail.size();
  const auto part = [&](std::size_t from, std::size_t count, auto&& take) {
    count = std::min(count, total - from);
    if (from < data.size()) {
      const std::string_view first = data.substr(from, count);
      take(first);
      from += first.size();
      count -= first.size();
    }
    if (count > 0) take(std::string_view(tail).substr(from - data.size(), count));
  };
  Sponge node(strength, kTurboRounds);
  part(0, kChunkBytes, [&](std::string_view bytes) { node.absorb(bytes); });
  if (total <= kChunkBytes) return node.squeeze(0x07, outBytes);
  node.absorb(std::string_view("\x03\0\0\0\0\0\0\0", 8));
  std::uint64_t leaves = 0;
  for (std::size_t at = kChunkBytes; at < total; at += kChunkBytes, ++leaves) {
    Sponge leaf(strength, kTurboRounds);
    part(at, kChunkBytes, [&](std::string_view bytes) { leaf.absorb(bytes); });
    node.absorb(leaf.squeeze(0x0B, chainBytes));
  }
  node.absorb(lengthEncode(leaves));
  node.absorb("\xFF\xFF");
  return node.squeeze(0x06, outBytes);
}

}  // namespace atolld::webapi
