// One probe of one target: resolve, every address, result. On the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/event_loop.h"
#include "model/probe_result.h"
#include "model/target.h"
#include "probe/address_probe.h"
#include "probe/resolver.h"

namespace probe {

class ProbeRun {
 public:
  enum class End : std::uint8_t {
    completed,
    forbidden,  // an address that `permit` refuses; nothing was sent
    postponed,  // the pacing of an address leaves no room; nothing was sent
  };
  // `culprit` is the address, with forbidden and postponed.
  struct Completion {
    End end = End::completed;
    model::ProbeResult result;
    std::optional<base::IpAddress> culprit;
    base::Duration paced{0};  // how long the pacer let it wait
  };
  using Done = std::function<void(Completion)>;
  using Permit = std::function<bool(const base::IpAddress&)>;

  // How many addresses of a name are probed, all in parallel: rotating pools have fewer, and a
  // probe stays bounded.
  static constexpr std::size_t kAddressLimit = 8;
  // How many are looked at to find those: an answer may hold thousands, and each costs a route
  // look-up.
  static constexpr std::size_t kConsideredLimit = 32;

  struct Timing {
    base::Duration timeout;   // of the whole probe
    base::Duration patience;  // how long the pacer may let the connection wait
    bool extend = true;       // by the time spent waiting for the pacer
  };

  // `permit` may be empty: all addresses are allowed.
  ProbeRun(const Shared& shared, Resolver& resolver, std::shared_ptr<const model::Target> target,
           const Timing& timing, Permit permit, Done done);
  ~ProbeRun();
  ProbeRun(const ProbeRun&) = delete;
  ProbeRun& operator=(const ProbeRun&) = delete;

  // Calls Done once, from the loop and never from start(); Done may destroy the run.
  void start();

 private:
  struct Start {
    base::IpAddress address;
    base::SteadyTime when;  // reserved with the pacer
  };

  void on_resolved(Resolution resolution);
  void on_resolve_deadline();
  void skip_unroutable(std::vector<base::IpAddress>& addresses);
  void choose(std::vector<base::IpAddress> addresses);
  void launch(const std::vector<Start>& starts, bool follow_up);
  void try_spare();
  void on_address_done();
  void end(End end, std::optional<base::IpAddress> culprit);

  Shared shared_;
  Resolver& resolver_;
  std::shared_ptr<const model::Target> target_;
  Timing timing_;
  Permit permit_;
  Done done_;

  base::SteadyTime started_;
  base::SteadyTime deadline_;
  base::Duration paced_{0};  // time spent waiting for the pacer
  model::ProbeResult result_;
  std::optional<base::EventLoop::TimerId> timer_;
  std::shared_ptr<bool> alive_;  // lets a late answer of the resolver find us gone
  std::vector<std::unique_ptr<AddressProbe>> probes_;
  std::size_t running_ = 0;
  std::vector<base::IpAddress>
      spare_;  // with `addresses: first`: the others, tried after a failure
};

}  // namespace probe
