#include "base/result.h"

#include <doctest/doctest.h>

#include <memory>

namespace {

using atolld::Error;
using atolld::ErrorCode;
using atolld::fail;
using atolld::Result;

Result<std::unique_ptr<int>> boxed(int value) {
  if (value < 0) return fail(ErrorCode::InvalidArgument, "negative");
  return std::make_unique<int>(value);
}

Result<> checkEven(int value) {
  if (value % 2 != 0) return fail(ErrorCode::NotFound, "odd");
  return {};
}

Result<int> doubled(int value) {
  ATOLL_TRY(const std::unique_ptr<int> box, boxed(value));
  ATOLL_TRY_VOID(checkEven(value));
  return *box * 2;
}

}  // namespace

TEST_CASE("ATOLL_TRY moves the value out or passes the error up") {
  CHECK(doubled(4).value() == 8);
  CHECK(doubled(-2).error().detail == "negative");
  CHECK(doubled(3).error().code == ErrorCode::NotFound);
}

TEST_CASE("fail with a context puts the place in front of the text") {
  const Result<> failed = fail(Error{ErrorCode::Io, "disk full"}, "log");
  CHECK(failed.error().detail == "log: disk full");
  CHECK(failed.error().code == ErrorCode::Io);
}
