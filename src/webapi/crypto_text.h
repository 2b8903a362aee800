#pragma once

#include <openssl/evp.h>
#include <v8.h>

#include <memory>
#include <string>
#include <string_view>

/// What the crypto_*.cc files share. Inside a slice only; JavaScript (isolates/web/crypto*.js) has
/// checked every argument, so a wrong one here is answered by a TypeError and nothing finer.
namespace atolld::webapi {

/// Calls a C library's free function: Owned<&EVP_PKEY_free>{}.
template <auto free>
struct FreeBy {
  template <class T>
  void operator()(T* pointer) const noexcept {
    free(pointer);
  }
};
template <class T, auto free>
using Owned = std::unique_ptr<T, FreeBy<free>>;

/// "SHA-1", "SHA-256", "SHA-384", "SHA-512" or "MD5"; null for any other name. Lives as long as the
/// process.
const EVP_MD* digestNamed(std::string_view name);

/// A string argument, empty for anything else.
std::string textOf(v8::Isolate* isolate, v8::Local<v8::Value> value);

/// Returns `bytes` as a new ArrayBuffer.
void giveBuffer(const v8::FunctionCallbackInfo<v8::Value>& info, std::string_view bytes);
/// Returns `bytes` as a new Uint8Array.
void giveBytes(const v8::FunctionCallbackInfo<v8::Value>& info, std::string_view bytes);

inline const unsigned char* octets(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
inline unsigned char* octets(std::string& bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

}  // namespace atolld::webapi
