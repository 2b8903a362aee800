#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

/// libFuzzer's entry point; replay_main.cc calls it too, for each file of the corpus.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace atolld::fuzz {

inline std::string_view asText(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Takes the first byte off: what a target does with the rest.
inline std::uint8_t takeByte(std::string_view& input) {
  if (input.empty()) return 0;
  const auto byte = static_cast<std::uint8_t>(input.front());
  input.remove_prefix(1);
  return byte;
}

/// The same bytes in pieces: of one byte each with seed 0, else of random sizes.
inline std::vector<std::string_view> split(std::string_view text, std::uint32_t seed) {
  std::minstd_rand random(seed);
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const std::size_t wanted = seed == 0 ? 1 : 1 + random() % (random() % 8 == 0 ? 200 : 12);
    const std::size_t size = wanted < text.size() ? wanted : text.size();
    pieces.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return pieces;
}

}  // namespace atolld::fuzz
