#include "base/check.h"
#include "base/encoding.h"
#include "deploy/asset_rows.h"
#include "deploy/rows.h"
#include "store/crypto.h"

namespace {

using namespace atolld::deploy;

/// The id is the content's hash, so a manifest that decodes needs one that fits: computed here, as
/// whoever forges a manifest could.
void readManifest(std::string_view input) {
  constexpr std::size_t kFixedBytes = 1 + 8 + 8 + 4;
  if (input.size() < kFixedBytes) return;
  const auto high = static_cast<unsigned char>(input[kFixedBytes - 2]);
  const auto low = static_cast<unsigned char>(input[kFixedBytes - 1]);
  const std::size_t head = kFixedBytes + high * 256u + low;  // Behind a message below 64 KiB.
  if (input.size() < head) return;
  const std::string id = atolld::toHex(atolld::store::sha256(input.substr(head)));
  if (const auto manifest = decodeManifest(id, input)) {
    ATOLL_CHECK(encodeManifest(*manifest) == input);
  }
}

void readDeployment(std::string_view input) {
  const auto deployment = decodeDeployment(input);
  if (deployment) ATOLL_CHECK(encodeDeployment(*deployment) == input);
}

void readSmallRows(std::string_view input) {
  if (const auto row = decodeScript(input)) ATOLL_CHECK(encodeScript(*row) == input);
  if (const auto row = decodeRoute("a.com", input)) ATOLL_CHECK(encodeRoute(*row) == input);
  if (const auto row = decodeNamespace("id", input)) ATOLL_CHECK(encodeNamespace(*row) == input);
  if (const auto row = decodeListing(input)) {
    ATOLL_CHECK(encodeListing(row->files, row->config) == input);
  }
  if (const auto row = decodeAssetUpload(input)) ATOLL_CHECK(encodeAssetUpload(*row) == input);
  if (const auto row = decodeSession(input)) ATOLL_CHECK(encodeSession(*row) == input);
}

void readPattern(std::string_view input) {
  if (const auto pattern = canonicalRoutePattern(input)) {
    ATOLL_CHECK(canonicalRoutePattern(*pattern).value() == *pattern);
    ATOLL_CHECK(pattern->find('\0') == pattern->npos);
  }
}

}  // namespace

/// The first byte chooses the decoder, the rest is its input.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      readManifest(input);
      break;
    case 1:
      readDeployment(input);
      break;
    case 2:
      readSmallRows(input);
      break;
    default:
      readPattern(input);
      break;
  }
  return 0;
}
