// SSH_MSG_KEXINIT on the wire (RFC 4253 6 and 7.1) and what two sides would agree on. Sans-I/O.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/probe_result.h"
#include "model/target.h"

namespace probe {

// The name-lists of a KEXINIT in wire order, as sent.
struct KexinitLists {
  std::string kex_algorithms;
  std::string host_key_algorithms;
  std::string ciphers_client_to_server;
  std::string ciphers_server_to_client;
  std::string macs_client_to_server;
  std::string macs_server_to_client;
  std::string compression_client_to_server;
  std::string compression_server_to_client;
};

// Reads unencrypted binary packets until the server's KEXINIT.
class KexinitReader {
 public:
  enum class State : std::uint8_t { reading, complete, disconnected, malformed };

  // RFC 4253 6.1: implementations need not take packets above 35000 bytes.
  static constexpr std::size_t kPacketLimit = 35000;
  // SSH_MSG_IGNORE and SSH_MSG_DEBUG may come first; a server that sends more is stalling.
  static constexpr int kSkippedPacketLimit = 16;

  void feed(std::string_view bytes);

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const KexinitLists& lists() const { return lists_; }
  // With malformed: what was wrong; with disconnected: the server's reason. Printable.
  [[nodiscard]] const std::string& detail() const { return detail_; }

 private:
  // Consumes one packet from buffer_; false if it is not complete.
  bool take_packet();
  void handle(std::string_view payload);
  void fail(std::string detail);

  State state_ = State::reading;
  std::string buffer_;
  int skipped_ = 0;
  KexinitLists lists_;
  std::string detail_;
};

// The payload after the message number: cookie, ten name-lists, a boolean and a reserved number.
base::Result<KexinitLists> parse_kexinit(std::string_view payload);

// The first kind without a common algorithm, in the order in which clients report it; nullopt if
// the two sides agree. Ciphers with their own integrity need no MAC.
std::optional<model::AlgorithmMismatch> find_mismatch(const model::ClientProfile& client,
                                                      const KexinitLists& server);

// A whole packet with SSH_MSG_DISCONNECT, reason 11 (by application), as sent before any
// encryption.
std::string disconnect_packet(std::string_view description);

}  // namespace probe
