// Decoders of the Encoding standard's multi-byte encodings (isolates/web/encoding.js).
// https://encoding.spec.whatwg.org/#legacy-multi-byte-chinese-(simplified)-encodings and on

#include <algorithm>
#include <optional>
#include <string>

#include "webapi/bytes.h"
#include "webapi/legacy_index.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

constexpr bool within(int byte, int least, int most) { return byte >= least && byte <= most; }
constexpr bool isAscii(int byte) { return within(byte, 0, 0x7F); }

char32_t at(const LegacyIndex& index, std::size_t pointer) {
  return pointer < index.size() ? index[pointer] : 0;
}

/// Bytes in, code units out. A decoder looks at what is next and takes what belongs together.
class Input {
 public:
  static constexpr int kEnd = -1;    ///< There are no more bytes at all.
  static constexpr int kLater = -2;  ///< The next piece has them.

  Input(std::string_view bytes, bool fatal, bool more) : bytes_(bytes), fatal_(fatal), more_(more) {
    text_.reserve(bytes.size());
  }

  /// The byte `offset` ahead; or kEnd, or kLater.
  int peek(std::size_t offset = 0) const {
    if (taken_ + offset < bytes_.size()) {
      return static_cast<unsigned char>(bytes_[taken_ + offset]);
    }
    return more_ ? kLater : kEnd;
  }
  /// Takes `count` bytes, which stand for a code point.
  void emit(std::size_t count, char32_t codePoint) {
    taken_ += count;
    if (codePoint <= 0xFFFF) {
      text_.push_back(static_cast<char16_t>(codePoint));
    } else {
      text_.push_back(static_cast<char16_t>(0xD7C0 + (codePoint >> 10)));
      text_.push_back(static_cast<char16_t>(0xDC00 + (codePoint & 0x3FF)));
    }
  }
  /// Takes `count` bytes, which are one error.
  void error(std::size_t count) {
    taken_ = std::min(taken_ + count, bytes_.size());
    failed_ = fatal_;
    text_.push_back(0xFFFD);
  }
  void skip(std::size_t count) { taken_ += count; }

  bool failed() const { return failed_; }
  std::size_t taken() const { return taken_; }
  const std::u16string& text() const { return text_; }

 private:
  std::string_view bytes_;
  std::size_t taken_ = 0;
  std::u16string text_;
  bool fatal_, more_, failed_ = false;
};

/// A decoder takes one step: at least one byte, or gives false for the next piece to come first.
/// `state` is ISO-2022-JP's.
using Step = bool (*)(Input& input, std::uint32_t& state);

/// Two bytes that stand for nothing: the second may be ASCII of its own.
void pairError(Input& input, int trail) { input.error(isAscii(trail) ? 1 : 2); }

/// The common beginning: ASCII, and what comes in pairs. `pair(lead, trail)` gives a code point.
template <class Pair>
bool pairStep(Input& input, int lead, Pair pair) {
  const int trail = input.peek(1);
  if (trail == Input::kLater) return false;
  const char32_t codePoint = trail == Input::kEnd ? 0 : pair(lead, trail);
  if (codePoint != 0) {
    input.emit(2, codePoint);
  } else {
    pairError(input, trail);
  }
  return true;
}

/// https://encoding.spec.whatwg.org/#index-gb18030-ranges-code-point
char32_t rangesCodePoint(std::size_t pointer) {
  if (pointer >= 189000 && pointer <= 1237575) {
    return static_cast<char32_t>(pointer - 189000 + 0x10000);
  }
  return at(gb18030Ranges(), pointer);
}

/// https://encoding.spec.whatwg.org/#gb18030-decoder
bool gb18030Step(Input& input, std::uint32_t&) {
  const int first = input.peek();
  if (isAscii(first)) return input.emit(1, static_cast<char32_t>(first)), true;
  if (first == 0x80) return input.emit(1, 0x20AC), true;
  if (first == 0xFF) return input.error(1), true;
  const int second = input.peek(1);
  if (!within(second, 0x30, 0x39)) {
    return pairStep(input, first, [](int lead, int trail) -> char32_t {
      if (!within(trail, 0x40, 0x7E) && !within(trail, 0x80, 0xFE)) return 0;
      const int pointer = (lead - 0x81) * 190 + trail - (trail < 0x7F ? 0x40 : 0x41);
      return at(gb18030Index(), static_cast<std::size_t>(pointer));
    });
  }
  const int third = input.peek(2), fourth = input.peek(3);
  if (third == Input::kLater) return false;
  if (third == Input::kEnd) return input.error(2), true;
  if (!within(third, 0x81, 0xFE)) return input.error(1), true;
  if (fourth == Input::kLater) return false;
  if (fourth == Input::kEnd) return input.error(3), true;
  if (!within(fourth, 0x30, 0x39)) return input.error(1), true;
  const int pointer =
      (first - 0x81) * 12600 + (second - 0x30) * 1260 + (third - 0x81) * 10 + fourth - 0x30;
  const char32_t codePoint = rangesCodePoint(static_cast<std::size_t>(pointer));
  if (codePoint == 0) return input.error(4), true;
  input.emit(4, codePoint);
  return true;
}

