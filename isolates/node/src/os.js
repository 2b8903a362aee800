// node:os: of a machine that scripts do not see.
const { constants } = require("unenv/node/os");

module.exports = {
  EOL: "\n", devNull: "/dev/null", constants,
  arch: () => "x64", availableParallelism: () => 1, cpus: () => [], endianness: () => "LE",
  freemem: () => 0, totalmem: () => 0, getPriority: () => 0, setPriority() {},
  homedir: () => "/tmp", tmpdir: () => "/tmp", hostname: () => "localhost", loadavg: () => [0, 0,
    0],
  machine: () => "x86_64", networkInterfaces: () => ({}), platform: () => "linux",
  release: () => "", type: () => "Linux", uptime: () => 0, version: () => "",
  userInfo: () => ({ uid: -1, gid: -1, username: "atoll", homedir: "/tmp", shell: null }),
};
