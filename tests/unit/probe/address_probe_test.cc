#include "probe/address_probe.h"

#include <gmock/gmock.h>

#include "support/child.h"
#include "support/tcp_peer.h"

namespace probe {
namespace {

using namespace std::chrono_literals;
using model::AddressResult;
using model::CheckOutcome;
using model::CheckRole;
using model::Outcome;
using model::Stage;
using test_support::closed_port;
using test_support::ip;
using test_support::SilentPort;
using test_support::TcpPeer;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kHost = "127.0.0.1";
// A deadline's timer and an accept are seen a little late, and not always equally late.
constexpr base::Duration kTolerance = 50ms;

void greet(const TcpPeer::Stream& stream) {
  stream.send("SSH-2.0-test\r\n");
  stream.receive_all();
}

class AddressProbeTest : public testing::Test {
 protected:
  AddressProbeTest() { settings_.depth = model::Depth::banner; }

  AddressResult probe(std::uint16_t port, base::Duration timeout, bool follow_up = true) {
    model::Target target;
    target.port = port;
    target.settings = std::make_shared<model::ProbeSettings>(settings_);
    const auto now = clock_.steady();
    auto start = pacer_.reserve(ip(kHost), now, now + 10s);
    std::optional<AddressResult> result;
    std::unique_ptr<AddressProbe> probe;
    probe = std::make_unique<AddressProbe>(Shared{loop_, pacer_, rejections_}, target, ip(kHost),
                                           start.value_or(now), now + timeout, follow_up, [&] {
                                             EXPECT_FALSE(result) << "told twice";
                                             result = probe->take_result();
                                             probe.reset();  // as its owner may
                                             loop_.stop();
                                           });
    probe->start();
    EXPECT_FALSE(result) << "told before start() had returned";
    auto guard = loop_.at(now + 10s, [this] { loop_.stop(); });
    loop_.run();
    loop_.cancel(guard);
    EXPECT_TRUE(result) << "no end after ten seconds";
    return result.value_or(AddressResult{});
  }