/// https://encoding.spec.whatwg.org/#big5-decoder
bool big5Step(Input& input, std::uint32_t&) {
  const int lead = input.peek(), trail = input.peek(1);
  if (isAscii(lead)) return input.emit(1, static_cast<char32_t>(lead)), true;
  if (!within(lead, 0x81, 0xFE)) return input.error(1), true;
  // Four pairs stand for a letter and a combining mark.
  if (lead == 0x88 && (trail == 0x62 || trail == 0x64 || trail == 0xA3 || trail == 0xA5)) {
    input.emit(0, trail < 0xA0 ? 0xCA : 0xEA);
    input.emit(0, trail == 0x62 || trail == 0xA3 ? 0x304 : 0x30C);
    input.skip(2);
    return true;
  }
  return pairStep(input, lead, [](int first, int second) -> char32_t {
    if (!within(second, 0x40, 0x7E) && !within(second, 0xA1, 0xFE)) return 0;
    const int pointer = (first - 0x81) * 157 + second - (second < 0x7F ? 0x40 : 0x62);
    return at(big5Index(), static_cast<std::size_t>(pointer));
  });
}

/// https://encoding.spec.whatwg.org/#euc-kr-decoder
bool eucKrStep(Input& input, std::uint32_t&) {
  const int byte = input.peek();
  if (isAscii(byte)) return input.emit(1, static_cast<char32_t>(byte)), true;
  if (!within(byte, 0x81, 0xFE)) return input.error(1), true;
  return pairStep(input, byte, [](int lead, int trail) -> char32_t {
    if (!within(trail, 0x41, 0xFE)) return 0;
    return at(eucKrIndex(), static_cast<std::size_t>((lead - 0x81) * 190 + trail - 0x41));
  });
}

char32_t eucPair(const LegacyIndex& index, int lead, int trail) {
  if (!within(lead, 0xA1, 0xFE) || !within(trail, 0xA1, 0xFE)) return 0;
  return at(index, static_cast<std::size_t>((lead - 0xA1) * 94 + trail - 0xA1));
}

/// https://encoding.spec.whatwg.org/#euc-jp-decoder
bool eucJpStep(Input& input, std::uint32_t&) {
  const int byte = input.peek(), second = input.peek(1);
  if (isAscii(byte)) return input.emit(1, static_cast<char32_t>(byte)), true;
  if (byte == 0x8F && within(second, 0xA1, 0xFE)) {
    const int third = input.peek(2);
    if (third == Input::kLater) return false;
    const char32_t codePoint = eucPair(jis0212Index(), second, third);
    if (codePoint != 0) return input.emit(3, codePoint), true;
    input.error(isAscii(third) ? 2 : 3);
    return true;
  }
  if (byte != 0x8E && byte != 0x8F && !within(byte, 0xA1, 0xFE)) return input.error(1), true;
  return pairStep(input, byte, [](int lead, int trail) -> char32_t {
    if (lead == 0x8E && within(trail, 0xA1, 0xDF)) {
      return static_cast<char32_t>(0xFF61 - 0xA1 + trail);
    }
    return eucPair(jis0208Index(), lead, trail);
  });
}

/// https://encoding.spec.whatwg.org/#shift_jis-decoder
bool shiftJisStep(Input& input, std::uint32_t&) {
  const int byte = input.peek();
  if (within(byte, 0, 0x80)) return input.emit(1, static_cast<char32_t>(byte)), true;
  if (within(byte, 0xA1, 0xDF)) {
    return input.emit(1, static_cast<char32_t>(0xFF61 - 0xA1 + byte)), true;
  }
  if (!within(byte, 0x81, 0x9F) && !within(byte, 0xE0, 0xFC)) return input.error(1), true;
  return pairStep(input, byte, [](int lead, int trail) -> char32_t {
    if (!within(trail, 0x40, 0x7E) && !within(trail, 0x80, 0xFC)) return 0;
    const int pointer =
        (lead - (lead < 0xA0 ? 0x81 : 0xC1)) * 188 + trail - (trail < 0x7F ? 0x40 : 0x41);
    if (within(pointer, 8836, 10715)) return static_cast<char32_t>(0xE000 - 8836 + pointer);
    return at(jis0208Index(), static_cast<std::size_t>(pointer));
  });
}

// ISO-2022-JP's state: the character set, and whether an escape sequence came last.
enum : std::uint32_t { kAscii = 0, kRoman = 1, kKatakana = 2, kTwoBytes = 3, kEscaped = 4 };

