#include "probe/prober.h"

#include <gmock/gmock.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "support/child.h"
#include "support/tcp_peer.h"

namespace probe {
namespace {

using namespace std::chrono_literals;
using model::Outcome;
using test_support::closed_port;
using test_support::ip;
using test_support::TcpPeer;
using testing::IsEmpty;
using testing::SizeIs;

constexpr base::Duration kTolerance = 50ms;

void greet(const TcpPeer::Stream& stream) {
  stream.send("SSH-2.0-test\r\n");
  stream.receive_all();
}

model::Diagnosis judge(const model::Target&, const model::ProbeResult& result) {
  model::Diagnosis diagnosis;
  diagnosis.success =
      !result.addresses.empty() && result.addresses.front().seen.outcome == Outcome::ok;
  diagnosis.cause = diagnosis.success ? model::Cause::none : model::Cause::port_closed;
  return diagnosis;
}

class ProberTest : public testing::Test {
 protected:
  ProberTest() {
    settings_.depth = model::Depth::banner;
    settings_.interval = 1s;
    settings_.timeout = 500ms;
    settings_.control_ports = {};
  }
  // The prober's thread uses what the fixture holds: it must end first.
  void TearDown() override { prober_.reset(); }

  std::shared_ptr<const model::Target> target(const std::string& host, std::uint16_t port) {
    auto made = std::make_shared<model::Target>();
    made->name = base::format_host_port(host, port);
    made->host = host;
    made->port = port;
    made->settings = std::make_shared<model::ProbeSettings>(settings_);
    return made;
  }

  // Waits until what is published fulfils the condition.
  bool published(const std::function<bool(const Prober::Targets&)>& condition,
                 base::Duration patience = 5s) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return publications_ > 0 && condition(last_); });
  }

  std::optional<Prober::Once> once(std::shared_ptr<const model::Target> target,
                                   const ProbeRun::Timing& timing, ProbeRun::Permit permit = {}) {
    auto promise = std::make_shared<std::promise<Prober::Once>>();
    auto future = promise->get_future();
    prober_->probe_once(std::move(target), timing, std::move(permit),
                        [promise](Prober::Once done) { promise->set_value(std::move(done)); });
    if (future.wait_for(5s) != std::future_status::ready) return std::nullopt;
    return future.get();
  }

  base::SystemClock clock_;
  model::ProbeSettings settings_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Prober::Targets last_;
  std::uint64_t in_flight_ = 0;
  int publications_ = 0;
  std::unique_ptr<Prober> prober_ = std::make_unique<Prober>(
      clock_, judge, [this](Prober::Targets targets, const model::FleetState& fleet) {
        std::lock_guard lock(mutex_);
        last_ = std::move(targets);
        in_flight_ = fleet.probes_in_flight;
        ++publications_;
        changed_.notify_all();
      });
};

TEST_F(ProberTest, TargetsAreKnownBeforeTheirFirstProbeAndProbedAtOnce) {
  TcpPeer server(greet);
  settings_.interval = 1h;
  const auto begin = clock_.steady();
  prober_->set_targets({target("127.0.0.1", server.port())});
  EXPECT_TRUE(published([](const auto& targets) { return targets.size() == 1; }));
  ASSERT_TRUE(published([](const auto& targets) {
    return targets[0]->probes == 1 && targets[0]->last->diagnosis.success;
  }));
  EXPECT_LT(server.accepted().at(0) - begin, 500ms);
}

TEST_F(ProberTest, ProbesAgainAndAgainNeverFasterThanThePace) {
  TcpPeer server(greet);
  prober_->set_targets({target("127.0.0.1", server.port())});
  ASSERT_TRUE(published([](const auto& targets) { return targets[0]->probes >= 3; }));
  const auto accepted = server.accepted();
  for (std::size_t i = 1; i < accepted.size(); ++i) {
    EXPECT_GE(accepted[i] - accepted[i - 1], Pacer::kGap - kTolerance);
    EXPECT_LE(accepted[i] - accepted[i - 1], 1600ms);
  }
}

TEST_F(ProberTest, TargetsThatShareAnAddressShareItsPace) {
  TcpPeer first(greet);
  TcpPeer second(greet);
  settings_.interval = 4s;
  prober_->set_targets({target("127.0.0.1", first.port()), target("127.0.0.1", second.port())});
  ASSERT_TRUE(published(
      [](const auto& targets) { return targets[0]->probes == 1 && targets[1]->probes == 1; }));
  auto gap = first.accepted().at(0) - second.accepted().at(0);
  EXPECT_GE(std::max(gap, -gap), Pacer::kGap - kTolerance);
}

