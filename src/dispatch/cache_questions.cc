// The effects that ask the node's cache, carried out.

#include <utility>

#include "dispatch/cache_exchange.h"
#include "dispatch/dispatcher.h"
#include "dispatch/worker_state.h"
#include "isolate/cache_question.h"

namespace atolld::dispatch {

namespace host = isolate::host;

void WorkerState::askCache(host::FetchStart& effect) {
  const std::string& tenant = worker_.version()->tenant;
  if (effect.head->method == host::kCacheMatch) return matchInCache(effect, tenant);
  if (effect.head->method == host::kCachePut) return putInCache(effect, tenant);
  store::CacheStore& cache = dispatcher_.node_.cache;
  dispatcher_.runOn(
      dispatcher_.node_.storage,
      [&cache, question = takeCacheQuestion(*effect.head, tenant)]() -> host::OpValue {
        const Result<bool> removed = cache.remove(question.tenant, question.key);
        if (!removed) return removed.error();
        if (!*removed) return std::monostate{};
        return host::FetchedResponse{.head = {.status = 200}};
      },
      [&dispatcher = dispatcher_, serial = serial_, op = effect.op](host::OpValue value) {
        if (WorkerState* const state = dispatcher.findWorker(serial)) {
          state->finishOp(op, std::move(value));
        }
      });
}

void WorkerState::matchInCache(host::FetchStart& effect, std::string_view tenant) {
  store::CacheStore& cache = dispatcher_.node_.cache;
  using Found = Result<std::optional<CacheHit>>;
  dispatcher_.runOn(
      dispatcher_.node_.storage,
      [&cache, question = takeCacheQuestion(*effect.head, tenant)] {
        return findInCache(cache, question, cache.now());
      },
      [&dispatcher = dispatcher_, &cache, serial = serial_, op = effect.op,
       invocation = effect.invocation](Found found) {
        WorkerState* const state = dispatcher.findWorker(serial);
        if (state == nullptr || !state->ops_.contains(op)) return;
        // A cache that cannot be read has nothing.
        if (!found || !*found) return state->finishOp(op, std::monostate{});
        CacheHit& hit = **found;
        host::FetchedResponse response{.head = std::move(hit.head)};
        if (hit.bytes) {
          response.body = *std::move(hit.bytes);
        } else if (hit.pin) {
          const auto read =
              std::make_shared<CacheRead>(dispatcher, cache, std::move(hit.pin), hit.range);
          InboundBody& body = state->addInbound(*read, invocation);
          read->attach(body);
          response.body = host::BodyRef{body.id(), hit.range.last - hit.range.first + 1};
        }
        state->finishOp(op, std::move(response));
      });
}

void WorkerState::putInCache(host::FetchStart& effect, std::string_view tenant) {
  store::CacheStore& cache = dispatcher_.node_.cache;
  CacheQuestion question = takeCacheQuestion(*effect.head, tenant);
  const auto lifetime = cacheLifetime(question.status, question.response, cache.now());
  const auto* const ref = std::get_if<host::BodyRef>(&effect.body);
  if (!lifetime) {
    if (ref != nullptr) discard(*ref);
    return finishOp(effect.op, std::monostate{});
  }
  if (ref != nullptr) {
    const auto write = std::make_shared<CacheWrite>(dispatcher_, cache, std::move(question),
                                                    *lifetime, serial_, effect.op);
    write->begin();
    return connect(*ref, *write, effect.invocation);
  }
  const auto* const bytes = std::get_if<Bytes>(&effect.body);
  dispatcher_.runOn(
      dispatcher_.node_.storage,
      [&cache, question = std::move(question), lifetime = *lifetime,
       body = bytes == nullptr ? Bytes() : *bytes]() -> host::OpValue {
        const Result<> put = putIntoCache(cache, question, lifetime, body.view(), cache.now());
        // What is too large is not stored, and that is all.
        if (put || put.error().code == ErrorCode::TooLarge) return std::monostate{};
        return put.error();
      },
      [&dispatcher = dispatcher_, serial = serial_, op = effect.op](host::OpValue value) {
        if (WorkerState* const state = dispatcher.findWorker(serial)) {
          state->finishOp(op, std::move(value));
        }
      });
}

}  // namespace atolld::dispatch
