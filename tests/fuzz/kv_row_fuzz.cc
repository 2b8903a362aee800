#include "base/check.h"
#include "base/encoding.h"
#include "store/kv_row.h"
#include "store/kv_store.h"
#include "store/utf8.h"

namespace {

using namespace atolld::store;

void readHead(std::string_view input) {
  if (const auto head = decodeKvHead(input)) ATOLL_CHECK(encodeKvHead(*head) == input);
}

void readExpiryKey(std::string_view input) {
  if (const auto row = decodeKvExpiryKey(input)) {
    ATOLL_CHECK(kvExpiryKey(row->seconds, row->namespaceId, row->key) == input);
  }
}

void readCursor(std::string_view input) {
  if (const auto lastKey = decodeKvCursor(input)) {
    ATOLL_CHECK(!lastKey->empty() && lastKey->size() <= KvLimits::kKeyBytesMax);
    ATOLL_CHECK(encodeKvCursor(*lastKey) == atolld::toLowerAscii(input));
  }
}

void readKey(std::string_view input) {
  ATOLL_CHECK(kvPrefixBytes(input) <= input.size());
  if (KvStore::checkKey(input, "PUT")) ATOLL_CHECK(isUtf8(input));
}

}  // namespace

/// The first byte chooses the decoder, the rest is its input.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      readHead(input);
      break;
    case 1:
      readExpiryKey(input);
      break;
    case 2:
      readCursor(input);
      break;
    default:
      readKey(input);
      break;
  }
  return 0;
}
