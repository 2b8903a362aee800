#include <doctest/doctest.h>

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
  isolate->storeCode();
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
  const Bytes code = CodeCache::shared().find(CodeCache::key("esm", one.hash)).value();
  CodeCache::shared().put(CodeCache::key("esm", other.hash), code.view());
  const Loaded loaded = loadAndStore(other);
  CHECK(loaded.compiled);
  CHECK(loaded.answer == "/other!");
}

TEST_CASE("damaged code is forgotten, not given to V8") {
  CodeCache cache(1 << 20);
  std::string code(1000, 'x');
  cache.put("k", code);
  const Bytes found = cache.find("k").value();
  CHECK(found.view() == code);
  // The bytes are immutable to everyone who means well.
  const_cast<char*>(found.view().data())[500] ^= 1;
  CHECK_FALSE(cache.find("k").has_value());
  CHECK(cache.bytes() == 0);
}

}  // namespace
}  // namespace atolld::isolate
