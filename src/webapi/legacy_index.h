#pragma once

#include <vector>

/// The indexes of the Encoding standard's multi-byte encodings: pointer -> code point, 0 where
/// there is none. Each is made on first use, in a few milliseconds, and shared by the process. Any
/// thread.
/// https://encoding.spec.whatwg.org/#indexes
namespace atolld::webapi {

using LegacyIndex = std::vector<char32_t>;

const LegacyIndex& jis0208Index();
const LegacyIndex& jis0212Index();
const LegacyIndex& eucKrIndex();
const LegacyIndex& big5Index();
const LegacyIndex& gb18030Index();
/// Of four-byte sequences below pointer 39420: the Basic Multilingual Plane.
const LegacyIndex& gb18030Ranges();

}  // namespace atolld::webapi
