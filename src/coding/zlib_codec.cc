// gzip, zlib and raw deflate by zlib.

#include <zlib.h>

#include <algorithm>
#include <limits>

#include "coding/memory.h"

namespace atolld::coding {
namespace {

constexpr int kWindowBits = 15;
constexpr int kGzip = 16;  // Added to the window's bits: gzip's header and trailer.

voidpf allocate(voidpf memory, uInt items, uInt size) {
  return allocateSized(*static_cast<Memory*>(memory), std::size_t{items} * size);
}

void release(voidpf memory, voidpf block) { releaseSized(*static_cast<Memory*>(memory), block); }

int windowBits(Format format, int bits = kWindowBits) {
  switch (format) {
    case Format::Gzip:
      return bits + kGzip;
    case Format::DeflateRaw:
      return -bits;
    default:
      return bits;
  }
}

const Bytef* bytesOf(const std::string& text) {
  return reinterpret_cast<const Bytef*>(text.data());
}

uInt bounded(std::size_t size) {
  return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
}

/// What both directions share: the stream, with its input and output set for one call.
class ZlibStream {
 public:
  explicit ZlibStream(Memory& memory) {
    z_.zalloc = &allocate;
    z_.zfree = &release;
    z_.opaque = &memory;
  }

  void begin(std::string_view input, std::span<char> output) {
    // zlib never writes to its input; its type only says so when ZLIB_CONST is defined.
    z_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(input.data()));
    z_.avail_in = bounded(input.size());
    z_.next_out = reinterpret_cast<Bytef*>(output.data());
    z_.avail_out = bounded(output.size());
    inStart_ = z_.avail_in;
    outStart_ = z_.avail_out;
  }
  Step done(bool ended) const {
    return {
        .consumed = inStart_ - z_.avail_in, .produced = outStart_ - z_.avail_out, .ended = ended};
  }

  z_stream& z() { return z_; }

 private:
  z_stream z_{};
  uInt inStart_ = 0;
  uInt outStart_ = 0;
};

class Encoder final : public Codec, public Flushing {
 public:
  explicit Encoder(Memory& memory) : stream_(memory) {}
  ~Encoder() override {
    if (begun_) deflateEnd(&stream_.z());
  }

  bool begin(Format format, const ZlibTuning& tuning = {}) {
    // zlib cannot write raw deflate with a window of 8 bits; what it writes with 9 can be read.
    const int bits = std::max(tuning.windowBits, 9);
    begun_ =
        deflateInit2(&stream_.z(), tuning.level, Z_DEFLATED, windowBits(format, bits),
                     std::clamp(tuning.memoryLevel, 1, MAX_MEM_LEVEL), tuning.strategy) == Z_OK;
    if (begun_ && !tuning.dictionary.empty() && format != Format::Gzip) {
      deflateSetDictionary(&stream_.z(), bytesOf(tuning.dictionary),
                           bounded(tuning.dictionary.size()));
    }
    return begun_;
  }

  void requestFlush(FlushPoint point) override {
    flush_ = point == FlushPoint::Full ? Z_FULL_FLUSH : Z_SYNC_FLUSH;
  }

  Result<Step> step(std::string_view input, std::span<char> output, bool finish) override {
    if (ended_) return Step{.ended = true};
    stream_.begin(input, output);
    // What does not fit into one call's count of bytes is not the end yet.
    const bool last = finish && bounded(input.size()) == input.size();
    const int status = deflate(&stream_.z(), last ? Z_FINISH : flush_);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) return corrupt();
    ended_ = status == Z_STREAM_END;
    const Step step = stream_.done(ended_);
    if (step.produced < output.size()) flush_ = Z_NO_FLUSH;
    return step;
  }

 private:
  ZlibStream stream_;
  int flush_ = Z_NO_FLUSH;  ///< What was asked for and is not met yet.
  bool begun_ = false;
  bool ended_ = false;
};

class Decoder final : public Codec {
 public:
  Decoder(Format format, Reading reading, Memory& memory, std::string dictionary = {})
      : stream_(memory),
        format_(format),
        lenient_(reading == Reading::Lenient),
        dictionary_(std::move(dictionary)) {}
  ~Decoder() override {
    if (begun_) inflateEnd(&stream_.z());
  }

  bool begin() {
    begun_ = inflateInit2(&stream_.z(), windowBits(format_)) == Z_OK;
    if (begun_ && format_ == Format::DeflateRaw && !dictionary_.empty()) useDictionary();
    return begun_;
  }

