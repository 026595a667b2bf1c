// Keeps workers free when many clients connect and never finish a request, or never read the
// answer. civetweb gives a connection a worker before its request has arrived, and waits up to
// request_timeout_ms for it, and as long for room to send: two hundred half-open connections would
// hold the pool for half a minute.
//
// While more than `worker_limit` connections hold workers, a thread of the guard's own shuts down
// those that have had kPatience for sending a request and have not sent it, and those to which part
// of an answer was sent and that have acknowledged nothing for kSendPatience; at all other times it
// sleeps. civetweb does not say which socket a connection is, so the guard finds them among the
// process's descriptors by the server's ports. The other functions are called from worker threads.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"

namespace web {

class ConnectionGuard {
 public:
  using Peer = std::pair<base::IpAddress, std::uint16_t>;

  // A request fits into one packet or a few; the slowest link delivers it within this time.
  static constexpr auto kPatience = std::chrono::milliseconds(500);
  // Two of TCP's retransmissions, 200 ms and 400 ms after each other with Linux, fit into it.
  static constexpr auto kSendPatience = std::chrono::seconds(1);
  static constexpr auto kSweepInterval = std::chrono::milliseconds(50);

  explicit ConnectionGuard(int worker_limit) : worker_limit_(worker_limit) {}
  ~ConnectionGuard();
  ConnectionGuard(const ConnectionGuard&) = delete;
  ConnectionGuard& operator=(const ConnectionGuard&) = delete;

  // The ports that the server listens on; nothing is shut down before.
  void start(std::vector<int> ports);

  // Before the server stops: wakes whoever waits for a connection or a request, which civetweb
  // would otherwise do for another two seconds. Requests under way are left alone.
  void release_all();

  void connection_opened();  // a worker has taken it
  void connection_closed();
  void request_begun(const Peer& peer);
  void request_ended(const Peer& peer);

 private:
  struct Seen {
    bool in_request = false;
    base::SteadyTime since;          // without a request, or without an acknowledgement
    bool drained = false;            // nothing unread at the last sweep
    std::uint64_t acknowledged = 0;  // bytes of answers, at the last sweep
  };

  void run();
  void sweep(base::SteadyTime now);
  static bool silent(int fd, Seen& seen, base::SteadyTime now);   // whose request is missing
  static bool stalled(int fd, Seen& seen, base::SteadyTime now);  // whose answer is not read
  [[nodiscard]] bool is_ours(int fd) const;  // a socket of the server, listening or connected
  bool owes_request(const Peer& peer);

  const int worker_limit_;
  std::atomic<int> open_{0};

  std::mutex mutex_;
  std::condition_variable wake_;
  std::set<Peer> in_request_;  // guarded by mutex_
  bool stopping_ = false;      // guarded by mutex_

  std::vector<int> ports_;                        // fixed by start()
  std::unordered_map<std::uint64_t, Seen> seen_;  // by socket cookie; the guard's thread's own
  std::thread thread_;
};

}  // namespace web
