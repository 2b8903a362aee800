#include "subprocess.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "cli.h"

extern char** environ;

namespace atolld::cli {

ProcessResult runProcess(const std::vector<std::string>& command, const std::string& directory,
                         bool captureErrors) {
  int pipeEnds[2] = {-1, -1};
  if (captureErrors && pipe2(pipeEnds, O_CLOEXEC) != 0) {
    throw CliError(std::string("pipe: ") + std::strerror(errno));
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
  if (captureErrors) posix_spawn_file_actions_adddup2(&actions, pipeEnds[1], STDERR_FILENO);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);

  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (captureErrors) close(pipeEnds[1]);
  if (error != 0) {
    if (captureErrors) close(pipeEnds[0]);
    throw CliError("cannot run " + command.front() + ": " + std::strerror(error));
  }

  ProcessResult result;
  if (captureErrors) {
    std::array<char, 4096> buffer;
    for (;;) {
      const ssize_t count = read(pipeEnds[0], buffer.data(), buffer.size());
      if (count > 0) {
        result.errorText.append(buffer.data(), static_cast<std::size_t>(count));
      } else if (count == 0 || errno != EINTR) {
        break;
      }
    }
    close(pipeEnds[0]);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  result.exitCode = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace atolld::cli
