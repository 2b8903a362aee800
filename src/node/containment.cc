#include "node/containment.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "loop/socket.h"
#include "telemetry/log.h"

namespace atolld::node {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // Leak detection traces its own process from a clone of it.
#else
constexpr bool kSanitized = false;
#endif

Measure outcome(std::string_view name, bool active) {
  return {name, active, active ? "" : std::strerror(errno)};
}

Measure noNewPrivileges() {
  return outcome("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
}

/// Sockets for ports below 1024 are made later.
Measure dropCapabilities() {
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if (capability != CAP_NET_BIND_SERVICE) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> sets{};
  if (syscall(SYS_capget, &header, sets.data()) != 0) return outcome("capabilities", false);
  const std::uint32_t kept = sets[0].permitted & (1U << CAP_NET_BIND_SERVICE);
  sets = {};
  sets[0].permitted = sets[0].effective = kept;
  return outcome("capabilities", syscall(SYS_capset, &header, sets.data()) == 0);
}

// ---- files --------------------------------------------------------------------------------------

constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kWrite = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
                                 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SYM |
                                 LANDLOCK_ACCESS_FS_REFER | LANDLOCK_ACCESS_FS_TRUNCATE;
/// Never allowed to anybody: programs, devices, sockets and pipes in the file system.
constexpr std::uint64_t kNever = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                                 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                                 LANDLOCK_ACCESS_FS_MAKE_BLOCK;
constexpr int kAbiWithTruncate = 3;

/// What the C library, OpenSSL, ICU and the measuring of the machine read.
constexpr std::string_view kSystemFiles[] = {
    "/etc",         "/usr",           "/lib",          "/lib64",      "/run/systemd/resolve",
    "/proc/self",   "/proc/meminfo",  "/proc/cpuinfo", "/proc/stat",  "/proc/sys",
    "/sys/devices", "/sys/fs/cgroup", "/dev/urandom",  "/dev/random", "/dev/null"};

/// False if there is such a file and it cannot be allowed.
bool allow(int ruleset, const std::string& path, std::uint64_t access) {
  const loop::Descriptor file(open(path.c_str(), O_PATH | O_CLOEXEC));
  if (file.get() < 0) return true;
  landlock_path_beneath_attr rule{.allowed_access = access, .parent_fd = file.get()};
  if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0) {
    return true;
  }
  // A file, not a directory: only what concerns files may be allowed.
  rule.allowed_access &=
      LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE;
  return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

Measure restrictFiles(const ContainmentOptions& options) {
  const long abi =
      syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < kAbiWithTruncate) return {"landlock", false, "this kernel has none, or an old one"};
  const landlock_ruleset_attr handled{.handled_access_fs = kRead | kWrite | kNever};
  const loop::Descriptor ruleset(static_cast<int>(syscall(
      SYS_landlock_create_ruleset, &handled,
      offsetof(landlock_ruleset_attr, handled_access_fs) + sizeof handled.handled_access_fs, 0)));
  bool made = ruleset.get() >= 0;
  for (const std::string_view path : kSystemFiles) {
    made = made && allow(ruleset.get(), std::string(path), kRead);
  }
  for (const std::string& path : options.readable) {
    made = made && allow(ruleset.get(), path, kRead);
  }
  for (const std::string& path : options.writable) {
    made = made && allow(ruleset.get(), path, kRead | kWrite);
  }
  return outcome("landlock", made && syscall(SYS_landlock_restrict_self, ruleset.get(), 0) == 0);
}

// ---- system calls -------------------------------------------------------------------------------

/// Refused with EPERM: new programs, other processes, the machine's set-up, and what kernel
/// exploits are made of.
constexpr int kRefusedCalls[] = {SYS_execve,
                                 SYS_execveat,
                                 SYS_fork,
                                 SYS_vfork,
                                 SYS_ptrace,
                                 SYS_process_vm_readv,
                                 SYS_process_vm_writev,
                                 SYS_pidfd_getfd,
                                 SYS_kcmp,
                                 SYS_mount,
                                 SYS_umount2,
                                 SYS_pivot_root,
                                 SYS_chroot,
                                 SYS_setns,
                                 SYS_unshare,
                                 SYS_move_mount,
                                 SYS_open_tree,
                                 SYS_fsopen,
                                 SYS_fsconfig,
                                 SYS_fsmount,
                                 SYS_fspick,
                                 SYS_mount_setattr,
                                 SYS_open_by_handle_at,
                                 SYS_name_to_handle_at,
                                 SYS_bpf,
                                 SYS_perf_event_open,
                                 SYS_userfaultfd,
                                 SYS_keyctl,
                                 SYS_add_key,
                                 SYS_request_key,
                                 SYS_init_module,
                                 SYS_finit_module,
                                 SYS_delete_module,
                                 SYS_kexec_load,
                                 SYS_kexec_file_load,
                                 SYS_reboot,
                                 SYS_swapon,
                                 SYS_swapoff,
                                 SYS_settimeofday,
                                 SYS_clock_settime,
                                 SYS_adjtimex,
                                 SYS_clock_adjtime,
                                 SYS_acct,
                                 SYS_quotactl,
                                 SYS_syslog,
                                 SYS_sethostname,
                                 SYS_setdomainname,
                                 SYS_iopl,
                                 SYS_ioperm,
                                 SYS_modify_ldt,
                                 SYS_personality,
                                 SYS_vhangup,
                                 SYS_setuid,
                                 SYS_setgid,
                                 SYS_setreuid,
                                 SYS_setregid,
                                 SYS_setresuid,
                                 SYS_setresgid,
                                 SYS_setgroups,
                                 SYS_setfsuid,
                                 SYS_setfsgid,
                                 SYS_capset,
                                 SYS_mknod,
                                 SYS_mknodat,
                                 SYS_io_uring_setup,
                                 SYS_io_uring_enter,
                                 SYS_io_uring_register,
                                 SYS_fanotify_init,
                                 SYS_lookup_dcookie,
                                 SYS_vmsplice,
                                 SYS_migrate_pages,
                                 SYS_move_pages};

sock_filter statement(std::uint16_t code, std::uint32_t value) {
  return {.code = code, .jt = 0, .jf = 0, .k = value};
}

/// `skip` statements if equal.
sock_filter unlessEqual(std::uint32_t value, std::uint8_t skipIfNot) {
  return {.code = BPF_JMP | BPF_JEQ | BPF_K, .jt = 0, .jf = skipIfNot, .k = value};
}

std::vector<sock_filter> systemCallFilter() {
  constexpr std::uint32_t kRefuse = SECCOMP_RET_ERRNO | EPERM;
  constexpr std::uint32_t kAbsent = SECCOMP_RET_ERRNO | ENOSYS;
  constexpr std::uint32_t kX32Bit = 0x40000000;
  constexpr std::uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
  constexpr std::uint16_t kReturn = BPF_RET | BPF_K;
#if defined(__x86_64__)
  constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
  constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#endif
  std::vector<sock_filter> filter{
      statement(kLoad, offsetof(seccomp_data, arch)),
      {.code = BPF_JMP | BPF_JEQ | BPF_K, .jt = 1, .jf = 0, .k = kArchitecture},
      statement(kReturn, SECCOMP_RET_KILL_PROCESS),
      statement(kLoad, offsetof(seccomp_data, nr)),
      {.code = BPF_JMP | BPF_JGE | BPF_K, .jt = 0, .jf = 1, .k = kX32Bit},
      statement(kReturn, kRefuse),
  };
  for (const int call : kRefusedCalls) {
    filter.push_back(unlessEqual(static_cast<std::uint32_t>(call), 1));
    filter.push_back(statement(kReturn, kRefuse));
  }
  // Its flags are out of a filter's sight: the C library takes clone() instead.
  filter.push_back(unlessEqual(SYS_clone3, 1));
  filter.push_back(statement(kReturn, kAbsent));
  // Threads, and no processes. (The low half of the flags, on a little-endian machine.)
  filter.push_back(unlessEqual(SYS_clone, 3));
  filter.push_back(statement(kLoad, offsetof(seccomp_data, args)));
  filter.push_back({.code = BPF_JMP | BPF_JSET | BPF_K, .jt = 1, .jf = 0, .k = CLONE_THREAD});
  filter.push_back(statement(kReturn, kRefuse));
  filter.push_back(statement(kReturn, SECCOMP_RET_ALLOW));
  return filter;
}

Measure filterSystemCalls() {
  if (kSanitized) return {"seccomp", false, "built with a sanitizer"};
  std::vector<sock_filter> filter = systemCallFilter();
  const sock_fprog program{.len = static_cast<unsigned short>(filter.size()),
                           .filter = filter.data()};
  return outcome("seccomp", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0);
}

}  // namespace

std::vector<Measure> contain(const ContainmentOptions& options) {
  std::vector<Measure> measures{noNewPrivileges(), dropCapabilities()};
  if (!measures.front().active) return measures;  // The rest needs it.
  measures.push_back(restrictFiles(options));
  measures.push_back(options.filterSystemCalls
                         ? filterSystemCalls()
                         : Measure{"seccomp", false, "process.contain is not \"full\""});
  return measures;
}

void containAndLog(const ContainmentOptions& options) {
  for (const Measure& each : contain(options)) {
    telemetry::log(
        each.active || (each.name == "seccomp" && !options.filterSystemCalls)
            ? telemetry::Level::Info
            : telemetry::Level::Warn,
        "containment",
        {{"measure", each.name}, {"active", each.active}, {"why", std::string_view(each.why)}});
  }
}

}  // namespace atolld::node
