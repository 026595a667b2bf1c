#include "local/host_keys.h"

#include <array>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/text.h"

namespace local {

namespace {

constexpr std::size_t kPathLimit = 4096;  // PATH_MAX
constexpr std::string_view kOpensshBegin = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
constexpr std::string_view kOpensshEnd = "-----END OPENSSH PRIVATE KEY-----";

KeyFormat bad(std::string type, std::string problem) {
  return {std::move(type), false, std::move(problem)};
}

// RFC 4648, over lines; nullopt for anything else.
std::optional<std::string> decode_base64(std::string_view text) {
  std::string bytes;
  std::uint32_t bits = 0;
  unsigned count = 0;
  std::size_t padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r') continue;
    std::uint32_t value = 0;
    if (c >= 'A' && c <= 'Z') {
      value = static_cast<std::uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      value = static_cast<std::uint32_t>(c - 'a' + 26);
    } else if (c >= '0' && c <= '9') {
      value = static_cast<std::uint32_t>(c - '0' + 52);
    } else if (c == '+' || c == '/') {
      value = c == '+' ? 62 : 63;
    } else if (c == '=') {
      ++padding;
      continue;
    } else {
      return std::nullopt;
    }
    if (padding != 0) return std::nullopt;
    bits = (bits << 6U) | value;
    if (++count % 4 != 1) {
      const unsigned left = 6 - 2 * ((count - 1) % 4);
      bytes += static_cast<char>((bits >> left) & 0xffU);
    }
  }
  if ((count + padding) % 4 != 0 || padding > 2) return std::nullopt;
  return bytes;
}

// RFC 4251 section 5: strings with a length of four bytes in front.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}
  std::optional<std::uint32_t> number() {
    if (rest_.size() < 4) return std::nullopt;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      value = (value << 8U) | static_cast<unsigned char>(rest_[i]);
    }
    rest_.remove_prefix(4);
    return value;
  }
  std::optional<std::string_view> string() {
    const auto length = number();
    if (!length || *length > rest_.size()) return std::nullopt;
    const auto text = rest_.substr(0, *length);
    rest_.remove_prefix(*length);
    return text;
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

std::string short_type(std::string_view name) {
  if (name == "ssh-rsa") return "rsa";
  if (name == "ssh-dss") return "dsa";
  if (name == "ssh-ed25519") return "ed25519";
  if (name.starts_with("ecdsa-sha2-nistp")) return "ecdsa";
  return {};
}

std::size_t bits_of(std::string_view number) {
  while (number.starts_with('\0')) number.remove_prefix(1);
  if (number.empty()) return 0;
  return number.size() * 8 -
         static_cast<std::size_t>(std::countl_zero(static_cast<unsigned char>(number.front())));
}

// PROTOCOL.key of OpenSSH.
KeyFormat inspect_openssh(std::string_view text) {
  const auto end = text.find(kOpensshEnd);
  if (end == std::string_view::npos) return bad({}, "it is cut off");
  const auto bytes = decode_base64(text.substr(0, end));
  constexpr std::string_view kMagic("openssh-key-v1\0", 15);
  if (!bytes || !bytes->starts_with(kMagic)) return bad({}, "it is not a valid key file");
  WireReader reader(std::string_view(*bytes).substr(kMagic.size()));
  const auto cipher = reader.string();
  const auto derivation = reader.string();
  const auto options = reader.string();
  const auto count = reader.number();
  const auto blob = reader.string();
  const auto secret = reader.string();
  if (!cipher || !derivation || !options || count != 1U || !blob || !secret) {
    return bad({}, "it is not a valid key file");
  }
  WireReader key(*blob);
  const auto name = key.string();
  if (!name) return bad({}, "it is not a valid key file");
  const auto type = short_type(*name);
  if (*cipher != "none" || *derivation != "none") return bad(type, "it needs a passphrase");
  WireReader inner(*secret);
  const auto check = inner.number();
  const auto again = inner.number();
  // The cipher "none" still has blocks of eight bytes.
  if (secret->size() % 8 != 0 || !check || check != again || inner.string() != name) {
    return bad(type, "it is damaged");
  }
  if (type == "rsa") {
    const auto exponent = key.string();
    const auto modulus = key.string();
    if (!exponent || !modulus) return bad(type, "it is damaged");
    if (bits_of(*modulus) < kSmallestRsaBits) return bad(type, "it is too short");
  }
  // Since OpenSSH 10.0 there is no DSA.
  if (type == "dsa" || type.empty()) return {type, std::nullopt, {}};
  return {type, true, {}};
}

// DER (X.690) as far as keys need it: the head of a value, with its whole content at hand.
std::optional<std::string_view> take_der(std::string_view& bytes, unsigned char tag) {
  if (bytes.size() < 2 || static_cast<unsigned char>(bytes[0]) != tag) return std::nullopt;
  std::size_t length = static_cast<unsigned char>(bytes[1]);
  std::size_t head = 2;
  if (length >= 0x80) {
    const std::size_t count = length - 0x80;
    if (count == 0 || count > 3 || bytes.size() < 2 + count) return std::nullopt;
    length = 0;
    for (; head < 2 + count; ++head) {
      length = (length << 8U) | static_cast<unsigned char>(bytes[head]);
    }
  }
  if (length > bytes.size() - head) return std::nullopt;
  const auto content = bytes.substr(head, length);
  bytes.remove_prefix(head + length);
  return content;
}

// PKCS #1 and #8 and SEC 1: a sequence that begins with a version.
KeyFormat inspect_der(std::string_view bytes, std::string type) {
  constexpr unsigned char kInteger = 0x02;
  constexpr unsigned char kSequence = 0x30;
  auto content = take_der(bytes, kSequence);
  if (!content || !bytes.empty() || !take_der(*content, kInteger))
    return bad(type, "it is damaged");
  if (type == "rsa") {
    const auto modulus = take_der(*content, kInteger);
    if (!modulus) return bad(type, "it is damaged");
    if (bits_of(*modulus) < kSmallestRsaBits) return bad(type, "it is too short");
  }
  // Whether sshd knows the algorithm of the others, only sshd can tell.
  if (type != "rsa" && type != "ecdsa") return {std::move(type), std::nullopt, {}};
  return {std::move(type), true, {}};
}

// `text` begins with the label.
KeyFormat inspect_pem(std::string_view text, std::string_view label) {
  std::string type;
  if (label == "RSA PRIVATE KEY") type = "rsa";
  if (label == "EC PRIVATE KEY") type = "ecdsa";
  if (label == "DSA PRIVATE KEY") type = "dsa";
  if (label == "ENCRYPTED PRIVATE KEY" ||
      text.find("\nProc-Type: 4,ENCRYPTED") != std::string_view::npos) {
    return bad(type, "it needs a passphrase");
  }
  const auto begin = text.find('\n');
  const auto end = text.find("-----END ");
  if (end == std::string_view::npos || begin > end) return bad(type, "it is cut off");
  const auto bytes = decode_base64(text.substr(begin, end - begin));
  if (!bytes) return bad(type, "it is damaged");
  return inspect_der(*bytes, type);
}

void set_unusable(model::HostKeyFacts& key, std::string problem) {
  key.usable = false;
  key.problem = std::move(problem);
}

// The part that sshd and dropbear share; the text if it is to be looked at.
std::optional<std::string> open_key(const Host& host, const std::string& path,
                                    model::HostKeyFacts& key) {
  key.path = base::printable(path, kPathLimit);
  const auto status = host.status(path);
  if (!status) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR) {
      set_unusable(key, "it does not exist");
    } else {
      key.problem = std::strerror(error);
    }
    return std::nullopt;
  }
  key.present = true;
  key.mode = status->st_mode & 07777U;
  key.owner = status->st_uid;
  if (!S_ISREG(status->st_mode)) {
    set_unusable(key, "it is not a file");
    return std::nullopt;
  }
  auto file = host.read(path, kKeyFileLimit);
  if (file.error != 0) {
    key.problem = std::strerror(file.error);
    return std::nullopt;
  }
  if (file.truncated) return std::nullopt;
  return std::move(file.text);
}

}  // namespace

