#pragma once

#include <span>

#include "isolate/guest.h"

/// The C++ functions of each file of this module that the built-in scripts call. guest.cc puts them
/// into one table; a name is used once.
namespace atolld::webapi {

std::span<const isolate::Native> base64Natives();
std::span<const isolate::Native> bytesNatives();
std::span<const isolate::Native> cacheNatives();
std::span<const isolate::Native> cipherNatives();
std::span<const isolate::Native> cloneNatives();
std::span<const isolate::Native> compressionNatives();
std::span<const isolate::Native> deriveNatives();
std::span<const isolate::Native> digestNatives();
std::span<const isolate::Native> effectNatives();
std::span<const isolate::Native> encodingNatives();
std::span<const isolate::Native> fetchNatives();
std::span<const isolate::Native> formDataNatives();
std::span<const isolate::Native> headerNatives();
std::span<const isolate::Native> htmlNatives();
std::span<const isolate::Native> keyNatives();
std::span<const isolate::Native> keyUseNatives();
std::span<const isolate::Native> kvNatives();
std::span<const isolate::Native> legacyTextNatives();
std::span<const isolate::Native> nodeBufferNatives();
std::span<const isolate::Native> nodeHashNatives();
std::span<const isolate::Native> nodeKeyNatives();
std::span<const isolate::Native> requestNatives();
std::span<const isolate::Native> rpcNatives();
std::span<const isolate::Native> serviceNatives();
std::span<const isolate::Native> urlNatives();
std::span<const isolate::Native> urlPatternNatives();
std::span<const isolate::Native> webSocketNatives();

}  // namespace atolld::webapi
