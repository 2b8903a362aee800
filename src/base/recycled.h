#pragma once

#include <cstddef>
#include <new>

namespace atolld {

/// Gives T (`class T : Recycled<T>`) a `new` that takes the memory of a T that ended on the same
/// thread. For what comes and goes with each request: a round has dozens of one size at once, more
/// than malloc keeps at hand for a thread. Keeps kSparesMax at the most; under a sanitizer none, so
/// that it sees what is used after its end.
template <class T>
class Recycled {
 public:
  static constexpr std::size_t kSparesMax = 256;

  static void* operator new(std::size_t size) {
    Spares& spares = ofThread();
    if (spares.first == nullptr || size != sizeof(T)) return ::operator new(size);
    Spare* const spare = spares.first;
    spares.first = spare->next;
    --spares.count;
    return spare;
  }
  static void operator delete(void* memory, std::size_t size) noexcept {
    Spares& spares = ofThread();
    if (!kRecycles || size != sizeof(T) || spares.count >= kSparesMax) {
      return ::operator delete(memory, size);
    }
    spares.first = ::new (memory) Spare{spares.first};
    ++spares.count;
  }

 private:
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  static constexpr bool kRecycles = false;
#elif defined(__has_feature)
  static constexpr bool kRecycles =
      !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer);
#else
  static constexpr bool kRecycles = true;
#endif
  struct Spare {
    Spare* next;
  };
  struct Spares {
    Spare* first = nullptr;
    std::size_t count = 0;
    ~Spares() {
      while (first != nullptr) {
        Spare* const spare = first;
        first = spare->next;
        ::operator delete(spare, sizeof(T));
      }
    }
  };
  static Spares& ofThread() noexcept {
    thread_local Spares spares;
    return spares;
  }
};

}  // namespace atolld
