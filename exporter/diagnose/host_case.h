// This host's facts with everything the rules ask about them. Refers to what it was made from.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "model/host_report.h"

namespace diagnose {

// A host that has come up just now may not have come to sshd yet.
inline constexpr base::Duration kBootTime = std::chrono::minutes(2);
// How long a line of the log speaks of the present: a full house or an exhausted limit comes in
// bursts, and collectors look every few seconds.
inline constexpr base::Duration kRecently = std::chrono::minutes(1);

// Active, or on its way there.
bool switched_on(const model::UnitFacts& unit);
bool is_called(const model::UnitFacts& unit, std::string_view name);
bool is_of(const model::UnitFacts& service, const model::ServerProcess& server);

struct HostCase {
  // Facts that are not of the last round are left out: they may contradict the others.
  HostCase(const model::HostReport& report, const model::HostQuestion& question);

  const model::HostQuestion& question;
  model::HostFacts facts;
  base::WallTime now;          // when the report was completed
  bool systemd_known = false;  // the host has no systemd, or it has answered
  // The service that serves, or should; and the socket unit that listens in its place, or should.
  // Null if there is none.
  const model::UnitFacts* service = nullptr;
  const model::UnitFacts* socket = nullptr;
  const model::ServerProcess* server = nullptr;  // the process that listens; null if none
  model::Bindings bindings;

  // systemd waits for connections and starts sshd for them.
  [[nodiscard]] bool socket_activated() const;
  // No sshd runs until a connection comes.
  [[nodiscard]] bool idle() const;
  // Not one of a container, nor one that a user without root's rights runs beside the host's unit.
  [[nodiscard]] bool is_the_hosts(const model::ServerProcess& candidate) const;
  // systemd has given up on the service, or is about to try again after a failure.
  [[nodiscard]] bool service_failed() const;
  [[nodiscard]] bool service_in(std::string_view active_state) const;
  // Nothing of sshd's runs or listens.
  [[nodiscard]] bool down() const;

  [[nodiscard]] bool check_fails(model::ConfigProblem problem) const;
  // Host keys are known, and none would be loaded.
  [[nodiscard]] bool without_usable_key() const;
  [[nodiscard]] bool without_key_file() const;
  // At least one of the host keys is a file.
  [[nodiscard]] bool with_key_file() const;

  // Not about another server of this host.
  [[nodiscard]] bool concerns(const model::LogLine& line) const;
  // The newest such line, if it is of the service's last start or later; null otherwise.
  [[nodiscard]] const model::LogLine* said_since_start(model::LogEvent event) const;
  // The newest such line, if it is of the last minute; null otherwise.
  [[nodiscard]] const model::LogLine* said_recently(model::LogEvent event) const;
  // The first of them that was said since the start; null if none.
  [[nodiscard]] const model::LogLine* said_since_start(
      std::initializer_list<model::LogEvent> events) const;

  // Connections before authentication, and the limit beyond which all are turned away.
  [[nodiscard]] std::optional<model::Startups> startups() const;
  [[nodiscard]] const model::SshListener* overflowing() const;  // null if none
  // The asked port, if one was asked for; else whatever is listened on.
  [[nodiscard]] bool asked(const model::SshListener& listener) const;
  [[nodiscard]] bool asked(const model::Endpoint& endpoint) const;
  // Some interface has it, or it is a loopback address.
  [[nodiscard]] bool owns(const base::IpAddress& address) const;
  // Whether the host has an address of this family that others could use.
  [[nodiscard]] bool has_global(base::IpFamily family) const;
};

}  // namespace diagnose
