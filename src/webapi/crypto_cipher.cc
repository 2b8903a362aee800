// Ciphers behind isolates/web/crypto_symmetric.js. https://w3c.github.io/webcrypto/#aes-gcm

#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <format>
#include <limits>
#include <optional>

#include "webapi/bytes.h"
#include "webapi/crypto_text.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

using Cipher = Owned<EVP_CIPHER, &EVP_CIPHER_free>;
using CipherContext = Owned<EVP_CIPHER_CTX, &EVP_CIPHER_CTX_free>;

constexpr std::size_t kBytesMax = std::numeric_limits<int>::max() - 64;
constexpr std::size_t kBlockBytes = 16;

enum class Mode { Gcm, Ocb, ChaCha, Cbc, Ctr, Wrap };

struct ModeInfo {
  std::string_view name;
  Mode mode;
  std::string_view suffix;  ///< Of OpenSSL's name: "AES-256-" and this.
};
constexpr std::array<ModeInfo, 6> kModes{{{"GCM", Mode::Gcm, "GCM"},
                                          {"CBC", Mode::Cbc, "CBC"},
                                          {"CTR", Mode::Ctr, "CTR"},
                                          {"KW", Mode::Wrap, "WRAP"},
                                          {"OCB", Mode::Ocb, "OCB"},
                                          {"ChaCha20-Poly1305", Mode::ChaCha, {}}}};

bool isAead(Mode mode) { return mode == Mode::Gcm || mode == Mode::Ocb || mode == Mode::ChaCha; }

/// Null for a key of a length that the mode does not have. Fetched once each: a fetch costs more
/// than encrypting a short text.
const EVP_CIPHER* cipherOf(const ModeInfo& mode, std::size_t keyBytes) {
  static const auto kFetched = [] {
    std::array<std::array<Cipher, 3>, kModes.size()> all;
    for (std::size_t m = 0; m < kModes.size(); ++m) {
      for (std::size_t k = 0; k < 3; ++k) {
        const std::string name = kModes[m].mode == Mode::ChaCha
                                     ? std::string(k == 2 ? kModes[m].name : "none")
                                     : std::format("AES-{}-{}", 128 + 64 * k, kModes[m].suffix);
        all[m][k].reset(EVP_CIPHER_fetch(nullptr, name.c_str(), nullptr));
      }
    }
    ERR_clear_error();
    return all;
  }();
  if (keyBytes != 16 && keyBytes != 24 && keyBytes != 32) return nullptr;
  return kFetched[static_cast<std::size_t>(&mode - kModes.data())][keyBytes / 8 - 2].get();
}

struct Job {
  const ModeInfo& mode;
  bool encrypt;
  std::string_view key, iv, extra, data;
  std::size_t tagBytes;  ///< Of an authenticated mode; 0 otherwise.
};

/// Nothing if the data does not authenticate or has wrong padding.
std::optional<std::string> run(const Job& job) {
  const CipherContext context(EVP_CIPHER_CTX_new());
  EVP_CIPHER_CTX* const c = context.get();
  std::string_view data = job.data;
  std::string tag;
  if (!job.encrypt && job.tagBytes > 0) {
    if (data.size() < job.tagBytes) return std::nullopt;
    tag = data.substr(data.size() - job.tagBytes);
    data.remove_suffix(job.tagBytes);
  }
  std::string out(data.size() + EVP_MAX_BLOCK_LENGTH, '\0');
  int part = 0, last = 0;
  const int encrypt = job.encrypt ? 1 : 0;
  const auto tagBytes = static_cast<int>(job.tagBytes);
  if (job.mode.mode == Mode::Wrap) EVP_CIPHER_CTX_set_flags(c, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  const auto set = [c](int what, std::size_t size, void* value) {
    return EVP_CIPHER_CTX_ctrl(c, what, static_cast<int>(size), value) == 1;
  };
  const auto update = [c](unsigned char* to, int* count, std::string_view bytes) {
    return bytes.empty() ||
           EVP_CipherUpdate(c, to, count, octets(bytes), static_cast<int>(bytes.size())) == 1;
  };
  const bool ready =
      EVP_CipherInit_ex(c, cipherOf(job.mode, job.key.size()), nullptr, nullptr, nullptr,
                        encrypt) == 1 &&
      (job.tagBytes == 0 || set(EVP_CTRL_AEAD_SET_IVLEN, job.iv.size(), nullptr)) &&
      // OCB's tag length is part of what is encrypted: it goes in before the key.
      (job.mode.mode != Mode::Ocb || set(EVP_CTRL_AEAD_SET_TAG, job.tagBytes, nullptr)) &&
      EVP_CipherInit_ex(c, nullptr, nullptr, octets(job.key),
                        job.iv.empty() ? nullptr : octets(job.iv), encrypt) == 1 &&
      (tag.empty() || set(EVP_CTRL_AEAD_SET_TAG, tag.size(), tag.data())) &&
      update(nullptr, &part, job.extra);
  part = 0;
  bool done = ready && update(octets(out), &part, data);
  if (done && job.mode.mode != Mode::Wrap) {
    done = EVP_CipherFinal_ex(c, octets(out) + part, &last) == 1;
  }
  if (done && job.encrypt && job.tagBytes > 0) {
    tag.resize(job.tagBytes);
    done = EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, tagBytes, tag.data()) == 1;
  }
  ERR_clear_error();
  if (!done) return std::nullopt;
  out.resize(static_cast<std::size_t>(part + last));
  if (job.encrypt) out += tag;
  return out;
}

