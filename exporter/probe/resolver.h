// Names to addresses on the event loop: hosts file and DNS as the system is configured. Hides
// c-ares. Lives on the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/ip.h"
#include "base/result.h"
#include "model/probe_result.h"
#include "model/target.h"

namespace probe {

struct Resolution {
  std::optional<model::Outcome> failure;  // dns_not_found or dns_failed
  std::string detail;                     // with failure: the resolver's words
  std::vector<base::IpAddress>
      addresses;  // without: at least one, each once, best first (RFC 6724)
};

class Resolver {
 public:
  using Done = std::function<void(Resolution)>;

  // Throws std::runtime_error if the resolver library cannot start.
  explicit Resolver(base::EventLoop& loop);
  ~Resolver();  // calls no Done any more
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Calls `done` once, possibly before it returns. There is no cancelling: a caller that has gone
  // must have made its callback harmless.
  void resolve(const std::string& host, model::IpProtocol protocol, Done done);

 private:
  class Channel;
  struct Race;

  void ask_families(const std::shared_ptr<Race>& race, const std::string& host);
  void on_family(const std::shared_ptr<Race>& race, std::optional<Resolution>& slot,
                 Resolution resolution);
  void end_race(const std::shared_ptr<Race>& race, Resolution resolution);
  Channel& current_channel();

  base::EventLoop& loop_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // lets a late timer find us gone
  std::unique_ptr<Channel> channel_;
  std::vector<std::unique_ptr<Channel>> retired_;  // old configuration, finishing its queries
};

// localhost, *.localhost (RFC 6761 6.3) and the machine's own host name, with or without domain.
bool is_local_name(const std::string& host);

}  // namespace probe
