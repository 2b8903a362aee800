"""Who may include whom: the layer table of src/README.md, and one home per vendor header."""

import re
from dataclasses import dataclass, field

from tree import Finding

_ROW = re.compile(r"^\|\s*(\d+)\s*\|\s*([\w.]+)\s*\|([^|]*)\|([^|]*)\|")
_INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')

# Header patterns of each vendor that the table can name.
VENDORS = {
    "uv": r"uv\.h|uv/.*",
    "nghttp2": r"nghttp2/.*",
    "llhttp": r"llhttp\.h",
    "openssl": r"openssl/.*",
    "rocksdb": r"rocksdb/.*",
    "v8": r"v8.*\.h|libplatform/.*|cppgc/.*",
    "icu": r"unicode/.*",
    "ada": r"ada\.h|ada/.*",
    "simdutf": r"simdutf\.h|simdutf/.*",
    "nlohmann": r"nlohmann/.*",
    "toml": r"toml\+\+/.*|toml\.hpp",
    "spdlog": r"spdlog/.*|fmt/.*",
    "zlib": r"zlib\.h",
    "brotli": r"brotli/.*",
    "zstd": r"zstd\.h",
    "cli11": r"CLI/.*",
    "curl": r"curl/.*",
}
_TEST_ONLY = re.compile(r"doctest/.*")
_TEST_FILE = re.compile(r"_(test|fuzz)\.cc$|doctest_main\.cc$")
_POSIX = re.compile(
    r"(sys|arpa|net|netinet|linux)/[\w/]+\.h|(unistd|fcntl|errno|signal|poll|pthread|sched|dlfcn|"
    r"netdb|pwd|grp|termios|time|limits|stdlib|stdio|string|strings|stdint|ucontext|execinfo|"
    r"cxxabi|ifaddrs|getopt|spawn|glob|ftw|dirent|syslog|endian|byteswap|malloc)\.h")


@dataclass
class Module:
    row: int
    also: set = field(default_factory=set)
    vendors: set = field(default_factory=set)


def read_table(text):
    """The layer table as {module: Module}."""
    modules = {}
    for line in text.splitlines():
        if row := _ROW.match(line):
            modules[row[2]] = Module(int(row[1]), set(row[3].split()), set(row[4].split()))
    return modules


def _module_of(path):
    """src/http/message.h -> http; src/main.cc -> main.cc."""
    return path.split("/")[1]


def _check_own(modules, file, number, target):
    me, folder = modules[_module_of(file)], target.split("/")[0]
    if "/" not in target:
        yield Finding(file, number, "layer",
                      f'"{target}": includes are written from src/ ("module/{target}")')
    elif folder not in modules:
        yield Finding(file, number, "layer", f'"{target}": no module {folder} in src/README.md')
    elif folder != _module_of(file) and folder not in me.also and modules[folder].row >= me.row:
        yield Finding(file, number, "layer",
                      f"{_module_of(file)} (row {me.row}) may not include {folder} "
                      f"(row {modules[folder].row}): not a lower row, nor named under \"also\"")


def _test_files(tree):
    """The tests, and the headers that nothing but tests includes."""
    users = {}
    for file in tree.matching((".h", ".cc"), ("src/", "tests/")):
        for _, line in tree.lines(file):
            if (found := _INCLUDE.match(line)) and found[1] == '"':
                users.setdefault("src/" + found[2], []).append(file)

    def is_test(file):
        return bool(_TEST_FILE.search(file)) or file.startswith("tests/")
    return {f for f in tree.matching((".h", ".cc"), ("src/",))
            if is_test(f) or (f in users and all(map(is_test, users[f])))}


def _check_vendor(modules, tests, file, number, target):
    if re.fullmatch(r"[a-z0-9_]+", target) or _POSIX.fullmatch(target):
        return  # The standard library, or the system.
    if _TEST_ONLY.fullmatch(target):
        if file not in tests:
            yield Finding(file, number, "vendor", f"<{target}> belongs in tests only")
        return
    vendor = next((v for v, p in VENDORS.items() if re.fullmatch(p, target)), None)
    if vendor is None:
        yield Finding(file, number, "vendor", f"<{target}> is of no vendor that has a home")
    elif vendor not in modules[_module_of(file)].vendors and file not in tests:
        homes = " ".join(sorted(m for m, entry in modules.items() if vendor in entry.vendors))
        yield Finding(file, number, "vendor",
                      f"<{target}> is at home in: {homes or 'no module'} (src/README.md)")


def includes(tree):
    """Every #include in src/ against the table."""
    modules = read_table(tree.text("src/README.md") if "src/README.md" in tree.files else "")
    tests = _test_files(tree)
    for file in tree.matching((".h", ".cc"), ("src/",)):
        if _module_of(file) not in modules:
            yield Finding(file, 1, "layer", f"no row for {_module_of(file)} in src/README.md")
            continue
        for number, line in tree.lines(file):
            if found := _INCLUDE.match(line):
                if found[1] == '"':
                    yield from _check_own(modules, file, number, found[2])
                else:
                    yield from _check_vendor(modules, tests, file, number, found[2])


def charters(tree):
    """src/<module>/meson.build opens with what the module is and may use."""
    for file in tree.matching(("/meson.build",), ("src/",)):
        parts = file.split("/")
        if len(parts) != 3:
            continue
        first = tree.text(file).split("\n", 1)[0]
        if not re.match(rf"# {re.escape(parts[1])}: \S", first):
            yield Finding(file, 1, "charter",
                          f'the first line should say "# {parts[1]}: what it does. May use: …"')
