// One thread's epoll loop with timers. Hides epoll and the hand-over of work from other threads.
// Everything but post() and stop() belongs to the thread that calls run().
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"

namespace base {

class EventLoop {
 public:
  enum class Progress : std::uint8_t { none, some };

  class Handler {
   public:
    // `events` as epoll_wait(2) reports them. Progress::none means that nothing was consumed.
    virtual Progress ready(std::uint32_t events) = 0;
    // The descriptor was reported ready kIdleLimit times in a row without progress. It has been
    // taken out of the loop, which would otherwise spin; the handler must end what it was doing.
    virtual void stuck() = 0;

   protected:
    ~Handler() = default;
  };

  using Task = std::function<void()>;
  using TimerId = std::pair<SteadyTime, std::uint64_t>;

  // Throws std::system_error if the kernel gives no descriptors.
  explicit EventLoop(const Clock& clock);
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // The handler must outlive its registration. A closed descriptor must have been removed before.
  // Throws std::system_error if the kernel has no room (fs.epoll.max_user_watches, memory).
  void add(int fd, std::uint32_t events, Handler& handler);
  // Likewise, but returns 0, or the errno after which nothing is registered.
  [[nodiscard]] int try_add(int fd, std::uint32_t events, Handler& handler);
  void modify(int fd, std::uint32_t events);
  void remove(int fd);
  // Like remove() for a descriptor that is closed next: closing takes it out of the kernel's set.
  void forget(int fd);

  TimerId at(SteadyTime when, Task task);
  void cancel(const TimerId& timer);

  // Runs `task` on the loop's thread; callable from any thread. Tasks run in order.
  void post(Task task);

  void run();
  void stop();  // callable from any thread; run() returns after the current round

  [[nodiscard]] const Clock& clock() const { return clock_; }

 private:
  struct Slot {
    Handler* handler = nullptr;
    std::uint32_t generation = 0;  // tells a reused descriptor from the one an old event was for
    std::uint32_t idle = 0;
  };

  static constexpr std::uint32_t kIdleLimit = 2;

  void dispatch(std::uint64_t key, std::uint32_t events);
  void wait();
  void run_timers();
  void run_posted();
  [[nodiscard]] int wait_milliseconds() const;
  [[nodiscard]] std::uint64_t key_of(int fd) const;

  const Clock& clock_;
  Fd epoll_;
  Fd wakeup_;
  std::vector<Slot> slots_;  // by descriptor
  std::map<TimerId, Task> timers_;
  std::uint64_t next_timer_ = 0;
  bool running_ = false;

  std::mutex posted_mutex_;
  std::vector<Task> posted_;
};

}  // namespace base
