#include "base/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <system_error>

#include "base/log.h"

namespace base {

namespace {

constexpr int kEventsPerWait = 256;
constexpr int kLongestWaitMilliseconds = 60'000;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

EventLoop::EventLoop(const Clock& clock)
    : clock_(clock),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wakeup_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!epoll_.valid()) fail("epoll_create1");
  if (!wakeup_.valid()) fail("eventfd");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = static_cast<std::uint64_t>(wakeup_.get());
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wakeup_.get(), &event) != 0) fail("epoll_ctl");
}

std::uint64_t EventLoop::key_of(int fd) const {
  return (std::uint64_t{slots_[static_cast<std::size_t>(fd)].generation} << 32) |
         static_cast<std::uint32_t>(fd);
}

void EventLoop::add(int fd, std::uint32_t events, Handler& handler) {
  if (try_add(fd, events, handler) != 0) fail("epoll_ctl add");
}

int EventLoop::try_add(int fd, std::uint32_t events, Handler& handler) {
  auto index = static_cast<std::size_t>(fd);
  if (index >= slots_.size()) slots_.resize(std::max(index + 1, slots_.size() * 2));
  assert(slots_[index].handler == nullptr);
  slots_[index] = {&handler, slots_[index].generation + 1, 0};
  epoll_event event{};
  event.events = events;
  event.data.u64 = key_of(fd);
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return 0;
  slots_[index].handler = nullptr;
  return errno;
}

void EventLoop::modify(int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = key_of(fd);
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0) fail("epoll_ctl mod");
}

void EventLoop::remove(int fd) {
  forget(fd);
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void EventLoop::forget(int fd) {
  auto index = static_cast<std::size_t>(fd);
  assert(index < slots_.size() && slots_[index].handler != nullptr);
  slots_[index].handler = nullptr;
}

EventLoop::TimerId EventLoop::at(SteadyTime when, Task task) {
  TimerId id{when, next_timer_++};
  timers_.emplace(id, std::move(task));
  return id;
}

void EventLoop::cancel(const TimerId& timer) { timers_.erase(timer); }

void EventLoop::post(Task task) {
  {
    std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(task));
  }
  std::uint64_t one = 1;
  // Fails only when the counter is full, and then the loop is awake anyway.
  [[maybe_unused]] auto written = ::write(wakeup_.get(), &one, sizeof one);
}

void EventLoop::stop() {
  post([this] { running_ = false; });
}

int EventLoop::wait_milliseconds() const {
  if (timers_.empty()) return kLongestWaitMilliseconds;
  auto rest = timers_.begin()->first.first - clock_.steady();
  if (rest <= Duration::zero()) return 0;
  auto rounded_up = std::chrono::ceil<std::chrono::milliseconds>(rest).count();
  return static_cast<int>(std::min<std::int64_t>(rounded_up, kLongestWaitMilliseconds));
}

void EventLoop::run() {
  running_ = true;
  while (running_) {
    wait();
    run_timers();
  }
}

// Dispatches all that is ready before any timer: what has arrived beats the deadline it met, also
// when the loop comes late and thousands wait. Bounded, for there may be no end to it.
void EventLoop::wait() {
  std::array<epoll_event, kEventsPerWait> events;  // NOLINT: filled by epoll_wait
  int timeout = wait_milliseconds();
  for (std::size_t rounds = slots_.size() / kEventsPerWait + 1; rounds > 0; --rounds) {
    int count = epoll_wait(epoll_.get(), events.data(), kEventsPerWait, timeout);
    if (count < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < count; ++i) {
      const auto& event = events.at(static_cast<std::size_t>(i));
      dispatch(event.data.u64, event.events);
    }
    if (count < kEventsPerWait) return;
    timeout = 0;
  }
}

void EventLoop::dispatch(std::uint64_t key, std::uint32_t events) {
  int fd = static_cast<int>(key & 0xffffffffU);
  if (fd == wakeup_.get()) {
    run_posted();
    return;
  }
  auto index = static_cast<std::size_t>(fd);
  // Removed, or removed and reused, by a handler earlier in the same round.
  if (slots_[index].handler == nullptr || key_of(fd) != key) return;
  Handler* handler = slots_[index].handler;
  auto progress = handler->ready(events);
  if (slots_[index].handler == nullptr || key_of(fd) != key) return;
  if (progress == Progress::some) {
    slots_[index].idle = 0;
  } else if (++slots_[index].idle >= kIdleLimit) {
    log::error("event loop: a descriptor stays ready and its handler does nothing; ending it",
               {{"events", std::to_string(events)}});
    remove(fd);
    handler->stuck();
  }
}

void EventLoop::run_timers() {
  // Timers that become due meanwhile wait for the next round, so that descriptors are not starved.
  const auto now = clock_.steady();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    auto node = timers_.extract(timers_.begin());
    node.mapped()();
  }
}

void EventLoop::run_posted() {
  std::uint64_t count = 0;
  [[maybe_unused]] auto read = ::read(wakeup_.get(), &count, sizeof count);
  std::vector<Task> tasks;
  {
    std::lock_guard lock(posted_mutex_);
    tasks.swap(posted_);
  }
  for (auto& task : tasks) task();
}

}  // namespace base