TEST_F(ProberTest, FailuresAreCountedByCauseAndSurviveNewTargets) {
  const auto closed = target("127.0.0.2", closed_port());
  prober_->set_targets({closed});
  ASSERT_TRUE(published([](const auto& targets) { return targets[0]->probes >= 1; }));
  auto relabelled = std::make_shared<model::Target>(*closed);
  relabelled->labels = {{"site", "ams"}};
  prober_->set_targets({target("127.0.0.3", closed_port()), relabelled});
  ASSERT_TRUE(published([](const auto& targets) { return targets.size() == 2; }));
  std::lock_guard lock(mutex_);
  EXPECT_EQ(last_[1]->target->labels.size(), 1U);
  EXPECT_GE(last_[1]->probes, 1U);
  ASSERT_THAT(last_[1]->failures, SizeIs(1));
  EXPECT_EQ(last_[1]->failures[0].first, model::Cause::port_closed);
  EXPECT_EQ(last_[1]->failures[0].second, last_[1]->probes);
}

TEST_F(ProberTest, ARemovedTargetsProbeUnderWayIsDropped) {
  TcpPeer quiet([](const TcpPeer::Stream& stream) { stream.receive_all(); });
  settings_.timeout = 10s;
  settings_.interval = 10s;
  prober_->set_targets({target("127.0.0.1", quiet.port())});
  for (int i = 0; i < 200 && quiet.accepted().empty(); ++i) std::this_thread::sleep_for(10ms);
  ASSERT_THAT(quiet.accepted(), SizeIs(1));
  prober_->set_targets({});
  ASSERT_TRUE(published([](const auto& targets) { return targets.empty(); }));
  std::lock_guard lock(mutex_);
  EXPECT_EQ(in_flight_, 0U);
}

