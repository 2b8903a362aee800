#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>

#include "isolate/bounded_cache.h"
#include "isolate/code_cache.h"
#include "isolate/isolate.h"
#include "isolate/test_guest.h"

namespace atolld::isolate {
namespace {

TEST_CASE("BoundedCache keeps within its bytes and drops the least recently used") {
  BoundedCache<int> cache(10);
  cache.put("a", 1, 4);
  cache.put("b", 2, 4);
  CHECK(cache.find("a").value() == 1);
  cache.put("c", 3, 4);  // Over: b was used longest ago.
  CHECK_FALSE(cache.find("b").has_value());
  CHECK(cache.find("a").has_value());
  CHECK(cache.bytes() == 8);
  cache.put("a", 5, 2);
  CHECK(cache.find("a").value() == 5);
  CHECK(cache.bytes() == 6);
  cache.put("huge", 9, 11);
  CHECK_FALSE(cache.find("huge").has_value());
  CHECK(cache.bytes() == 6);
  cache.put("full", 7, 10);
  CHECK(cache.bytes() == 10);
  CHECK_FALSE(cache.find("a").has_value());
}

/// Long enough to be cached; `salt` makes a content of its own.
deploy::Module cacheableModule(const std::string& salt,
                               deploy::ModuleType type = deploy::ModuleType::EsModule) {
  const std::string body =
      "/*" + salt + std::string(600, '.') + "*/" + "function f(x) { return x + '" + salt + "' }";
  return testModule(
      "index.js",
      body + (type == deploy::ModuleType::EsModule ? "export default { fetch: (t) => f(t) }"
                                                   : "exports.fetch = (t) => f(t)"),
      type);
}

struct Loaded {
  std::string answer;
  bool compiled = false;  ///< Rather than taken from the cache.
};

Loaded loadAndStore(const deploy::Module& module) {
  startTestGuest();
  const auto isolate = Isolate::create({}).value();
  REQUIRE(isolate->load(testVersion(std::vector{module})).has_value());
  Loaded loaded{answerOf(*isolate), isolate->hasCodeToStore()};
  isolate->storeCode(Isolate::CodeState::Used);
  CHECK_FALSE(isolate->hasCodeToStore());
  return loaded;
}

TEST_CASE("compiled code is taken over by the next isolate, for both kinds of script") {
  for (const auto type : {deploy::ModuleType::EsModule, deploy::ModuleType::CommonJs}) {
    const deploy::Module module =
        cacheableModule(type == deploy::ModuleType::EsModule ? "e" : "c", type);
    const Loaded first = loadAndStore(module);
    const Loaded second = loadAndStore(module);
    CHECK(first.compiled);
    CHECK_FALSE(second.compiled);
    CHECK(second.answer == first.answer);
  }
}

TEST_CASE("code that V8 rejects is compiled anew and replaced") {
  for (const std::string& garbage :
       {std::string(), std::string("x"), std::string(64, '\0'), std::string(4096, '\xff')}) {
    const deploy::Module module = cacheableModule("garbage" + std::to_string(garbage.size()));
    const std::string key = CodeCache::key("esm", module.hash);
    CodeCache::shared().put(key, garbage);
    const Loaded loaded = loadAndStore(module);
    CHECK(loaded.compiled);
    CHECK(loaded.answer == "/garbage" + std::to_string(garbage.size()));
    CHECK_FALSE(loadAndStore(module).compiled);
  }
}

TEST_CASE("code of another source is not taken, whatever its key says") {
  const deploy::Module one = cacheableModule("one"), other = cacheableModule("other!");
  loadAndStore(one);
  const Bytes code = CodeCache::shared().find(CodeCache::key("esm", one.hash)).value().code;
  CodeCache::shared().put(CodeCache::key("esm", other.hash), code.view());
  const Loaded loaded = loadAndStore(other);
  CHECK(loaded.compiled);
  CHECK(loaded.answer == "/other!");
}

TEST_CASE("damaged code is forgotten, not given to V8") {
  CodeCache cache(1 << 20);
  std::string code(1000, 'x');
  cache.put("k", code);
  const Bytes found = cache.find("k").value().code;
  CHECK(found.view() == code);
  // The bytes are immutable to everyone who means well.
  const_cast<char*>(found.view().data())[500] ^= 1;
  CHECK_FALSE(cache.find("k").has_value());
  CHECK(cache.bytes() == 0);
}

TEST_CASE("code of the top level alone is taken over, and replaced after an event") {
  const deploy::Module module = cacheableModule("partial");
  {
    startTestGuest();
    const auto isolate = Isolate::create({}).value();
    REQUIRE(isolate->load(testVersion(std::vector{module})).has_value());
    CHECK_FALSE(isolate->loadTimes().cached);
    isolate->storeCode(Isolate::CodeState::Loaded);
  }
  CHECK_FALSE(CodeCache::shared().find(CodeCache::key(module)).value().complete);
  const auto isolate = Isolate::create({}).value();
  REQUIRE(isolate->load(testVersion(std::vector{module})).has_value());
  CHECK(isolate->loadTimes().cached);
  CHECK(answerOf(*isolate) == "/partial");
  REQUIRE(isolate->hasCodeToStore());
  isolate->storeCode(Isolate::CodeState::Used);
  CHECK(CodeCache::shared().find(CodeCache::key(module)).value().complete);
  CHECK_FALSE(loadAndStore(module).compiled);
}

/// What a disk would keep.
class MapBacking final : public CodeBacking {
 public:
  std::optional<CompiledCode> find(const std::string& key) override {
    ++reads;
    const auto it = codes.find(key);
    return it == codes.end() ? std::nullopt : std::optional(it->second);
  }
  void put(std::string key, CompiledCode code) override { codes[key] = std::move(code); }

  std::map<std::string, CompiledCode> codes;
  int reads = 0;
};

TEST_CASE("what was put is in the backing, and comes back from it into another process's memory") {
  deploy::Version version;
  version.modules = {cacheableModule("kept"), testModule("tiny.js", "1")};
  const std::string key = CodeCache::key(version.modules[0]);
  const auto backing = std::make_shared<MapBacking>();
  CodeCache first;
  first.setBacking(backing);
  CHECK_FALSE(first.holds(version));
  first.put(key, "code", false);
  CHECK(first.holds(version));
  CodeCache second;
  second.fetch(version);  // There is no backing.
  CHECK_FALSE(second.holds(version));
  second.setBacking(backing);
  second.fetch(version);
  REQUIRE(second.holds(version));
  CHECK(second.find(key)->code.view() == "code");
  CHECK_FALSE(second.find(key)->complete);
  second.fetch(version);
  CHECK(backing->reads == 1);  // The module that is too small has no code, the other is there.
}

}  // namespace
}  // namespace atolld::isolate
