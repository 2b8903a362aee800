#include <cstdint>
#include <string>

#include "base/check.h"
#include "control/multipart.h"
#include "control/upload_form.h"
#include "gateway/table.h"
#include "http/query.h"

namespace {

using namespace atolld;

constexpr std::string_view kFormType = "multipart/form-data; boundary=b";

void readForm(std::string_view input) {
  const Bytes body = Bytes::copyOf(input);
  const auto parts = control::parseMultipart(kFormType, body);
  if (!parts) return;
  std::size_t total = 0;
  for (const control::FormPart& part : *parts) {
    ATOLL_CHECK(!part.name.empty());
    // Content is a piece of the body, never of anything else.
    ATOLL_CHECK(part.content.empty() || (part.content.view().data() >= body.view().data() &&
                                         part.content.view().data() + part.content.size() <=
                                             body.view().data() + body.size()));
    total += part.content.size();
  }
  ATOLL_CHECK(total <= body.size());
}

void readContentType(std::string_view input) {
  (void)control::parseMultipart(input, Bytes::fromStatic("--b\r\n--b--"));
  (void)control::isMultipart(input);
}

void readUpload(std::string_view input) {
  if (const auto upload = control::parseUploadForm(kFormType, Bytes::copyOf(input))) {
    ATOLL_CHECK(!upload->modules.empty());
  }
}

void readQuery(std::string_view input) {
  if (const auto query = http::Query::parse(input)) (void)query->findNumber("limit", 0, 10);
}

// Whatever is found for a host and path must be found again in any spelling of the host.
void findRoute(std::string_view input) {
  static const auto kTable = [] {
    deploy::Registry::Listing listing;
    listing.deployments = {{.tenant = "default", .script = "s", .shares = {{.versionId = "v"}}}};
    for (const char* const pattern :
         {"a.b", "a.b/x", "a.b/x/*", "*.b", "*.a.b/y*", "[::1]", "10.0.0.1/*"}) {
      listing.routes.push_back({.pattern = pattern, .tenant = "default", .script = "s"});
    }
    return gateway::Table::build(listing, {});
  }();
  const std::size_t cut = input.find('\n');
  const std::string host(input.substr(0, cut));
  const std::string_view target = cut == input.npos ? "/" : input.substr(cut + 1);
  if (kTable->find(host, target) && host.find(':') == host.npos && !host.ends_with('.')) {
    ATOLL_CHECK(kTable->find(host + ":80", target) != nullptr);
    ATOLL_CHECK(kTable->find(host + ".", target) != nullptr);
  }
}

}  // namespace

/// The first byte chooses the parser, the rest is its input.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 5) {
    case 0:
      readForm(input);
      break;
    case 1:
      readContentType(input);
      break;
    case 2:
      readUpload(input);
      break;
    case 3:
      readQuery(input);
      break;
    default:
      findRoute(input);
      break;
  }
  return 0;
}
