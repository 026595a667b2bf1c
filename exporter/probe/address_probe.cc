#include "probe/address_probe.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace probe {

using model::CheckOutcome;
using model::CheckRole;
using model::Outcome;
using model::PortCheck;
using model::Stage;

namespace {

// Silence so far: time for Linux' first SYN retransmission after one second and an answer to it.
constexpr base::Duration kSilence = std::chrono::seconds(2);
// Likewise for a look at another port.
constexpr base::Duration kCheckTimeout = std::chrono::seconds(2);
// A look that could not even wait for a slow answer is not worth a connection.
constexpr base::Duration kShortestCheck = std::chrono::milliseconds(200);

CheckOutcome check_outcome(const model::Observation& seen) {
  if (seen.stage != Stage::connect) return CheckOutcome::accepted;
  switch (seen.outcome) {
    case Outcome::refused_rst:
      return CheckOutcome::refused_rst;
    case Outcome::rejected_icmp:
      return CheckOutcome::rejected_icmp;
    case Outcome::timeout:
      return CheckOutcome::timeout;
    case Outcome::dns_not_found:
    case Outcome::dns_failed:
    case Outcome::local_error:
    case Outcome::closed:
    case Outcome::reset:
    case Outcome::turned_away:
    case Outcome::not_ssh:
    case Outcome::unsupported_version:
    case Outcome::malformed:
    case Outcome::no_common_algorithm:
    case Outcome::ok:
      return CheckOutcome::local_error;
  }
  return CheckOutcome::local_error;
}

}  // namespace

AddressProbe::AddressProbe(const Shared& shared, const model::Target& target,
                           const base::IpAddress& address, base::SteadyTime start,
                           base::SteadyTime deadline, bool follow_up, Done done,
                           std::function<void()> silent)
    : shared_(shared),
      target_(target),
      start_(start),
      deadline_(deadline),
      follow_up_(follow_up),
      done_(std::move(done)),
      silent_(std::move(silent)) {
  result_.address = address;
}

AddressProbe::~AddressProbe() {
  if (timer_) shared_.loop.cancel(*timer_);
  if (silence_timer_) shared_.loop.cancel(*silence_timer_);
}

void AddressProbe::start() {
  if (start_ <= shared_.loop.clock().steady()) {
    connect();
    return;
  }
  timer_ = shared_.loop.at(start_, [this] {
    timer_.reset();
    connect();
  });
}

void AddressProbe::connect() {
  const auto& settings = *target_.settings;
  connection_ = std::make_unique<Connection>(
      shared_.loop,
      Connection::Request{result_.address, target_.port, settings.source_address, settings.depth,
                          &settings.client, deadline_},
      [this](model::Observation seen) { on_observed(std::move(seen)); });
  if (follow_up_) {
    const auto now = shared_.loop.clock().steady();
    silence_timer_ =
        shared_.loop.at(now + std::min(kSilence, (deadline_ - now) / 2), [this] { on_silence(); });
  }
  connection_->start();
}

// Other ports are looked at while the connection may still be answered.
void AddressProbe::on_silence() {
  silence_timer_.reset();
  if (!connection_ || !connection_->connecting()) return;
  if (silent_) silent_();
  plan_checks(false);
  next_check();
}

void AddressProbe::on_observed(model::Observation seen) {
  connection_.reset();
  if (silence_timer_) shared_.loop.cancel(*silence_timer_);
  silence_timer_.reset();
  const auto now = shared_.loop.clock().steady();
  auto& memory = shared_.rejections;
  if (seen.stage != Stage::connect || seen.outcome == Outcome::refused_rst) {
    memory.forget(result_.address, target_.port);
  } else if (seen.outcome == Outcome::rejected_icmp && seen.icmp) {
    memory.remember(result_.address, target_.port, *seen.icmp, seen.waited, now);
  } else if (seen.outcome == Outcome::timeout) {
    result_.earlier_rejection = memory.explain_silence(result_.address, target_.port, now);
  }
  const bool refused = seen.stage == Stage::connect && (seen.outcome == Outcome::refused_rst ||
                                                        seen.outcome == Outcome::rejected_icmp);
  result_.seen = std::move(seen);
  const bool silent =
      result_.seen.stage == Stage::connect && result_.seen.outcome == Outcome::timeout;
  if (refused && follow_up_) {
    plan_checks(true);
    const bool idle = !timer_ && !check_connection_;
    if (idle) {
      next_check();
      return;
    }
  } else if (!silent) {
    drop_checks();
  }
  finish_if_complete();
}

