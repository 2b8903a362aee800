// Random values, digests and MACs behind isolates/web/crypto*.js. https://w3c.github.io/webcrypto/

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <array>
#include <memory>

#include "base/check.h"
#include "webapi/bytes.h"
#include "webapi/crypto_text.h"
#include "webapi/effects.h"
#include "webapi/keccak.h"
#include "webapi/natives.h"

namespace atolld::webapi {

const EVP_MD* digestNamed(std::string_view name) {
  // Fetched once: a fetch at each use costs more than hashing a short text.
  static const std::array<std::pair<std::string_view, const EVP_MD*>, 8> kDigests{{
      {"SHA-256", EVP_MD_fetch(nullptr, "SHA2-256", nullptr)},
      {"SHA-1", EVP_MD_fetch(nullptr, "SHA1", nullptr)},
      {"SHA-384", EVP_MD_fetch(nullptr, "SHA2-384", nullptr)},
      {"SHA-512", EVP_MD_fetch(nullptr, "SHA2-512", nullptr)},
      {"MD5", EVP_MD_fetch(nullptr, "MD5", nullptr)},
      {"SHA3-256", EVP_MD_fetch(nullptr, "SHA3-256", nullptr)},
      {"SHA3-384", EVP_MD_fetch(nullptr, "SHA3-384", nullptr)},
      {"SHA3-512", EVP_MD_fetch(nullptr, "SHA3-512", nullptr)},
  }};
  for (const auto& [known, digest] : kDigests) {
    if (known == name) return digest;
  }
  return nullptr;
}

std::string textOf(v8::Isolate* isolate, v8::Local<v8::Value> value) {
  return value->IsString() ? utf8Of(isolate, value.As<v8::String>()) : std::string();
}

std::uint32_t numberOf(v8::Local<v8::Value> value) {
  return value->IsUint32() ? value.As<v8::Uint32>()->Value() : 0;
}

void giveBuffer(const v8::FunctionCallbackInfo<v8::Value>& info, std::string_view bytes) {
  v8::Local<v8::Uint8Array> array;
  if (uint8ArrayOf(info.GetIsolate(), bytes).ToLocal(&array)) {
    info.GetReturnValue().Set(array->Buffer());
  }
}

void giveBytes(const v8::FunctionCallbackInfo<v8::Value>& info, std::string_view bytes) {
  v8::Local<v8::Uint8Array> array;
  if (uint8ArrayOf(info.GetIsolate(), bytes).ToLocal(&array)) info.GetReturnValue().Set(array);
}

void giveList(const v8::FunctionCallbackInfo<v8::Value>& info,
              const std::vector<std::string>& parts) {
  v8::Isolate* const isolate = info.GetIsolate();
  v8::LocalVector<v8::Value> list(isolate);
  for (const std::string& part : parts) {
    v8::Local<v8::Uint8Array> bytes;
    if (!uint8ArrayOf(isolate, part).ToLocal(&bytes)) return;
    list.push_back(bytes);
  }
  info.GetReturnValue().Set(v8::Array::New(isolate, list.data(), list.size()));
}

void compute(const v8::FunctionCallbackInfo<v8::Value>& info, int index,
             std::move_only_function<Result<Bytes>()> work) {
  const NativeCall call(info);
  const auto op = call.id(index);
  const Invocation* const invocation = call.invocation(index + 1);
  if (op && invocation != nullptr) {
    return call.emit(host::Compute{*op, invocation->id, std::move(work)});
  }
  if (const Result<Bytes> done = work()) giveBuffer(info, done->view());
}

namespace {

constexpr std::uint32_t kOutBytesMax = 1024 * 1024;
constexpr std::uint32_t kMacKeyBytesMax = 1024 * 1024;

/// randomFill(view): the view's bytes become random.
void randomFill(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  if (!info[0]->IsArrayBufferView())
    return throwTypeError(info.GetIsolate(), "randomFill: no view");
  const auto view = info[0].As<v8::ArrayBufferView>();
  const std::size_t length = view->ByteLength();
  if (length == 0) return;
  auto* const target = static_cast<unsigned char*>(view->Buffer()->Data()) + view->ByteOffset();
  ATOLL_CHECK(RAND_bytes(target, static_cast<int>(length)) == 1);
}

/// randomUuid() -> string. https://w3c.github.io/webcrypto/#Crypto-method-randomUUID
void randomUuid(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::array<unsigned char, 16> bytes;
  ATOLL_CHECK(RAND_bytes(bytes.data(), bytes.size()) == 1);
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text.push_back('-');
    text.push_back(kHex[bytes[i] >> 4]);
    text.push_back(kHex[bytes[i] & 15]);
  }
  v8::Local<v8::String> value;
  if (stringOfLatin1(info.GetIsolate(), text).ToLocal(&value)) info.GetReturnValue().Set(value);
}

/// digest(name, bytes) -> ArrayBuffer
void digest(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const EVP_MD* const type = digestNamed(textOf(isolate, info[0]));
  const BufferView data(info[1]);
  if (type == nullptr || !data.ok()) return throwTypeError(isolate, "digest: wrong arguments");
  std::array<unsigned char, EVP_MAX_MD_SIZE> out;
  unsigned int length = 0;
  const std::string_view bytes = data.bytes();
  ATOLL_CHECK(EVP_Digest(bytes.data(), bytes.size(), out.data(), &length, type, nullptr) == 1);
  giveBuffer(info, {reinterpret_cast<const char*>(out.data()), length});
}

/// hmac(hash name, key, bytes) -> ArrayBuffer
void hmac(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const EVP_MD* const type = digestNamed(textOf(isolate, info[0]));
  const BufferView key(info[1]);
  const BufferView data(info[2]);
  if (type == nullptr || !key.ok() || !data.ok() || key.bytes().size() > kMacKeyBytesMax) {
    return throwTypeError(isolate, "hmac: wrong arguments");
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> out;
  unsigned int length = 0;
  const std::string_view keyBytes = given(key.bytes());
  ATOLL_CHECK(HMAC(type, keyBytes.data(), static_cast<int>(keyBytes.size()), octets(data.bytes()),
                   data.bytes().size(), out.data(), &length) != nullptr);
  giveBuffer(info, {reinterpret_cast<const char*>(out.data()), length});
}

/// sameBytes(a, b) -> boolean, in a time that depends on the lengths only; they must be equal.
void sameBytes(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const BufferView a(info[0]);
  const BufferView b(info[1]);
  if (!a.ok() || !b.ok() || a.bytes().size() != b.bytes().size()) {
    return throwTypeError(info.GetIsolate(), "sameBytes: wants two of one length");
  }
  info.GetReturnValue().Set(a.bytes().empty() || CRYPTO_memcmp(a.bytes().data(), b.bytes().data(),
                                                               a.bytes().size()) == 0);
}

/// kmac("KMAC128" or "KMAC256", key, customization, length in bytes, bytes) -> ArrayBuffer;
/// undefined for a key or length that OpenSSL refuses. NIST SP 800-185 section 4.
void kmac(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  using Mac = Owned<EVP_MAC, &EVP_MAC_free>;
  using MacContext = Owned<EVP_MAC_CTX, &EVP_MAC_CTX_free>;
  v8::Isolate* const isolate = info.GetIsolate();
  const std::string name = textOf(isolate, info[0]);
  const BufferView key(info[1]), customization(info[2]), data(info[4]);
  std::size_t length = numberOf(info[3]);
  if (!key.ok() || !customization.ok() || !data.ok() || length > kOutBytesMax) {
    return throwTypeError(isolate, "kmac: wrong arguments");
  }
  const Mac mac(EVP_MAC_fetch(nullptr, name == "KMAC128" ? "KMAC-128" : "KMAC-256", nullptr));
  const MacContext context(mac ? EVP_MAC_CTX_new(mac.get()) : nullptr);
  std::string custom(customization.bytes());
  const std::array params{
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_CUSTOM, custom.data(), custom.size()),
      OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &length), OSSL_PARAM_construct_end()};
  std::string out(length, '\0');
  const std::string_view keyBytes = given(key.bytes());
  const bool done =
      context &&
      EVP_MAC_init(context.get(), octets(keyBytes), keyBytes.size(), params.data()) == 1 &&
      EVP_MAC_update(context.get(), octets(data.bytes()), data.bytes().size()) == 1 &&
      EVP_MAC_final(context.get(), octets(out), &length, out.size()) == 1;
  ERR_clear_error();
  if (done) giveBuffer(info, out);
}

