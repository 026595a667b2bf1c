#include "base/event_loop.h"

#include <gmock/gmock.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "support/stepped_clock.h"

namespace base {
namespace {

using namespace std::chrono_literals;
using test_support::SteppedClock;
using testing::ElementsAre;
using Progress = EventLoop::Progress;

// An eventfd on a loop; what happens to it is the test's.
class Probe final : public EventLoop::Handler {
 public:
  Probe(EventLoop& loop, std::function<Progress()> on_ready, bool raised = true)
      : loop_(loop),
        fd_(eventfd(raised ? 1 : 0, EFD_CLOEXEC | EFD_NONBLOCK)),
        on_ready_(std::move(on_ready)) {
    loop_.add(fd_.get(), EPOLLIN, *this);
  }
  Progress ready(std::uint32_t /*events*/) override {
    ++calls;
    return on_ready_();
  }
  void stuck() override {
    ++stuck_calls;
    loop_.stop();
  }
  void take() {
    std::uint64_t count = 0;
    [[maybe_unused]] auto size = ::read(fd_.get(), &count, sizeof count);
  }
  void remove() { loop_.remove(fd_.get()); }
  void forget_and_close() {
    loop_.forget(fd_.get());
    fd_.reset();
  }
  [[nodiscard]] int fd() const { return fd_.get(); }

  int calls = 0;
  int stuck_calls = 0;

 private:
  EventLoop& loop_;
  Fd fd_;
  std::function<Progress()> on_ready_;
};

class EventLoopTest : public testing::Test {
 protected:
  // Runs until nothing more is due now.
  void run_once() {
    loop_.stop();
    loop_.run();
  }

  SteppedClock clock_;
  EventLoop loop_{clock_};
};

TEST_F(EventLoopTest, TimersRunInOrderOfTimeThenOfCreation) {
  std::vector<int> order;
  const auto now = clock_.steady();
  loop_.at(now + 2s, [&] { order.push_back(4); });
  loop_.at(now + 1s, [&] { order.push_back(2); });
  loop_.at(now + 1s, [&] { order.push_back(3); });
  loop_.at(now - 1s, [&] { order.push_back(1); });
  clock_.advance(2s);
  run_once();
  EXPECT_THAT(order, ElementsAre(1, 2, 3, 4));
}

TEST_F(EventLoopTest, ATimerIsDueAtItsTimeAndNotBefore) {
  int calls = 0;
  loop_.at(clock_.steady() + 1s, [&] { ++calls; });
  clock_.advance(1s - 1ns);
  run_once();
  EXPECT_EQ(calls, 0);
  clock_.advance(1ns);
  run_once();
  run_once();
  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, ATimerMayCancelItselfAndOthers) {
  std::vector<int> order;
  const auto now = clock_.steady();
  EventLoop::TimerId own;
  auto later = loop_.at(now + 2s, [&] { order.push_back(2); });
  own = loop_.at(now + 1s, [&] {
    order.push_back(1);
    loop_.cancel(own);
    loop_.cancel(later);
    loop_.cancel(later);
  });
  clock_.advance(3s);
  run_once();
  EXPECT_THAT(order, ElementsAre(1));
}

TEST_F(EventLoopTest, ATimerSetByATimerRunsWhenDue) {
  std::vector<int> order;
  loop_.at(clock_.steady(), [&] {
    order.push_back(1);
    loop_.at(clock_.steady() + 1s, [&] { order.push_back(2); });
  });
  run_once();
  EXPECT_THAT(order, ElementsAre(1));
  clock_.advance(1s);
  run_once();
  EXPECT_THAT(order, ElementsAre(1, 2));
}

TEST_F(EventLoopTest, WaitsForATimerOfTheRealClock) {
  SystemClock clock;
  EventLoop loop(clock);
  const auto begin = clock.steady();
  loop.at(begin + 30ms, [&] { loop.stop(); });
  loop.run();
  EXPECT_GE(clock.steady() - begin, 30ms);
}

TEST_F(EventLoopTest, TasksPostedByThreadsRunInTheirOrderOnTheLoopsThread) {
  constexpr int kThreads = 4;
  constexpr int kTasks = 1000;
  std::vector<std::vector<int>> seen(kThreads);
  int total = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kTasks; ++i) {
        loop_.post([&, thread, i] {
          seen.at(static_cast<std::size_t>(thread)).push_back(i);
          if (++total == kThreads * kTasks) loop_.stop();
        });
      }
    });
  }
  loop_.run();
  for (auto& thread : threads) thread.join();
  for (const auto& tasks : seen) {
    ASSERT_EQ(tasks.size(), static_cast<std::size_t>(kTasks));
    EXPECT_TRUE(std::is_sorted(tasks.begin(), tasks.end()));
  }
}

