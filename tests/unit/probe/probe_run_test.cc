#include "probe/probe_run.h"

#include <gmock/gmock.h>

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

void greet(const TcpPeer::Stream& stream) {
  stream.send("SSH-2.0-test\r\n");
  stream.receive_all();
}

class ProbeRunTest : public testing::Test {
 protected:
  ProbeRunTest() {
    settings_.depth = model::Depth::banner;
    settings_.ip_protocol = model::IpProtocol::ipv4;
    settings_.control_ports = {};
  }

  std::shared_ptr<const model::Target> target(const std::string& host, std::uint16_t port) {
    auto made = std::make_shared<model::Target>();
    made->host = host;
    made->port = port;
    made->settings = std::make_shared<model::ProbeSettings>(settings_);
    return made;
  }

  ProbeRun::Completion run(std::shared_ptr<const model::Target> target,
                           const ProbeRun::Timing& timing = {3s, 1s, true},
                           ProbeRun::Permit permit = {}) {
    std::optional<ProbeRun::Completion> completion;
    std::unique_ptr<ProbeRun> run;
    run =
        std::make_unique<ProbeRun>(Shared{loop_, pacer_, rejections_}, resolver_, std::move(target),
                                   timing, std::move(permit), [&](ProbeRun::Completion done) {
                                     EXPECT_FALSE(completion) << "told twice";
                                     completion = std::move(done);
                                     run.reset();  // as its owner may
                                     loop_.stop();
                                   });
    run->start();
    EXPECT_FALSE(completion) << "told before start() had returned";
    auto guard = loop_.at(clock_.steady() + 10s, [this] { loop_.stop(); });
    loop_.run();
    loop_.cancel(guard);
    EXPECT_TRUE(completion) << "no end after ten seconds";
    return completion.value_or(ProbeRun::Completion{});
  }

  base::SystemClock clock_;
  base::EventLoop loop_{clock_};
  Resolver resolver_{loop_};
  Pacer pacer_;
  RejectionMemory rejections_;
  model::ProbeSettings settings_;
};

TEST_F(ProbeRunTest, Literal) {
  TcpPeer server(greet, "127.0.0.9");
  auto done = run(target("127.0.0.9", server.port()));
  EXPECT_EQ(done.end, ProbeRun::End::completed);
  EXPECT_TRUE(done.result.name_is_address);
  EXPECT_FALSE(done.result.resolve_time);
  EXPECT_FALSE(done.result.resolve_failure);
  ASSERT_THAT(done.result.addresses, SizeIs(1));
  EXPECT_EQ(done.result.addresses[0].address, ip("127.0.0.9"));
  EXPECT_EQ(done.result.addresses[0].seen.outcome, Outcome::ok);
  EXPECT_GE(done.result.completed, done.result.started);
  EXPECT_LT(done.result.duration, 1s);
}

TEST_F(ProbeRunTest, Name) {
  TcpPeer server(greet);
  auto done = run(target("localhost", server.port()));
  EXPECT_FALSE(done.result.name_is_address);
  EXPECT_TRUE(done.result.name_is_local);
  EXPECT_TRUE(done.result.resolve_time);
  ASSERT_THAT(done.result.addresses, SizeIs(1));
  EXPECT_EQ(done.result.addresses[0].seen.outcome, Outcome::ok);
}

TEST_F(ProbeRunTest, NoSuchNameEndsByTheDeadlineAtTheLatest) {
  const auto begin = clock_.steady();
  auto done = run(target("host.invalid", 22), {300ms, 100ms, true});
  EXPECT_EQ(done.end, ProbeRun::End::completed);
  ASSERT_TRUE(done.result.resolve_failure);
  EXPECT_NE(done.result.resolve_detail, "");
  EXPECT_THAT(done.result.addresses, IsEmpty());
  EXPECT_LT(clock_.steady() - begin, 2s);
}

TEST_F(ProbeRunTest, TheResolversAnswerFindsTheRunGone) {
  auto gone = std::make_unique<ProbeRun>(
      Shared{loop_, pacer_, rejections_}, resolver_, target("localhost", 22),
      ProbeRun::Timing{1s, 1s, true}, ProbeRun::Permit{},
      [](const ProbeRun::Completion&) { ADD_FAILURE() << "told after its end"; });
  gone->start();
  gone.reset();
  loop_.at(clock_.steady() + 50ms, [this] { loop_.stop(); });
  loop_.run();
}

TEST_F(ProbeRunTest, ForbiddenAddressesGetNothing) {
  TcpPeer server(greet);
  auto done = run(target("127.0.0.1", server.port()), {1s, 1s, true},
                  [](const base::IpAddress&) { return false; });
  EXPECT_EQ(done.end, ProbeRun::End::forbidden);
  EXPECT_EQ(done.culprit, ip("127.0.0.1"));
  EXPECT_THAT(server.accepted(), IsEmpty());
}

TEST_F(ProbeRunTest, PermittedAddresses) {
  TcpPeer server(greet);
  auto done = run(target("127.0.0.1", server.port()), {1s, 1s, true},
                  [](const base::IpAddress& address) { return address.is_loopback(); });
  EXPECT_EQ(done.end, ProbeRun::End::completed);
}

TEST_F(ProbeRunTest, PostponedIfThePacerLeavesNoRoom) {
  TcpPeer server(greet);
  const auto now = clock_.steady();
  pacer_.reserve(ip("127.0.0.1"), now, now);
  auto done = run(target("127.0.0.1", server.port()), {3s, 500ms, true});
  EXPECT_EQ(done.end, ProbeRun::End::postponed);
  EXPECT_EQ(done.culprit, ip("127.0.0.1"));
  EXPECT_THAT(server.accepted(), IsEmpty());
}

TEST_F(ProbeRunTest, WaitingForThePacerCountsNeitherAsTimeNorAsDuration) {
  TcpPeer server(greet);
  const auto now = clock_.steady();
  pacer_.reserve(ip("127.0.0.1"), now, now);
  auto done = run(target("127.0.0.1", server.port()), {500ms, 2s, true});
  ASSERT_EQ(done.end, ProbeRun::End::completed);
  EXPECT_EQ(done.result.addresses.at(0).seen.outcome, Outcome::ok);
  EXPECT_GE(server.accepted().at(0) - now, 950ms);
  EXPECT_LT(done.result.duration, 500ms);
}

TEST_F(ProbeRunTest, DestroyedAtAnyTime) {
  TcpPeer quiet([](const TcpPeer::Stream& stream) { stream.receive_all(); });
  std::vector<std::unique_ptr<ProbeRun>> runs;
  for (int i = 0; i < 50; ++i) {
    const auto host = "127.0.1." + std::to_string(i + 1);
    runs.push_back(std::make_unique<ProbeRun>(
        Shared{loop_, pacer_, rejections_}, resolver_, target(host, closed_port()),
        ProbeRun::Timing{2s, 1s, true}, ProbeRun::Permit{}, [&](const ProbeRun::Completion&) {
          runs.clear();  // the first to end takes all others with it
          loop_.stop();
        }));
    runs.back()->start();
  }
  loop_.run();
  EXPECT_THAT(runs, IsEmpty());
}

}  // namespace
}  // namespace probe