/// After 0x1B. https://encoding.spec.whatwg.org/#iso-2022-jp-decoder (escape start, escape)
bool escapeStep(Input& input, std::uint32_t& state) {
  const int first = input.peek(1), second = input.peek(2);
  if (first == Input::kLater) return false;
  const bool known = first == 0x24 || first == 0x28;
  if (known && second == Input::kLater) return false;
  std::optional<std::uint32_t> set;
  if (first == 0x28 && second == 0x42) set = kAscii;
  if (first == 0x28 && second == 0x4A) set = kRoman;
  if (first == 0x28 && second == 0x49) set = kKatakana;
  if (first == 0x24 && (second == 0x40 || second == 0x42)) set = kTwoBytes;
  if (!set) {
    state &= ~kEscaped;
    input.error(1);
    return true;
  }
  // Two of them in a row, with nothing between, are an error.
  const bool again = (state & kEscaped) != 0;
  state = *set | kEscaped;
  if (again) {
    input.error(3);
  } else {
    input.skip(3);
  }
  return true;
}

/// https://encoding.spec.whatwg.org/#iso-2022-jp-decoder
bool iso2022JpStep(Input& input, std::uint32_t& state) {
  const int byte = input.peek();
  if (byte == 0x1B) return escapeStep(input, state);
  const std::uint32_t set = state & ~kEscaped;
  if (set == kTwoBytes && within(byte, 0x21, 0x7E)) {
    const int trail = input.peek(1);
    if (trail == Input::kLater) return false;
    state = set;
    if (trail == 0x1B || trail == Input::kEnd) return input.error(1), true;
    const char32_t codePoint =
        within(trail, 0x21, 0x7E)
            ? at(jis0208Index(), static_cast<std::size_t>((byte - 0x21) * 94 + trail - 0x21))
            : 0;
    if (codePoint == 0) return input.error(2), true;
    return input.emit(2, codePoint), true;
  }
  state = set;
  char32_t codePoint = 0;
  bool valid = false;
  if (set == kKatakana) {
    valid = within(byte, 0x21, 0x5F);
    codePoint = static_cast<char32_t>(0xFF61 - 0x21 + byte);
  } else if (set != kTwoBytes) {
    valid = isAscii(byte) && byte != 0x0E && byte != 0x0F;
    codePoint = static_cast<char32_t>(byte);
    if (set == kRoman && byte == 0x5C) codePoint = 0xA5;
    if (set == kRoman && byte == 0x7E) codePoint = 0x203E;
  }
  if (!valid) return input.error(1), true;
  input.emit(1, codePoint);
  return true;
}

Step stepOf(std::string_view encoding) {
  if (encoding == "gbk" || encoding == "gb18030") return &gb18030Step;
  if (encoding == "big5") return &big5Step;
  if (encoding == "euc-kr") return &eucKrStep;
  if (encoding == "euc-jp") return &eucJpStep;
  if (encoding == "shift_jis") return &shiftJisStep;
  if (encoding == "iso-2022-jp") return &iso2022JpStep;
  return nullptr;
}

/// decodeLegacy(bytes, encoding, fatal, more, state) -> string; undefined if fatal and malformed.
/// `state` is a Uint32Array of 2, zeros at first: how many bytes at the end are to be given again
/// with the next piece, and what the decoder itself remembers.
void decodeLegacy(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const BufferView view(info[0]);
  const Step step =
      info[1]->IsString() ? stepOf(utf8Of(isolate, info[1].As<v8::String>())) : nullptr;
  if (!view.ok() || step == nullptr || !info[4]->IsUint32Array() ||
      info[4].As<v8::Uint32Array>()->Length() != 2) {
    return throwTypeError(isolate, "decodeLegacy: wants bytes, an encoding and its state");
  }
  std::array<std::uint32_t, 2> state{};
  const auto kept = info[4].As<v8::Uint32Array>();
  kept->CopyContents(state.data(), sizeof(state));
  Input input(view.bytes(), info[2]->IsTrue(), info[3]->IsTrue());
  while (input.taken() < view.bytes().size() && !input.failed()) {
    if (!step(input, state[1])) break;
  }
  state[0] = static_cast<std::uint32_t>(view.bytes().size() - input.taken());
  if (!info[3]->IsTrue() || input.failed()) state = {};
  std::memcpy(static_cast<char*>(kept->Buffer()->Data()) + kept->ByteOffset(), state.data(),
              sizeof(state));
  if (input.failed()) return;
  v8::Local<v8::String> text;
  if (input.text().size() > static_cast<std::size_t>(v8::String::kMaxLength) ||
      !v8::String::NewFromTwoByte(isolate,
                                  reinterpret_cast<const std::uint16_t*>(input.text().data()),
                                  v8::NewStringType::kNormal, static_cast<int>(input.text().size()))
           .ToLocal(&text)) {
    return throwRangeError(isolate, "The text is longer than a string can be");
  }
  info.GetReturnValue().Set(text);
}

constexpr std::array kNatives{isolate::Native{"decodeLegacy", &decodeLegacy}};

}  // namespace

std::span<const isolate::Native> legacyTextNatives() { return kNatives; }

}  // namespace atolld::webapi
