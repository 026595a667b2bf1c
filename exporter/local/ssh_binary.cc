#include "local/ssh_binary.h"

#include <elf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace local {

namespace {

// OpenSSH's sshd has 1.4 MB, with debugging symbols 6 MB.
constexpr std::size_t kBinaryLimit = 16U << 20U;
// Of an ELF file and of what it names; sshd has 12 libraries and 13 segments.
constexpr std::size_t kSegmentsLimit = 256;
constexpr std::size_t kDynamicLimit = 1024;
constexpr std::size_t kNameLimit = 255;
// Listener, its file, two helpers, and the same again after an upgrade.
constexpr std::size_t kCacheLimit = 8;

// --with-privsep-path of Debian and Ubuntu, Fedora and Arch, RHEL 7, SUSE, OpenSSH itself and
// Alpine, Linux From Scratch, old Debian. Only one of them is ever in a program.
constexpr std::array<std::string_view, 7> kRuntimeDirectories{
    "/run/sshd",  "/usr/share/empty.sshd", "/var/empty/sshd", "/var/lib/empty",
    "/var/empty", "/var/lib/sshd",         "/var/run/sshd"};

template <typename T>
std::optional<T> value_at(std::string_view bytes, std::uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::string_view text_at(std::string_view bytes, std::uint64_t offset) {
  if (offset >= bytes.size()) return {};
  const auto text = bytes.substr(offset, kNameLimit + 1);
  const auto end = text.find('\0');
  return end == std::string_view::npos ? std::string_view() : text.substr(0, end);
}

// The libraries of an ELF file of this machine's own byte order; others would not run here.
template <typename Header, typename Segment, typename Dynamic>
std::vector<std::string> read_libraries(std::string_view bytes) {
  std::vector<std::string> libraries;
  const auto header = value_at<Header>(bytes, 0);
  if (!header) return libraries;
  std::vector<Segment> segments;
  for (std::size_t i = 0; i < std::min<std::size_t>(header->e_phnum, kSegmentsLimit); ++i) {
    const auto segment = value_at<Segment>(bytes, header->e_phoff + i * sizeof(Segment));
    if (!segment) return libraries;
    segments.push_back(*segment);
  }
  const auto dynamic = std::find_if(segments.begin(), segments.end(), [](const auto& segment) {
    return segment.p_type == PT_DYNAMIC;
  });
  if (dynamic == segments.end()) return libraries;

  std::optional<std::uint64_t> strings;  // an address
  std::vector<std::uint64_t> names;
  const auto count = std::min<std::size_t>(dynamic->p_filesz / sizeof(Dynamic), kDynamicLimit);
  for (std::size_t i = 0; i < count; ++i) {
    const auto entry = value_at<Dynamic>(bytes, dynamic->p_offset + i * sizeof(Dynamic));
    if (!entry || entry->d_tag == DT_NULL) break;
    if (entry->d_tag == DT_STRTAB) strings = entry->d_un.d_ptr;
    if (entry->d_tag == DT_NEEDED) names.push_back(entry->d_un.d_val);
  }
  for (const auto& segment : segments) {
    if (segment.p_type != PT_LOAD || !strings || *strings < segment.p_vaddr ||
        *strings - segment.p_vaddr >= segment.p_filesz) {
      continue;
    }
    const std::uint64_t table = segment.p_offset + (*strings - segment.p_vaddr);
    for (const auto name : names) {
      const auto text = text_at(bytes, table + name);
      if (!text.empty()) libraries.push_back(base::printable(text, kNameLimit));
    }
    break;
  }
  return libraries;
}

std::vector<std::string> libraries_of(std::string_view bytes) {
  constexpr char kOwnOrder = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
  if (bytes.size() < EI_NIDENT || bytes[EI_DATA] != kOwnOrder) return {};
  if (bytes[EI_CLASS] == ELFCLASS64)
    return read_libraries<Elf64_Ehdr, Elf64_Phdr, Elf64_Dyn>(bytes);
  if (bytes[EI_CLASS] == ELFCLASS32)
    return read_libraries<Elf32_Ehdr, Elf32_Phdr, Elf32_Dyn>(bytes);
  return {};
}

// Ten times as fast as std::string_view::find, which stops at each byte that is like the first.
std::size_t find(std::string_view bytes, std::string_view part, std::size_t from) {
  const auto* begin = bytes.data();
  const void* found = ::memmem(begin + from, bytes.size() - from, part.data(), part.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - begin);
}

// Calls `use` with each whole string (between two NUL bytes) that contains `part`.
template <typename Use>
void for_each_string(std::string_view bytes, std::string_view part, const Use& use) {
  std::size_t at = 0;
  while ((at = find(bytes, part, at)) != std::string_view::npos) {
    const auto before = bytes.rfind('\0', at);
    const auto begin = before == std::string_view::npos ? 0 : before + 1;
    const auto end = bytes.find('\0', at);
    if (end == std::string_view::npos) return;
    if (end - begin <= kNameLimit) use(bytes.substr(begin, end - begin));
    at = end;
  }
}

bool contains_string(std::string_view bytes, std::string_view text) {
  std::string whole(1, '\0');
  whole.append(text).push_back('\0');
  return find(bytes, whole, 0) != std::string_view::npos;
}

struct Release {
  int major = 0;
  int minor = 0;
  std::size_t length = 0;  // of "OpenSSH_9.2p1"
};

// Programs also hold patterns of other versions ("OpenSSH_7.0*"): those go on where a version ends.
std::optional<Release> parse_release(std::string_view text) {
  constexpr std::string_view kName = "OpenSSH_";
  constexpr std::string_view kDigits = "0123456789";
  if (!text.starts_with(kName)) return std::nullopt;
  const auto dot = std::min(text.find('.'), text.size());
  const auto minor_end = std::min(text.find_first_not_of(kDigits, dot + 1), text.size());
  if (dot == text.size()) return std::nullopt;
  const auto major = base::parse_integer<int>(text.substr(kName.size(), dot - kName.size()));
  const auto minor = base::parse_integer<int>(text.substr(dot + 1, minor_end - dot - 1));
  if (!major || !minor || *major < 0 || *minor < 0) return std::nullopt;
  auto end = minor_end;
  if (end < text.size() && text[end] == 'p') {
    end = std::min(text.find_first_not_of(kDigits, end + 1), text.size());
  }
  if (end < text.size() && text[end] != ' ') return std::nullopt;
  return Release{*major, *minor, end};
}

void find_version(std::string_view bytes, SshBinary& binary) {
  std::optional<Release> release;
  bool differ = false;
  std::string_view longest;
  for_each_string(bytes, "OpenSSH_", [&](std::string_view text) {
    const auto found = parse_release(text);
    if (!found) return;
    differ |= release && (release->major != found->major || release->minor != found->minor);
    release = found;
    if (text.size() > longest.size()) longest = text;
  });
  if (!release || differ) return;
  binary.version = base::printable(longest, kNameLimit);
  binary.release = std::to_string(release->major) + '.' + std::to_string(release->minor);
  const bool older = release->major < 9 || (release->major == 9 && release->minor < 8);
  // The version and the helper must agree; sshd-session itself names no sshd-session in 9.8.
  if (older == binary.session_helper.empty()) binary.one_binary = older;
}

std::string helper_path(std::string_view bytes, std::string_view name) {
  std::string path;
  for_each_string(bytes, name, [&](std::string_view text) {
    if (text.starts_with('/') && text.ends_with(name)) path = base::printable(text, kNameLimit);
  });
  return path;
}

}  // namespace

SshBinary read_ssh_binary(std::string_view bytes) {
  SshBinary binary;
  if (bytes.starts_with("#!")) binary.format = SshBinary::Format::script;
  if (!bytes.starts_with(ELFMAG)) return binary;
  binary.format = SshBinary::Format::elf;
  binary.session_helper = helper_path(bytes, "/sshd-session");
  binary.auth_helper = helper_path(bytes, "/sshd-auth");
  find_version(bytes, binary);
  for (const auto directory : kRuntimeDirectories) {
    if (!contains_string(bytes, directory)) continue;
    const bool first = binary.runtime_directory.empty();
    binary.runtime_directory = first ? directory : std::string_view();
    if (!first) break;
  }
  binary.libraries = libraries_of(bytes);
  binary.libwrap = contains_string(bytes, "/etc/hosts.deny") ||
                   std::any_of(binary.libraries.begin(), binary.libraries.end(),
                               [](const auto& name) { return name.starts_with("libwrap.so"); });
  return binary;
}

const SshBinary* BinaryCache::look(const base::Fd& file) {
  struct stat status {};
  if (!file.valid() || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
      static_cast<std::size_t>(status.st_size) > kBinaryLimit) {
    return nullptr;
  }
  const auto identity = identity_of(status);
  const auto known = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.identity == identity; });
  if (known != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, known);
    return &entries_.front().binary;
  }
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t size = 0;
  while (size < bytes.size()) {
    const auto count =
        ::pread(file.get(), bytes.data() + size, bytes.size() - size, static_cast<off_t>(size));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return nullptr;
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  entries_.push_front({identity, read_ssh_binary(std::string_view(bytes).substr(0, size))});
  if (entries_.size() > kCacheLimit) entries_.pop_back();
  return &entries_.front().binary;
}

}  // namespace local