/// xof(name, length in bytes, bytes, a, b) -> ArrayBuffer. For cSHAKE, a and b are the function
/// name and the customization; for TurboSHAKE, a is the domain; for KT, a is the customization.
void xof(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const std::string name = textOf(isolate, info[0]);
  const std::uint32_t length = numberOf(info[1]);
  const BufferView data(info[2]), a(info[3]), b(info[4]);
  const KeccakStrength strength =
      name.ends_with("128") ? KeccakStrength::Bits128 : KeccakStrength::Bits256;
  const std::uint32_t domain = numberOf(info[3]);
  const bool turbo = name.starts_with("Turbo");
  if (length > kOutBytesMax || !data.ok() || (turbo ? domain < 1 || domain > 0x7F : !a.ok())) {
    return throwTypeError(isolate, "xof: wrong arguments");
  }
  if (turbo) {
    giveBuffer(info, turboShake(strength, static_cast<std::uint8_t>(domain), data.bytes(), length));
  } else if (name.starts_with("KT")) {
    giveBuffer(info, kangarooTwelve(strength, data.bytes(), a.bytes(), length));
  } else {
    giveBuffer(info, cShake(strength, a.bytes(), b.bytes(), data.bytes(), length));
  }
}

/// A digest under way. It lives in the backing store of an ArrayBuffer that no tenant sees, so it
/// goes with its isolate at the latest.
struct Hash {
  static constexpr std::uint64_t kMark = 0x61746f6c6c486173;

