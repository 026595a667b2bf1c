// The server's side of RFC 4253 4.2: lines of text, then "SSH-protoversion-softwareversion
// comments". Sans-I/O: bytes in, a verdict out. Decides as OpenSSH's client does what is still an
// SSH server, and recognises the usual other protocols.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/probe_result.h"

namespace probe {

class IdentificationReader {
 public:
  enum class State : std::uint8_t { reading, identified, not_ssh, unsupported_version };

  // Lines, the identification among them, and their length: OpenSSH's client gives up at the same
  // numbers (SSH_MAX_PRE_BANNER_LINES, SSH_MAX_BANNER_LEN), so a user would be refused there too.
  static constexpr std::size_t kLineLimit = 1024;
  static constexpr std::size_t kLineLength = 8192;
  // What is kept of them for people.
  static constexpr std::size_t kKeptLines = 8;
  static constexpr std::size_t kKeptLineLength = 120;
  static constexpr std::size_t kKeptVersionLength = 64;

  // Returns how many of the bytes were consumed: all, unless a state other than reading was
  // reached.
  std::size_t feed(std::string_view bytes);
  // No more bytes will come: what stands in an unfinished line counts as a line.
  void finish();

  [[nodiscard]] State state() const { return state_; }
  // Valid once identified or unsupported_version.
  [[nodiscard]] const model::ServerInfo& server() const { return server_; }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }
  // The name of another protocol whose greeting was recognised; while reading, only a suspicion.
  [[nodiscard]] const std::string& other_protocol() const { return other_protocol_; }
  // With not_ssh: what was wrong.
  [[nodiscard]] const std::string& detail() const { return detail_; }
  // The line that has not ended yet, fit for people.
  [[nodiscard]] std::string unfinished() const;
  // The unfinished line is the beginning of an identification.
  [[nodiscard]] bool cut_short() const;
  // Nothing but readable text came so far.
  [[nodiscard]] bool text_only() const { return text_only_; }

 private:
  void end_line();
  void identify(std::string_view line);
  void reject(std::string detail);

  State state_ = State::reading;
  std::string line_;
  std::size_t line_count_ = 0;
  bool carriage_return_ = false;
  bool text_only_ = true;
  std::vector<std::string> lines_;
  model::ServerInfo server_;
  std::string other_protocol_;
  std::string detail_;
};

}  // namespace probe
