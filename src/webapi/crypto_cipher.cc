// AES behind isolates/web/crypto_aes.js. https://w3c.github.io/webcrypto/#aes-gcm

#include <openssl/err.h>

#include <array>
#include <limits>
#include <optional>

#include "webapi/bytes.h"
#include "webapi/crypto_text.h"
#include "webapi/natives.h"

namespace atolld::webapi {
namespace {

using Cipher = Owned<EVP_CIPHER_CTX, &EVP_CIPHER_CTX_free>;

enum class Mode { Gcm, Cbc, Ctr };

const EVP_CIPHER* cipherOf(Mode mode, std::size_t keyBytes) {
  switch (mode) {
    case Mode::Gcm:
      return keyBytes == 16   ? EVP_aes_128_gcm()
             : keyBytes == 24 ? EVP_aes_192_gcm()
             : keyBytes == 32 ? EVP_aes_256_gcm()
                              : nullptr;
    case Mode::Cbc:
      return keyBytes == 16   ? EVP_aes_128_cbc()
             : keyBytes == 24 ? EVP_aes_192_cbc()
             : keyBytes == 32 ? EVP_aes_256_cbc()
                              : nullptr;
    case Mode::Ctr:
      return keyBytes == 16   ? EVP_aes_128_ctr()
             : keyBytes == 24 ? EVP_aes_192_ctr()
             : keyBytes == 32 ? EVP_aes_256_ctr()
                              : nullptr;
  }
  return nullptr;
}

struct Job {
  Mode mode;
  bool encrypt;
  std::string_view key, iv, extra, data;
  std::size_t tagBytes;  ///< GCM only; 0 otherwise.
};

/// Nothing if the data does not authenticate or has wrong padding.
std::optional<std::string> run(const Job& job) {
  const Cipher context(EVP_CIPHER_CTX_new());
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
  const auto ivBytes = static_cast<int>(job.iv.size());
  const bool ready =
      EVP_CipherInit_ex(context.get(), cipherOf(job.mode, job.key.size()), nullptr, nullptr,
                        nullptr, encrypt) == 1 &&
      (job.mode != Mode::Gcm ||
       EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_IVLEN, ivBytes, nullptr) == 1) &&
      EVP_CipherInit_ex(context.get(), nullptr, nullptr, octets(job.key), octets(job.iv),
                        encrypt) == 1 &&
      (tag.empty() || EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG,
                                          static_cast<int>(tag.size()), tag.data()) == 1) &&
      (job.extra.empty() || EVP_CipherUpdate(context.get(), nullptr, &part, octets(job.extra),
                                             static_cast<int>(job.extra.size())) == 1);
  part = 0;
  if (!ready ||
      (!data.empty() && EVP_CipherUpdate(context.get(), octets(out), &part, octets(data),
                                         static_cast<int>(data.size())) != 1) ||
      EVP_CipherFinal_ex(context.get(), octets(out) + part, &last) != 1) {
    ERR_clear_error();
    return std::nullopt;
  }
  out.resize(static_cast<std::size_t>(part + last));
  if (job.encrypt && job.tagBytes > 0) {
    tag.resize(job.tagBytes);
    if (EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag.size()),
                            tag.data()) != 1) {
      ERR_clear_error();
      return std::nullopt;
    }
    out += tag;
  }
  return out;
}

/// aes(mode, encrypt, key, iv, extra, tag bytes, data) -> ArrayBuffer; undefined if it does not
/// authenticate or has wrong padding. Modes are "GCM", "CBC" and "CTR".
void aes(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const std::string name = textOf(isolate, info[0]);
  const BufferView key(info[2]), iv(info[3]), extra(info[4]), data(info[6]);
  constexpr std::size_t kBytesMax = std::numeric_limits<int>::max() - 64;
  const Mode mode = name == "GCM" ? Mode::Gcm : name == "CBC" ? Mode::Cbc : Mode::Ctr;
  if (!key.ok() || !iv.ok() || !extra.ok() || !data.ok() || !info[5]->IsUint32() ||
      cipherOf(mode, key.bytes().size()) == nullptr || iv.bytes().empty() ||
      (mode != Mode::Gcm && iv.bytes().size() != 16) || info[5].As<v8::Uint32>()->Value() > 16 ||
      iv.bytes().size() > kBytesMax || extra.bytes().size() > kBytesMax ||
      data.bytes().size() > kBytesMax) {
    return throwTypeError(isolate, "aes: wrong arguments");
  }
  const auto result = run({.mode = mode,
                           .encrypt = info[1]->IsTrue(),
                           .key = key.bytes(),
                           .iv = iv.bytes(),
                           .extra = extra.bytes(),
                           .data = data.bytes(),
                           .tagBytes = info[5].As<v8::Uint32>()->Value()});
  if (result) giveBuffer(info, *result);
}

constexpr std::array kNatives{isolate::Native{"aes", &aes}};

}  // namespace

std::span<const isolate::Native> cipherNatives() { return kNatives; }

}  // namespace atolld::webapi