  std::uint64_t mark = kMark;
  Owned<EVP_MD_CTX, &EVP_MD_CTX_free> context{EVP_MD_CTX_new()};

  /// Null for anything that hashStart() did not make.
  static Hash* of(v8::Local<v8::Value> value) noexcept {
    if (!value->IsArrayBuffer()) return nullptr;
    const auto buffer = value.As<v8::ArrayBuffer>();
    auto* const hash = static_cast<Hash*>(buffer->Data());
    return buffer->ByteLength() == sizeof(Hash) && hash->mark == kMark ? hash : nullptr;
  }
};

/// hashStart(name) -> a digest under way
void hashStart(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const EVP_MD* const type = digestNamed(textOf(isolate, info[0]));
  if (type == nullptr) return throwTypeError(isolate, "hashStart: no such digest");
  auto hash = std::make_unique<Hash>();
  ATOLL_CHECK(EVP_DigestInit_ex(hash->context.get(), type, nullptr) == 1);
  std::unique_ptr<v8::BackingStore> store = v8::ArrayBuffer::NewBackingStore(
      hash.release(), sizeof(Hash),
      [](void* data, std::size_t, void*) { delete static_cast<Hash*>(data); }, nullptr);
  info.GetReturnValue().Set(v8::ArrayBuffer::New(isolate, std::move(store)));
}

/// hashUpdate(digest, bytes or text) -> how many bytes
void hashUpdate(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  Hash* const hash = Hash::of(info[0]);
  const std::string text = textOf(isolate, info[1]);
  const BufferView data(info[1]);
  if (hash == nullptr || (!data.ok() && !info[1]->IsString())) {
    return throwTypeError(isolate, "hashUpdate: wrong arguments");
  }
  const std::string_view bytes = data.ok() ? data.bytes() : text;
  ATOLL_CHECK(EVP_DigestUpdate(hash->context.get(), bytes.data(), bytes.size()) == 1);
  info.GetReturnValue().Set(static_cast<double>(bytes.size()));
}

/// hashFinish(digest) -> ArrayBuffer. Once.
void hashFinish(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  Hash* const hash = Hash::of(info[0]);
  std::array<unsigned char, EVP_MAX_MD_SIZE> out;
  unsigned int length = 0;
  if (hash == nullptr || EVP_DigestFinal_ex(hash->context.get(), out.data(), &length) != 1) {
    ERR_clear_error();
    return throwTypeError(info.GetIsolate(), "hashFinish: no digest under way");
  }
  giveBuffer(info, {reinterpret_cast<const char*>(out.data()), length});
}

constexpr std::array kNatives{isolate::Native{"randomFill", &randomFill},
                              isolate::Native{"randomUuid", &randomUuid},
                              isolate::Native{"digest", &digest},
                              isolate::Native{"xof", &xof},
                              isolate::Native{"hmac", &hmac},
                              isolate::Native{"kmac", &kmac},
                              isolate::Native{"sameBytes", &sameBytes},
                              isolate::Native{"hashStart", &hashStart},
                              isolate::Native{"hashUpdate", &hashUpdate},
                              isolate::Native{"hashFinish", &hashFinish}};

}  // namespace

std::span<const isolate::Native> digestNatives() { return kNatives; }

}  // namespace atolld::webapi
