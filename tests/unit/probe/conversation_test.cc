#include "probe/conversation.h"

#include <gmock/gmock.h>

#include <string>

#include "support/ssh_wire.h"

namespace probe {
namespace {

using model::Depth;
using model::Observation;
using model::Outcome;
using model::Stage;
using test_support::kexinit_packet;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string kServer = "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u7\r\n";
const std::string kClient = "SSH-2.0-ssh_refusal_exporter\r\n";

std::string farewell() { return disconnect_packet("probe complete"); }
std::string offer() { return kexinit_packet(test_support::openssh_9_2()); }

// A conversation and what it said.
class Talk {
 public:
  explicit Talk(Depth depth) : conversation_(depth, model::openssh_client_profile()) {}

  Talk& hear(std::string_view bytes) {
    conversation_.feed(bytes, sent_);
    return *this;
  }
  Talk& hear_byte_by_byte(std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) hear(bytes.substr(i, 1));
    return *this;
  }
  Talk& wait() {
    conversation_.speak_first(sent_);
    return *this;
  }
  Talk& end(End reason) {
    conversation_.end(reason);
    return *this;
  }
  Observation report() {
    Observation seen;
    conversation_.report(seen);
    return seen;
  }
  [[nodiscard]] const std::string& sent() const { return sent_; }
  [[nodiscard]] bool done() const { return conversation_.done(); }
  [[nodiscard]] Stage stage() const { return conversation_.stage(); }

