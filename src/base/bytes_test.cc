#include "base/bytes.h"

#include <doctest/doctest.h>

using atolld::Bytes;

TEST_CASE("a slice keeps the memory of the whole alive") {
  Bytes tail;
  {
    const Bytes whole(std::string("a string that is too long for the small-string buffer"));
    tail = whole.slice(2, 6);
  }
  CHECK(tail.view() == "string");
}

TEST_CASE("removePrefix narrows only this copy") {
  const Bytes whole = Bytes::copyOf("hello");
  Bytes rest = whole;
  rest.removePrefix(4);
  CHECK(rest.view() == "o");
  CHECK(whole.view() == "hello");
}
