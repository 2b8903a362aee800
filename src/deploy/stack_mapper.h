#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "deploy/deployment.h"
#include "deploy/mapped_stack.h"
#include "deploy/registry.h"

namespace atolld::deploy {

/// Shows stacks of versions that were uploaded with source maps as their authors wrote the code.
/// The maps are read when something goes wrong, not before; a few stay decoded. Any thread.
class StackMapper {
 public:
  /// `registry` is borrowed for the mapper's life.
  explicit StackMapper(const Registry& registry) : registry_(registry) {}

  /// Blocks: storage threads only. A map that cannot be read leaves its module's places as they
  /// are.
  MappedStack map(const Version& version, std::string_view stack);

 private:
  static constexpr std::size_t kKeptBytesMax = 32 * 1024 * 1024;

  struct Kept {
    std::string hash;
    std::shared_ptr<const SourceMap> map;  ///< Null: it cannot be read.
    std::size_t sizeBytes = 0;
  };
  std::shared_ptr<const SourceMap> find(const Module& sourceMap);

  const Registry& registry_;
  std::mutex mutex_;      // Guards all below.
  std::list<Kept> kept_;  ///< The latest used first.
  std::size_t keptBytes_ = 0;
};

/// The same for an upload that has its maps with it.
std::string mapUploadStack(const std::vector<Module>& modules, std::string_view text);

}  // namespace atolld::deploy