TEST_F(EventLoopTest, ATaskMayPost) {
  int calls = 0;
  loop_.post([&] {
    loop_.post([&] {
      ++calls;
      loop_.stop();
    });
  });
  loop_.run();
  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, StopBeforeRunAndRunAgain) {
  int calls = 0;
  run_once();
  loop_.post([&] { ++calls; });
  run_once();
  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, StopFromAnotherThread) {
  std::thread other([this] { loop_.stop(); });
  loop_.run();
  other.join();
}

TEST_F(EventLoopTest, AHandlerRemovedInTheSameRoundIsNotCalled) {
  std::unique_ptr<Probe> first;
  std::unique_ptr<Probe> second;
  // Whoever comes first removes the other.
  first = std::make_unique<Probe>(loop_, [&] {
    first->take();
    second->remove();
    return Progress::some;
  });
  second = std::make_unique<Probe>(loop_, [&] {
    second->take();
    first->remove();
    return Progress::some;
  });
  run_once();
  EXPECT_EQ(first->calls + second->calls, 1);
}

TEST_F(EventLoopTest, AHandlerMayDestroyItselfAndOthers) {
  std::vector<std::unique_ptr<Probe>> probes;
  int calls = 0;
  for (int i = 0; i < 10; ++i) {
    probes.push_back(std::make_unique<Probe>(loop_, [&] {
      ++calls;
      for (auto& probe : probes) probe->forget_and_close();
      auto gone = std::move(probes);
      return Progress::some;
    }));
  }
  run_once();
  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, ADescriptorReusedInTheSameRoundDoesNotInheritTheEvent) {
  std::unique_ptr<Probe> first;
  std::unique_ptr<Probe> second;
  std::unique_ptr<Probe> heir;
  auto replace = [&](Probe& self, Probe& other) {
    self.take();
    const int number = other.fd();
    other.forget_and_close();
    heir = std::make_unique<Probe>(
        loop_, [] { return Progress::some; }, false);
    EXPECT_EQ(heir->fd(), number);
    return Progress::some;
  };
  first = std::make_unique<Probe>(loop_, [&] { return replace(*first, *second); });
  second = std::make_unique<Probe>(loop_, [&] { return replace(*second, *first); });
  run_once();
  ASSERT_TRUE(heir);
  EXPECT_EQ(first->calls + second->calls, 1);
  EXPECT_EQ(heir->calls, 0);
}

TEST_F(EventLoopTest, AHandlerThatConsumesNothingTwiceIsStuck) {
  Probe idle(loop_, [] { return Progress::none; });
  loop_.run();
  EXPECT_EQ(idle.calls, 2);
  EXPECT_EQ(idle.stuck_calls, 1);
  run_once();
  EXPECT_EQ(idle.calls, 2) << "it was taken out";
}

TEST_F(EventLoopTest, ProgressInBetweenIsNotStuck) {
  Probe* probe = nullptr;
  Probe slow(loop_, [&] {
    if (probe->calls == 9) probe->take();
    return probe->calls % 2 == 0 ? Progress::some : Progress::none;
  });
  probe = &slow;
  for (int i = 0; i < 12; ++i) run_once();
  EXPECT_EQ(slow.calls, 9);
  EXPECT_EQ(slow.stuck_calls, 0);
}

TEST_F(EventLoopTest, ModifyAndRemove) {
  Probe probe(loop_, [&] { return Progress::some; });
  loop_.modify(probe.fd(), 0);
  run_once();
  EXPECT_EQ(probe.calls, 0);
  loop_.modify(probe.fd(), EPOLLIN);
  run_once();
  EXPECT_EQ(probe.calls, 1);
  probe.remove();
  run_once();
  EXPECT_EQ(probe.calls, 1);
  loop_.add(probe.fd(), EPOLLIN, probe);
  run_once();
  EXPECT_EQ(probe.calls, 2);
  probe.remove();
}

// More than one epoll_wait() reports: a deadline must not overtake answers that are there.
TEST_F(EventLoopTest, AllThatIsReadyComesBeforeTimersThatAreDue) {
  constexpr std::size_t kProbes = 700;
  std::vector<std::unique_ptr<Probe>> probes;
  std::size_t ready = 0;
  std::size_t ready_at_deadline = 0;
  for (std::size_t i = 0; i < kProbes; ++i) {
    probes.push_back(std::make_unique<Probe>(loop_, [&, i] {
      probes[i]->take();
      ++ready;
      return Progress::some;
    }));
  }
  loop_.at(clock_.steady(), [&] { ready_at_deadline = ready; });
  run_once();
  EXPECT_EQ(ready_at_deadline, kProbes);
  for (auto& probe : probes) probe->remove();
}

TEST_F(EventLoopTest, TimersRunAlthoughADescriptorIsAlwaysReady) {
  Probe busy(loop_, [] { return Progress::some; });
  int calls = 0;
  std::function<void()> again = [&] {
    if (++calls == 5) {
      loop_.stop();
    } else {
      loop_.at(clock_.steady(), again);
      clock_.advance(1ns);
    }
  };
  loop_.at(clock_.steady(), again);
  loop_.run();
  EXPECT_EQ(calls, 5);
  busy.remove();
}

}  // namespace
}  // namespace base