 private:
  Conversation conversation_;
  std::string sent_;
};

void expect_end(Talk& talk, Stage stage, Outcome outcome) {
  ASSERT_TRUE(talk.done());
  EXPECT_EQ(talk.stage(), stage);
  auto seen = talk.report();
  EXPECT_EQ(seen.stage, stage);
  EXPECT_STREQ(name_of(seen.outcome), name_of(outcome));
}

TEST(Conversation, DepthConnectHasNothingToSay) {
  Talk talk(Depth::connect);
  talk.wait().hear("noise");
  expect_end(talk, Stage::done, Outcome::ok);
  EXPECT_EQ(talk.sent(), "");
}

TEST(Conversation, DepthBanner) {
  Talk talk(Depth::banner);
  EXPECT_EQ(talk.stage(), Stage::banner);
  talk.hear(kServer + offer());
  expect_end(talk, Stage::done, Outcome::ok);
  EXPECT_EQ(talk.sent(), kClient + farewell());
  auto seen = talk.report();
  ASSERT_TRUE(seen.server);
  EXPECT_EQ(seen.server->software, "OpenSSH_9.2p1");
  EXPECT_EQ(seen.bytes_received, kServer.size() + offer().size());
}

TEST(Conversation, DepthKexinit) {
  Talk talk(Depth::kexinit);
  talk.hear(kServer);
  EXPECT_FALSE(talk.done());
  EXPECT_EQ(talk.stage(), Stage::kexinit);
  EXPECT_EQ(talk.sent(), kClient);
  talk.hear(offer());
  expect_end(talk, Stage::done, Outcome::ok);
  EXPECT_EQ(talk.sent(), kClient + farewell()) << "and no key exchange of our own";
}

TEST(Conversation, AllAtOnceAndByteByByte) {
  Talk whole(Depth::kexinit);
  whole.hear("Welcome\r\n" + kServer + offer());
  Talk bytes(Depth::kexinit);
  bytes.hear_byte_by_byte("Welcome\r\n" + kServer + offer());
  for (auto* talk : {&whole, &bytes}) {
    EXPECT_EQ(talk->sent(), kClient + farewell());
    EXPECT_THAT(talk->report().text, ElementsAre("Welcome"));
    expect_end(*talk, Stage::done, Outcome::ok);
  }
}

TEST(Conversation, NothingIsSaidBeforeTheServersIdentification) {
  Talk talk(Depth::kexinit);
  talk.hear("Welcome\r\nSSH-2.0-x\r");
  EXPECT_EQ(talk.sent(), "");
  talk.hear("\n");
  EXPECT_EQ(talk.sent(), kClient);
}

TEST(Conversation, SpeaksFirstOnce) {
  Talk talk(Depth::kexinit);
  talk.wait();
  EXPECT_EQ(talk.sent(), kClient);
  talk.wait().hear(kServer).wait();
  EXPECT_EQ(talk.sent(), kClient);
  talk.hear(offer());
  EXPECT_EQ(talk.sent(), kClient + farewell());
}

TEST(Conversation, SpeakingLateSaysNothingTwice) {
  Talk talk(Depth::kexinit);
  talk.hear(kServer).wait();
  EXPECT_EQ(talk.sent(), kClient);
  talk.hear(offer()).wait();
  EXPECT_EQ(talk.sent(), kClient + farewell());
}

TEST(Conversation, NotSshGetsNoAnswer) {
  Talk talk(Depth::kexinit);
  talk.hear("220 mail.example.net ESMTP\r\n").wait().hear(kServer);
  expect_end(talk, Stage::banner, Outcome::not_ssh);
  EXPECT_EQ(talk.sent(), "");
  EXPECT_EQ(talk.report().other_protocol, "SMTP");
}

TEST(Conversation, HttpAnswersAfterWeHaveSpoken) {
  Talk talk(Depth::banner);
  talk.wait().hear("HTTP/1.1 400 Bad Request\r\n");
  expect_end(talk, Stage::banner, Outcome::not_ssh);
  EXPECT_EQ(talk.sent(), kClient);
}

TEST(Conversation, UnsupportedVersionGetsNoAnswer) {
  Talk talk(Depth::kexinit);
  talk.hear("SSH-1.5-1.2.27\r\n");
  expect_end(talk, Stage::banner, Outcome::unsupported_version);
  EXPECT_EQ(talk.sent(), "");
  ASSERT_TRUE(talk.report().server);
}

TEST(Conversation, ClosedWithoutAByte) {
  for (auto [reason, outcome] :
       {std::pair{End::closed, Outcome::closed}, std::pair{End::reset, Outcome::reset},
        std::pair{End::timeout, Outcome::timeout}}) {
    Talk talk(Depth::kexinit);
    talk.end(reason);
    expect_end(talk, Stage::banner, outcome);
    auto seen = talk.report();
    EXPECT_EQ(seen.bytes_received, 0U);
    EXPECT_FALSE(seen.server);
    EXPECT_THAT(seen.text, IsEmpty());
  }
}

TEST(Conversation, TurnedAway) {
  for (auto reason : {End::closed, End::reset}) {
    for (const char* text : {"Exceeded MaxStartups\r\n", "Not allowed at this time"}) {
      Talk talk(Depth::kexinit);
      talk.hear(text).end(reason);
      expect_end(talk, Stage::banner, Outcome::turned_away);
      EXPECT_EQ(talk.report().text.size(), 1U);
      EXPECT_EQ(talk.report().unfinished, "");
      EXPECT_EQ(talk.sent(), "");
    }
  }
}

TEST(Conversation, TextThatGoesOnIsATimeout) {
  Talk talk(Depth::kexinit);
  talk.hear("line\r\nand ano").end(End::timeout);
  expect_end(talk, Stage::banner, Outcome::timeout);
  EXPECT_THAT(talk.report().text, ElementsAre("line"));
  EXPECT_EQ(talk.report().unfinished, "and ano");
}

TEST(Conversation, BinaryThenTheEndIsNotSsh) {
  Talk talk(Depth::kexinit);
  talk.hear("\x01\x02\x03").end(End::closed);
  expect_end(talk, Stage::banner, Outcome::not_ssh);
}

TEST(Conversation, OtherProtocolWithoutItsNewline) {
  Talk talk(Depth::kexinit);
  talk.hear("HTTP/1.1 400").end(End::closed);
  expect_end(talk, Stage::banner, Outcome::not_ssh);
  EXPECT_EQ(talk.report().other_protocol, "HTTP");
}

TEST(Conversation, CutIdentificationIsNoIdentification) {
  for (const char* line : {"SS", "SSH-2.0", "SSH-2.0-Open", "SSH-1.5-x"}) {
    for (auto [reason, outcome] :
         {std::pair{End::closed, Outcome::closed}, std::pair{End::reset, Outcome::reset}}) {
      Talk talk(Depth::kexinit);
      talk.hear(line).end(reason);
      expect_end(talk, Stage::banner, outcome);
      EXPECT_EQ(talk.report().unfinished, line);
      EXPECT_FALSE(talk.report().server);
    }
  }
}

TEST(Conversation, TheEndAfterTheIdentification) {
  for (auto [reason, outcome] :
       {std::pair{End::closed, Outcome::closed}, std::pair{End::reset, Outcome::reset},
        std::pair{End::timeout, Outcome::timeout}}) {
    for (std::size_t length : {std::size_t{0}, std::size_t{3}, offer().size() - 1}) {
      Talk talk(Depth::kexinit);
      talk.hear(kServer + offer().substr(0, length)).end(reason);
      expect_end(talk, Stage::kexinit, outcome);
      EXPECT_TRUE(talk.report().server);
      EXPECT_EQ(talk.sent(), kClient);
    }
  }
}

TEST(Conversation, MalformedKeyExchange) {
  Talk talk(Depth::kexinit);
  talk.hear(kServer + "HTTP/1.1 400 Bad Request\r\n");
  expect_end(talk, Stage::kexinit, Outcome::malformed);
  EXPECT_NE(talk.report().detail, "");
  EXPECT_EQ(talk.sent(), kClient);
}

TEST(Conversation, DisconnectedByTheServer) {
  Talk talk(Depth::kexinit);
  talk.hear(kServer).hear(test_support::disconnect_message(11, "maintenance"));
  expect_end(talk, Stage::kexinit, Outcome::closed);
  EXPECT_EQ(talk.report().detail, "maintenance");
  EXPECT_EQ(talk.sent(), kClient);
}

TEST(Conversation, NoCommonAlgorithmIsLeftPolitely) {
  auto server = test_support::openssh_9_2();
  server.host_keys = "ssh-dss";
  Talk talk(Depth::kexinit);
  talk.hear(kServer).hear(kexinit_packet(server));
  ASSERT_TRUE(talk.done());
  EXPECT_EQ(talk.sent(), kClient + farewell());
  auto seen = talk.report();
  EXPECT_EQ(seen.stage, Stage::kexinit);
  EXPECT_EQ(seen.outcome, Outcome::no_common_algorithm);
  ASSERT_TRUE(seen.mismatch);
  EXPECT_EQ(seen.mismatch->kind, "host key");
  EXPECT_EQ(seen.mismatch->offered, "ssh-dss");
}

TEST(Conversation, NothingIsHeardOrSaidOnceDone) {
  Talk talk(Depth::kexinit);
  talk.hear(kServer + offer());
  const auto sent = talk.sent();
  const auto received = talk.report().bytes_received;
  talk.hear(kServer + offer()).wait();
  EXPECT_EQ(talk.sent(), sent);
  EXPECT_EQ(talk.report().bytes_received, received);
}

TEST(ConversationGreeting, AnotherProtocolIsConcludedAfterSilenceOrAtTheEnd) {
  const model::ClientProfile client;
  for (bool silence : {true, false}) {
    Conversation conversation(Depth::banner, client);
    std::string sent;
    conversation.feed("220 mail.example.net ESMTP\r\n", sent);
    EXPECT_FALSE(conversation.done());
    if (silence) {
      conversation.speak_first(sent);
    } else {
      conversation.end(End::timeout);
    }
    ASSERT_TRUE(conversation.done());
    model::Observation seen;
    conversation.report(seen);
    EXPECT_EQ(seen.outcome, Outcome::not_ssh);
    EXPECT_EQ(seen.other_protocol, "SMTP");
    EXPECT_EQ(sent, "");
  }
}

TEST(ConversationGreeting, AnSshServerMayGreetInAnyWords) {
  const model::ClientProfile client;
  Conversation conversation(Depth::banner, client);
  std::string sent;
  conversation.feed("220 visitors today\r\nSSH-2.0-x\r\n", sent);
  ASSERT_TRUE(conversation.done());
  model::Observation seen;
  conversation.report(seen);
  EXPECT_EQ(seen.outcome, Outcome::ok);
  EXPECT_EQ(seen.other_protocol, "");
}

}  // namespace
}  // namespace probe
