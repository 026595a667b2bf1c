// What the web server needs from the rest of the program; implemented by app/. Every function is
// called from the server's worker threads, many at once.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "model/snapshot.h"

namespace web {

enum class ProbeRefusal { malformed_target, unknown_module, forbidden_address, busy, disabled };

struct ProbeReply {
  std::optional<ProbeRefusal> refusal;
  std::string message;                              // with a refusal: what to do about it
  std::shared_ptr<const model::TargetState> state;  // without: one completed probe
};

// What this host's own facts say to a question.
struct EvidenceReply {
  bool watched = true;                              // false: local.enabled is
  std::shared_ptr<const model::HostReport> report;  // null: not looked at yet
  model::HostDiagnosis diagnosis;                   // of the question
};

class Backend {
 public:
  virtual ~Backend() = default;
  // Never null, never blocks on anything that could wait.
  virtual std::shared_ptr<const model::Snapshot> snapshot() = 0;
  // One probe now; blocks until it has completed. `timeout` shortens the module's own.
  virtual ProbeReply probe(const std::string& target, const std::string& module,
                           std::optional<base::Duration> timeout) = 0;
  // Never blocks.
  virtual EvidenceReply evidence(const model::HostQuestion& question) = 0;
  // Reads the configuration again; the old one stays if the new one is bad.
  virtual base::Result<void> reload() = 0;
};

}  // namespace web
