// The indexes of the Encoding standard's multi-byte encodings, made of ICU's converters on first
// use. https://encoding.spec.whatwg.org/#indexes

#include "webapi/legacy_index.h"

#include <unicode/ucnv.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <utility>

#include "base/check.h"

namespace atolld::webapi {
namespace {

/// An ICU converter that stops at what it cannot convert.
class Converter {
 public:
  explicit Converter(const char* name) {
    UErrorCode error = U_ZERO_ERROR;
    converter_ = ucnv_open(name, &error);
    ucnv_setToUCallBack(converter_, UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &error);
    ATOLL_CHECK(U_SUCCESS(error));  // ICU is linked with its data.
  }
  ~Converter() { ucnv_close(converter_); }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;

  /// The one code point that the bytes stand for; 0 if there is none.
  char32_t convert(std::initializer_list<std::size_t> bytes) {
    std::array<char, 4> input{};
    std::ranges::transform(bytes, input.begin(),
                           [](std::size_t b) { return static_cast<char>(b); });
    std::array<UChar, 4> units;
    UErrorCode error = U_ZERO_ERROR;
    const std::int32_t length = ucnv_toUChars(converter_, units.data(), units.size(), input.data(),
                                              static_cast<std::int32_t>(bytes.size()), &error);
    if (U_FAILURE(error) || length < 1) return 0;
    std::int32_t at = 0;
    UChar32 codePoint = 0;
    U16_NEXT(units, at, length, codePoint);
    return at == length ? static_cast<char32_t>(codePoint) : 0;
  }