  Result<Step> step(std::string_view input, std::span<char> output, bool finish) override {
    if (ended_) return Step{.ended = true};
    if (lenient_) prepare(input);
    stream_.begin(input, output);
    int status = inflate(&stream_.z(), Z_NO_FLUSH);
    if (status == Z_NEED_DICT && !dictionary_.empty() && useDictionary()) {
      status = inflate(&stream_.z(), Z_NO_FLUSH);
    }
    switch (status) {
      case Z_STREAM_END:
        return onEnd(input);
      case Z_OK:
      case Z_BUF_ERROR: {
        const Step step = stream_.done(false);
        began_ = began_ || step.consumed > 0;
        if (finish && step.consumed == input.size() && step.produced < output.size()) {
          return truncated();
        }
        return step;
      }
      case Z_MEM_ERROR:
        return noMemory();
      default:
        return corrupt();
    }
  }

 private:
  /// Content that calls itself "deflate" may lack the zlib header: RFC 9110 section 8.4.1.2.
  void prepare(std::string_view input) {
    if (format_ != Format::Deflate || began_ || input.empty()) return;
    began_ = true;
    const bool zlibHeader = (static_cast<unsigned char>(input.front()) & 0x0F) == Z_DEFLATED &&
                            (static_cast<unsigned char>(input.front()) >> 4) <= 7;
    if (!zlibHeader) inflateReset2(&stream_.z(), -kWindowBits);
  }

  bool useDictionary() {
    return inflateSetDictionary(&stream_.z(), bytesOf(dictionary_), bounded(dictionary_.size())) ==
           Z_OK;
  }

  Step onEnd(std::string_view input) {
    Step step = stream_.done(true);
    const std::string_view rest = input.substr(step.consumed);
    if (lenient_ && format_ == Format::Gzip && rest.starts_with('\x1f') &&
        inflateReset(&stream_.z()) == Z_OK) {
      step.ended = false;
    } else if (lenient_) {
      step.consumed = input.size();
    }
    ended_ = step.ended;
    return step;
  }

  ZlibStream stream_;
  const Format format_;
  const bool lenient_;
  const std::string dictionary_;
  bool begun_ = false;
  bool began_ = false;  ///< Input came.
  bool ended_ = false;
};

}  // namespace

Result<std::unique_ptr<Codec>> makeZlibDecoder(Format format, Reading reading, Memory& memory) {
  auto decoder = std::make_unique<Decoder>(format, reading, memory);
  if (!decoder->begin()) return noMemory();
  return decoder;
}

namespace {

bool isZlibs(Format format) {
  return format == Format::Gzip || format == Format::Deflate || format == Format::DeflateRaw;
}

bool isInRange(const ZlibTuning& tuning) {
  return tuning.level >= -1 && tuning.level <= 9 && tuning.windowBits >= 8 &&
         tuning.windowBits <= kWindowBits && tuning.memoryLevel >= 1 && tuning.memoryLevel <= 9 &&
         tuning.strategy >= Z_DEFAULT_STRATEGY && tuning.strategy <= Z_FIXED;
}

}  // namespace

Result<std::unique_ptr<Codec>> makeTunedEncoder(Format format, const ZlibTuning& tuning,
                                                Memory& memory) {
  if (!isZlibs(format) || !isInRange(tuning)) {
    return fail(ErrorCode::InvalidArgument, "no such settings");
  }
  auto encoder = std::make_unique<Encoder>(memory);
  if (!encoder->begin(format, tuning)) return noMemory();
  return encoder;
}

Result<std::unique_ptr<Codec>> makeTunedDecoder(Format format, const ZlibTuning& tuning,
                                                Memory& memory) {
  if (!isZlibs(format)) return fail(ErrorCode::InvalidArgument, "no such settings");
  const Reading reading = format == Format::Gzip ? Reading::Lenient : Reading::Strict;
  auto decoder = std::make_unique<Decoder>(format, reading, memory, tuning.dictionary);
  if (!decoder->begin()) return noMemory();
  return decoder;
}

Result<std::unique_ptr<Codec>> makeZlibEncoder(Format format, Memory& memory) {
  auto encoder = std::make_unique<Encoder>(memory);
  if (!encoder->begin(format)) return noMemory();
  return encoder;
}

}  // namespace atolld::coding
