#include "probe/kexinit.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace probe {

namespace {

// RFC 4250 4.1.2 and 4.2.2
constexpr std::uint8_t kMessageDisconnect = 1;
constexpr std::uint8_t kMessageIgnore = 2;
constexpr std::uint8_t kMessageDebug = 4;
constexpr std::uint8_t kMessageKexinit = 20;
constexpr std::uint32_t kDisconnectByApplication = 11;

constexpr std::size_t kCookieLength = 16;
constexpr std::size_t kKeptListLength = 400;
constexpr std::size_t kKeptReasonLength = 160;

std::uint32_t read_uint32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = (value << 8) | static_cast<std::uint8_t>(bytes[i]);
  return value;
}

void append_uint32(std::string& bytes, std::size_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>((value >> shift) & 0xff);
}

// Takes a length-prefixed string off the front of `rest`; nullopt if it is cut short.
std::optional<std::string_view> take_string(std::string_view& rest) {
  if (rest.size() < 4) return std::nullopt;
  std::size_t length = read_uint32(rest);
  if (length > rest.size() - 4) return std::nullopt;
  auto value = rest.substr(4, length);
  rest.remove_prefix(4 + length);
  return value;
}

bool lists_name(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    auto comma = std::min(list.find(','), list.size());
    if (list.substr(0, comma) == name) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

const std::string* first_common(const std::vector<std::string>& client, std::string_view server) {
  auto found = std::find_if(client.begin(), client.end(),
                            [&](const std::string& name) { return lists_name(server, name); });
  return found == client.end() ? nullptr : &*found;
}

bool authenticated(const std::string& cipher) {
  return cipher == "chacha20-poly1305@openssh.com" || cipher.find("gcm") != std::string::npos;
}

const std::vector<std::string>& client_compressions() {
  static const std::vector<std::string> kNames{"none", "zlib@openssh.com"};
  return kNames;
}

}  // namespace

void KexinitReader::fail(std::string detail) {
  state_ = State::malformed;
  detail_ = std::move(detail);
}

void KexinitReader::feed(std::string_view bytes) {
  if (state_ != State::reading) return;
  buffer_.append(bytes);
  while (state_ == State::reading && take_packet()) {
  }
}

bool KexinitReader::take_packet() {
  if (buffer_.size() < 5) return false;
  const std::size_t length = read_uint32(buffer_);
  const std::size_t padding = static_cast<std::uint8_t>(buffer_[4]);
  // RFC 4253 6: at least four bytes of padding, a payload, and in all a multiple of eight.
  if (length > kPacketLimit) {
    fail("a packet of " + std::to_string(length) + " bytes");
    return false;
  }
  if (padding < 4 || length < padding + 2 || (4 + length) % 8 != 0) {
    fail("a packet with impossible padding");
    return false;
  }
  if (buffer_.size() < 4 + length) return false;
  handle(std::string_view(buffer_).substr(5, length - padding - 1));
  buffer_.erase(0, 4 + length);
  return true;
}

void KexinitReader::handle(std::string_view payload) {
  const auto message = static_cast<std::uint8_t>(payload[0]);
  if (message == kMessageIgnore || message == kMessageDebug) {
    if (++skipped_ > kSkippedPacketLimit) fail("too many packets before the key exchange");
    return;
  }
  if (message == kMessageDisconnect) {
    state_ = State::disconnected;
    auto rest = payload.substr(std::min<std::size_t>(5, payload.size()));
    detail_ = base::printable(take_string(rest).value_or(""), kKeptReasonLength);
    return;
  }
  if (message != kMessageKexinit) {
    fail("message " + std::to_string(message) + " instead of a key exchange");
    return;
  }
  auto lists = parse_kexinit(payload.substr(1));
  if (!lists) {
    fail(lists.error());
    return;
  }
  lists_ = std::move(lists).value();
  state_ = State::complete;
}

base::Result<KexinitLists> parse_kexinit(std::string_view payload) {
  if (payload.size() < kCookieLength) return base::Error{"a key exchange without its cookie"};
  payload.remove_prefix(kCookieLength);
  KexinitLists lists;
  const std::array<std::string*, 8> fields{&lists.kex_algorithms,
                                           &lists.host_key_algorithms,
                                           &lists.ciphers_client_to_server,
                                           &lists.ciphers_server_to_client,
                                           &lists.macs_client_to_server,
                                           &lists.macs_server_to_client,
                                           &lists.compression_client_to_server,
                                           &lists.compression_server_to_client};
  for (auto* field : fields) {
    auto list = take_string(payload);
    if (!list) return base::Error{"a key exchange cut short"};
    *field = *list;
  }
  constexpr std::size_t kLanguageLists = 2;
  for (std::size_t i = 0; i < kLanguageLists; ++i) {
    if (!take_string(payload)) return base::Error{"a key exchange cut short"};
  }
  constexpr std::size_t kTail = 1 + 4;  // first_kex_packet_follows, reserved
  if (payload.size() != kTail) return base::Error{"a key exchange of the wrong length"};
  return lists;
}

std::optional<model::AlgorithmMismatch> find_mismatch(const model::ClientProfile& client,
                                                      const KexinitLists& server) {
  struct Kind {
    const char* name;
    const std::vector<std::string>& client;
    const std::string& server;
  };
  auto mismatch = [](const Kind& kind) -> std::optional<model::AlgorithmMismatch> {
    if (first_common(kind.client, kind.server) != nullptr) return std::nullopt;
    return model::AlgorithmMismatch{kind.name, base::printable(kind.server, kKeptListLength)};
  };
  const std::array kinds{
      Kind{"key exchange", client.kex_algorithms, server.kex_algorithms},
      Kind{"host key", client.host_key_algorithms, server.host_key_algorithms},
      Kind{"cipher client to server", client.ciphers, server.ciphers_client_to_server},
      Kind{"cipher server to client", client.ciphers, server.ciphers_server_to_client},
  };
  for (const auto& kind : kinds) {
    if (auto found = mismatch(kind)) return found;
  }
  const std::array directions{
      std::pair{first_common(client.ciphers, server.ciphers_client_to_server),
                Kind{"MAC client to server", client.macs, server.macs_client_to_server}},
      std::pair{first_common(client.ciphers, server.ciphers_server_to_client),
                Kind{"MAC server to client", client.macs, server.macs_server_to_client}},
  };
  for (const auto& [cipher, kind] : directions) {
    if (authenticated(*cipher)) continue;
    if (auto found = mismatch(kind)) return found;
  }
  const std::array compressions{
      Kind{"compression client to server", client_compressions(),
           server.compression_client_to_server},
      Kind{"compression server to client", client_compressions(),
           server.compression_server_to_client},
  };
  for (const auto& kind : compressions) {
    if (auto found = mismatch(kind)) return found;
  }
  return std::nullopt;
}

std::string disconnect_packet(std::string_view description) {
  std::string payload;
  payload += static_cast<char>(kMessageDisconnect);
  append_uint32(payload, kDisconnectByApplication);
  append_uint32(payload, description.size());
  payload += description;
  append_uint32(payload, 0);  // language tag
  // RFC 4253 6: the packet without a MAC is a multiple of 8, padding at least 4.
  std::size_t padding = 8 - (5 + payload.size()) % 8;
  if (padding < 4) padding += 8;
  std::string packet;
  append_uint32(packet, 1 + payload.size() + padding);
  packet += static_cast<char>(padding);
  packet += payload;
  packet.append(padding, '\0');
  return packet;
}

}  // namespace probe
