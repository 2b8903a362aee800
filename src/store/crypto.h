#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace atolld::store {

inline constexpr std::size_t kHashBytes = 32;

/// SHA-256 of everything given to update(), in order.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  Sha256& update(std::string_view bytes);
  /// Raw, kHashBytes long. Ends the object's use.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Raw, kHashBytes long.
std::string sha256(std::string_view bytes);

/// From the operating system's generator, by way of OpenSSL. Never fails: without randomness the
/// process ends.
std::string randomBytes(std::size_t count);

/// Takes as long for a near miss as for a far one. Lengths may leak.
bool equalInConstantTime(std::string_view a, std::string_view b);

}  // namespace atolld::store
