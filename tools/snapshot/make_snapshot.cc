/// make_snapshot BLOB SOURCE: writes the snapshot of webapi's guest to BLOB, and to SOURCE the C++
/// file that embeds it. Run by the build.
#include <cstdint>
#include <filesystem>
#include <format>
#include <fstream>
#include <iostream>
#include <string>

#include "isolate/snapshot.h"
#include "webapi/guest.h"

namespace {

bool write(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  return static_cast<bool>(file.flush());
}

std::string embeddingSource(const std::string& blobPath, const std::string& blob) {
  // Names the content, so that a compiler cache cannot take a new blob for the old one.
  const std::size_t contentHash = std::hash<std::string>()(blob);
  return std::format(R"(// Made by tools/snapshot/make_snapshot.cc from a blob with hash {:016x}.
#include "isolate/builtin_snapshot.h"

asm(".pushsection .rodata\n"
    ".balign 64\n"
    ".globl atoll_snapshot_begin, atoll_snapshot_end\n"
    ".hidden atoll_snapshot_begin, atoll_snapshot_end\n"
    "atoll_snapshot_begin:\n"
    ".incbin \"{}\"\n"
    "atoll_snapshot_end:\n"
    ".popsection\n");
extern "C" {{
extern const char atoll_snapshot_begin[];
extern const char atoll_snapshot_end[];
}}

namespace atolld::isolate {{

std::string_view builtinSnapshot() {{
  return {{atoll_snapshot_begin,
          static_cast<std::size_t>(atoll_snapshot_end - atoll_snapshot_begin)}};
}}

}}  // namespace atolld::isolate
)",
                     contentHash, blobPath);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: make_snapshot BLOB SOURCE\n";
    return 2;
  }
  const auto snapshot = atolld::isolate::makeSnapshot(atolld::webapi::guest());
  if (!snapshot) {
    std::cerr << "make_snapshot: " << snapshot.error().detail << '\n';
    return 1;
  }
  const std::string blobPath = std::filesystem::absolute(argv[1]).string();
  if (!write(blobPath, *snapshot) || !write(argv[2], embeddingSource(blobPath, *snapshot))) {
    std::cerr << "make_snapshot: cannot write " << argv[1] << " and " << argv[2] << '\n';
    return 1;
  }
  return 0;
}
