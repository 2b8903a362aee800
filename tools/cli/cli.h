#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace atolld::cli {

/// Members keep their order, so that what is printed reads as it was written.
using Json = nlohmann::ordered_json;

/// Ends the command with one line on stderr. Exit code 1: refused or failed; 2: wrong usage.
class CliError : public std::runtime_error {
 public:
  explicit CliError(const std::string& message, int exitCode = 1)
      : std::runtime_error(message), exitCode_(exitCode) {}
  int exitCode() const noexcept { return exitCode_; }

 private:
  int exitCode_;
};

/// What stands above every command.
struct Globals {
  std::string url;       ///< --url; empty: not given.
  std::string token;     ///< --token; empty: not given.
  bool json = false;     ///< --json: one JSON document on stdout.
  bool isQuiet = false;  ///< Nothing on stdout: the caller shows what matters.
};

/// Text for people goes here; nothing with --json.
void say(const Globals& globals, std::string_view line);
/// The answer for machines; nothing without --json.
void sayJson(const Globals& globals, const Json& value);
/// A line on stderr that does not end the command.
void warn(std::string_view line);

std::string readFile(const std::string& path);  ///< Throws CliError.
/// Replaces a file as a whole or leaves it; `secret` makes it readable by the owner alone.
void writeFile(const std::string& path, std::string_view text, bool secret = false);
std::string readStdin();

/// "14.2 KB"
std::string sizeText(std::uint64_t bytes);
/// What of a version's id is shown to people.
std::string shortId(std::string_view versionId);

}  // namespace atolld::cli