KeyFormat inspect_key(std::string_view text) {
  if (text.empty()) return bad({}, "it is empty");
  if (text.starts_with(kOpensshBegin)) return inspect_openssh(text.substr(kOpensshBegin.size()));
  // libcrypto passes over lines and blocks before the key, such as EC PARAMETERS.
  constexpr std::string_view kBegin = "-----BEGIN ";
  auto begin = text.find(kBegin);
  std::string_view label;
  while (begin != std::string_view::npos && !label.ends_with("PRIVATE KEY")) {
    const auto at = begin + kBegin.size();
    const auto close = text.find("-----", at);
    if (close == std::string_view::npos) break;
    label = text.substr(at, close - at);
    if (!label.ends_with("PRIVATE KEY")) begin = text.find(kBegin, close);
  }
  if (!label.ends_with("PRIVATE KEY")) return bad({}, "it is not a private key");
  // OpenSSH itself reads its own format, from the first byte on.
  if (label == "OPENSSH PRIVATE KEY") return bad({}, "its first line is not as OpenSSH writes it");
  return inspect_pem(text.substr(begin), label);
}

model::HostKeyFacts look_at_host_key(const Host& host, const std::string& path) {
  model::HostKeyFacts key;
  const auto text = open_key(host, path, key);
  if (text) {
    auto format = inspect_key(*text);
    key.type = std::move(format.type);
    key.usable = format.usable;
    key.problem = std::move(format.problem);
  }
  // authfile.c: only a file of the user that sshd runs as must be closed to others.
  if (!key.present || key.owner != 0 || (key.mode & 077U) == 0) return key;
  constexpr mode_t kGroupMayRead = 040;
  const auto status = host.status(path);
  if (status && status->st_gid != 0 && (key.mode & 077U) == kGroupMayRead) {
    // Red Hat's sshd allows it for its group ssh_keys.
    key.usable.reset();
    key.problem = "its group may read it, which not every sshd allows";
  } else {
    set_unusable(key, "others may read or write it");
  }
  return key;
}

model::HostKeyFacts look_at_dropbear_key(const Host& host, const std::string& path) {
  model::HostKeyFacts key;
  const auto text = open_key(host, path, key);
  if (!text) return key;
  const auto name = WireReader(*text).string();
  if (name) key.type = short_type(*name);
  if (text->empty()) {
    set_unusable(key, "it is empty");
  } else if (key.type.empty()) {
    set_unusable(key, "it is not in dropbear's format");
  } else {
    WireReader parts(*text);
    while (!parts.rest().empty() && parts.string()) {
    }
    key.usable = parts.rest().empty();
    if (!*key.usable) key.problem = "it is damaged";
  }
  return key;
}

}  // namespace local
