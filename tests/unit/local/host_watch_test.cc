// The watch with collectors that answer, fail, wait and hang as the test says.

#include "local/host_watch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace {

using local::Collector;
using local::CollectorContext;
using local::CollectorRow;
using local::HostWatch;
using local::WatchSettings;
using model::HostFacts;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Far longer than anything here takes, on the slowest machine.
constexpr auto kPatience = seconds(30);
constexpr auto kNever = std::chrono::hours(1);

using Collect = std::function<std::string(const HostFacts& known, HostFacts& mine)>;

class Scripted final : public Collector {
 public:
  explicit Scripted(Collect collect) : collect_(std::move(collect)) {}
  std::string collect(const HostFacts& known, HostFacts& mine) override {
    return collect_(known, mine);
  }

 private:
  Collect collect_;
};

CollectorRow row(std::string_view name, Collect collect, base::Duration deadline = kPatience,
                 std::vector<std::string_view> after = {}) {
  return {name, deadline, std::move(after),
          [collect = std::move(collect)](const CollectorContext&) {
            return std::make_unique<Scripted>(collect);
          }};
}

std::string give_guards(const HostFacts& /*known*/, HostFacts& mine) {
  mine.guards = std::make_shared<const model::GuardFacts>(model::GuardFacts{{"fail2ban"}});
  return {};
}

std::string give_kernel(const HostFacts& /*known*/, HostFacts& mine) {
  mine.kernel = std::make_shared<const model::KernelFacts>();
  return {};
}

// A gate that a collector stands before until it is opened.
class Gate {
 public:
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

// Takes the reports in turn.
class Reports {
 public:
  HostWatch::Publish publish() {
    return [this](HostWatch::Report report) {
      std::lock_guard lock(mutex_);
      reports_.push_back(std::move(report));
      changed_.notify_all();
    };
  }
  HostWatch::Report next() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kPatience, [this] { return !reports_.empty(); })) return nullptr;
    auto report = reports_.front();
    reports_.pop_front();
    return report;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<HostWatch::Report> reports_;
};

void conclude_none(model::HostReport& report) { report.diagnosis.cause = model::Cause::none; }

WatchSettings every(base::Duration interval) { return {interval, "/", ""}; }

TEST(HostWatch, OneReportOfAllParts) {
  const std::vector<CollectorRow> rows{row("guards", give_guards), row("kernel", give_kernel)};
  Reports reports;
  HostWatch watch(every(kNever), conclude_none, reports.publish(), rows);
  const auto report = reports.next();
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->facts.guards);
  EXPECT_TRUE(report->facts.kernel);
  ASSERT_EQ(report->collectors.size(), 2U);
  EXPECT_EQ(report->collectors[0].name, "guards");
  EXPECT_TRUE(report->collectors[0].success);
  EXPECT_TRUE(report->collectors[0].fresh);
  EXPECT_EQ(report->diagnosis.cause, model::Cause::none);
}

TEST(HostWatch, AFailureKeepsTheLastResultAndSaysWhy) {
  std::atomic<int> rounds{0};
  const std::vector<CollectorRow> rows{row("guards", [&](const HostFacts& known, HostFacts& mine) {
    // The first report takes two rounds: its cause is confirmed.
    return ++rounds <= 2 ? give_guards(known, mine) : std::string("no permission");
  })};
  Reports reports;
  HostWatch watch(every(milliseconds(20)), conclude_none, reports.publish(), rows);
  EXPECT_TRUE(reports.next()->collectors[0].success);
  const auto report = reports.next();
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->collectors[0].success);
  EXPECT_FALSE(report->collectors[0].fresh);
  EXPECT_EQ(report->collectors[0].error, "no permission");
  ASSERT_TRUE(report->facts.guards);
  EXPECT_EQ(report->facts.guards->running.size(), 1U);
}

TEST(HostWatch, AnIncompletePartIsFreshAndNoSuccess) {
  const std::vector<CollectorRow> rows{row("guards", [](const HostFacts& known, HostFacts& mine) {
    give_guards(known, mine);
    return std::string("only a part");
  })};
  Reports reports;
  HostWatch watch(every(kNever), conclude_none, reports.publish(), rows);
  const auto report = reports.next();
  EXPECT_FALSE(report->collectors[0].success);
  EXPECT_TRUE(report->collectors[0].fresh);
  EXPECT_TRUE(report->facts.guards);
}

TEST(HostWatch, WhatIsGoneIsNotKept) {
  std::atomic<int> rounds{0};
  const std::vector<CollectorRow> rows{row("guards", [&](const HostFacts& known, HostFacts& mine) {
    return ++rounds <= 2 ? give_guards(known, mine) : std::string();
  })};
  Reports reports;
  HostWatch watch(every(milliseconds(20)), conclude_none, reports.publish(), rows);
  EXPECT_TRUE(reports.next()->facts.guards);
  const auto report = reports.next();
  EXPECT_FALSE(report->facts.guards);
  EXPECT_TRUE(report->collectors[0].success);
}

