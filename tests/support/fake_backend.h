// A web::Backend that answers what the test wants.
#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "support/snapshots.h"
#include "web/backend.h"

namespace test_support {

class FakeBackend : public web::Backend {
 public:
  struct ProbeCall {
    std::string target;
    std::string module;
    std::optional<base::Duration> timeout;
  };

  static web::ProbeReply completed() {
    web::ProbeReply reply;
    reply.state = rejected("192.0.2.20:22");
    return reply;
  }

  std::shared_ptr<const model::Snapshot> snapshot() override {
    std::lock_guard lock(mutex_);
    return snapshot_;
  }
  web::ProbeReply probe(const std::string& target, const std::string& module,
                        std::optional<base::Duration> timeout) override {
    ProbeCall call{target, module, timeout};
    {
      std::lock_guard lock(mutex_);
      calls.push_back(call);
    }
    return on_probe(call);
  }
  web::EvidenceReply evidence(const model::HostQuestion& question) override {
    return on_evidence(question);
  }
  base::Result<void> reload() override { return on_reload(); }

  void set_snapshot(model::Snapshot snapshot) {
    std::lock_guard lock(mutex_);
    snapshot_ = std::make_shared<const model::Snapshot>(std::move(snapshot));
  }

  std::vector<ProbeCall> calls;
  // Set before the server starts, or while no request is under way.
  std::function<web::ProbeReply(const ProbeCall&)> on_probe = [](const ProbeCall&) {
    return completed();
  };
  std::function<web::EvidenceReply(const model::HostQuestion&)> on_evidence =
      [](const model::HostQuestion&) {
        return web::EvidenceReply{false, nullptr, {}};
      };
  std::function<base::Result<void>()> on_reload = [] { return base::Result<void>(); };

 private:
  std::mutex mutex_;
  std::shared_ptr<const model::Snapshot> snapshot_ =
      std::make_shared<const model::Snapshot>(small_snapshot());
};

}  // namespace test_support
