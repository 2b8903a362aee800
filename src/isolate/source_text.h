#pragma once

#include <v8.h>

#include <string_view>

#include "base/bytes.h"

namespace atolld::isolate {

/// A JS string of UTF-8 source text that V8 reads in place wherever it can: ASCII straight from
/// `content`; anything else from a UTF-16 copy that every isolate of the process shares by `hash`
/// for as long as one uses it. Empty: too long for V8 (an exception is pending).
v8::MaybeLocal<v8::String> sourceString(v8::Isolate* isolate, const Bytes& content,
                                        std::string_view hash);

}  // namespace atolld::isolate
