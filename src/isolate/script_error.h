#pragma once

#include <v8.h>

#include <string>

namespace atolld::isolate {

/// What a developer needs to find a thrown exception:
///
///     index.js:3:7: SyntaxError: Unexpected token '}'
///         const x = };
///                   ^
///
/// followed, for errors thrown by running code, by the stack. Runs no script.
std::string describeException(v8::Local<v8::Context> context, const v8::TryCatch& tryCatch);

/// The same for a value that was thrown or rejected with, when there is no TryCatch to ask.
std::string describeThrown(v8::Local<v8::Context> context, v8::Local<v8::Value> thrown);

/// "TypeError: x is not a function", without place. Runs no script.
std::string exceptionText(v8::Local<v8::Context> context, v8::Local<v8::Value> thrown);

}  // namespace atolld::isolate
