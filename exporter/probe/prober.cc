#include "probe/prober.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/event_loop.h"
#include "base/log.h"
#include "base/text.h"
#include "probe/resolver.h"

namespace probe {

using base::EventLoop;
using model::Stage;

namespace {

// New targets need not wait for their place in the schedule: they start one after another at this
// pace.
constexpr base::Duration kFirstStep = std::chrono::milliseconds(10);
// Targets that share an address queue for it, first come, first served, so that each gets its turn.
// A target stands in the queue once, so this bounds nothing but nonsense.
constexpr base::Duration kPatience = std::chrono::hours(24);

std::shared_ptr<const model::TargetState> with_result(const model::TargetState& before,
                                                      std::shared_ptr<model::ProbeReport> report) {
  auto after = std::make_shared<model::TargetState>(before);
  ++after->probes;
  if (!report->diagnosis.success) {
    auto cause = report->diagnosis.cause;
    auto counter = std::find_if(after->failures.begin(), after->failures.end(),
                                [cause](const auto& row) { return row.first == cause; });
    if (counter == after->failures.end()) {
      after->failures.emplace_back(cause, 1);
    } else {
      ++counter->second;
    }
  }
  after->last = std::move(report);
  return after;
}

}  // namespace

class Prober::Core {
 public:
  Core(const base::Clock& clock, Diagnose diagnose, Publish publish, Consult consult)
      : loop_(clock),
        resolver_(loop_),
        diagnose_(std::move(diagnose)),
        publish_(std::move(publish)),
        consult_(std::move(consult)),
        thread_([this] { loop_.run(); }) {}

  ~Core() { stop(); }

  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  void stop();
  // Runs `task` on the prober's thread, unless the prober has stopped: then it is dropped.
  void post(EventLoop::Task task);
  void set_targets(const std::vector<std::shared_ptr<const model::Target>>& targets);
  void probe_once(const std::shared_ptr<const model::Target>& target,
                  const ProbeRun::Timing& timing, ProbeRun::Permit permit,
                  std::function<void(Once)> done);

 private:
  // A completed probe whose diagnosis may still be refined.
  struct Pending {
    std::shared_ptr<model::ProbeReport> report;
    std::function<void(std::shared_ptr<model::ProbeReport>)> done;
    std::optional<EventLoop::TimerId> timer;
  };

  struct Entry {
    std::shared_ptr<const model::TargetState> state;
    base::Duration phase{0};  // where in the interval its slots lie
    base::SteadyTime slot;    // the next start
    std::optional<EventLoop::TimerId> timer;
    std::unique_ptr<ProbeRun> run;
    std::shared_ptr<Pending> pending;
    std::optional<base::SteadyTime> overdue;  // a slot that came while a probe was under way
    bool crowded = false;                     // its address is: said so in the log

    [[nodiscard]] bool under_way() const { return run || pending; }
  };

  // Beside the schedule; whoever asks for the same meanwhile gets the same answer.
  struct OnceRun {
    std::shared_ptr<const model::Target> target;
    std::unique_ptr<ProbeRun> run;
    std::shared_ptr<Pending> pending;
    std::vector<std::function<void(Once)>> waiting;
  };

  [[nodiscard]] Shared shared() { return {loop_, pacer_, rejections_}; }
  void place(Entry& entry, base::SteadyTime first);
  void arm(Entry& entry);
  void on_slot(Entry& entry);
  void start(Entry& entry, base::SteadyTime slot);
  void finish(Entry& entry, const model::Target& target, ProbeRun::Completion completion);
  void settle(Entry& entry);
  void finish_once(const std::string& name, ProbeRun::Completion completion);
  void answer_once(const std::string& name, const Once& answer);
  void consult(const model::Target& target, const std::shared_ptr<Pending>& pending,
               base::Duration patience);
  void end(const std::shared_ptr<Pending>& pending);
  std::shared_ptr<model::ProbeReport> conclude(const model::Target& target,
                                               model::ProbeResult result);
  void count(const model::ProbeResult& result);
  void remove(std::unique_ptr<Entry> entry);
  static void tell_of_crowding(Entry& entry, const model::Target& target, base::Duration paced);
  void changed();
  void publish();

