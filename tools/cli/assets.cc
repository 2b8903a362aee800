#include "assets.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <map>

#include "base/encoding.h"
#include "commands.h"

namespace atolld::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kFileCountMax = 20'000;
constexpr std::uint64_t kFileBytesMax = 25ull * 1024 * 1024;
constexpr std::size_t kHashDigits = 32;
constexpr std::chrono::seconds kQuietTime{1};
constexpr std::string_view kUnknownType = "application/null";

struct Kind {
  std::string_view ending, contentType;
};
constexpr auto kKinds = std::to_array<Kind>({
    {"aac", "audio/aac"},
    {"avif", "image/avif"},
    {"bmp", "image/bmp"},
    {"css", "text/css"},
    {"csv", "text/csv"},
    {"eot", "application/vnd.ms-fontobject"},
    {"flac", "audio/flac"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"htm", "text/html"},
    {"html", "text/html"},
    {"ico", "image/vnd.microsoft.icon"},
    {"ics", "text/calendar"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript"},
    {"json", "application/json"},
    {"jsonld", "application/ld+json"},
    {"jxl", "image/jxl"},
    {"m4a", "audio/mp4"},
    {"map", "application/json"},
    {"md", "text/markdown"},
    {"mjs", "text/javascript"},
    {"mov", "video/quicktime"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"oga", "audio/ogg"},
    {"ogg", "audio/ogg"},
    {"ogv", "video/ogg"},
    {"opus", "audio/ogg"},
    {"otf", "font/otf"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"rss", "application/rss+xml"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"ttf", "font/ttf"},
    {"txt", "text/plain"},
    {"wasm", "application/wasm"},
    {"wav", "audio/wav"},
    {"weba", "audio/webm"},
    {"webm", "video/webm"},
    {"webmanifest", "application/manifest+json"},
    {"webp", "image/webp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xhtml", "application/xhtml+xml"},
    {"xml", "text/xml"},
    {"yaml", "text/yaml"},
    {"yml", "text/yaml"},
    {"zip", "application/zip"},
});

// The same content of another kind is another file: what it is sent as belongs to it.
std::string hashOf(const std::string& content, std::string_view contentType) {
  const std::string text = std::string(contentType) + '\0' + content;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
    throw CliError("OpenSSL has no SHA-256");
  }
  return toHex({reinterpret_cast<const char*>(digest.data()), size}).substr(0, kHashDigits);
}

/// .assetsignore: a glob a line, "!" takes one back; the last that matches counts. One without a
/// slash is meant in every folder, and a folder with all in it.
class Ignored {
 public:
  explicit Ignored(const fs::path& directory) {
    for (const char* const name : {".assetsignore", "_redirects", "_headers"}) {
      globs_.push_back("/" + std::string(name));
    }
    const fs::path file = directory / ".assetsignore";
    std::error_code ignored;
    if (!fs::is_regular_file(file, ignored)) return;
    const std::string text = readFile(file.string());
    for (std::string_view rest = text; !rest.empty();) {
      std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
      if (!line.empty() && line.front() != '#') globs_.emplace_back(line);
    }
  }

  /// `path` below the directory, without a slash at its beginning.
  bool contains(std::string_view path) const {
    bool isIgnored = false;
    for (std::string_view glob : globs_) {
      const bool isTakenBack = glob.starts_with('!');
      if (isTakenBack) glob.remove_prefix(1);
      if (matches(glob, path)) isIgnored = !isTakenBack;
    }
    return isIgnored;
  }

 private:
  static bool matches(std::string_view glob, std::string_view path) {
    if (glob.ends_with('/')) glob.remove_suffix(1);
    std::string full(glob);
    if (glob.starts_with('/')) {
      full.erase(0, 1);
    } else if (!glob.contains('/')) {
      full.insert(0, "**/");
    }
    return matchesGlob(full, path) || matchesGlob(full + "/**", path);
  }

  std::vector<std::string> globs_;
};

AssetFile describe(const fs::path& file, std::string path) {
  AssetFile asset{.path = std::move(path), .file = file.string()};
  asset.sizeBytes = fs::file_size(file);
  if (asset.sizeBytes > kFileBytesMax) {
    throw CliError(asset.file + " has " + sizeText(asset.sizeBytes) +
                   ": a static file may have 25 MiB; leave it out with .assetsignore");
  }
  asset.contentType = contentTypeOfFile(asset.path);
  const std::string content = readFile(asset.file);
  asset.sizeBytes = content.size();
  asset.hash = hashOf(content, asset.contentType);
  return asset;
}

