#include "probe/resolver.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "support/child.h"
#include "support/tcp_peer.h"

namespace probe {
namespace {

using namespace std::chrono_literals;
using model::IpProtocol;
using model::Outcome;
using test_support::ip;
using testing::AnyOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Eq;

class ResolverTest : public testing::Test {
 protected:
  // nullopt: no answer within `patience`.
  std::optional<Resolution> resolve(const std::string& host, IpProtocol protocol,
                                    base::Duration patience = 5s) {
    std::optional<Resolution> answer;
    resolver_.resolve(host, protocol, [&](Resolution resolution) {
      answer = std::move(resolution);
      loop_.stop();
    });
    auto timer = loop_.at(clock_.steady() + patience, [this] { loop_.stop(); });
    if (!answer) loop_.run();
    loop_.cancel(timer);
    return answer;
  }

  base::SystemClock clock_;
  base::EventLoop loop_{clock_};
  Resolver resolver_{loop_};
};

TEST_F(ResolverTest, Localhost) {
  auto answer = resolve("localhost", IpProtocol::ipv4);
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->failure) << answer->detail;
  EXPECT_THAT(answer->addresses, Contains(ip("127.0.0.1")));
}

TEST_F(ResolverTest, AnyFamilyEachAddressOnce) {
  auto answer = resolve("localhost", IpProtocol::any);
  ASSERT_TRUE(answer);
  auto addresses = answer->addresses;
  ASSERT_FALSE(addresses.empty());
  std::sort(addresses.begin(), addresses.end());
  EXPECT_EQ(std::unique(addresses.begin(), addresses.end()), addresses.end());
  for (const auto& address : addresses) EXPECT_TRUE(address.is_loopback());
}

TEST_F(ResolverTest, Literals) {
  auto answer = resolve("192.0.2.7", IpProtocol::any);
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->addresses, ElementsAre(ip("192.0.2.7")));
}

TEST_F(ResolverTest, TheFamilyIsRespected) {
  // Not for ipv6: there c-ares 1.18 leaks ten bytes if the hosts file has localhost for IPv4 alone.
  auto answer = resolve("localhost", IpProtocol::ipv4);
  ASSERT_TRUE(answer);
  for (const auto& address : answer->addresses) EXPECT_TRUE(address.is_v4());
}

TEST_F(ResolverTest, ANameThatCannotBe) {
  auto answer = resolve(std::string(300, 'a'), IpProtocol::any, 1s);
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->failure, AnyOf(Eq(Outcome::dns_not_found), Eq(Outcome::dns_failed)));
  EXPECT_NE(answer->detail, "");
  EXPECT_TRUE(answer->addresses.empty());
}

// RFC 2606: .invalid does not exist, whether a server says so, none is there, or none answers.
TEST_F(ResolverTest, ANameThatIsNot) {
  auto answer = resolve("host.invalid", IpProtocol::any, 500ms);
  if (answer) {
    EXPECT_THAT(answer->failure, AnyOf(Eq(Outcome::dns_not_found), Eq(Outcome::dns_failed)));
    EXPECT_TRUE(answer->addresses.empty());
  }
}

TEST_F(ResolverTest, ManyQueriesAndNoAnswerAfterItsEnd) {
  const auto before = test_support::open_descriptors();
  int answers = 0;
  auto resolver = std::make_unique<Resolver>(loop_);
  for (int i = 0; i < 100; ++i) {
    resolver->resolve("host" + std::to_string(i) + ".invalid", IpProtocol::any,
                      [&](const Resolution&) { ++answers; });
  }
  loop_.at(clock_.steady() + 50ms, [&] { loop_.stop(); });
  loop_.run();
  const int until_its_end = answers;
  resolver.reset();
  loop_.at(clock_.steady() + 50ms, [&] { loop_.stop(); });
  loop_.run();
  EXPECT_EQ(answers, until_its_end);
  EXPECT_EQ(test_support::open_descriptors(), before);
}

TEST(IsLocalName, Names) {
  for (const char* name : {"localhost", "LOCALHOST", "db.localhost", "a.b.LocalHost"}) {
    EXPECT_TRUE(is_local_name(name)) << name;
  }
  for (const char* name : {"", ".localhost", "localhost.example.net", "notlocalhost", "localhos"}) {
    EXPECT_FALSE(is_local_name(name)) << name;
  }
}

TEST(IsLocalName, OwnName) {
  std::array<char, 256> own{};
  ASSERT_EQ(gethostname(own.data(), own.size() - 1), 0);
  EXPECT_TRUE(is_local_name(own.data()));
  EXPECT_FALSE(is_local_name(own.data() + std::string("x")));
}

}  // namespace
}  // namespace probe
