#include "store/acknowledged.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "store/codec.h"
#include "store/log_entry.h"

namespace atolld::store {

Result<AcknowledgedFile> AcknowledgedFile::open(const std::string& directory) {
  const std::string path = directory + "/ACKNOWLEDGED";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return fail(ErrorCode::Io, path + ": " + std::generic_category().message(errno));
  return AcknowledgedFile(fd);
}

AcknowledgedFile::~AcknowledgedFile() {
  if (fd_ >= 0) ::close(fd_);
}

std::uint64_t AcknowledgedFile::read(std::string_view history) const {
  std::array<char, kHistoryBytes + 8> row{};
  if (::pread(fd_, row.data(), row.size(), 0) != static_cast<ssize_t>(row.size())) return 0;
  Decoder in(std::string_view(row.data(), row.size()));
  if (in.raw(kHistoryBytes) != history) return 0;
  return in.u64();
}

void AcknowledgedFile::write(std::string_view history, std::uint64_t index) const {
  const std::string row = Encoder().raw(history).u64(index).take();
  [[maybe_unused]] const ssize_t written = ::pwrite(fd_, row.data(), row.size(), 0);
}

}  // namespace atolld::store
