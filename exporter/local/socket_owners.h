// Which process owns a socket, as /proc/PID/fd shows. Hides the cache that keeps this cheap: an
// owner once found is only checked again, by one link a socket; all processes are gone through only
// if a socket is new or its owner has let go of it. Belongs to one thread.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "local/host.h"
#include "model/host_facts.h"

namespace local {

class SocketOwners {
 public:
  SocketOwners(const Host& host, const base::Clock& clock) : host_(host), clock_(clock) {}

  // Sets the owner of each, as far as some process that can be seen has it open: process 1 before
  // others, else the lowest number. All listeners at once: what is not among them is forgotten.
  // Returns empty, or why an owner that is absent may be hidden.
  std::string assign(std::vector<model::ListenerFacts::Listener>& listeners);

 private:
  enum class Doubt : std::uint8_t {
    none,    // every process was looked into
    hidden,  // some must not be looked into
    cut,     // there was too much to look at
  };
  struct Holder {
    pid_t pid = 0;  // 0: nobody, as far as `doubt` allows to say
    std::string descriptor;
    Doubt doubt = Doubt::none;
    base::SteadyTime retry;  // when to look again for somebody
    base::Duration wait{0};
  };
  using Holders = std::unordered_map<std::uint64_t, Holder>;  // by inode
  struct Scan;

  [[nodiscard]] bool holds(const Holder& holder, std::uint64_t inode) const;
  void find(Holders& wanted) const;
  void look_into(pid_t pid, Scan& scan) const;

  const Host& host_;
  const base::Clock& clock_;
  Holders holders_;
};

}  // namespace local