  base::SystemClock clock_;
  base::EventLoop loop_{clock_};
  Pacer pacer_;
  RejectionMemory rejections_;
  model::ProbeSettings settings_;
};

TEST_F(AddressProbeTest, SuccessNeedsNoOtherPort) {
  TcpPeer server(greet);
  TcpPeer control(greet);
  settings_.control_ports = {control.port()};
  settings_.alternative_ports = {control.port()};
  auto result = probe(server.port(), 2s);
  EXPECT_EQ(result.seen.outcome, Outcome::ok);
  EXPECT_THAT(result.checks, IsEmpty());
  EXPECT_THAT(control.accepted(), IsEmpty());
}

TEST_F(AddressProbeTest, AfterARefusalAlternativesThenControlsASecondApart) {
  TcpPeer ssh(greet);
  TcpPeer control([](const TcpPeer::Stream& stream) { stream.receive_all(); });
  settings_.alternative_ports = {ssh.port()};
  settings_.control_ports = {control.port()};
  const auto begin = clock_.steady();
  auto result = probe(closed_port(), 4s);
  EXPECT_EQ(result.seen.outcome, Outcome::refused_rst);
  ASSERT_THAT(result.checks, SizeIs(1)) << "the host has answered: no need of control ports";
  EXPECT_EQ(result.checks[0].role, CheckRole::alternative);
  EXPECT_TRUE(result.checks[0].ssh);
  ASSERT_THAT(ssh.accepted(), SizeIs(1));
  EXPECT_GE(ssh.accepted()[0] - begin, Pacer::kGap - kTolerance);
}

TEST_F(AddressProbeTest, AlternativesUntilOneSpeaksSsh) {
  TcpPeer http([](const TcpPeer::Stream& stream) { stream.send("HTTP/1.0 400 Bad\r\n"); });
  TcpPeer ssh(greet);
  TcpPeer never(greet);
  settings_.alternative_ports = {http.port(), ssh.port(), never.port()};
  settings_.control_ports = {};
  auto result = probe(closed_port(), 4s);
  ASSERT_THAT(result.checks, SizeIs(2));
  EXPECT_EQ(result.checks[0].outcome, CheckOutcome::accepted);
  EXPECT_FALSE(result.checks[0].ssh);
  EXPECT_TRUE(result.checks[1].ssh);
  EXPECT_GE(ssh.accepted().at(0) - http.accepted().at(0), Pacer::kGap - kTolerance);
  EXPECT_THAT(never.accepted(), IsEmpty());
}

TEST_F(AddressProbeTest, NoTimeLeftIsSaid) {
  TcpPeer ssh(greet);
  settings_.alternative_ports = {ssh.port()};
  settings_.control_ports = {ssh.port()};
  auto result = probe(closed_port(), 500ms);
  ASSERT_THAT(result.checks, SizeIs(2));
  for (const auto& check : result.checks) EXPECT_EQ(check.outcome, CheckOutcome::skipped);
  EXPECT_THAT(ssh.accepted(), IsEmpty());
}

TEST_F(AddressProbeTest, NoFollowUpWithoutItsFlag) {
  settings_.alternative_ports = {closed_port()};
  auto result = probe(closed_port(), 3s, false);
  EXPECT_EQ(result.seen.outcome, Outcome::refused_rst);
  EXPECT_THAT(result.checks, IsEmpty());
}

TEST_F(AddressProbeTest, TheTargetsOwnPortIsNoOtherPort) {
  const auto port = closed_port();
  settings_.alternative_ports = {port};
  settings_.control_ports = {port};
  EXPECT_THAT(probe(port, 3s).checks, IsEmpty());
}

TEST_F(AddressProbeTest, DuringSilenceControlPortsAreTried) {
  SilentPort silent;
  TcpPeer control([](const TcpPeer::Stream& stream) { stream.receive_all(); });
  TcpPeer unneeded(greet);
  settings_.control_ports = {control.port(), unneeded.port()};
  settings_.alternative_ports = {unneeded.port()};
  auto result = probe(silent.port(), 1500ms);
  EXPECT_EQ(result.seen.outcome, Outcome::timeout);
  ASSERT_THAT(result.checks, SizeIs(1));
  EXPECT_EQ(result.checks[0].outcome, CheckOutcome::accepted);
  EXPECT_THAT(unneeded.accepted(), IsEmpty());
}

TEST_F(AddressProbeTest, ARefusalAfterSilenceLooksAtNoPortTwice) {
  SilentPort silent;
  SilentPort control;
  settings_.control_ports = {control.port()};
  // The second SYN, a second after the first, meets a closed port.
  loop_.at(clock_.steady() + 900ms, [&] { silent.close(); });
  auto result = probe(silent.port(), 1600ms);
  EXPECT_EQ(result.seen.outcome, Outcome::refused_rst);
  ASSERT_THAT(result.checks, SizeIs(1));
  EXPECT_EQ(result.checks[0].outcome, CheckOutcome::timeout);
}

TEST_F(AddressProbeTest, SilenceAfterAKnownRejection) {
  SilentPort silent;
  settings_.control_ports = {};
  const model::IcmpError icmp{base::IpFamily::ipv4, 3, 13, ip("192.0.2.254")};
  rejections_.remember(ip(kHost), silent.port(), icmp, 5ms, clock_.steady());
  auto result = probe(silent.port(), 200ms);
  EXPECT_EQ(result.seen.outcome, Outcome::timeout);
  ASSERT_TRUE(result.earlier_rejection);
  EXPECT_EQ(result.earlier_rejection->icmp, icmp);
}

TEST_F(AddressProbeTest, AnotherAnswerMakesARejectionForgotten) {
  TcpPeer server(greet);
  const auto closed = closed_port();
  settings_.control_ports = {};
  const model::IcmpError icmp{base::IpFamily::ipv4, 3, 13, ip("192.0.2.254")};
  for (auto port : {server.port(), closed}) {
    rejections_.remember(ip(kHost), port, icmp, 5ms, clock_.steady());
    EXPECT_FALSE(probe(port, 3s).earlier_rejection);
    EXPECT_FALSE(rejections_.explain_silence(ip(kHost), port, clock_.steady()));
  }
}

TEST_F(AddressProbeTest, DestroyedWhileWaitingConnectingAndChecking) {
  SilentPort silent;
  model::Target target;
  target.port = silent.port();
  settings_.control_ports = {silent.port(), closed_port()};
  target.settings = std::make_shared<model::ProbeSettings>(settings_);
  auto fail = [] { ADD_FAILURE() << "told after its end"; };
  const auto before = test_support::open_descriptors();
  const auto now = clock_.steady();
  std::vector<std::unique_ptr<AddressProbe>> probes;
  for (auto start : {now + 5s, now}) {
    probes.push_back(std::make_unique<AddressProbe>(Shared{loop_, pacer_, rejections_}, target,
                                                    ip(kHost), start, now + 600ms, true, fail));
    probes.back()->start();
  }
  loop_.at(now + 400ms, [&] { probes.clear(); });
  loop_.at(now + 800ms, [&] { loop_.stop(); });
  loop_.run();
  EXPECT_EQ(test_support::open_descriptors(), before);
}

}  // namespace
}  // namespace probe
