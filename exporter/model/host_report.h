// This host's own SSH as published: the facts, and why a new connection would fail.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/cause.h"
#include "model/host_facts.h"

namespace model {

// Of whom a verdict about this host is asked.
struct HostQuestion {
  std::optional<base::IpAddress> source;   // absent: a stranger that no rule names
  std::optional<base::IpAddress> address;  // of this host; absent: any that sshd should serve
  std::optional<std::uint16_t> port;       // absent: any that sshd should serve
};

struct HostDiagnosis {
  Cause cause = Cause::unknown;
  Confidence confidence = Confidence::possible;
  std::vector<std::string> evidence;  // the facts, in words, in the order of reasoning; printable
  std::string fix;                    // what to do, specific to the evidence; empty for none
};

// A listening socket of SSH.
struct SshListener {
  Endpoint endpoint;
  bool dual_stack = false;
  std::string process;  // its owner: sshd, systemd, …; empty if that cannot be known
  std::uint32_t queue_length = 0;
  std::uint32_t queue_limit = 0;
};

struct PortConflict {
  Endpoint endpoint;    // as bound
  std::string process;  // empty if that cannot be known
};

// What is bound against what should be.
struct Bindings {
  bool up = false;  // something that speaks for sshd listens
  std::vector<SshListener> listeners;
  std::vector<Endpoint>
      wanted;  // by sshd's configuration, or by its socket unit if that is in force
  std::vector<Endpoint> missing;
  std::vector<PortConflict> conflicts;  // other programs on wanted endpoints
};

struct HostReport {
  base::WallTime completed;
  HostFacts facts;
  std::vector<CollectorStatus> collectors;  // in the table's order
  Bindings bindings;
  HostDiagnosis diagnosis;  // for HostQuestion{}
};

}  // namespace model
