#pragma once

#include <memory>
#include <string>
#include <string_view>

/// Small change between OpenSSL and C++, for the crypto_*.cc files.
namespace atolld::webapi {

/// Calls a C library's free function: Owned<EVP_PKEY, &EVP_PKEY_free>.
template <auto free>
struct FreeBy {
  template <class T>
  void operator()(T* pointer) const noexcept {
    free(pointer);
  }
};
template <class T, auto free>
using Owned = std::unique_ptr<T, FreeBy<free>>;

inline const unsigned char* octets(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
inline unsigned char* octets(std::string& bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

/// OpenSSL takes a null pointer for "not given", even where the length is 0.
inline std::string_view given(std::string_view bytes) {
  return bytes.data() == nullptr ? std::string_view("") : bytes;
}

}  // namespace atolld::webapi
