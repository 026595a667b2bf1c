#include "local/host_watch.h"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/text.h"

namespace local {

namespace {

using model::CollectorStatus;
using model::HostFacts;
using model::HostReport;

bool has_any(const HostFacts& facts) {
  return facts.systemd || facts.listeners || facts.configuration || facts.processes || facts.log ||
         facts.kernel || facts.guards;
}

// One collector and what it last said; all but `row`, `collector` and `needs` is guarded by the
// core's mutex.
struct Worker {
  CollectorRow row;
  std::unique_ptr<Collector> collector;
  std::vector<std::size_t> needs;  // indices of other workers
  std::uint64_t taken = 0;         // the round that it works for
  std::uint64_t finished = 0;      // the last round that it has finished
  bool running = false;
  base::SteadyTime started;
  HostFacts part;  // kept when a later round gives none
  CollectorStatus status;
  std::string logged;  // the last reason that was told

  [[nodiscard]] bool overdue(base::SteadyTime now) const {
    return running && now - started >= row.deadline;
  }
};

}  // namespace

class HostWatch::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(WatchSettings settings, Conclude conclude, Publish publish,
       std::span<const CollectorRow> rows);

  void start();
  void stop();
  void ask(std::function<void(const Report&)> done);
  [[nodiscard]] const WatchSettings& settings() const { return settings_; }

 private:
  using Lock = std::unique_lock<std::mutex>;
  struct Question {
    std::uint64_t after;  // answered by a later round than this
    std::function<void(const Report&)> done;
  };

  void work(Worker& worker);
  void wait_for_needs(Worker& worker, Lock& lock);
  void finish(Worker& worker, const HostFacts& mine, std::string reason);
  void tell(Worker& worker, const std::string& reason);

  void run();
  std::shared_ptr<HostReport> round(Lock& lock);
  Report confirmed_round(Lock& lock);
  std::shared_ptr<HostReport> report(base::SteadyTime now);
  void answer(const Report& report, std::uint64_t round, Lock& lock);
  void wait_for_next(base::SteadyTime begun, Lock& lock);

  const base::SystemClock clock_;
  const WatchSettings settings_;
  const Conclude conclude_;
  const Publish publish_;
  const Host host_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::uint64_t round_ = 0;
  bool stopping_ = false;
  std::vector<Question> questions_;
  std::optional<model::Cause> last_cause_;  // the watch's thread's own
  std::thread thread_;
};

HostWatch::Core::Core(WatchSettings settings, Conclude conclude, Publish publish,
                      std::span<const CollectorRow> rows)
    : settings_(std::move(settings)),
      conclude_(std::move(conclude)),
      publish_(std::move(publish)),
      host_(settings_.root) {
  for (const auto& row : rows) {
    auto worker = std::make_unique<Worker>();
    worker->row = row;
    worker->collector = row.make({host_, clock_, settings_.state_directory});
    worker->status.name = row.name;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto& after = row.after;
      if (std::find(after.begin(), after.end(), rows[i].name) != after.end()) {
        worker->needs.push_back(i);
      }
    }
    workers_.push_back(std::move(worker));
  }
}

void HostWatch::Core::start() {
  for (auto& worker : workers_) {
    std::thread([self = shared_from_this(), &worker = *worker] { self->work(worker); }).detach();
  }
  thread_ = std::thread([this] { run(); });
}

void HostWatch::Core::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
  questions_.clear();
  // A collector that is at work may soon be done, and then its state is kept in order.
  Lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::seconds(1), [this] {
    return std::none_of(workers_.begin(), workers_.end(),
                        [](const auto& worker) { return worker->running; });
  });
}

// --- a collector's thread
// -------------------------------------------------------------------------

void HostWatch::Core::work(Worker& worker) {
  pthread_setname_np(pthread_self(), std::string(worker.row.name).substr(0, 15).c_str());
  Lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || round_ > worker.taken; });
    if (stopping_) return;
    worker.taken = round_;
    wait_for_needs(worker, lock);
    if (stopping_) return;
    worker.started = clock_.steady();
    worker.running = true;
    HostFacts known;
    for (const auto& other : workers_) merge(other->part, known);
    lock.unlock();
    HostFacts mine;
    auto reason = worker.collector->collect(known, mine);
    lock.lock();
    if (stopping_) {
      worker.running = false;
      changed_.notify_all();
      return;
    }
    finish(worker, mine, std::move(reason));
    changed_.notify_all();
  }
}

void HostWatch::Core::wait_for_needs(Worker& worker, Lock& lock) {
  const auto in_time = [&] {
    const auto now = clock_.steady();
    return stopping_ || std::all_of(worker.needs.begin(), worker.needs.end(), [&](std::size_t i) {
             return workers_[i]->finished >= worker.taken || workers_[i]->overdue(now);
           });
  };
  changed_.wait_for(lock, kNeedPatience, in_time);
}