// It was no silence after all: what was begun because of it is pointless.
void AddressProbe::drop_checks() {
  planned_.clear();
  check_.reset();
  check_connection_.reset();
  if (timer_) shared_.loop.cancel(*timer_);
  timer_.reset();
}

void AddressProbe::plan_checks(bool alternatives) {
  const auto& settings = *target_.settings;
  std::vector<PortCheck> checks;
  auto plan = [&](CheckRole role, const std::vector<std::uint16_t>& ports) {
    for (auto port : ports) {
      auto same = [&](const PortCheck& check) { return check.port == port && check.role == role; };
      bool done = (check_ && same(*check_)) ||
                  std::any_of(result_.checks.begin(), result_.checks.end(), same);
      if (port != target_.port && !done) {
        PortCheck check;
        check.role = role;
        check.port = port;
        checks.push_back(check);
      }
    }
  };
  if (alternatives) plan(CheckRole::alternative, settings.alternative_ports);
  plan(CheckRole::control, settings.control_ports);
  planned_.assign(checks.rbegin(), checks.rend());
}

bool AddressProbe::wanted(const PortCheck& check) const {
  return check.role == CheckRole::alternative ? !found_ssh_ : !host_answered_;
}

void AddressProbe::skip_planned_checks() {
  for (; !planned_.empty(); planned_.pop_back()) {
    if (wanted(planned_.back())) result_.checks.push_back(planned_.back());
  }
}

void AddressProbe::next_check() {
  while (!planned_.empty() && !wanted(planned_.back())) planned_.pop_back();
  if (planned_.empty()) {
    finish_if_complete();
    return;
  }
  const auto now = shared_.loop.clock().steady();
  auto slot = shared_.pacer.reserve(result_.address, now, deadline_ - kShortestCheck);
  if (!slot) {
    skip_planned_checks();
    finish_if_complete();
    return;
  }
  auto check = planned_.back();
  planned_.pop_back();
  check_ = check;
  timer_ = shared_.loop.at(*slot, [this, check] {
    timer_.reset();
    run_check(check);
  });
}

void AddressProbe::run_check(PortCheck check) {
  const auto& settings = *target_.settings;
  const auto now = shared_.loop.clock().steady();
  const bool alternative = check.role == CheckRole::alternative;
  check_connection_ = std::make_unique<Connection>(
      shared_.loop,
      Connection::Request{result_.address, check.port, settings.source_address,
                          alternative ? model::Depth::banner : model::Depth::connect,
                          &settings.client, std::min(deadline_, now + kCheckTimeout)},
      [this, check](const model::Observation& seen) { on_checked(check, seen); });
  check_connection_->start();
}

void AddressProbe::on_checked(PortCheck check, const model::Observation& seen) {
  check_connection_.reset();
  check_.reset();
  check.outcome = check_outcome(seen);
  check.icmp = check.outcome == CheckOutcome::rejected_icmp ? seen.icmp : std::nullopt;
  check.ssh = check.role == CheckRole::alternative && seen.outcome == Outcome::ok;
  found_ssh_ = found_ssh_ || check.ssh;
  host_answered_ = host_answered_ || check.outcome == CheckOutcome::accepted ||
                   check.outcome == CheckOutcome::refused_rst ||
                   (check.icmp && check.icmp->offender == result_.address);
  result_.checks.push_back(check);
  next_check();
}

void AddressProbe::finish_if_complete() {
  if (connection_ || check_connection_ || timer_ || !planned_.empty() || !done_) return;
  auto done = std::exchange(done_, nullptr);
  done();
}

}  // namespace probe
