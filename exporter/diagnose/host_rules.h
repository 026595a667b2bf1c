// The table of rules for this host's own facts. Order matters: the first rule that is proved
// decides. The last rule is always proved, so exactly one does.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "diagnose/host_case.h"
#include "model/cause.h"

namespace diagnose {

struct HostRule {
  model::Cause cause;
  model::Confidence confidence;  // at most; see confidence_of()
  bool (*needs)(const HostCase&);
  // The line of the log that it rests on; where there is none, the rule is not proved. Null if it
  // needs none.
  const model::LogLine* (*line)(const HostCase&) = nullptr;
  std::string_view because;  // what this rests on, and why nothing finer is claimed
  // Adds the facts of this case that prove it, in words.
  void (*facts)(const HostCase&, std::vector<std::string>& lines) = nullptr;
  std::string (*fix)(const HostCase&) = nullptr;  // null: the cause's own
};

std::span<const HostRule> host_rules();

// Never null.
const HostRule* decide(const HostCase& c);
// One step lower than the rule's if its line of the log is from a file, which anybody's `logger`
// can write; one if it is about sockets whose owners could not be seen; and one if a failure is
// concluded without systemd, which would know of it.
model::Confidence confidence_of(const HostRule& rule, const HostCase& c);

}  // namespace diagnose
