// The lines of sshd, and of systemd about its units, that tell why connections fail: which event a
// message is, and what it names. Hides RE2 and the patterns, which follow OpenSSH 4.0 to 10.5.
// An object belongs to one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "model/host_facts.h"
#include "model/log_event.h"

namespace local {

enum class LogWriter : std::uint8_t { sshd, systemd };

// The writer that calls itself `ident`; nullopt for all whose lines say nothing here.
std::optional<LogWriter> log_writer(std::string_view ident);

// ssh.service, sshd.socket, sshd@0-192.0.2.1:22-….service and their like.
bool is_ssh_unit(std::string_view unit);

class LogEvents {
 public:
  // sshd formats a message into 1,024 bytes; syslog daemons write a control character as up to four
  // bytes. What is longer was not written by sshd, and its cut end must not be taken for an end.
  static constexpr std::size_t kMessageLimit = 4096;
  // What is kept of a message; an address; a path or reason.
  static constexpr std::size_t kKeptMessage = 300;
  static constexpr std::size_t kKeptAddress = 64;
  static constexpr std::size_t kKeptText = 200;

  // Bytes for the automaton that finds. RE2 cannot build it in 0.25 MB; of 2 MB it takes 1.3 MB
  // after all events and a million hostile lines. When it is full, RE2 starts it afresh.
  static constexpr std::size_t kFindMemory = 1U << 21U;

  explicit LogEvents(std::size_t memory = kFindMemory);
  ~LogEvents();
  LogEvents(const LogEvents&) = delete;
  LogEvents& operator=(const LogEvents&) = delete;

  // The first event of the enumeration whose pattern fits the whole message.
  [[nodiscard]] std::optional<model::LogEvent> find(LogWriter writer, std::string_view message);
  // Sets what a message of this event says: itself, and what it names, printable and bounded.
  // `port` is sshd's in listen_*, bind_* and *_drop, a client's in the others.
  void read(model::LogEvent event, std::string_view message, model::LogLine& line);

 private:
  struct Matcher;
  struct Captures;
  const Captures& captures(model::LogEvent event);

  std::unique_ptr<Matcher> matcher_;
  std::vector<std::unique_ptr<Captures>> captures_;  // by event, made when first needed
};

}  // namespace local
