#include "isolate/validator.h"

#include <memory>

#include "isolate/isolate.h"

namespace atolld::isolate {

Result<> validate(const deploy::Version& version) {
  ATOLL_TRY(const std::unique_ptr<Isolate> isolate, Isolate::create({}));
  // Borrowed: the isolate is gone before the version is.
  return isolate->link(std::shared_ptr<const deploy::Version>(std::shared_ptr<void>(), &version));
}

}  // namespace atolld::isolate
