#include "probe/probe_run.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/fd.h"

namespace probe {

using model::AddressSelection;
using model::Outcome;
using model::Stage;

namespace {

// Asks the kernel's routing table; a datagram socket's connect() sends nothing.
bool has_route(const base::IpAddress& address) {
  constexpr std::uint16_t kAnyPort = 9;
  base::Fd socket(::socket(address.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return errno != EAFNOSUPPORT;
  sockaddr_storage storage;
  auto length = address.to_sockaddr(kAnyPort, storage);
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&storage), length) == 0) return true;
  return errno != ENETUNREACH && errno != EADDRNOTAVAIL;
}

// A look at a further address that could not even wait for a slow answer is not worth a connection.
constexpr base::Duration kShortestLook = std::chrono::milliseconds(200);

bool failed_to_connect(const model::AddressResult& address) {
  return address.seen.stage == Stage::connect;
}

}  // namespace

ProbeRun::ProbeRun(const Shared& shared, Resolver& resolver,
                   std::shared_ptr<const model::Target> target, const Timing& timing, Permit permit,
                   Done done)
    : shared_(shared),
      resolver_(resolver),
      target_(std::move(target)),
      timing_(timing),
      permit_(std::move(permit)),
      done_(std::move(done)) {}

ProbeRun::~ProbeRun() {
  if (timer_) shared_.loop.cancel(*timer_);
}

void ProbeRun::start() {
  const auto& clock = shared_.loop.clock();
  started_ = clock.steady();
  deadline_ = started_ + timing_.timeout;
  result_.started = clock.wall();
  if (auto literal = base::IpAddress::parse(target_->host)) {
    result_.name_is_address = true;
    // From the loop, so that Done is never called from within start().
    timer_ = shared_.loop.at(started_, [this, address = *literal] {
      timer_.reset();
      choose({address});
    });
    return;
  }
  result_.name_is_local = is_local_name(target_->host);
  alive_ = std::make_shared<bool>(true);
  timer_ = shared_.loop.at(deadline_, [this] { on_resolve_deadline(); });
  auto answer = [this, alive = std::weak_ptr<bool>(alive_),
                 &loop = shared_.loop](Resolution resolution) {
    loop.post([this, alive, resolution = std::move(resolution)]() mutable {
      if (!alive.expired()) on_resolved(std::move(resolution));
    });
  };
  resolver_.resolve(target_->host, target_->settings->ip_protocol, std::move(answer));
}

void ProbeRun::on_resolve_deadline() {
  timer_.reset();
  alive_.reset();
  result_.resolve_failure = Outcome::dns_failed;
  result_.resolve_detail = "no answer from the name servers before the probe's deadline";
  end(End::completed, std::nullopt);
}

void ProbeRun::on_resolved(Resolution resolution) {
  alive_.reset();
  shared_.loop.cancel(*timer_);
  timer_.reset();
  if (resolution.failure) {
    result_.resolve_failure = resolution.failure;
    result_.resolve_detail = resolution.detail;
    end(End::completed, std::nullopt);
    return;
  }
  result_.resolve_time = shared_.loop.clock().steady() - started_;
  choose(std::move(resolution.addresses));
}

// Unless none of them can be routed: then their errors are the answer.
void ProbeRun::skip_unroutable(std::vector<base::IpAddress>& addresses) {
  std::vector<base::IpAddress> usable;
  std::vector<model::SkippedAddress> skipped;
  for (const auto& address : addresses) {
    if (has_route(address)) {
      usable.push_back(address);
    } else {
      skipped.push_back({address, model::SkipReason::no_route});
    }
  }
  if (usable.empty()) return;
  addresses = std::move(usable);
  result_.skipped = std::move(skipped);
}

void ProbeRun::choose(std::vector<base::IpAddress> addresses) {
  if (addresses.size() > kConsideredLimit) addresses.resize(kConsideredLimit);
  if (permit_) {
    auto forbidden = std::find_if_not(addresses.begin(), addresses.end(), permit_);
    if (forbidden != addresses.end()) {
      end(End::forbidden, *forbidden);
      return;
    }
  }
  if (addresses.size() > 1) skip_unroutable(addresses);
  for (; addresses.size() > kAddressLimit; addresses.pop_back()) {
    result_.skipped.push_back({addresses.back(), model::SkipReason::over_limit});
  }
  if (target_->settings->addresses == AddressSelection::first) {
    spare_.assign(addresses.begin() + 1, addresses.end());
    addresses.resize(1);
  }
  const auto now = shared_.loop.clock().steady();
  std::vector<Start> starts;
  for (const auto& address : addresses) {
    auto slot = shared_.pacer.reserve(address, now, now + timing_.patience);
    if (!slot) {
      end(End::postponed, address);
      return;
    }
    starts.push_back({address, *slot});
    paced_ = std::max(paced_, *slot - now);
  }
  if (timing_.extend) deadline_ += paced_;
  launch(starts, true);
}

void ProbeRun::launch(const std::vector<Start>& starts, bool follow_up) {
  const auto first = probes_.size();
  for (const auto& start : starts) {
    probes_.push_back(std::make_unique<AddressProbe>(
        shared_, *target_, start.address, start.when, deadline_, follow_up,
        [this] { on_address_done(); }, [this] { try_spare(); }));
  }
  running_ += starts.size();
  for (auto i = first; i < probes_.size(); ++i) probes_[i]->start();
}

// With `addresses: first`: the first is refused or silent so far, and another may be better.
void ProbeRun::try_spare() {
  const auto now = shared_.loop.clock().steady();
  std::vector<Start> starts;
  for (const auto& address : std::exchange(spare_, {})) {
    auto slot = shared_.pacer.reserve(address, now, deadline_ - kShortestLook);
    if (slot) starts.push_back({address, *slot});
  }
  launch(starts, false);
}

void ProbeRun::on_address_done() {
  if (--running_ > 0) return;
  for (auto i = result_.addresses.size(); i < probes_.size(); ++i) {
    result_.addresses.push_back(probes_[i]->take_result());
  }
  if (failed_to_connect(result_.addresses.front())) try_spare();
  if (running_ == 0) end(End::completed, std::nullopt);
}

void ProbeRun::end(End end, std::optional<base::IpAddress> culprit) {
  const auto& clock = shared_.loop.clock();
  result_.completed = clock.wall();
  result_.duration = clock.steady() - started_ - paced_;
  auto done = std::move(done_);
  done({end, std::move(result_), culprit, paced_});
}

}  // namespace probe