Json manifestOf(const std::vector<AssetFile>& files) {
  Json manifest = Json::object();
  for (const AssetFile& file : files) {
    manifest[file.path] = {{"hash", file.hash}, {"size", file.sizeBytes}};
  }
  return manifest;
}

Json configOf(const ProjectAssets& assets) {
  Json config = assets.config;
  for (const char* const name : {"_redirects", "_headers"}) {
    const fs::path file = fs::path(assets.directory) / name;
    std::error_code ignored;
    if (fs::is_regular_file(file, ignored)) config[name] = readFile(file.string());
  }
  return config;
}

// Of who was asked for a while, how far it is; a script's log has no use for it.
class Progress {
 public:
  Progress(const Globals& globals, std::size_t total) : globals_(globals), total_(total) {}
  void add(std::size_t count) {
    done_ += count;
    const auto now = Clock::now();
    if (now - shown_ < kQuietTime) return;
    shown_ = now;
    say(globals_,
        "  " + std::to_string(done_) + " of " + std::to_string(total_) + " static files sent");
  }

 private:
  const Globals& globals_;
  const std::size_t total_;
  std::size_t done_ = 0;
  Clock::time_point shown_ = Clock::now();
};

}  // namespace

std::string_view contentTypeOfFile(std::string_view name) {
  name.remove_prefix(name.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  if (dot == name.npos) return kUnknownType;
  const std::string ending = toLowerAscii(name.substr(dot + 1));
  const auto found = std::ranges::lower_bound(kKinds, ending, {}, &Kind::ending);
  return found != kKinds.end() && found->ending == ending ? found->contentType : kUnknownType;
}

std::vector<AssetFile> collectAssets(const ProjectAssets& assets) {
  const fs::path root(assets.directory);
  const Ignored ignored(root);
  std::error_code error;
  fs::recursive_directory_iterator walk(root, fs::directory_options::follow_directory_symlink,
                                        error);
  if (error) {
    throw CliError(root.string() + ": " + error.message() + " (assets.directory says it)");
  }
  std::vector<AssetFile> files;
  for (const fs::directory_entry& entry : walk) {
    if (!entry.is_regular_file()) continue;
    const std::string path = entry.path().lexically_relative(root).generic_string();
    if (ignored.contains(path)) continue;
    if (files.size() == kFileCountMax) {
      throw CliError(root.string() + " holds more than " + std::to_string(kFileCountMax) +
                     " files: leave some out with .assetsignore");
    }
    files.push_back(describe(entry.path(), "/" + path));
  }
  std::ranges::sort(files, {}, &AssetFile::path);
  return files;
}

Json uploadAssets(const Globals& globals, ApiClient& client, const Project& project,
                  const std::vector<AssetFile>& files) {
  const Json session = client.post("/scripts/" + percentEncode(project.name) + "/assets",
                                   {{"manifest", manifestOf(files)}});
  const std::string token = session.at("jwt");
  std::map<std::string_view, const AssetFile*> byHash;
  for (const AssetFile& file : files) byHash[file.hash] = &file;
  std::size_t total = 0;
  for (const Json& bucket : session.at("buckets")) total += bucket.size();
  Progress progress(globals, total);
  // Its holder may send these files and do nothing else.
  ApiClient sender({.url = client.endpoint().url, .token = token});
  for (const Json& bucket : session.at("buckets")) {
    std::vector<UploadPart> parts;
    for (const Json& hash : bucket) {
      const auto found = byHash.find(hash.get_ref<const std::string&>());
      if (found == byHash.end()) throw CliError("the server asks for a file that is not here");
      const AssetFile& file = *found->second;
      parts.push_back({file.hash, file.hash, file.contentType, readFile(file.file)});
      if (parts.back().content.size() != file.sizeBytes) {
        throw CliError(file.file + " has changed meanwhile: deploy again");
      }
    }
    sender.postForm("/assets", parts);
    progress.add(parts.size());
  }
  say(globals, "Static files: " + std::to_string(files.size()) + ", " + std::to_string(total) +
                   " of them new");
  return {{"jwt", token}, {"config", configOf(*project.assets)}};
}

}  // namespace atolld::cli
