#include "probe/connection.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <future>
#include <string>
#include <thread>

#include "support/child.h"
#include "support/ssh_wire.h"
#include "support/tcp_peer.h"

namespace probe {
namespace {

using namespace std::chrono_literals;
using model::Depth;
using model::Observation;
using model::Outcome;
using model::Stage;
using test_support::closed_port;
using test_support::ip;
using test_support::SilentPort;
using test_support::TcpPeer;
using testing::ElementsAre;
using testing::Le;

const std::string kBanner = "SSH-2.0-test comment\r\n";
const std::string kClient = "SSH-2.0-ssh_refusal_exporter\r\n";
std::string offer() { return test_support::kexinit_packet(test_support::openssh_9_2()); }

class ConnectionTest : public testing::Test {
 protected:
  Connection::Request request(std::uint16_t port, Depth depth = Depth::kexinit,
                              base::Duration timeout = 5s) {
    return {ip("127.0.0.1"),          port, {}, depth, &model::openssh_client_profile(),
            clock_.steady() + timeout};
  }

  // Runs one connection to its end.
  Observation observe(const Connection::Request& request) {
    std::optional<Observation> seen;
    Connection connection(loop_, request, [&](Observation observation) {
      EXPECT_FALSE(seen) << "told twice";
      seen = std::move(observation);
      loop_.stop();
    });
    connection.start();
    EXPECT_FALSE(seen) << "told before start() had returned";
    run();
    return seen.value_or(Observation{});
  }
  Observation observe(const TcpPeer& peer, Depth depth = Depth::kexinit,
                      base::Duration timeout = 5s) {
    return observe(request(peer.port(), depth, timeout));
  }

  void run() {
    auto guard = loop_.at(clock_.steady() + 10s, [this] {
      ADD_FAILURE() << "nothing happened for ten seconds";
      loop_.stop();
    });
    loop_.run();
    loop_.cancel(guard);
  }

