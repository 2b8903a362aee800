#pragma once

#include <v8.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "isolate/guest.h"

namespace atolld::isolate {

/// A source text V8 reads in place. Static: V8's Dispose() leaves it alone, so one resource serves
/// the snapshot and every isolate of the process.
class StaticSource final : public v8::String::ExternalOneByteStringResource {
 public:
  explicit StaticSource(std::string_view text) : text_(text) {}
  const char* data() const override { return text_.data(); }
  std::size_t length() const override { return text_.size(); }

 protected:
  void Dispose() override {}

 private:
  std::string_view text_;
};

/// The addresses a snapshot names by position: native callbacks, then script sources. Whoever makes
/// a snapshot and whoever starts from it must build this from the same guest.
class ExternalReferences {
 public:
  /// `guest` and its scripts' texts live as long as the process. Every script must be ASCII:
  /// checked.
  explicit ExternalReferences(const Guest& guest);

  const std::intptr_t* data() const noexcept { return addresses_.data(); }
  StaticSource& source(std::size_t scriptIndex) const { return *sources_[scriptIndex]; }
  /// Over names, order and source texts: tells a snapshot of another guest.
  std::uint64_t fingerprint() const noexcept { return fingerprint_; }

 private:
  std::vector<std::unique_ptr<StaticSource>> sources_;
  std::vector<std::intptr_t> addresses_;  // Ends with 0.
  std::uint64_t fingerprint_ = 0;
};

}  // namespace atolld::isolate
