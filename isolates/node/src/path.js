// node:path
const posix = require("@jspm/core/nodelibs/path").default;
const { win32 } = require("path/path.js");
posix.posix = win32.posix = posix;
posix.win32 = win32.win32 = win32;
for (const each of [posix, win32]) {
  each.toNamespacedPath ??= (path) => path;
  each.matchesGlob ??= () => {
    throw new Error("node:path.matchesGlob() is not available on this node.");
  };
}
module.exports = posix;