  EventLoop loop_;
  Resolver resolver_;
  Pacer pacer_;
  RejectionMemory rejections_;
  Diagnose diagnose_;
  Publish publish_;
  Consult consult_;
  std::unordered_map<std::string, std::unique_ptr<Entry>> entries_;  // by target name
  std::vector<Entry*> order_;                                        // as configured
  std::unordered_map<std::string, OnceRun> once_;                    // by target name
  model::FleetState fleet_;
  std::optional<EventLoop::TimerId> publish_timer_;
  base::SteadyTime published_;
  std::mutex stop_mutex_;
  bool stopped_ = false;  // guarded by stop_mutex_
  std::thread thread_;    // last: starts when everything else stands
};

void Prober::Core::stop() {
  {
    std::lock_guard lock(stop_mutex_);
    if (std::exchange(stopped_, true)) return;
  }
  loop_.stop();
  thread_.join();
  once_.clear();
}

void Prober::Core::post(EventLoop::Task task) {
  std::lock_guard lock(stop_mutex_);
  if (!stopped_) loop_.post(std::move(task));
}

void Prober::Core::set_targets(const std::vector<std::shared_ptr<const model::Target>>& targets) {
  auto before = std::exchange(entries_, {});
  order_.clear();
  auto first = loop_.clock().steady();
  for (const auto& target : targets) {
    auto known = before.find(target->name);
    auto& slot = entries_[target->name];
    if (known == before.end()) {
      slot = std::make_unique<Entry>();
      auto state = std::make_shared<model::TargetState>();
      state->target = target;
      slot->state = std::move(state);
      place(*slot, first);
      first += kFirstStep;
    } else {
      slot = std::move(known->second);
      before.erase(known);
      auto state = std::make_shared<model::TargetState>(*slot->state);
      const bool same = *state->target->settings == *target->settings;
      state->target = target;
      slot->state = std::move(state);
      if (!same) {
        place(*slot, first);
        first += kFirstStep;
      }
    }
    order_.push_back(slot.get());
  }
  for (auto& [name, entry] : before) remove(std::move(entry));
  changed();
}

void Prober::Core::remove(std::unique_ptr<Entry> entry) {
  if (entry->timer) loop_.cancel(*entry->timer);
  if (entry->under_way()) --fleet_.probes_in_flight;
}

// Slots lie at fixed places of the interval, spread by the name's hash; a first one may come
// earlier.
void Prober::Core::place(Entry& entry, base::SteadyTime first) {
  const auto& target = *entry.state->target;
  const auto interval = target.settings->interval;
  entry.phase = base::Duration(std::hash<std::string>{}(target.name) %
                               static_cast<std::uint64_t>(interval.count()));
  entry.slot = loop_.clock().steady() - interval;
  arm(entry);
  if (first < entry.slot) {
    loop_.cancel(*entry.timer);
    entry.slot = first;
    entry.timer = loop_.at(entry.slot, [this, &entry] { on_slot(entry); });
  }
}

// The next place that leaves at least half an interval after the last start, and time for the probe
// to end, and is not past.
void Prober::Core::arm(Entry& entry) {
  if (entry.timer) loop_.cancel(*entry.timer);
  const auto& settings = *entry.state->target->settings;
  const base::Duration interval = settings.interval;
  const auto gap = std::max(interval / 2, settings.timeout);
  const auto earliest = std::max(entry.slot + gap, loop_.clock().steady());
  const auto since = (earliest.time_since_epoch() - entry.phase) % interval;
  entry.slot = earliest - since + (since > base::Duration::zero() ? interval : base::Duration{0});
  entry.timer = loop_.at(entry.slot, [this, &entry] { on_slot(entry); });
}

void Prober::Core::on_slot(Entry& entry) {
  entry.timer.reset();
  const auto slot = entry.slot;
  arm(entry);
  if (entry.under_way()) {
    entry.overdue =
        slot;  // never two probes of one target: this one starts when that one has ended
  } else {
    start(entry, slot);
  }
}

void Prober::Core::start(Entry& entry, base::SteadyTime slot) {
  const auto lag = loop_.clock().steady() - slot;
  fleet_.scheduler_lag.observe(base::to_seconds(lag));
  const auto target = entry.state->target;
  // The deadline counts from the slot: where timeout and interval are equal, lags would add up.
  const base::Duration timeout = target->settings->timeout;
  ++fleet_.probes_in_flight;
  entry.run = std::make_unique<ProbeRun>(
      shared(), resolver_, target,
      ProbeRun::Timing{timeout - std::min(lag, timeout / 10), kPatience, true}, ProbeRun::Permit{},
      [this, &entry, target](ProbeRun::Completion completion) {
        finish(entry, *target, std::move(completion));
      });
  entry.run->start();
}

void Prober::Core::finish(Entry& entry, const model::Target& target,
                          ProbeRun::Completion completion) {
  const auto run = std::move(entry.run);  // ends with this function, which it has called
  tell_of_crowding(entry, target, completion.paced);
  if (completion.end != ProbeRun::End::completed) {
    settle(entry);
    return;
  }
  entry.pending = std::make_shared<Pending>();
  entry.pending->report = conclude(target, std::move(completion.result));
  entry.pending->done = [this, &entry](std::shared_ptr<model::ProbeReport> report) {
    entry.pending.reset();
    entry.state = with_result(*entry.state, std::move(report));
    changed();
    settle(entry);
  };
  consult(target, entry.pending, kConsultPatience);
}

// A target's probe is over.
void Prober::Core::settle(Entry& entry) {
  --fleet_.probes_in_flight;
  if (auto slot = std::exchange(entry.overdue, std::nullopt)) start(entry, *slot);
}

// Asks for more about a failed probe, and waits for it with a deadline.
void Prober::Core::consult(const model::Target& target, const std::shared_ptr<Pending>& pending,
                           base::Duration patience) {
  const auto& report = *pending->report;
  if (!consult_ || report.diagnosis.success) {
    end(pending);
    return;
  }
  const std::weak_ptr<Pending> waiting = pending;
  auto answer = [this, waiting](model::Diagnosis diagnosis) {
    post([this, waiting, diagnosis = std::move(diagnosis)]() mutable {
      if (const auto found = waiting.lock()) {
        found->report->diagnosis = std::move(diagnosis);
        end(found);
      }
    });
  };
  if (!consult_(target, report.result, report.diagnosis, std::move(answer))) {
    end(pending);
    return;
  }
  pending->timer = loop_.at(loop_.clock().steady() + patience, [this, waiting] {
    if (const auto found = waiting.lock()) {
      found->timer.reset();
      end(found);
    }
  });
}

void Prober::Core::end(const std::shared_ptr<Pending>& pending) {
  if (!pending->done) return;
  if (pending->timer) loop_.cancel(*pending->timer);
  // `done` gives `pending` up.
  const auto done = std::exchange(pending->done, {});
  const auto report = pending->report;
  done(report);
}

void Prober::Core::tell_of_crowding(Entry& entry, const model::Target& target,
                                    base::Duration paced) {
  const bool crowded = paced > target.settings->interval;
  if (crowded && !entry.crowded) {
    base::log::warn(
        "probed less often than configured: more targets share its address than one connection "
        "per second allows; lengthen their interval",
        {{"target", target.name}, {"waited", base::format_duration(paced)}});
  }
  entry.crowded = crowded;
}

std::shared_ptr<model::ProbeReport> Prober::Core::conclude(const model::Target& target,
                                                           model::ProbeResult result) {
  count(result);
  auto report = std::make_shared<model::ProbeReport>();
  report->diagnosis = diagnose_(target, result);
  report->result = std::move(result);
  return report;
}

void Prober::Core::count(const model::ProbeResult& result) {
  if (result.resolve_time) fleet_.resolve.observe(base::to_seconds(*result.resolve_time));
  for (const auto& address : result.addresses) {
    for (auto phase : {Stage::connect, Stage::banner, Stage::kexinit}) {
      if (auto time = address.seen.phases.get(phase)) {
        fleet_.phase(phase).observe(base::to_seconds(*time));
      }
    }
  }
}

void Prober::Core::probe_once(const std::shared_ptr<const model::Target>& target,
                              const ProbeRun::Timing& timing, ProbeRun::Permit permit,
                              std::function<void(Once)> done) {
  const auto& name = target->name;
  if (auto running = once_.find(name); running != once_.end()) {
    if (*running->second.target->settings == *target->settings) {
      running->second.waiting.push_back(std::move(done));
    } else {
      done({ProbeRun::End::postponed, std::nullopt, nullptr});
    }
    return;
  }
  if (auto entry = entries_.find(name); entry != entries_.end() && entry->second->under_way()) {
    done({ProbeRun::End::postponed, std::nullopt, nullptr});
    return;
  }
  ++fleet_.probes_in_flight;
  auto& once = once_[name];
  once.target = target;
  once.waiting.push_back(std::move(done));
  once.run = std::make_unique<ProbeRun>(
      shared(), resolver_, target, timing, std::move(permit),
      [this, name](ProbeRun::Completion completion) { finish_once(name, std::move(completion)); });
  once.run->start();
}

void Prober::Core::finish_once(const std::string& name, ProbeRun::Completion completion) {
  auto& once = once_.at(name);
  const auto run = std::move(once.run);  // ends with this function, which it has called
  if (completion.end != ProbeRun::End::completed) {
    answer_once(name, {completion.end, completion.culprit, nullptr});
    return;
  }
  const auto target = once.target;
  const auto pending = std::make_shared<Pending>();
  once.pending = pending;
  pending->report = conclude(*target, std::move(completion.result));
  pending->done = [this, name, target](std::shared_ptr<model::ProbeReport> report) {
    model::TargetState before;
    before.target = target;
    answer_once(name,
                {ProbeRun::End::completed, std::nullopt, with_result(before, std::move(report))});
  };
  consult(*target, pending, kOncePatience);
}

void Prober::Core::answer_once(const std::string& name, const Once& answer) {
  const auto node = once_.extract(name);
  --fleet_.probes_in_flight;
  changed();
  for (const auto& done : node.mapped().waiting) done(answer);
  if (auto entry = entries_.find(node.key()); entry != entries_.end()) {
    if (auto slot = std::exchange(entry->second->overdue, std::nullopt)) {
      start(*entry->second, *slot);
    }
  }
}

void Prober::Core::changed() {
  if (publish_timer_) return;
  const auto when = std::max(loop_.clock().steady(), published_ + kPublishGap);
  publish_timer_ = loop_.at(when, [this] { publish(); });
}

void Prober::Core::publish() {
  publish_timer_.reset();
  published_ = loop_.clock().steady();
  Targets targets;
  targets.reserve(order_.size());
  for (const auto* entry : order_) targets.push_back(entry->state);
  publish_(std::move(targets), fleet_);
}

Prober::Prober(const base::Clock& clock, Diagnose diagnose, Publish publish, Consult consult)
    : core_(std::make_unique<Core>(clock, std::move(diagnose), std::move(publish),
                                   std::move(consult))) {}

Prober::~Prober() = default;

void Prober::stop() { core_->stop(); }

void Prober::set_targets(std::vector<std::shared_ptr<const model::Target>> targets) {
  core_->post([core = core_.get(), targets = std::move(targets)] { core->set_targets(targets); });
}

void Prober::probe_once(std::shared_ptr<const model::Target> target, const ProbeRun::Timing& timing,
                        ProbeRun::Permit permit, std::function<void(Once)> done) {
  core_->post([core = core_.get(), target = std::move(target), timing, permit = std::move(permit),
               done = std::move(done)] { core->probe_once(target, timing, permit, done); });
}

}  // namespace probe