  base::SystemClock clock_;
  base::EventLoop loop_{clock_};
};

void expect(const Observation& seen, Stage stage, Outcome outcome) {
  EXPECT_STREQ(name_of(seen.stage), name_of(stage));
  EXPECT_STREQ(name_of(seen.outcome), name_of(outcome));
}

TEST_F(ConnectionTest, WholeTalk) {
  std::promise<std::string> heard;
  TcpPeer peer([&](const TcpPeer::Stream& stream) {
    stream.send(kBanner);
    std::string said;
    while (said.size() < kClient.size()) said += stream.receive();
    stream.send(offer());
    heard.set_value(said + stream.receive_all());
  });
  auto seen = observe(peer);
  expect(seen, Stage::done, Outcome::ok);
  EXPECT_EQ(heard.get_future().get(), kClient + disconnect_packet("probe complete"));
  ASSERT_TRUE(seen.server);
  EXPECT_EQ(seen.server->software, "test");
  for (auto phase : {Stage::connect, Stage::banner, Stage::kexinit}) {
    ASSERT_TRUE(seen.phases.get(phase)) << name_of(phase);
    EXPECT_LT(*seen.phases.get(phase), 1s);
  }
  EXPECT_EQ(seen.error, 0);
}

TEST_F(ConnectionTest, BannerAndOfferInOneSegment) {
  TcpPeer peer([](const TcpPeer::Stream& stream) {
    stream.send(kBanner + offer());
    stream.receive_all();
  });
  auto seen = observe(peer);
  expect(seen, Stage::done, Outcome::ok);
  EXPECT_TRUE(seen.phases.get(Stage::banner));
  EXPECT_TRUE(seen.phases.get(Stage::kexinit));
}

TEST_F(ConnectionTest, Ipv6) {
  TcpPeer peer([](const TcpPeer::Stream& stream) { stream.send(kBanner); }, "::1");
  auto wanted = request(peer.port(), Depth::banner);
  wanted.address = ip("::1");
  expect(observe(wanted), Stage::done, Outcome::ok);
  wanted.port = closed_port("::1");
  expect(observe(wanted), Stage::connect, Outcome::refused_rst);
}

TEST_F(ConnectionTest, DepthConnectHasOnlyThatPhase) {
  TcpPeer peer([](const TcpPeer::Stream& stream) { stream.receive_all(); });
  auto seen = observe(peer, Depth::connect);
  expect(seen, Stage::done, Outcome::ok);
  EXPECT_TRUE(seen.phases.get(Stage::connect));
  EXPECT_FALSE(seen.phases.get(Stage::banner));
  EXPECT_FALSE(seen.phases.get(Stage::kexinit));
}

TEST_F(ConnectionTest, Refused) {
  auto seen = observe(request(closed_port()));
  expect(seen, Stage::connect, Outcome::refused_rst);
  EXPECT_EQ(seen.error, ECONNREFUSED);
  EXPECT_FALSE(seen.icmp);
  EXPECT_FALSE(seen.phases.get(Stage::connect));
  EXPECT_LT(seen.waited, 1s);
}

TEST_F(ConnectionTest, FullBacklogIsSilence) {
  SilentPort silent;
  auto seen = observe(request(silent.port(), Depth::kexinit, 300ms));
  expect(seen, Stage::connect, Outcome::timeout);
  EXPECT_GE(seen.waited, 290ms);
  EXPECT_LT(seen.waited, 2s);
}

TEST_F(ConnectionTest, DeadlineInThePast) {
  SilentPort silent;
  expect(observe(request(silent.port(), Depth::kexinit, -1s)), Stage::connect, Outcome::timeout);
}

TEST_F(ConnectionTest, SilenceAfterAccept) {
  std::promise<std::string> heard;
  TcpPeer peer([&](const TcpPeer::Stream& stream) { heard.set_value(stream.receive_all()); });
  auto seen = observe(peer, Depth::kexinit, 300ms);
  expect(seen, Stage::banner, Outcome::timeout);
  EXPECT_TRUE(seen.phases.get(Stage::connect));
  EXPECT_EQ(seen.bytes_received, 0U);
  EXPECT_EQ(heard.get_future().get(), kClient) << "we speak after half of the time";
}

TEST_F(ConnectionTest, SilenceAfterTheBanner) {
  TcpPeer peer([&](const TcpPeer::Stream& stream) {
    stream.send(kBanner);
    stream.receive_all();
  });
  auto seen = observe(peer, Depth::kexinit, 300ms);
  expect(seen, Stage::kexinit, Outcome::timeout);
  EXPECT_TRUE(seen.phases.get(Stage::banner));
  EXPECT_FALSE(seen.phases.get(Stage::kexinit));
}

TEST_F(ConnectionTest, AServerThatWaitsForTheClient) {
  TcpPeer peer([](const TcpPeer::Stream& stream) {
    if (stream.receive() == kClient) stream.send(kBanner + offer());
    stream.receive_all();
  });
  auto seen = observe(peer, Depth::kexinit, 2s);
  expect(seen, Stage::done, Outcome::ok);
  EXPECT_GE(*seen.phases.get(Stage::banner), 900ms);
}

TEST_F(ConnectionTest, ClosedWithoutAByte) {
  TcpPeer peer([](const TcpPeer::Stream&) {});
  expect(observe(peer), Stage::banner, Outcome::closed);
}

TEST_F(ConnectionTest, ResetWithoutAByte) {
  TcpPeer peer([](const TcpPeer::Stream& stream) {
    std::this_thread::sleep_for(50ms);
    stream.reset();
  });
  auto seen = observe(peer);
  expect(seen, Stage::banner, Outcome::reset);
  EXPECT_EQ(seen.error, ECONNRESET);
}

TEST_F(ConnectionTest, TextThenClose) {
  TcpPeer peer([](const TcpPeer::Stream& stream) { stream.send("Exceeded MaxStartups\r\n"); });
  auto seen = observe(peer);
  expect(seen, Stage::banner, Outcome::turned_away);
  EXPECT_THAT(seen.text, ElementsAre("Exceeded MaxStartups"));
}

TEST_F(ConnectionTest, ByteByByte) {
  TcpPeer peer([](const TcpPeer::Stream& stream) {
    for (char c : "hello\r\n" + kBanner) {
      stream.send({&c, 1});
      std::this_thread::sleep_for(3ms);
    }
    stream.send(offer());
    stream.receive_all();
  });
  auto seen = observe(peer);
  expect(seen, Stage::done, Outcome::ok);
  EXPECT_THAT(seen.text, ElementsAre("hello"));
  EXPECT_GE(*seen.phases.get(Stage::banner), 50ms);
}

TEST_F(ConnectionTest, AMegabyteWithoutANewline) {
  TcpPeer peer([](const TcpPeer::Stream& stream) { stream.send(std::string(1 << 20, 'x')); });
  auto seen = observe(peer);
  expect(seen, Stage::banner, Outcome::not_ssh);
  EXPECT_THAT(seen.bytes_received, Le(65536U));
}

// The peer has finished before the loop looks: all in one event.
class LateLoop : public ConnectionTest {
 protected:
  Observation observe_late(const TcpPeer::Script& script, Depth depth = Depth::kexinit) {
    std::promise<void> finished;
    TcpPeer peer([&](const TcpPeer::Stream& stream) {
      script(stream);
      finished.set_value();
    });
    std::optional<Observation> seen;
    Connection connection(loop_, request(peer.port(), depth), [&](Observation observation) {
      seen = std::move(observation);
      loop_.stop();
    });
    connection.start();
    finished.get_future().wait();
    std::this_thread::sleep_for(50ms);
    run();
    return seen.value_or(Observation{});
  }
};

TEST_F(LateLoop, AcceptedAndResetIsNotRefused) {
  auto seen = observe_late([](const TcpPeer::Stream& stream) { stream.reset(); });
  expect(seen, Stage::banner, Outcome::reset);
  EXPECT_EQ(seen.error, ECONNRESET);
  EXPECT_TRUE(seen.phases.get(Stage::connect));
}

TEST_F(LateLoop, AcceptedAndResetIsWellForDepthConnect) {
  auto seen = observe_late([](const TcpPeer::Stream& stream) { stream.reset(); }, Depth::connect);
  expect(seen, Stage::done, Outcome::ok);
}

TEST_F(LateLoop, TextBeforeTheResetIsRead) {
  auto seen = observe_late([](const TcpPeer::Stream& stream) {
    stream.send("Not allowed at this time\r\n");
    std::this_thread::sleep_for(20ms);
    stream.reset();
  });
  expect(seen, Stage::banner, Outcome::turned_away);
  EXPECT_THAT(seen.text, ElementsAre("Not allowed at this time"));
}

TEST_F(LateLoop, AcceptedAndClosed) {
  expect(observe_late([](const TcpPeer::Stream&) {}), Stage::banner, Outcome::closed);
}

TEST_F(LateLoop, AnswerThatArrivedBeforeTheDeadlineCounts) {
  TcpPeer peer([](const TcpPeer::Stream& stream) {
    stream.send(kBanner + offer());
    stream.receive_all();
  });
  std::optional<Observation> seen;
  Connection connection(loop_, request(peer.port(), Depth::kexinit, 50ms),
                        [&](Observation observation) {
                          seen = std::move(observation);
                          loop_.stop();
                        });
  connection.start();
  std::this_thread::sleep_for(100ms);
  run();
  ASSERT_TRUE(seen);
  expect(*seen, Stage::done, Outcome::ok);
}

TEST_F(ConnectionTest, SourceAddress) {
  TcpPeer peer([](const TcpPeer::Stream& stream) { stream.send(kBanner); });
  auto wanted = request(peer.port(), Depth::banner);
  wanted.source_address = ip("127.0.0.77");
  expect(observe(wanted), Stage::done, Outcome::ok);
  wanted.port = closed_port();
  auto refused = observe(wanted);
  ASSERT_TRUE(refused.local_address);
  EXPECT_EQ(refused.local_address->to_string(), "127.0.0.77");
  wanted.source_address = ip("::1");
  wanted.port = peer.port();
  expect(observe(wanted), Stage::done, Outcome::ok);
}

TEST_F(ConnectionTest, SourceAddressThatIsNotOurs) {
  auto wanted = request(closed_port());
  wanted.source_address = ip("203.0.113.77");
  auto seen = observe(wanted);
  expect(seen, Stage::connect, Outcome::local_error);
  EXPECT_EQ(seen.error, EADDRNOTAVAIL);
}

TEST_F(ConnectionTest, OutOfDescriptors) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 3;
  const auto wanted = request(closed_port());
  // The undefined-behaviour sanitizer needs a descriptor where it meets a type for the first time.
  expect(observe(wanted), Stage::connect, Outcome::refused_rst);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  auto seen = observe(wanted);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  expect(seen, Stage::connect, Outcome::local_error);
  EXPECT_EQ(seen.error, EMFILE);
}

// The lowest sequence number that the ICMP message may quote: that after the SYN.
std::uint32_t sniff_sequence(int raw, std::uint16_t port) {
  while (true) {
    std::array<unsigned char, 2048> packet{};
    if (recv(raw, packet.data(), packet.size(), 0) < 40) return 0;
    auto number = [&](std::size_t at) { return (packet[at] << 8) | packet[at + 1]; };
    const bool syn = (packet[33] & 0x12) == 0x02;
    if (number(22) != port || !syn) continue;
    return (static_cast<std::uint32_t>(number(24)) << 16 | static_cast<std::uint32_t>(number(26))) +
           1;
  }
}

// Host unreachable, 3/1, about the connection from `from` to `to` on 127.0.0.1.
std::string host_unreachable(std::uint16_t from, std::uint16_t to, std::uint32_t sequence) {
  auto word = [](unsigned value) {
    return std::string{static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
  };
  const std::string loopback("\x7f\0\0\x01", 4);
  const std::string quoted = std::string("\x45\0\0\x28\0\x01\x40\0\x40\x06\0\0", 12) + loopback +
                             loopback + word(from) + word(to) +
                             test_support::uint32_bytes(sequence);
  std::string head("\x03\x01\0\0\0\0\0\0", 8);
  std::uint32_t sum = 0;
  const std::string all = head + quoted;
  for (std::size_t i = 0; i < all.size(); i += 2) {
    sum += (static_cast<unsigned char>(all[i]) << 8U) + static_cast<unsigned char>(all[i + 1]);
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  head.replace(2, 2, word(~sum & 0xffff));
  return head + quoted;
}

TEST_F(ConnectionTest, AnIcmpErrorDoesNotEndAnEstablishedConnection) {
  base::Fd tcp(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP));
  base::Fd icmp(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
  if (!tcp.valid() || !icmp.valid()) GTEST_SKIP() << "needs CAP_NET_RAW for a forged ICMP message";
  timeval patience{2, 0};
  setsockopt(tcp.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::promise<void> forged;
  auto ready = forged.get_future();
  TcpPeer peer([&](const TcpPeer::Stream& stream) {
    ready.wait();
    std::this_thread::sleep_for(50ms);
    stream.send(kBanner + offer());
    stream.receive_all();
  });
  auto wanted = request(peer.port());
  std::uint16_t own_port = 0;
  std::thread forger([&] {
    const auto sequence = sniff_sequence(tcp.get(), peer.port());
    std::this_thread::sleep_for(50ms);
    // The connection's own port, from the kernel's table.
    own_port = test_support::peer_port_of(peer.port());
    const auto message = host_unreachable(own_port, peer.port(), sequence);
    sockaddr_storage storage{};
    auto length = ip("127.0.0.1").to_sockaddr(0, storage);
    sendto(icmp.get(), message.data(), message.size(), 0, reinterpret_cast<sockaddr*>(&storage),
           length);
    forged.set_value();
  });
  auto seen = observe(wanted);
  forger.join();
  EXPECT_NE(own_port, 0);
  expect(seen, Stage::done, Outcome::ok);
}

TEST_F(ConnectionTest, DestroyedInEveryStateItTellsNothingAndLeaksNothing) {
  SilentPort silent;
  TcpPeer quiet([](const TcpPeer::Stream& stream) { stream.receive_all(); });
  const auto before = test_support::open_descriptors();
  auto fail = [](const Observation&) { ADD_FAILURE() << "told after its end"; };
  {
    Connection idle(loop_, request(quiet.port()), fail);
    Connection connecting(loop_, request(silent.port(), Depth::kexinit, 50ms), fail);
    connecting.start();
    Connection refused(loop_, request(closed_port()), fail);
    refused.start();
  }
  auto talking = std::make_unique<Connection>(loop_, request(quiet.port()), fail);
  talking->start();
  loop_.at(clock_.steady() + 50ms, [&] { talking.reset(); });
  loop_.at(clock_.steady() + 150ms, [&] { loop_.stop(); });
  run();
  EXPECT_LE(test_support::open_descriptors(), before + 1) << "the peer's end may be closing";
}

TEST_F(ConnectionTest, ManyAtOnceEachDestroyedByItsCallback) {
  TcpPeer peer([](const TcpPeer::Stream& stream) {
    stream.send(kBanner + offer());
    stream.receive_all();
  });
  SilentPort silent;
  const auto closed = closed_port();
  constexpr std::size_t kCount = 300;
  const auto before = test_support::open_descriptors();
  std::vector<std::unique_ptr<Connection>> connections(kCount);
  std::array<int, 3> outcomes{};
  std::size_t told = 0;
  for (std::size_t i = 0; i < kCount; ++i) {
    const auto port = i % 3 == 0 ? peer.port() : i % 3 == 1 ? closed : silent.port();
    connections[i] = std::make_unique<Connection>(
        loop_, request(port, Depth::kexinit, i % 3 == 2 ? 500ms : 8s),
        [&, i](const Observation& seen) {
          outcomes.at(0) += seen.outcome == Outcome::ok ? 1 : 0;
          outcomes.at(1) += seen.outcome == Outcome::refused_rst ? 1 : 0;
          outcomes.at(2) += seen.outcome == Outcome::timeout ? 1 : 0;
          connections[i].reset();
          if (++told == kCount) loop_.stop();
        });
    connections[i]->start();
  }
  run();
  EXPECT_THAT(outcomes, ElementsAre(100, 100, 100));
  for (int i = 0; i < 100 && test_support::open_descriptors() > before; ++i) {
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_EQ(test_support::open_descriptors(), before);
}

}  // namespace
}  // namespace probe
