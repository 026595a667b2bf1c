// The prober: one thread and one epoll loop for all targets. Hides scheduling, pacing and the
// probes under way; gives out immutable states. All functions may be called from any thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/diagnosis.h"
#include "model/snapshot.h"
#include "model/target.h"
#include "probe/probe_run.h"

namespace probe {

class Prober {
 public:
  using Diagnose = std::function<model::Diagnosis(const model::Target&, const model::ProbeResult&)>;
  // May know more about a failed probe than the probe saw. False: it does not. Otherwise it calls
  // `answer` later, once, from any thread, but never after the prober's destruction.
  using Answer = std::function<void(model::Diagnosis)>;
  using Consult = std::function<bool(const model::Target&, const model::ProbeResult&,
                                     const model::Diagnosis&, Answer answer)>;
  using Targets = std::vector<std::shared_ptr<const model::TargetState>>;
  // Called on the prober's thread after something has changed, at most every kPublishGap.
  using Publish = std::function<void(Targets, const model::FleetState&)>;

  static constexpr base::Duration kPublishGap = std::chrono::milliseconds(250);

  // How long an answer of Consult is waited for before the probe's own diagnosis stands.
  static constexpr base::Duration kConsultPatience = std::chrono::seconds(5);
  // The same where somebody waits for the probe.
  static constexpr base::Duration kOncePatience = std::chrono::seconds(1);

  struct Once {
    ProbeRun::End end = ProbeRun::End::completed;
    // With forbidden and postponed; absent if the target itself is being probed in another way.
    std::optional<base::IpAddress> culprit;
    std::shared_ptr<const model::TargetState> state;  // with completed
  };

  // All three run on the prober's thread and must not block; `consult` may be empty. Throws if the
  // kernel gives no descriptors or the resolver cannot start.
  Prober(const base::Clock& clock, Diagnose diagnose, Publish publish, Consult consult = {});
  ~Prober();  // as stop()
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  // Ends the thread; probes under way are dropped, and so are their callbacks. Nothing is done
  // afterwards. Not to be called from the prober's own thread.
  void stop();

  // Names must be unique. A target that was there before keeps its counters, its last result and,
  // if its settings are the same, its place in the schedule.
  void set_targets(std::vector<std::shared_ptr<const model::Target>> targets);

  // Never two probes of one target at once: who asks for one that is under way gets its answer.
  // One probe now, beside the schedule but under the same pacing. `done` is called on the prober's
  // thread, once; if the prober stops before, it is destroyed uncalled.
  void probe_once(std::shared_ptr<const model::Target> target, const ProbeRun::Timing& timing,
                  ProbeRun::Permit permit, std::function<void(Once)> done);

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace probe
