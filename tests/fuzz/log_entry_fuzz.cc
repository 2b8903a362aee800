#include "base/check.h"
#include "store/log_entry.h"

/// Whatever decodes is canonical: it encodes to the very bytes it came from, and may be committed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto entry = atolld::store::decodeLogEntry(input)) {
    ATOLL_CHECK(atolld::store::encodeLogEntry(*entry) == input);
    ATOLL_CHECK(atolld::store::checkOps(entry->ops).has_value());
  }
  if (const auto row = atolld::store::splitLogRow(input)) {
    ATOLL_CHECK(row->encoded.size() + row->hash.size() == input.size());
  }
  return 0;
}
