#include <algorithm>
#include <string>

#include "assets/site.h"
#include "base/check.h"
#include "fuzz.h"

namespace {

using namespace atolld;
using Kind = assets::Site::Answer::Kind;

bool isHeaderText(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7f) return false;
  }
  return true;
}

}  // namespace

/// A byte of choices, then three lines' worth of input: the rules (up to the first NUL), more
/// rules, and what a client asks for.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::asText(data, size);
  const std::uint8_t choice = fuzz::takeByte(input);
  const auto takeText = [&input] {
    const std::string_view text = input.substr(0, input.find('\0'));
    input.remove_prefix(std::min(text.size() + 1, input.size()));
    return std::string(text);
  };
  assets::Config config;
  config.html = static_cast<assets::HtmlHandling>(choice & 3);
  config.notFound = static_cast<assets::NotFoundHandling>((choice >> 2) % 3);
  config.redirects = takeText();
  config.headers = takeText();
  assets::Files files;
  for (const char* const path : {"/index.html", "/a.html", "/a/index.html", "/b", "/404.html"}) {
    files[path] = {};
  }
  const auto site = assets::Site::make(std::move(files), std::move(config));
  if (!site) return 0;
  const assets::Site::Answer answer = site->find(input);
  ATOLL_CHECK((answer.kind == Kind::File) == (answer.file != nullptr));
  if (answer.kind == Kind::Redirect && isHeaderText(input)) {
    ATOLL_CHECK(isHeaderText(answer.location));
  }
  for (const auto& [name, value] : site->headersFor("a.test", input).set) {
    ATOLL_CHECK(isHeaderText(name));
    if (isHeaderText(input)) ATOLL_CHECK(isHeaderText(value));
  }
  (void)site->findBeforeScript(input, (choice & 0x80) != 0);
  return 0;
}