 private:
  UConverter* converter_ = nullptr;
};

bool isPrivate(char32_t codePoint) { return codePoint >= 0xE000 && codePoint <= 0xF8FF; }

/// An index of `count` pointers. `codePointOf(converter, pointer)`; the indexes have no code points
/// for private use where ICU has users' own characters.
template <class CodePointOf>
LegacyIndex makeIndex(const char* converterName, std::size_t count, CodePointOf codePointOf) {
  Converter converter(converterName);
  LegacyIndex index(count);
  for (std::size_t pointer = 0; pointer < count; ++pointer) {
    const char32_t codePoint = codePointOf(converter, pointer);
    if (!isPrivate(codePoint)) index[pointer] = codePoint;
  }
  return index;
}

/// Where the standard's Big5 index differs from ICU's converter.
constexpr std::array<std::pair<std::uint16_t, char16_t>, 157> kBig5{{
    {1008, 0x9F97},  {1016, 0x9F96},  {1099, 0x31C0},  {1100, 0x31C1},  {1101, 0x31C2},
    {1102, 0x31C3},  {1103, 0x31C4},  {1105, 0x31C5},  {1108, 0x31C6},  {1109, 0x31C7},
    {1112, 0x31C8},  {1114, 0x31C9},  {1115, 0x31CA},  {1116, 0x31CB},  {1117, 0x31CC},
    {1119, 0x31CD},  {1120, 0x31CE},  {1170, 0x23DA},  {1171, 0x23DB},  {1730, 0x9FA6},
    {1772, 0x9FA7},  {1779, 0x9FA8},  {1812, 0x9FA9},  {1814, 0x9FAA},  {1816, 0x9FAB},
    {1821, 0x9FAC},  {1844, 0x9FAD},  {1845, 0x9FAE},  {1847, 0x9FAF},  {1866, 0x9FB2},
    {1892, 0x9FB3},  {2082, 0x7BB8},  {2088, 0x7C06},  {2103, 0x7CCE},  {2114, 0x7DD2},
    {2123, 0x7E1D},  {2148, 0x8005},  {2151, 0x8028},  {2221, 0x83C1},  {2239, 0x84A8},
    {2244, 0x840F},  {2303, 0x89A6},  {2304, 0x89A9},  {2354, 0x8D77},  {2400, 0x90FD},
    {2413, 0x92B9},  {2477, 0x975C},  {2498, 0x97FF},  {2605, 0x9F16},  {2673, 0x8503},
    {2746, 0x5159},  {2747, 0x515B},  {2748, 0x515D},  {2749, 0x515E},  {2771, 0x936E},
    {2780, 0x7479},  {2990, 0x6D67},  {3087, 0x799B},  {3259, 0x9097},  {3301, 0x975D},
    {3436, 0x701E},  {3451, 0x5B28},  {4136, 0x7201},  {4138, 0x77D7},  {4141, 0x7E87},
    {4182, 0x99D6},  {4206, 0x91D4},  {4220, 0x60DE},  {4230, 0x6FB6},  {4241, 0x8F36},
    {4258, 0x4FBB},  {4273, 0x71DF},  {4279, 0x9104},  {4282, 0x9DF0},  {4294, 0x83CF},
    {4329, 0x5C10},  {4330, 0x79E3},  {4349, 0x5A67},  {4419, 0x8F0B},  {4422, 0x7B51},
    {4494, 0x62D0},  {4624, 0x6062},  {4694, 0x75F9},  {4708, 0x6C4A},  {4742, 0x9B2E},
    {4748, 0x9F17},  {4815, 0x50ED},  {4828, 0x5F0C},  {4902, 0x880F},  {4922, 0x62CE},
    {4982, 0x7468},  {4992, 0x7162},  {4997, 0x7250},  {5432, 0x2400},  {5433, 0x2401},
    {5434, 0x2402},  {5435, 0x2403},  {5436, 0x2404},  {5437, 0x2405},  {5438, 0x2406},
    {5439, 0x2407},  {5440, 0x2408},  {5441, 0x2409},  {5442, 0x240A},  {5443, 0x240B},
    {5444, 0x240C},  {5445, 0x240D},  {5446, 0x240E},  {5447, 0x240F},  {5448, 0x2410},
    {5449, 0x2411},  {5450, 0x2412},  {5451, 0x2413},  {5452, 0x2414},  {5453, 0x2415},
    {5454, 0x2416},  {5455, 0x2417},  {5456, 0x2418},  {5457, 0x2419},  {5458, 0x241A},
    {5459, 0x241B},  {5460, 0x241C},  {5461, 0x241D},  {5462, 0x241E},  {5463, 0x241F},
    {5464, 0x2421},  {10942, 0x5EF4}, {10946, 0x65E0}, {10948, 0x7676}, {10950, 0x96B6},
    {10957, 0x3003}, {10958, 0x4EDD}, {11204, 0x31CF}, {11210, 0x9FB0}, {11212, 0x9FB1},
    {19028, 0x5029}, {19035, 0x507D}, {19088, 0x5305}, {19096, 0x5344}, {19112, 0x537F},
    {19162, 0x5605}, {19240, 0x5A77}, {19299, 0x5E75}, {19305, 0x5ED0}, {19326, 0x5F58},
    {19355, 0x60A4}, {19398, 0x6490}, {19439, 0x6674}, {19454, 0x675E}, {19553, 0x6C9C},
    {19554, 0x6E1D}, {19557, 0x6E2F}, {19611, 0x716E}, {19643, 0x732A}, {19672, 0x745C},
    {19697, 0x74E9}, {19748, 0x7809},
}};

}  // namespace

const LegacyIndex& jis0208Index() {
  static const LegacyIndex index =
      makeIndex("ibm-943_P15A-2003", 11280, [](Converter& converter, std::size_t pointer) {
        const std::size_t lead = pointer / 188, trail = pointer % 188;
        return converter.convert(
            {lead + (lead < 0x1F ? 0x81 : 0xC1), trail + (trail < 0x3F ? 0x40 : 0x41)});
      });
  return index;
}

const LegacyIndex& jis0212Index() {
  constexpr std::size_t kVendorRows = 7708;  // From here on ICU has characters of a vendor's.
  static const LegacyIndex index =
      makeIndex("euc-jp-2007", kVendorRows, [](Converter& converter, std::size_t pointer) {
        return converter.convert({0x8F, pointer / 94 + 0xA1, pointer % 94 + 0xA1});
      });
  return index;
}

const LegacyIndex& eucKrIndex() {
  static const LegacyIndex index =
      makeIndex("windows-949-2000", 190 * 126, [](Converter& converter, std::size_t pointer) {
        return converter.convert({pointer / 190 + 0x81, pointer % 190 + 0x41});
      });
  return index;
}

const LegacyIndex& big5Index() {
  static const LegacyIndex index = [] {
    LegacyIndex made =
        makeIndex("ibm-1375_P100-2008", 157 * 126, [](Converter& converter, std::size_t pointer) {
          const std::size_t trail = pointer % 157;
          return converter.convert({pointer / 157 + 0x81, trail + (trail < 0x3F ? 0x40 : 0x62)});
        });
    for (const auto& [pointer, codePoint] : kBig5) made[pointer] = codePoint;
    return made;
  }();
  return index;
}

const LegacyIndex& gb18030Index() {
  static const LegacyIndex index = [] {
    Converter converter("gb18030");
    LegacyIndex made(190 * 126);
    for (std::size_t pointer = 0; pointer < made.size(); ++pointer) {
      const std::size_t trail = pointer % 190;
      made[pointer] =
          converter.convert({pointer / 190 + 0x81, trail + (trail < 0x3F ? 0x40 : 0x41)});
    }
    return made;
  }();
  return index;
}

const LegacyIndex& gb18030Ranges() {
  static const LegacyIndex index = [] {
    Converter converter("gb18030");
    LegacyIndex made(39420);
    for (std::size_t pointer = 0; pointer < made.size(); ++pointer) {
      made[pointer] = converter.convert({pointer / 12600 + 0x81, pointer % 12600 / 1260 + 0x30,
                                         pointer % 1260 / 10 + 0x81, pointer % 10 + 0x30});
    }
    return made;
  }();
  return index;
}

}  // namespace atolld::webapi