/// Counter mode with a counter of the block's last `counterBits` bits. OpenSSL counts on all 128,
/// so what comes after the counter's last value is done apart.
/// https://w3c.github.io/webcrypto/#aes-ctr
std::optional<std::string> runCounter(Job job, unsigned counterBits) {
  using Number = unsigned __int128;
  Number block = 0;
  for (const char byte : job.iv) block = block << 8 | static_cast<unsigned char>(byte);
  const Number mask = counterBits >= 128 ? ~Number{0} : (Number{1} << counterBits) - 1;
  const Number left = mask - (block & mask);  // After the first block.
  const Number blocks = (job.data.size() + kBlockBytes - 1) / kBlockBytes;
  if (blocks > 0 && blocks - 1 > mask) return std::nullopt;
  if (blocks == 0 || blocks - 1 <= left) return run(job);
  const std::string_view all = job.data;
  const auto firstBytes = static_cast<std::size_t>((left + 1) * kBlockBytes);
  job.data = all.substr(0, firstBytes);
  auto out = run(job);
  Number wrapped = block & ~mask;
  std::string iv(kBlockBytes, '\0');
  for (std::size_t i = kBlockBytes; i-- > 0; wrapped >>= 8) iv[i] = static_cast<char>(wrapped);
  job.iv = iv;
  job.data = all.substr(firstBytes);
  const auto rest = run(job);
  if (!out || !rest) return std::nullopt;
  return *out + *rest;
}

/// cipher(mode, encrypt, key, iv, extra, length, data) -> ArrayBuffer; undefined if it does not
/// authenticate, has wrong padding or is too long. `length` is the tag's in bytes or the counter's
/// in bits.
void cipher(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const std::string name = textOf(isolate, info[0]);
  const auto* const mode = std::ranges::find(kModes, std::string_view(name), &ModeInfo::name);
  const BufferView key(info[2]), iv(info[3]), extra(info[4]), data(info[6]);
  const std::uint32_t length = numberOf(info[5]);
  if (mode == kModes.end() || !key.ok() || !iv.ok() || !extra.ok() || !data.ok() ||
      cipherOf(*mode, key.bytes().size()) == nullptr || extra.bytes().size() > kBytesMax ||
      data.bytes().size() > kBytesMax || iv.bytes().size() > kBytesMax) {
    return throwTypeError(isolate, "cipher: wrong arguments");
  }
  const Job job{.mode = *mode,
                .encrypt = info[1]->IsTrue(),
                .key = key.bytes(),
                .iv = iv.bytes(),
                .extra = extra.bytes(),
                .data = data.bytes(),
                .tagBytes = isAead(mode->mode) ? length : 0};
  const bool fits = isAead(mode->mode)         ? length >= 4 && length <= 16 && !job.iv.empty()
                    : mode->mode == Mode::Wrap ? job.iv.empty()
                                               : job.iv.size() == kBlockBytes;
  if (!fits || (mode->mode == Mode::Ctr && (length < 1 || length > 128))) {
    return throwTypeError(isolate, "cipher: wrong lengths");
  }
  const auto result = mode->mode == Mode::Ctr ? runCounter(job, length) : run(job);
  if (result) giveBuffer(info, *result);
}

constexpr std::array kNatives{isolate::Native{"cipher", &cipher}};

}  // namespace

std::span<const isolate::Native> cipherNatives() { return kNatives; }

}  // namespace atolld::webapi
