// One address of a target: the connection that matters, and after a refusal or silence short looks
// at other ports of the same address, paced and within the same deadline. On the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/event_loop.h"
#include "model/probe_result.h"
#include "model/target.h"
#include "probe/connection.h"
#include "probe/pacer.h"
#include "probe/rejection_memory.h"

namespace probe {

// What probes share: one of each per event loop.
struct Shared {
  base::EventLoop& loop;
  Pacer& pacer;
  RejectionMemory& rejections;
};

class AddressProbe {
 public:
  // Called once, from the loop and never from start(); may destroy the probe.
  using Done = std::function<void()>;

  // `start` must have been reserved with the pacer. `silent`, if not empty, is called when the
  // address has not answered for a while.
  AddressProbe(const Shared& shared, const model::Target& target, const base::IpAddress& address,
               base::SteadyTime start, base::SteadyTime deadline, bool follow_up, Done done,
               std::function<void()> silent = {});
  ~AddressProbe();
  AddressProbe(const AddressProbe&) = delete;
  AddressProbe& operator=(const AddressProbe&) = delete;

  void start();
  // Once done.
  model::AddressResult take_result() { return std::move(result_); }

 private:
  void connect();
  void on_silence();
  void on_observed(model::Observation seen);
  void plan_checks(bool alternatives);
  void drop_checks();
  void next_check();
  void run_check(model::PortCheck check);
  void on_checked(model::PortCheck check, const model::Observation& seen);
  [[nodiscard]] bool wanted(const model::PortCheck& check) const;
  void skip_planned_checks();
  void finish_if_complete();

  Shared shared_;
  const model::Target& target_;
  base::SteadyTime start_;
  base::SteadyTime deadline_;
  bool follow_up_;
  Done done_;
  std::function<void()> silent_;
  model::AddressResult result_;
  std::unique_ptr<Connection> connection_;  // until it has been observed
  std::vector<model::PortCheck> planned_;   // still to do, in reverse order
  std::optional<model::PortCheck> check_;   // the one under way or waiting for its turn
  std::unique_ptr<Connection> check_connection_;
  std::optional<base::EventLoop::TimerId> timer_;  // start, or the next check
  std::optional<base::EventLoop::TimerId> silence_timer_;
  bool host_answered_ = false;
  bool found_ssh_ = false;
};

}  // namespace probe
