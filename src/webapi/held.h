#pragma once

#include <v8.h>

#include <memory>
#include <mutex>
#include <unordered_set>

namespace atolld::webapi {

/// C++ objects that JavaScript holds by a handle: an ArrayBuffer that no script ever sees. V8 frees
/// the object like a buffer, when the handle is collected or with its isolate, on whatever thread.
template <class T>
class Held {
 public:
  /// `bytes` is what V8 is to count the object as.
  static v8::Local<v8::Value> give(v8::Isolate* isolate, std::unique_ptr<T> object,
                                   std::size_t bytes) {
    T* const raw = object.release();
    {
      const std::scoped_lock lock(registry().mutex);
      registry().objects.insert(raw);
    }
    return v8::ArrayBuffer::New(
        isolate, v8::ArrayBuffer::NewBackingStore(raw, bytes, &onCollected, nullptr));
  }

  /// The object of a handle; null for every other value. Inside a slice only.
  static T* find(v8::Local<v8::Value> handle) {
    if (!handle->IsArrayBuffer()) return nullptr;
    auto* const object = static_cast<T*>(handle.As<v8::ArrayBuffer>()->Data());
    const std::scoped_lock lock(registry().mutex);
    return registry().objects.contains(object) ? object : nullptr;
  }

 private:
  struct Registry {
    std::mutex mutex;
    std::unordered_set<T*> objects;
  };
  /// Never destroyed: buffers may be freed until the process ends.
  static Registry& registry() {
    static auto* const instance = new Registry();
    return *instance;
  }

  static void onCollected(void* data, std::size_t, void*) noexcept {
    T* const object = static_cast<T*>(data);
    {
      const std::scoped_lock lock(registry().mutex);
      registry().objects.erase(object);
    }
    delete object;
  }
};

}  // namespace atolld::webapi