void HostWatch::Core::finish(Worker& worker, const HostFacts& mine, std::string reason) {
  auto& status = worker.status;
  status.duration = clock_.steady() - worker.started;
  status.success = reason.empty();
  // Nothing and no reason: there is no such thing on this host, and what was kept is over.
  status.fresh = status.success || has_any(mine);
  if (status.success) worker.part = {};
  merge(mine, worker.part);
  if (status.fresh) status.completed = clock_.wall();
  worker.finished = worker.taken;
  worker.running = false;
  tell(worker, reason);
  status.error = std::move(reason);
}

// Each reason once, not at every interval.
void HostWatch::Core::tell(Worker& worker, const std::string& reason) {
  if (reason == worker.logged) return;
  const std::string name(worker.row.name);
  if (reason.empty()) {
    base::log::info("the collector works again", {{"collector", name}});
  } else {
    base::log::warn("not all of this host can be seen", {{"collector", name}, {"reason", reason}});
  }
  worker.logged = reason;
}

// --- the watch's thread
// ---------------------------------------------------------------------------

// Until every collector has come to its end or to its deadline, but no longer than an interval: who
// needs more has its last result in the report meanwhile.
std::shared_ptr<HostReport> HostWatch::Core::round(Lock& lock) {
  ++round_;
  changed_.notify_all();
  const auto end = clock_.steady() + settings_.interval;
  while (!stopping_) {
    const auto now = clock_.steady();
    auto next = end;
    bool complete = true;
    for (const auto& worker : workers_) {
      if (worker->finished >= round_ || worker->overdue(now)) continue;
      complete = false;
      if (worker->running) next = std::min(next, worker->started + worker->row.deadline);
    }
    if (complete || now >= end) break;
    changed_.wait_until(lock, next);
  }
  return report(clock_.steady());
}

std::shared_ptr<HostReport> HostWatch::Core::report(base::SteadyTime now) {
  auto made = std::make_shared<HostReport>();
  made->completed = clock_.wall();
  for (auto& worker : workers_) {
    merge(worker->part, made->facts);
    auto status = worker->status;
    // At work still: what there is, is of an earlier round.
    if (worker->finished < round_) status.fresh = false;
    if (worker->overdue(now)) {
      status.success = false;
      status.fresh = false;
      status.duration = now - worker->started;
      status.error =
          "no answer within " + base::format_duration(worker->row.deadline) + "; still waiting";
      tell(*worker, status.error);
    }
    made->collectors.push_back(std::move(status));
  }
  return made;
}

HostWatch::Report HostWatch::Core::confirmed_round(Lock& lock) {
  std::shared_ptr<HostReport> made;
  std::optional<model::Cause> before = last_cause_;
  for (int tries = 0; tries <= kConfirmations && !stopping_; ++tries) {
    if (tries > 0) changed_.wait_for(lock, kConfirmGap, [this] { return stopping_; });
    made = round(lock);
    lock.unlock();
    conclude_(*made);
    lock.lock();
    if (before == made->diagnosis.cause) break;
    before = made->diagnosis.cause;
    if (tries == kConfirmations) made->diagnosis.confidence = model::Confidence::possible;
  }
  if (made) last_cause_ = made->diagnosis.cause;
  return made;
}

void HostWatch::Core::run() {
  pthread_setname_np(pthread_self(), "host-watch");
  Lock lock(mutex_);
  while (!stopping_) {
    const auto begun = clock_.steady();
    const auto first_round = round_ + 1;
    const auto made = confirmed_round(lock);
    if (stopping_ || !made) return;
    lock.unlock();
    publish_(made);
    lock.lock();
    answer(made, first_round, lock);
    wait_for_next(begun, lock);
  }
}

void HostWatch::Core::answer(const Report& report, std::uint64_t round, Lock& lock) {
  std::vector<Question> waiting;
  for (auto& question : std::exchange(questions_, {})) {
    (question.after < round ? waiting : questions_).push_back(std::move(question));
  }
  lock.unlock();
  for (const auto& question : waiting) question.done(report);
  lock.lock();
}

void HostWatch::Core::wait_for_next(base::SteadyTime begun, Lock& lock) {
  const auto next = std::max(begun + settings_.interval, clock_.steady());
  changed_.wait_until(lock, next, [this] { return stopping_ || !questions_.empty(); });
  changed_.wait_until(lock, std::min(next, begun + kAskGap), [this] { return stopping_; });
}

void HostWatch::Core::ask(std::function<void(const Report&)> done) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    questions_.push_back({round_, std::move(done)});
  }
  changed_.notify_all();
}

HostWatch::HostWatch(WatchSettings settings, Conclude conclude, Publish publish,
                     std::span<const CollectorRow> rows)
    : core_(std::make_shared<Core>(std::move(settings), std::move(conclude), std::move(publish),
                                   rows)) {
  core_->start();
}

HostWatch::~HostWatch() { core_->stop(); }

void HostWatch::ask(std::function<void(const Report&)> done) { core_->ask(std::move(done)); }

const WatchSettings& HostWatch::settings() const { return core_->settings(); }

}  // namespace local
