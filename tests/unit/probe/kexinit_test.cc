#include "probe/kexinit.h"

#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <vector>

#include "support/ssh_wire.h"

namespace probe {
namespace {

using State = KexinitReader::State;
using std::string_literals::operator""s;
using test_support::binary_packet;
using test_support::kexinit_body;
using test_support::kexinit_packet;
using test_support::raw_packet;
using test_support::ServerAlgorithms;
using test_support::ssh_string;
using test_support::uint32_bytes;
using testing::HasSubstr;

KexinitReader read_in_pieces(std::string_view bytes, std::size_t piece) {
  KexinitReader reader;
  for (std::size_t i = 0; i < bytes.size(); i += piece) reader.feed(bytes.substr(i, piece));
  return reader;
}

// At once; and in pieces, which must make no difference.
KexinitReader read(std::string_view bytes) {
  auto whole = read_in_pieces(bytes, bytes.size() + 1);
  for (std::size_t piece : {1, 3, 8, 500}) {
    auto pieces = read_in_pieces(bytes, piece);
    EXPECT_EQ(pieces.state(), whole.state()) << "in pieces of " << piece;
    EXPECT_EQ(pieces.detail(), whole.detail());
    EXPECT_EQ(pieces.lists().macs_server_to_client, whole.lists().macs_server_to_client);
  }
  return whole;
}

KexinitLists lists_of(const ServerAlgorithms& server) {
  auto parsed = parse_kexinit(kexinit_body(server));
  EXPECT_TRUE(parsed.ok());
  return std::move(parsed).value();
}

const model::ClientProfile& client() { return model::openssh_client_profile(); }

TEST(KexinitReader, ListsOfRealServers) {
  for (const auto& server : {test_support::openssh_9_2(), test_support::openssh_10_0(),
                             test_support::dropbear_2022_83()}) {
    auto reader = read(kexinit_packet(server));
    ASSERT_EQ(reader.state(), State::complete) << reader.detail();
    EXPECT_EQ(reader.lists().kex_algorithms, server.kex);
    EXPECT_EQ(reader.lists().host_key_algorithms, server.host_keys);
    EXPECT_EQ(reader.lists().ciphers_client_to_server, server.ciphers);
    EXPECT_EQ(reader.lists().ciphers_server_to_client, server.ciphers);
    EXPECT_EQ(reader.lists().macs_client_to_server, server.macs);
    EXPECT_EQ(reader.lists().macs_server_to_client, server.macs);
    EXPECT_EQ(reader.lists().compression_client_to_server, server.compression);
    EXPECT_EQ(reader.lists().compression_server_to_client, server.compression);
    EXPECT_FALSE(find_mismatch(client(), reader.lists()));
  }
}

TEST(KexinitReader, SplitAtEveryByte) {
  const auto bytes = kexinit_packet(test_support::openssh_9_2());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    KexinitReader reader;
    reader.feed(std::string_view(bytes).substr(0, i));
    ASSERT_EQ(reader.state(), State::reading) << i;
    reader.feed(std::string_view(bytes).substr(i));
    ASSERT_EQ(reader.state(), State::complete) << i;
  }
}

TEST(KexinitReader, WhatFollowsIsLeftAlone) {
  const auto packet = kexinit_packet(test_support::openssh_9_2());
  EXPECT_EQ(read(packet + "\xff").state(), State::complete);
  EXPECT_EQ(read(packet + packet).state(), State::complete);
  EXPECT_EQ(read(packet + std::string(100'000, '\xff')).state(), State::complete);
}

TEST(KexinitReader, IgnoreAndDebugMayComeFirst) {
  const auto ignore = binary_packet("\x02" + ssh_string("noise"));
  const auto debug = binary_packet("\x04\x01"s + ssh_string("hello") + ssh_string(""));
  const auto kexinit = kexinit_packet(test_support::openssh_10_0());
  EXPECT_EQ(read(ignore + debug + kexinit).state(), State::complete);
  std::string noise;
  for (int i = 0; i < KexinitReader::kSkippedPacketLimit; ++i) noise += ignore;
  EXPECT_EQ(read(noise + kexinit).state(), State::complete);
  auto stalled = read(noise + ignore + kexinit);
  EXPECT_EQ(stalled.state(), State::malformed);
  EXPECT_EQ(stalled.detail(), "too many packets before the key exchange");
}

TEST(KexinitReader, OtherMessages) {
  auto reader = read(binary_packet("\x15"));
  EXPECT_EQ(reader.state(), State::malformed);
  EXPECT_EQ(reader.detail(), "message 21 instead of a key exchange");
}

TEST(KexinitReader, Disconnect) {
  auto reader = read(test_support::disconnect_message(2, "Too many\nconnections\xff"));
  EXPECT_EQ(reader.state(), State::disconnected);
  EXPECT_EQ(reader.detail(), "Too many?connections?");
  auto cut = read(binary_packet("\x01\x00\x00"s));
  EXPECT_EQ(cut.state(), State::disconnected);
  EXPECT_EQ(cut.detail(), "");
  auto lying = read(binary_packet("\x01"s + uint32_bytes(2) + uint32_bytes(1000) + "short"));
  EXPECT_EQ(lying.state(), State::disconnected);
  EXPECT_EQ(lying.detail(), "");
  auto lengthy = read(test_support::disconnect_message(2, std::string(5000, 'x')));
  EXPECT_EQ(lengthy.detail().size(), 160U);
}

TEST(KexinitReader, PacketLimit) {
  // 4 + 34996 is the longest multiple of eight within the limit.
  constexpr std::uint32_t kLongest = 34996;
  static_assert(kLongest + 8 > KexinitReader::kPacketLimit);
  auto packet = [](std::uint32_t length) {
    return raw_packet(length, 4, "\x02" + std::string(length - 2, 'x'));
  };
  EXPECT_EQ(read(packet(kLongest)).state(), State::reading);
  EXPECT_EQ(read(packet(kLongest) + kexinit_packet(test_support::openssh_9_2())).state(),
            State::complete);
  auto reader = read(raw_packet(KexinitReader::kPacketLimit + 1, 4, ""));
  EXPECT_EQ(reader.state(), State::malformed);
  EXPECT_EQ(reader.detail(), "a packet of 35001 bytes");
  EXPECT_EQ(read(raw_packet(0xffffffff, 4, "")).state(), State::malformed);
  EXPECT_EQ(read("HTTP/1.1 400").state(), State::malformed);
}

TEST(KexinitReader, Padding) {
  auto malformed = [](const std::string& bytes) {
    auto reader = read(bytes);
    return reader.state() == State::malformed &&
           reader.detail() == "a packet with impossible padding";
  };
  const std::string rest(11, '\x02');
  EXPECT_EQ(read(raw_packet(12, 4, rest)).state(), State::reading);
  EXPECT_TRUE(malformed(raw_packet(12, 3, rest)));
  EXPECT_TRUE(malformed(raw_packet(12, 0, rest)));
  EXPECT_EQ(read(raw_packet(12, 10, rest)).state(), State::reading) << "a payload of one byte";
  EXPECT_TRUE(malformed(raw_packet(12, 11, rest))) << "no payload";
  EXPECT_TRUE(malformed(raw_packet(12, 255, rest)));
  EXPECT_TRUE(malformed(raw_packet(0, 4, "")));
  EXPECT_TRUE(malformed(raw_packet(11, 4, rest))) << "not a multiple of eight";
  EXPECT_TRUE(malformed(raw_packet(13, 4, rest + '\x02')));
}

TEST(ParseKexinit, EveryTruncation) {
  const auto body = kexinit_body(test_support::dropbear_2022_83());
  for (std::size_t length = 0; length < body.size(); ++length) {
    auto parsed = parse_kexinit(std::string_view(body).substr(0, length));
    ASSERT_FALSE(parsed.ok()) << length;
    ASSERT_THAT(parsed.error(), HasSubstr("key exchange")) << length;
  }
  EXPECT_TRUE(parse_kexinit(body).ok());
}

TEST(ParseKexinit, OneByteTooMany) {
  auto parsed = parse_kexinit(kexinit_body(test_support::openssh_9_2()) + 'x');
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error(), "a key exchange of the wrong length");
}

TEST(ParseKexinit, AListThatClaimsMoreThanThereIs) {
  const std::string cookie(16, 'c');
  EXPECT_FALSE(parse_kexinit(cookie + uint32_bytes(0xffffffff) + "curve25519-sha256").ok());
  auto body = kexinit_body(test_support::openssh_9_2());
  body[16 + 3] = static_cast<char>(body[16 + 3] + 1);
  EXPECT_FALSE(parse_kexinit(body).ok());
}

TEST(ParseKexinit, EmptyListsAreLists) {
  auto lists = lists_of({});
  EXPECT_EQ(lists.kex_algorithms, "");
  ASSERT_TRUE(find_mismatch(client(), lists));
  EXPECT_EQ(find_mismatch(client(), lists)->kind, "key exchange");
}

TEST(KexinitReader, MalformedBodyIsReported) {
  auto body = kexinit_body(test_support::openssh_9_2());
  auto reader = read(binary_packet('\x14' + body.substr(0, body.size() - 1)));
  EXPECT_EQ(reader.state(), State::malformed);
  EXPECT_EQ(reader.detail(), "a key exchange of the wrong length");
}

struct Spoiled {
  const char* kind;
  std::function<void(KexinitLists&)> spoil;
};

class Mismatch : public testing::TestWithParam<Spoiled> {};

TEST_P(Mismatch, IsNamed) {
  auto lists = lists_of(test_support::openssh_9_2());
  // No cipher with its own integrity, so that MACs matter.
  lists.ciphers_client_to_server = lists.ciphers_server_to_client = "aes128-ctr,aes256-ctr";
  ASSERT_FALSE(find_mismatch(client(), lists));
  GetParam().spoil(lists);
  auto mismatch = find_mismatch(client(), lists);
  ASSERT_TRUE(mismatch);
  EXPECT_EQ(mismatch->kind, GetParam().kind);
  EXPECT_EQ(mismatch->offered, "old-one,older-one");
}

const std::string kOld = "old-one,older-one";
INSTANTIATE_TEST_SUITE_P(
    Kexinit, Mismatch,
    testing::Values(
        Spoiled{"key exchange", [](auto& lists) { lists.kex_algorithms = kOld; }},
        Spoiled{"host key", [](auto& lists) { lists.host_key_algorithms = kOld; }},
        Spoiled{"cipher client to server",
                [](auto& lists) { lists.ciphers_client_to_server = kOld; }},
        Spoiled{"cipher server to client",
                [](auto& lists) { lists.ciphers_server_to_client = kOld; }},
        Spoiled{"MAC client to server", [](auto& lists) { lists.macs_client_to_server = kOld; }},
        Spoiled{"MAC server to client", [](auto& lists) { lists.macs_server_to_client = kOld; }},
        Spoiled{"compression client to server",
                [](auto& lists) { lists.compression_client_to_server = kOld; }},
        Spoiled{"compression server to client",
                [](auto& lists) { lists.compression_server_to_client = kOld; }}),
    [](const auto& row) {
      std::string name = row.param.kind;
      for (char& c : name) c = c == ' ' ? '_' : c;
      return name;
    });

TEST(FindMismatch, TheFirstKindIsReported) {
  auto lists = lists_of({kOld, kOld, kOld, kOld, kOld});
  EXPECT_EQ(find_mismatch(client(), lists)->kind, "key exchange");
}

TEST(FindMismatch, CiphersWithTheirOwnIntegrityNeedNoMac) {
  for (const char* cipher :
       {"chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com"}) {
    auto lists = lists_of(test_support::openssh_9_2());
    lists.ciphers_client_to_server = lists.ciphers_server_to_client = cipher;
    lists.macs_client_to_server = lists.macs_server_to_client = "";
    EXPECT_FALSE(find_mismatch(client(), lists)) << cipher;
  }
}

TEST(FindMismatch, TheClientsPreferenceDecidesWhetherAMacIsNeeded) {
  auto lists = lists_of(test_support::openssh_9_2());
  lists.macs_client_to_server = lists.macs_server_to_client = "hmac-md5";
  lists.ciphers_client_to_server = lists.ciphers_server_to_client =
      "aes128-ctr,chacha20-poly1305@openssh.com";
  EXPECT_FALSE(find_mismatch(client(), lists)) << "the server prefers aes128-ctr";
  model::ClientProfile other = client();
  other.ciphers = {"aes128-ctr", "chacha20-poly1305@openssh.com"};
  ASSERT_TRUE(find_mismatch(other, lists));
  EXPECT_EQ(find_mismatch(other, lists)->kind, "MAC client to server");
}

TEST(FindMismatch, NamesMatchWhole) {
  auto lists = lists_of(test_support::openssh_9_2());
  lists.kex_algorithms = "curve25519-sha25,curve25519-sha2567,xcurve25519-sha256";
  ASSERT_TRUE(find_mismatch(client(), lists));
  for (const char* list : {"curve25519-sha256", "x,curve25519-sha256", "curve25519-sha256,x",
                           ",,curve25519-sha256,,"}) {
    lists.kex_algorithms = list;
    EXPECT_FALSE(find_mismatch(client(), lists)) << list;
  }
}

TEST(FindMismatch, WhatTheServerOffersIsMadePrintableAndBounded) {
  auto lists = lists_of(test_support::openssh_9_2());
  lists.kex_algorithms = "\x1b[2J" + std::string(10'000, 'k');
  auto mismatch = find_mismatch(client(), lists);
  ASSERT_TRUE(mismatch);
  EXPECT_EQ(mismatch->offered.size(), 400U);
  EXPECT_EQ(mismatch->offered.substr(0, 5), "?[2Jk");
}

TEST(DisconnectPacket, IsWellFormedForEveryLength) {
  for (std::size_t length = 0; length < 40; ++length) {
    const std::string words(length, 'w');
    const auto packet = disconnect_packet(words);
    ASSERT_EQ(packet.size() % 8, 0U);
    ASSERT_EQ(packet.substr(0, 4), uint32_bytes(static_cast<std::uint32_t>(packet.size() - 4)));
    const auto padding = static_cast<std::uint8_t>(packet[4]);
    ASSERT_GE(padding, 4);
    ASSERT_LT(padding, 12);
    EXPECT_EQ(packet.substr(5, packet.size() - 5 - padding),
              "\x01"s + uint32_bytes(11) + ssh_string(words) + ssh_string(""));
    KexinitReader reader;
    reader.feed(packet);
    EXPECT_EQ(reader.state(), State::disconnected);
    EXPECT_EQ(reader.detail(), words);
  }
}

}  // namespace
}  // namespace probe
