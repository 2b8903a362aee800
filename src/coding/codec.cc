#include "coding/codec.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "coding/memory.h"

namespace atolld::coding {
namespace {

class HeapMemory final : public Memory {
 public:
  void* allocate(std::size_t bytes) noexcept override { return std::malloc(bytes); }
  void release(void* memory, std::size_t) noexcept override { std::free(memory); }
};

constexpr std::size_t kSizeBytes = alignof(std::max_align_t);
static_assert(kSizeBytes >= sizeof(std::size_t));

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool equalsName(std::string_view text, std::string_view lowerName) {
  return std::ranges::equal(text, lowerName, {}, lower);
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// "q=0", "q=0.0" and the like: the coding is refused.
bool isRefused(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::size_t end = std::min(parameters.find(';'), parameters.size());
    const std::string_view parameter = trim(parameters.substr(0, end));
    parameters.remove_prefix(std::min(end + 1, parameters.size()));
    if (parameter.size() < 3 || lower(parameter[0]) != 'q' || parameter[1] != '=') continue;
    return parameter.find_first_not_of("0.", 2) == std::string_view::npos;
  }
  return false;
}

constexpr std::array<std::pair<std::string_view, Format>, 5> kNames{{{"gzip", Format::Gzip},
                                                                     {"x-gzip", Format::Gzip},
                                                                     {"deflate", Format::Deflate},
                                                                     {"br", Format::Brotli},
                                                                     {"zstd", Format::Zstd}}};

}  // namespace

Memory& heapMemory() noexcept {
  static HeapMemory memory;
  return memory;
}

void requestFlush(Codec& codec, FlushPoint point) {
  if (auto* const encoder = dynamic_cast<Flushing*>(&codec)) encoder->requestFlush(point);
}

void* allocateSized(Memory& memory, std::size_t bytes) noexcept {
  if (bytes > SIZE_MAX - kSizeBytes) return nullptr;
  const std::size_t whole = bytes + kSizeBytes;
  auto* const block = static_cast<char*>(memory.allocate(whole));
  if (block == nullptr) return nullptr;
  std::memcpy(block, &whole, sizeof whole);
  return block + kSizeBytes;
}

void releaseSized(Memory& memory, void* block) noexcept {
  if (block == nullptr) return;
  auto* const start = static_cast<char*>(block) - kSizeBytes;
  std::size_t whole;
  std::memcpy(&whole, start, sizeof whole);
  memory.release(start, whole);
}

std::unexpected<Error> noMemory() {
  return fail(ErrorCode::TooLarge, "there is no memory left to compress or decompress with");
}

std::unexpected<Error> corrupt() {
  return fail(ErrorCode::Corrupt, "the compressed data is not valid");
}

std::unexpected<Error> truncated() {
  return fail(ErrorCode::Corrupt, "the compressed data ended before it was complete");
}

Result<std::unique_ptr<Codec>> makeDecoder(Format format, Reading reading, Memory& memory) {
  if (format == Format::Brotli) return makeBrotliDecoder(memory);
  if (format == Format::Zstd) return makeZstdDecoder(memory);
  return makeZlibDecoder(format, reading, memory);
}

Result<std::unique_ptr<Codec>> makeEncoder(Format format, Memory& memory) {
  if (format == Format::Brotli) return makeBrotliEncoder(memory);
  if (format == Format::Zstd) return fail(ErrorCode::InvalidArgument, "zstd can only be decoded");
  return makeZlibEncoder(format, memory);
}

std::optional<Format> findContentCoding(std::string_view name) noexcept {
  name = trim(name);
  for (const auto& [known, format] : kNames) {
    if (equalsName(name, known)) return format;
  }
  return std::nullopt;
}

bool acceptsCoding(std::string_view acceptEncoding, Format format) noexcept {
  bool any = false;
  while (!acceptEncoding.empty()) {
    const std::size_t end = std::min(acceptEncoding.find(','), acceptEncoding.size());
    const std::string_view element = acceptEncoding.substr(0, end);
    acceptEncoding.remove_prefix(std::min(end + 1, acceptEncoding.size()));
    const std::size_t nameEnd = std::min(element.find(';'), element.size());
    const std::string_view name = trim(element.substr(0, nameEnd));
    const bool refused = isRefused(element.substr(std::min(nameEnd + 1, element.size())));
    if (name == "*") {
      any = !refused;
    } else if (findContentCoding(name) == format) {
      return !refused;
    }
  }
  return any;
}

}  // namespace atolld::coding
