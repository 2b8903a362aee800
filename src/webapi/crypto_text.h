#pragma once

#include <openssl/evp.h>
#include <v8.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "webapi/openssl.h"

/// What the natives of the crypto_*.cc files share. Inside a slice only; JavaScript
/// (isolates/web/crypto*.js) has checked every argument, so a wrong one here is answered by a
/// TypeError and nothing finer.
namespace atolld::webapi {

/// "SHA-1", "SHA-256", "SHA-384", "SHA-512", "SHA3-256", "SHA3-384", "SHA3-512" or "MD5"; null for
/// any other name. Lives as long as the process.
const EVP_MD* digestNamed(std::string_view name);

/// A string argument, empty for anything else.
std::string textOf(v8::Isolate* isolate, v8::Local<v8::Value> value);

/// A number argument from 0 to 2^32-1; 0 for anything else.
std::uint32_t numberOf(v8::Local<v8::Value> value);

/// Returns `bytes` as a new ArrayBuffer.
void giveBuffer(const v8::FunctionCallbackInfo<v8::Value>& info, std::string_view bytes);
/// Returns `bytes` as a new Uint8Array.
void giveBytes(const v8::FunctionCallbackInfo<v8::Value>& info, std::string_view bytes);
/// Returns an array of Uint8Arrays.
void giveList(const v8::FunctionCallbackInfo<v8::Value>& info,
              const std::vector<std::string>& parts);

/// Work that takes long. With an op in argument `index` and the invocation's slot in the next, the
/// host does it off this thread and answers the op; else it is done here, and its bytes returned as
/// an ArrayBuffer (undefined if it fails). `work` owns all it uses and knows no V8.
void compute(const v8::FunctionCallbackInfo<v8::Value>& info, int index,
             std::move_only_function<Result<Bytes>()> work);

}  // namespace atolld::webapi