TEST(HostWatch, WhoHangsDelaysNobody) {
  auto gate = std::make_shared<Gate>();
  std::atomic<int> rounds{0};
  const std::vector<CollectorRow> rows{row(
                                           "systemd",
                                           [gate](const HostFacts&, HostFacts&) {
                                             gate->pass();
                                             return std::string();
                                           },
                                           milliseconds(50)),
                                       row("guards",
                                           [&](const HostFacts& known, HostFacts& mine) {
                                             ++rounds;
                                             return give_guards(known, mine);
                                           }),
                                       // It would like to have the answer of the one that hangs.
                                       row("kernel", give_kernel, kPatience, {"systemd"})};
  Reports reports;
  HostWatch watch(every(milliseconds(100)), conclude_none, reports.publish(), rows);
  auto report = reports.next();
  for (int i = 0; i < 5; ++i) {
    report = reports.next();
    ASSERT_TRUE(report);
  }
  EXPECT_FALSE(report->collectors[0].success);
  EXPECT_FALSE(report->collectors[0].fresh);
  EXPECT_EQ(report->collectors[0].error, "no answer within 50ms; still waiting");
  EXPECT_GT(report->collectors[0].duration, milliseconds(200));
  EXPECT_TRUE(report->collectors[1].success);
  EXPECT_TRUE(report->collectors[2].success);
  EXPECT_GT(rounds, 4);
  gate->open();
  for (int i = 0; i < 100 && !report->collectors[0].success; ++i) report = reports.next();
  EXPECT_TRUE(report->collectors[0].success);
}

TEST(HostWatch, EndsThoughACollectorHangs) {
  auto gate = std::make_shared<Gate>();
  std::atomic<bool> entered{false};
  const auto begin = std::chrono::steady_clock::now();
  {
    const std::vector<CollectorRow> rows{
        row("systemd", [gate, &entered](const HostFacts&, HostFacts&) {
          entered = true;
          gate->pass();
          return std::string();
        })};
    HostWatch watch(
        every(kNever), conclude_none, [](const HostWatch::Report&) {}, rows);
    while (!entered) std::this_thread::yield();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, kPatience / 2);
  gate->open();
}

TEST(HostWatch, ACollectorSeesThoseOfItsRoundThatItWaitsFor) {
  std::atomic<bool> seen{false};
  const std::vector<CollectorRow> rows{row("configuration",
                                           [&](const HostFacts& known, HostFacts&) {
                                             seen = known.guards != nullptr;
                                             return std::string();
                                           },
                                           kPatience, {"guards"}),
                                       row("guards", [](const HostFacts& known, HostFacts& mine) {
                                         std::this_thread::sleep_for(milliseconds(20));
                                         return give_guards(known, mine);
                                       })};
  Reports reports;
  HostWatch watch(every(kNever), conclude_none, reports.publish(), rows);
  ASSERT_TRUE(reports.next());
  EXPECT_TRUE(seen);
}

TEST(HostWatch, ACauseIsConfirmedBeforeItIsPublished) {
  std::atomic<int> looks{0};
  const std::vector<CollectorRow> rows{row("guards", give_guards)};
  Reports reports;
  HostWatch watch(
      every(kNever),
      [&](model::HostReport& report) {
        // A picture that never was, and then the truth.
        report.diagnosis.cause = ++looks == 1 ? model::Cause::sshd_not_running : model::Cause::none;
        report.diagnosis.confidence = model::Confidence::certain;
      },
      reports.publish(), rows);
  const auto report = reports.next();
  EXPECT_EQ(report->diagnosis.cause, model::Cause::none);
  EXPECT_EQ(report->diagnosis.confidence, model::Confidence::certain);
  EXPECT_EQ(looks, 3);
}

TEST(HostWatch, ACauseThatNeverSettlesIsNotSure) {
  std::atomic<int> looks{0};
  const std::vector<CollectorRow> rows{row("guards", give_guards)};
  Reports reports;
  HostWatch watch(
      every(kNever),
      [&](model::HostReport& report) {
        report.diagnosis.cause =
            ++looks % 2 == 1 ? model::Cause::sshd_not_running : model::Cause::none;
        report.diagnosis.confidence = model::Confidence::certain;
      },
      reports.publish(), rows);
  EXPECT_EQ(reports.next()->diagnosis.confidence, model::Confidence::possible);
  EXPECT_EQ(looks, HostWatch::kConfirmations + 1);
}

TEST(HostWatch, AnAnswerRestsOnFactsThatAreYoungerThanTheQuestion) {
  std::atomic<int> version{1};
  const std::vector<CollectorRow> rows{row("guards", [&](const HostFacts&, HostFacts& mine) {
    mine.guards =
        std::make_shared<const model::GuardFacts>(model::GuardFacts{{std::to_string(version)}});
    return std::string();
  })};
  Reports reports;
  HostWatch watch(every(kNever), conclude_none, reports.publish(), rows);
  ASSERT_TRUE(reports.next());
  for (int i = 2; i < 5; ++i) {
    version = i;
    Reports answers;
    watch.ask(answers.publish());
    const auto answer = answers.next();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->facts.guards->running.front(), std::to_string(i));
  }
}

TEST(HostWatch, QuestionsOfAWatchThatEndsAreDropped) {
  auto gate = std::make_shared<Gate>();
  auto alive = std::make_shared<int>();
  const std::weak_ptr<int> dropped = alive;
  {
    const std::vector<CollectorRow> rows{row("systemd", [gate](const HostFacts&, HostFacts&) {
      gate->pass();
      return std::string();
    })};
    HostWatch watch(
        every(kNever), conclude_none, [](const HostWatch::Report&) {}, rows);
    watch.ask([alive = std::move(alive)](const HostWatch::Report&) { ADD_FAILURE(); });
  }
  EXPECT_TRUE(dropped.expired());
  gate->open();
}

}  // namespace
