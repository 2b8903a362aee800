#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// The extendable-output functions on Keccak that OpenSSL does not offer. Any thread; no state.
namespace atolld::webapi {

/// Their strength in bits: what it means for the sponge's rate.
enum class KeccakStrength : std::uint8_t { Bits128, Bits256 };

/// NIST SP 800-185 section 3; SHAKE itself when both names are empty.
std::string cShake(KeccakStrength strength, std::string_view functionName,
                   std::string_view customization, std::string_view data, std::size_t outBytes);

/// RFC 9861 section 2. `domain` is 0x01 to 0x7F.
std::string turboShake(KeccakStrength strength, std::uint8_t domain, std::string_view data,
                       std::size_t outBytes);

/// KangarooTwelve: KT128 and KT256. RFC 9861 section 3.
std::string kangarooTwelve(KeccakStrength strength, std::string_view data,
                           std::string_view customization, std::size_t outBytes);

}  // namespace atolld::webapi
