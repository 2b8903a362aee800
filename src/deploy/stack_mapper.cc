#include "deploy/stack_mapper.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace atolld::deploy {
namespace {

constexpr std::size_t kEachBytes = 1024;  ///< For bookkeeping, also of one that cannot be read.

}  // namespace

std::shared_ptr<const SourceMap> StackMapper::find(const Module& sourceMap) {
  {
    const std::scoped_lock lock(mutex_);
    const auto found = std::ranges::find(kept_, sourceMap.hash, &Kept::hash);
    if (found != kept_.end()) {
      kept_.splice(kept_.begin(), kept_, found);
      return found->map;
    }
  }
  // Two threads may read the same one at once: that is work done twice, no more.
  Kept made{.hash = sourceMap.hash, .map = nullptr, .sizeBytes = kEachBytes};
  if (const Result<Bytes> json = registry_.moduleContent(sourceMap)) {
    if (Result<SourceMap> parsed = SourceMap::parse(json->view())) {
      made.sizeBytes += parsed->sizeBytes();
      made.map = std::make_shared<const SourceMap>(*std::move(parsed));
    }
  }
  const std::scoped_lock lock(mutex_);
  std::shared_ptr<const SourceMap> map = made.map;
  keptBytes_ += made.sizeBytes;
  kept_.push_front(std::move(made));
  while (keptBytes_ > kKeptBytesMax && kept_.size() > 1) {
    keptBytes_ -= kept_.back().sizeBytes;
    kept_.pop_back();
  }
  return map;
}

MappedStack StackMapper::map(const Version& version, std::string_view stack) {
  std::vector<std::shared_ptr<const SourceMap>> maps;
  std::vector<StackModule> modules;
  for (const Module& module : version.modules) {
    if (!stack.contains(module.name)) continue;
    const auto own =
        std::ranges::find(version.sourceMaps, sourceMapName(module.name), &Module::name);
    maps.push_back(own == version.sourceMaps.end() ? nullptr : find(*own));
    modules.push_back({module.name, module.content.view(), maps.back().get()});
  }
  return mapStack(stack, modules);
}

std::string mapUploadStack(const std::vector<Module>& uploaded, std::string_view text) {
  std::list<SourceMap> maps;
  std::vector<StackModule> modules;
  for (const Module& module : uploaded) {
    if (module.type == ModuleType::SourceMap || !text.contains(module.name)) continue;
    const SourceMap* map = nullptr;
    const auto own = std::ranges::find(uploaded, sourceMapName(module.name), &Module::name);
    if (own != uploaded.end() && own->type == ModuleType::SourceMap) {
      if (Result<SourceMap> parsed = SourceMap::parse(own->content.view())) {
        map = &maps.emplace_back(*std::move(parsed));
      }
    }
    modules.push_back({module.name, {}, map});
  }
  return mapStack(text, modules).text;
}

}  // namespace atolld::deploy
