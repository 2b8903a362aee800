/// make_snapshot BLOB SOURCE: writes the snapshot of webapi's guest to BLOB, and to SOURCE the C++
/// file that embeds it. Run by the build.
///
/// The snapshot holds the compiled code of what the first requests of a script need: a child
/// process serves some from a first snapshot and hands over what V8 compiled meanwhile.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <format>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

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

namespace isolate = atolld::isolate;

/// What most scripts do: look at the request and answer.
constexpr std::string_view kTypicalScript = R"(
  export default {
    async fetch(request, env, ctx) {
      const url = new URL(request.url);
      if (url.pathname === '/sync') return new Response(request.method);
      return new Response(request.headers.get('accept') + url.searchParams.get('q'),
                          { headers: { 'content-type': 'text/plain' } });
    },
  };)";

std::shared_ptr<const atolld::deploy::Version> typicalVersion() {
  auto version = std::make_shared<atolld::deploy::Version>();
  version->tenant = version->script = "typical";
  version->mainModule = "index.js";
  version->compatibilityDate = "2026-01-01";
  atolld::deploy::Module module;
  module.name = version->mainModule;
  module.content = atolld::Bytes(std::string(kTypicalScript));
  version->modules.push_back(std::move(module));
  return version;
}

std::vector<isolate::host::Event> typicalEvents() {
  std::vector<isolate::host::Event> events;
  for (const char* const target : {"/sync", "/path?q=1"}) {
    isolate::host::FetchEvent event;
    event.invocation = events.size() + 1;
    event.head = std::make_unique<atolld::http::RequestHead>();
    event.head->method = "GET";
    event.head->scheme = "http";
    event.head->authority = "example.com";
    event.head->target = target;
    event.head->headers.add("accept", "*/*");
    events.emplace_back(std::move(event));
  }
  return events;
}

/// In a process of its own: V8 knows one snapshot per process.
int makeCold(const std::string& path) {
  const auto cold = isolate::makeSnapshot(atolld::webapi::guest());
  if (!cold) std::cerr << "make_snapshot: " << cold.error().detail << '\n';
  return cold && write(path, *cold) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: make_snapshot BLOB SOURCE\n";
    return 2;
  }
  const std::string coldPath = std::string(argv[1]) + ".cold";
  const pid_t child = ::fork();
  if (child == 0) std::_Exit(makeCold(coldPath));
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0) {
    std::cerr << "make_snapshot: there is no first snapshot\n";
    return 1;
  }
  // Aligned as V8 wants it.
  const auto size = static_cast<std::size_t>(std::filesystem::file_size(coldPath));
  const std::unique_ptr<char, decltype(&std::free)> cold(
      static_cast<char*>(std::aligned_alloc(64, (size + 63) / 64 * 64)), &std::free);
  if (!std::ifstream(coldPath, std::ios::binary)
           .read(cold.get(), static_cast<std::streamsize>(size))) {
    std::cerr << "make_snapshot: cannot read " << coldPath << '\n';
    return 1;
  }
  std::filesystem::remove(coldPath);
  auto events = typicalEvents();
  const auto snapshot =
      isolate::warmSnapshot(atolld::webapi::guest(), {cold.get(), size}, typicalVersion(), events);
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
