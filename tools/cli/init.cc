#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "base/suggest.h"
#include "commands.h"
#include "project.h"
#include "templates.h"

namespace atolld::cli {
namespace {

namespace fs = std::filesystem;

std::vector<TemplateFile> filesOf(const std::string& templateName) {
  std::vector<TemplateFile> files;
  std::ranges::copy_if(templateFiles(), std::back_inserter(files),
                       [&](const TemplateFile& file) { return file.templateName == templateName; });
  if (!files.empty()) return files;
  const std::vector<std::string> names = templateNames();
  const std::vector<std::string_view> views(names.begin(), names.end());
  std::string mend = didYouMean(templateName, views);
  if (mend.empty()) {
    for (const std::string& name : names) mend += (mend.empty() ? ": there are " : ", ") + name;
  }
  throw CliError("there is no template \"" + templateName + "\"" + mend, 2);
}

std::string contentOf(const TemplateFile& file, const std::string& name) {
  const std::string key = "\"name\": \"";
  const std::string placeholder = key + std::string(file.templateName) + "\"";
  std::string content(file.content);
  if (const auto found = content.find(placeholder); found != std::string::npos) {
    content.replace(found, placeholder.size(), key + name + "\"");
  }
  return content;
}

bool isThere(const fs::path& path) {
  std::error_code ignored;
  return fs::symlink_status(path, ignored).type() != fs::file_type::not_found;
}

[[noreturn]] void refuse(const fs::path& path) {
  throw CliError(path.string() + " is there already: choose another directory");
}

// Makes files that are not there; what it made goes again if it cannot make them all.
class NewFiles {
 public:
  NewFiles() = default;
  NewFiles(const NewFiles&) = delete;
  NewFiles& operator=(const NewFiles&) = delete;
  ~NewFiles() {
    std::error_code ignored;
    for (const fs::path& path : made_) fs::remove(path, ignored);
  }

  void make(const fs::path& path, const std::string& content) {
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (error) throw CliError(path.parent_path().string() + ": " + error.message());
    std::ofstream file(path, std::ios::binary | std::ios::noreplace);
    if (!file) {
      if (errno == EEXIST) refuse(path);
      throw CliError(path.string() + ": " + std::strerror(errno));
    }
    made_.push_back(path);
    file << content;
    file.close();
    if (!file) throw CliError(path.string() + ": " + std::strerror(errno));
  }

  void keep() { made_.clear(); }

 private:
  std::vector<fs::path> made_;
};

}  // namespace

std::vector<std::string> templateNames() {
  std::vector<std::string> names;
  for (const TemplateFile& file : templateFiles()) {
    if (names.empty() || names.back() != file.templateName) names.emplace_back(file.templateName);
  }
  return names;
}

void init(const Globals& globals, const std::string& directory, const std::string& templateName) {
  const std::vector<TemplateFile> files = filesOf(templateName);
  const fs::path root = fs::absolute(directory).lexically_normal();
  for (const char* const name : {"wrangler.jsonc", "wrangler.json", "wrangler.toml"}) {
    if (isThere(root / name)) refuse(root / name);
  }
  for (const TemplateFile& file : files) {
    if (isThere(root / file.path)) refuse(root / file.path);
  }
  const std::string name =
      scriptNameFrom((root.has_filename() ? root : root.parent_path()).filename().string());
  NewFiles made;
  Json paths = Json::array();
  bool isPackage = false;
  for (const TemplateFile& file : files) {
    made.make(root / file.path, contentOf(file, name));
    paths.push_back(file.path);
    isPackage = isPackage || file.path == "package.json";
  }
  made.keep();
  say(globals, "Made " + name + " in " + root.string() + "; next: " +
                   (isPackage ? "npm install there, then " : "") + "atoll deploy " + directory);
  sayJson(globals, {{"name", name},
                    {"template", templateName},
                    {"directory", root.string()},
                    {"files", std::move(paths)}});
}

}  // namespace atolld::cli