TEST_F(ProberTest, ThousandsOfTargetsReplacedWhileProbesRun) {
  TcpPeer server(greet, "0.0.0.0");
  const auto before = test_support::open_descriptors();
  for (int round = 0; round < 5; ++round) {
    std::vector<std::shared_ptr<const model::Target>> targets;
    for (int i = 0; i < 10'000; ++i) {
      // Half stay from round to round.
      const int net = i % 2 == 0 ? 1 : 2 + round;
      const auto host = "127." + std::to_string(net) + '.' + std::to_string(i / 200) + '.' +
                        std::to_string(1 + i % 200);
      targets.push_back(target(host, server.port()));
    }
    prober_->set_targets(std::move(targets));
    std::this_thread::sleep_for(60ms);
  }
  ASSERT_TRUE(published([](const auto& targets) { return targets.size() == 10'000; }));
  prober_->set_targets({});
  ASSERT_TRUE(published([](const auto& targets) { return targets.empty(); }));
  for (int i = 0; i < 3000 && test_support::open_descriptors() > before; ++i) {
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_EQ(test_support::open_descriptors(), before);
}

TEST_F(ProberTest, PublishesAtMostEveryGap) {
  const auto begin = clock_.steady();
  for (int i = 0; i < 50; ++i) {
    prober_->set_targets({});
    std::this_thread::sleep_for(10ms);
  }
  std::this_thread::sleep_for(300ms);
  std::lock_guard lock(mutex_);
  EXPECT_GE(publications_, 2);
  EXPECT_LE(publications_, 1 + (clock_.steady() - begin) / Prober::kPublishGap);
}

TEST_F(ProberTest, ProbeOnce) {
  TcpPeer server(greet);
  auto done = once(target("127.0.0.1", server.port()), {1s, 0s, true});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->end, ProbeRun::End::completed);
  ASSERT_TRUE(done->state);
  EXPECT_EQ(done->state->probes, 1U);
  EXPECT_TRUE(done->state->last->diagnosis.success);
  EXPECT_TRUE(published([](const auto& targets) { return targets.empty(); }))
      << "it is no target of the schedule";
}

TEST_F(ProberTest, WhoAsksForTheSameMeanwhileGetsTheSameAnswer) {
  TcpPeer quiet([](const TcpPeer::Stream& stream) { stream.receive_all(); });
  const auto wanted = target("127.0.0.1", quiet.port());
  std::vector<std::future<Prober::Once>> answers;
  for (int i = 0; i < 3; ++i) {
    auto promise = std::make_shared<std::promise<Prober::Once>>();
    answers.push_back(promise->get_future());
    prober_->probe_once(wanted, {500ms, 0s, true}, {},
                        [promise](Prober::Once done) { promise->set_value(std::move(done)); });
  }
  const auto first = answers[0].get().state;
  ASSERT_TRUE(first);
  EXPECT_EQ(answers[1].get().state, first);
  EXPECT_EQ(answers[2].get().state, first);
  EXPECT_THAT(quiet.accepted(), SizeIs(1));
}

TEST_F(ProberTest, NeverTwoProbesOfOneTarget) {
  TcpPeer quiet([](const TcpPeer::Stream& stream) { stream.receive_all(); });
  settings_.interval = settings_.timeout = 3s;
  prober_->set_targets({target("127.0.0.1", quiet.port())});
  ASSERT_TRUE(published([](const auto& targets) { return targets.size() == 1; }));
  std::this_thread::sleep_for(200ms);
  auto done = once(target("127.0.0.1", quiet.port()), {1s, 1s, true});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->end, ProbeRun::End::postponed);
  EXPECT_FALSE(done->culprit);
}

TEST_F(ProberTest, ChangedSettingsStartSpread) {
  TcpPeer server(greet, "0.0.0.0");
  settings_.interval = 1h;
  const auto all = [&] {
    std::vector<std::shared_ptr<const model::Target>> targets;
    for (int i = 1; i <= 30; ++i) {
      targets.push_back(target("127.0.9." + std::to_string(i), server.port()));
    }
    return targets;
  };
  const auto completed = [&](std::uint64_t probes) {
    return published([probes](const auto& targets) {
      return targets.size() == 30 &&
             std::all_of(targets.begin(), targets.end(),
                         [probes](const auto& t) { return t->probes >= probes; });
    });
  };
  prober_->set_targets(all());
  ASSERT_TRUE(completed(1));
  std::this_thread::sleep_for(1s);  // the pace
  settings_.depth = model::Depth::connect;
  prober_->set_targets(all());
  ASSERT_TRUE(completed(2));
  const auto accepted = server.accepted();
  ASSERT_THAT(accepted, SizeIs(60));
  EXPECT_GE(accepted[59] - accepted[30], 200ms);
}

TEST_F(ProberTest, ProbeOnceForbidden) {
  auto done =
      once(target("127.0.0.1", 22), {1s, 0s, true}, [](const base::IpAddress&) { return false; });
  ASSERT_TRUE(done);
  EXPECT_EQ(done->end, ProbeRun::End::forbidden);
  EXPECT_EQ(done->culprit, ip("127.0.0.1"));
  EXPECT_FALSE(done->state);
}

TEST_F(ProberTest, ProbeOncePostponed) {
  const auto closed = target("127.0.0.1", closed_port());
  ASSERT_TRUE(once(closed, {1s, 0s, true}));
  auto done = once(closed, {1s, 0s, true});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->end, ProbeRun::End::postponed);
}

// More targets than the address may be asked about in an interval: they take turns.
TEST_F(ProberTest, ACrowdedAddressGivesEveryoneATurn) {
  const auto port = closed_port();
  std::vector<std::shared_ptr<const model::Target>> targets;
  for (const char* name : {"localhost", "127.0.0.1"}) {
    for (int offset : {0, 1}) {
      targets.push_back(target(name, static_cast<std::uint16_t>(port + offset)));
    }
  }
  prober_->set_targets(std::move(targets));
  ASSERT_TRUE(published(
      [](const auto& now) {
        return std::all_of(now.begin(), now.end(), [](const auto& t) { return t->probes >= 2; });
      },
      12s));
  std::lock_guard lock(mutex_);
  for (const auto& state : last_) EXPECT_LE(state->probes, 3U) << state->target->name;
}

TEST_F(ProberTest, StopDropsTheCallbacksOfWaitingProbes) {
  TcpPeer quiet([](const TcpPeer::Stream& stream) { stream.receive_all(); });
  settings_.timeout = 10s;
  settings_.interval = 10s;
  auto kept = std::make_shared<bool>(true);
  std::weak_ptr<bool> watched = kept;
  prober_->probe_once(
      target("127.0.0.1", quiet.port()), {10s, 0s, true}, {},
      [kept = std::move(kept)](const Prober::Once&) { ADD_FAILURE() << "told after the end"; });
  std::this_thread::sleep_for(100ms);
  EXPECT_FALSE(watched.expired());
  prober_->stop();
  EXPECT_TRUE(watched.expired());
  prober_->probe_once(target("127.0.0.1", quiet.port()), {10s, 0s, true}, {},
                      [](const Prober::Once&) { ADD_FAILURE() << "told after the end"; });
}

TEST_F(ProberTest, EndsWithProbesUnderWay) {
  TcpPeer quiet([](const TcpPeer::Stream& stream) { stream.receive_all(); }, "0.0.0.0");
  settings_.timeout = 10s;
  settings_.interval = 10s;
  std::vector<std::shared_ptr<const model::Target>> targets;
  for (int i = 1; i <= 50; ++i) {
    targets.push_back(target("127.0.5." + std::to_string(i), quiet.port()));
    targets.push_back(target("host" + std::to_string(i) + ".invalid", 22));
  }
  prober_->set_targets(std::move(targets));
  prober_->probe_once(target("127.0.6.1", quiet.port()), {10s, 0s, true}, {},
                      [](const Prober::Once&) { ADD_FAILURE() << "told after its end"; });
  std::this_thread::sleep_for(300ms);
  const auto begin = clock_.steady();
  prober_.reset();
  EXPECT_LT(clock_.steady() - begin, 1s);
}

// Who is consulted about failed probes: what was asked, and how to answer.
class Consultant {
 public:
  Prober::Consult consult() {
    return [this](const model::Target&, const model::ProbeResult&,
                  const model::Diagnosis& diagnosis, Prober::Answer answer) {
      std::lock_guard lock(mutex_);
      asked_.push_back(diagnosis.cause);
      answers_.push_back(std::move(answer));
      changed_.notify_all();
      return true;
    };
  }
  Prober::Answer next() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, 5s, [this] { return !answers_.empty(); })) return {};
    auto answer = answers_.front();
    answers_.erase(answers_.begin());
    return answer;
  }
  std::vector<model::Cause> asked() {
    std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<model::Cause> asked_;
  std::vector<Prober::Answer> answers_;
};

model::Diagnosis finer() {
  model::Diagnosis diagnosis;
  diagnosis.cause = model::Cause::sshd_failed;
  return diagnosis;
}

class ConsultingProberTest : public ProberTest {
 protected:
  ConsultingProberTest() {
    settings_.interval = 1h;
    prober_ = std::make_unique<Prober>(
        clock_, judge,
        [this](Prober::Targets targets, const model::FleetState& fleet) {
          std::lock_guard lock(mutex_);
          last_ = std::move(targets);
          in_flight_ = fleet.probes_in_flight;
          ++publications_;
          changed_.notify_all();
        },
        consultant_.consult());
  }
  void TearDown() override { prober_.reset(); }

  Consultant consultant_;
};

TEST_F(ConsultingProberTest, AFailedProbeWaitsForTheFinerAnswer) {
  prober_->set_targets({target("127.0.0.1", closed_port())});
  const auto answer = consultant_.next();
  ASSERT_TRUE(answer);
  EXPECT_THAT(consultant_.asked(), testing::ElementsAre(model::Cause::port_closed));
  EXPECT_TRUE(published([](const auto& targets) { return targets.size() == 1; }));
  {
    std::lock_guard lock(mutex_);
    EXPECT_EQ(last_.at(0)->probes, 0U) << "published before the answer";
  }
  answer(finer());
  ASSERT_TRUE(published([](const auto& targets) { return targets[0]->probes == 1; }));
  EXPECT_EQ(last_[0]->last->diagnosis.cause, model::Cause::sshd_failed);
  EXPECT_THAT(last_[0]->failures,
              testing::ElementsAre(testing::Pair(model::Cause::sshd_failed, 1U)));
  EXPECT_EQ(in_flight_, 0U);
}

TEST_F(ConsultingProberTest, SuccessAsksNobody) {
  TcpPeer server(greet);
  prober_->set_targets({target("127.0.0.1", server.port())});
  ASSERT_TRUE(published(
      [](const auto& targets) { return targets.size() == 1 && targets[0]->probes == 1; }));
  EXPECT_THAT(consultant_.asked(), IsEmpty());
}

TEST_F(ConsultingProberTest, WithoutAnAnswerTheProbesOwnDiagnosisStands) {
  prober_->set_targets({target("127.0.0.1", closed_port())});
  const auto answer = consultant_.next();
  ASSERT_TRUE(
      published([](const auto& targets) { return targets.size() == 1 && targets[0]->probes == 1; },
                Prober::kConsultPatience + 5s));
  EXPECT_EQ(last_[0]->last->diagnosis.cause, model::Cause::port_closed);
  answer(finer());  // too late
  EXPECT_FALSE(published(
      [](const auto& targets) {
        return targets[0]->last->diagnosis.cause == model::Cause::sshd_failed;
      },
      500ms));
}

TEST_F(ConsultingProberTest, AnAnswerAboutATargetThatIsGoneIsDropped) {
  prober_->set_targets({target("127.0.0.1", closed_port())});
  const auto answer = consultant_.next();
  ASSERT_TRUE(answer);
  prober_->set_targets({});
  answer(finer());
  EXPECT_TRUE(
      published([this](const auto& targets) { return targets.empty() && in_flight_ == 0; }));
}

TEST_F(ConsultingProberTest, AProbeOnRequestWaitsAsWell) {
  std::thread person([this] { consultant_.next()(finer()); });
  const auto done = once(target("127.0.0.1", closed_port()), {.timeout = 500ms, .patience = 500ms});
  person.join();
  ASSERT_TRUE(done && done->state);
  EXPECT_EQ(done->state->last->diagnosis.cause, model::Cause::sshd_failed);
}

}  // namespace
}  // namespace probe
