#include "probe/identification.h"

#include <gmock/gmock.h>

#include <string>
#include <tuple>
#include <vector>

namespace probe {
namespace {

using State = IdentificationReader::State;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// All that a reader tells.
struct Verdict {
  State state = State::reading;
  std::string protocol, software, comments, other_protocol, detail, unfinished;
  std::vector<std::string> lines;
  bool text_only = true;
  std::size_t consumed = 0;

  bool operator==(const Verdict&) const = default;
};

Verdict verdict_of(const IdentificationReader& reader, std::size_t consumed) {
  const auto& server = reader.server();
  return {reader.state(),          server.protocol, server.software,     server.comments,
          reader.other_protocol(), reader.detail(), reader.unfinished(), reader.lines(),
          reader.text_only(),      consumed};
}

Verdict read_in_pieces(std::string_view bytes, std::size_t piece) {
  IdentificationReader reader;
  std::size_t consumed = 0;
  for (std::size_t i = 0; i < bytes.size(); i += piece) {
    consumed += reader.feed(bytes.substr(i, piece));
  }
  return verdict_of(reader, consumed);
}

// At once; and in pieces, which must make no difference.
Verdict read(std::string_view bytes) {
  auto whole = read_in_pieces(bytes, bytes.size() + 1);
  for (std::size_t piece : {1, 2, 3, 7}) {
    EXPECT_TRUE(read_in_pieces(bytes, piece) == whole) << "in pieces of " << piece;
  }
  return whole;
}

Verdict read_to_the_end(std::string_view bytes) {
  IdentificationReader reader;
  auto consumed = reader.feed(bytes);
  reader.finish();
  return verdict_of(reader, consumed);
}

TEST(Identification, OpensshWithComments) {
  auto seen = read("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u7\r\n");
  EXPECT_EQ(seen.state, State::identified);
  EXPECT_EQ(seen.protocol, "2.0");
  EXPECT_EQ(seen.software, "OpenSSH_9.2p1");
  EXPECT_EQ(seen.comments, "Debian-2+deb12u7");
  EXPECT_THAT(seen.lines, IsEmpty());
  EXPECT_EQ(seen.unfinished, "");
}

TEST(Identification, WithoutComments) {
  auto seen = read("SSH-2.0-dropbear_2022.83\r\n");
  EXPECT_EQ(seen.software, "dropbear_2022.83");
  EXPECT_EQ(seen.comments, "");
}

TEST(Identification, SoftwareMayHoldDashesAndCommentsMayHoldSpaces) {
  auto seen = read("SSH-2.0-mod_sftp-1.0 a b  c\r\n");
  EXPECT_EQ(seen.software, "mod_sftp-1.0");
  EXPECT_EQ(seen.comments, "a b  c");
}

TEST(Identification, BareLineFeedEndsALineAsItDoesForOpenssh) {
  EXPECT_EQ(read("hello\nSSH-2.0-x\n").state, State::identified);
}

TEST(Identification, RepeatedCarriageReturnsBeforeTheLineFeed) {
  EXPECT_EQ(read("hello\r\r\nSSH-2.0-x\r\r\n").state, State::identified);
}

TEST(Identification, StopsAtItsLineAndLeavesTheRest) {
  const std::string line = "SSH-2.0-x\r\n";
  EXPECT_EQ(read(line + '\n' + std::string(100, '\0')).consumed, line.size());
}

TEST(Identification, OneByteTooFewIsNotYetAnIdentification) {
  auto seen = read("SSH-2.0-x\r");
  EXPECT_EQ(seen.state, State::reading);
  EXPECT_EQ(seen.unfinished, "SSH-2.0-x");
  EXPECT_EQ(seen.consumed, 10U);
}

TEST(Identification, Versions) {
  EXPECT_EQ(read("SSH-1.99-Cisco-1.25\n").state, State::identified);
  EXPECT_EQ(read("SSH-1.99-Cisco-1.25\n").protocol, "1.99");
  EXPECT_EQ(read("SSH-1.5-1.2.27\n").state, State::unsupported_version);
  EXPECT_EQ(read("SSH-1.5-1.2.27\n").protocol, "1.5");
  EXPECT_EQ(read("SSH-1.5-1.2.27\n").software, "1.2.27");
  EXPECT_EQ(read("SSH-1.0-x\n").state, State::unsupported_version);
  // OpenSSH's client looks at the major number alone.
  EXPECT_EQ(read("SSH-2.1-x\n").state, State::identified);
  auto unknown = read("SSH-3.0-x\n");
  EXPECT_EQ(unknown.state, State::not_ssh);
  EXPECT_EQ(unknown.detail, "an unknown SSH protocol version");
  EXPECT_EQ(read("SSH-20.0-x\n").state, State::not_ssh);
  EXPECT_EQ(read("SSH-2-x\n").state, State::not_ssh);
}

TEST(Identification, Malformed) {
  for (std::string line :
       {"SSH-", "SSH--", "SSH-2.0", "SSH-2.0 OpenSSH", "SSH-2.0-", "SSH-abc", "SSH--2.0-x"}) {
    auto seen = read(line + "\r\n");
    EXPECT_EQ(seen.state, State::not_ssh) << line;
    EXPECT_EQ(seen.detail, "a malformed SSH identification") << line;
    EXPECT_THAT(seen.lines, ElementsAre(line));
    EXPECT_EQ(seen.other_protocol, "");
  }
}

TEST(Identification, OtherCaseOrALeadingSpaceIsText) {
  EXPECT_EQ(read("ssh-2.0-x\n").state, State::reading);
  EXPECT_EQ(read(" SSH-2.0-x\n").state, State::reading);
}

TEST(Identification, LinesBeforeItAreKept) {
  auto seen = read("Welcome to bastion\r\n\r\nAuthorised use only\r\nSSH-2.0-x\r\n");
  EXPECT_EQ(seen.state, State::identified);
  EXPECT_THAT(seen.lines, ElementsAre("Welcome to bastion", "", "Authorised use only"));
}

TEST(Identification, TextThenTheEnd) {
  auto seen = read_to_the_end("Not allowed at this time");
  EXPECT_EQ(seen.state, State::reading);
  EXPECT_THAT(seen.lines, ElementsAre("Not allowed at this time"));
  EXPECT_EQ(seen.unfinished, "");
  EXPECT_TRUE(seen.text_only);
}

TEST(Identification, OneKeptLineTooMany) {
  std::string text;
  for (std::size_t i = 0; i <= IdentificationReader::kKeptLines; ++i) text += "line\n";
  EXPECT_THAT(read(text).lines, SizeIs(IdentificationReader::kKeptLines));
}

TEST(Identification, KeptLineLength) {
  const auto limit = IdentificationReader::kKeptLineLength;
  EXPECT_EQ(read(std::string(limit, 'a') + "\n").lines.at(0), std::string(limit, 'a'));
  auto cut = read(std::string(limit + 1, 'a') + "\n").lines.at(0);
  EXPECT_EQ(cut, std::string(limit - 3, 'a') + "...");
  EXPECT_EQ(read(std::string(limit + 1, 'a')).unfinished, cut);
}

TEST(Identification, SoftwareIsCut) {
  const auto limit = IdentificationReader::kKeptVersionLength;
  EXPECT_EQ(read("SSH-2.0-" + std::string(limit, 's') + "\n").software, std::string(limit, 's'));
  auto seen =
      read("SSH-2.0-" + std::string(limit + 1, 's') + ' ' + std::string(limit + 1, 'c') + "\n");
  EXPECT_THAT(seen.software, SizeIs(limit));
  EXPECT_THAT(seen.comments, SizeIs(limit));
}

TEST(Identification, HostileSoftwareIsMadePrintable) {
  auto seen = read("SSH-2.0-a\x1b[31m\xff\xc0\xaf\xe2\x80\xae\" b\x07\xc2\x85\n");
  EXPECT_EQ(seen.state, State::identified);
  EXPECT_EQ(seen.software, "a?[31m????\"");
  EXPECT_EQ(seen.comments, "b??");
}

TEST(Identification, LineLengthLimit) {
  const auto limit = IdentificationReader::kLineLength;
  EXPECT_EQ(read(std::string(limit, 'a') + "\r\nSSH-2.0-x\n").state, State::identified);
  auto seen = read(std::string(limit + 1, 'a'));
  EXPECT_EQ(seen.state, State::not_ssh);
  EXPECT_EQ(seen.detail, "a line longer than 8192 bytes");
  const std::string start = "SSH-2.0-";
  EXPECT_EQ(read(start + std::string(limit - start.size(), 'a') + "\n").state, State::identified);
  EXPECT_EQ(read(start + std::string(limit - start.size() + 1, 'a') + "\n").state, State::not_ssh);
}

TEST(Identification, NeverANewlineIsGivenUpAtTheLimitAndNotLater) {
  IdentificationReader reader;
  const std::string megabyte(1 << 20, 'x');
  EXPECT_EQ(reader.feed(megabyte), IdentificationReader::kLineLength + 1);
  EXPECT_EQ(reader.feed(megabyte), 0U);
}

// OpenSSH's client reads 1024 lines; the identification must be among them.
TEST(Identification, LineCountLimit) {
  auto lines = [](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += "x\r\n";
    return text;
  };
  const auto limit = IdentificationReader::kLineLimit;
  EXPECT_EQ(read(lines(limit - 1) + "SSH-2.0-x\r\n").state, State::identified);
  EXPECT_EQ(read(lines(limit - 1)).state, State::reading);
  auto seen = read(lines(limit) + "SSH-2.0-x\r\n");
  EXPECT_EQ(seen.state, State::not_ssh);
  EXPECT_THAT(seen.detail, HasSubstr("1024"));
  EXPECT_EQ(seen.consumed, lines(limit).size());
}

TEST(Identification, CarriageReturnInsideALine) {
  auto seen = read("hel\rlo\r\n");
  EXPECT_EQ(seen.state, State::not_ssh);
  EXPECT_EQ(seen.detail, "a carriage return inside a line");
  EXPECT_EQ(read("SSH-2.0-a\rb\n").state, State::not_ssh);
}

TEST(Identification, NulByte) {
  using std::string_literals::operator""s;
  for (const auto& bytes :
       {"SSH-2.0-a\0b\n"s, "hello\0\n"s, "a\0\n"s, "\0\n"s, "hello\nab\0\n"s, "SSH-\0002.0-x\n"s}) {
    EXPECT_EQ(read(bytes).state, State::not_ssh);
  }
  EXPECT_FALSE(read("a\0"s).text_only);
}

TEST(Identification, TextOnly) {
  EXPECT_TRUE(read("caf\xc3\xa9\t\x1b[1m\r\n").text_only);
  EXPECT_FALSE(read("a\x01").text_only);
  EXPECT_FALSE(read("a\x7f").text_only);
}

class Greeting : public testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(Greeting, IsRecognised) {
  auto seen = read_to_the_end(std::get<0>(GetParam()));
  EXPECT_EQ(seen.state, State::not_ssh);
  EXPECT_EQ(seen.other_protocol, std::get<1>(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(
    Identification, Greeting,
    testing::Values(
        std::tuple("HTTP/1.1 400 Bad Request\r\n", "HTTP"),
        std::tuple("<!DOCTYPE HTML PUBLIC>\n", "HTTP"), std::tuple("<html><head>\n", "HTTP"),
        std::tuple("220 mail.example.net ESMTP Postfix\r\n", "SMTP"),
        std::tuple("220-mail.example.net ESMTP Exim\r\n", "SMTP"),
        std::tuple("220 (vsFTPd 3.0.5)\r\n", "FTP"), std::tuple("220 ready\r\n", "SMTP or FTP"),
        std::tuple("421 too many connections\r\n", "SMTP or FTP"),
        std::tuple("554 no service for you\r\n", "SMTP"),
        std::tuple("* BYE Too many connections\r\n", "IMAP"),
        std::tuple("+OK Dovecot ready.\r\n", "POP3"),
        std::tuple("* OK [CAPABILITY IMAP4rev1] ready\r\n", "IMAP"),
        std::tuple("RFB 003.008\n", "VNC"), std::tuple("@RSYNCD: 31.0\n", "rsync"),
        std::tuple("-ERR unknown command\r\n", "Redis"),
        std::tuple("-DENIED Redis is running in protected mode\r\n", "Redis"),
        std::tuple("ERROR :Closing Link\r\n", "IRC"),
        std::tuple(std::string("\x15\x03\x03\x00\x02\x02\x46", 7), "TLS"),
        std::tuple(std::string("\x16\x03\x01\x02\x00", 5), "TLS"),
        std::tuple(std::string("\xff\xfd\x18\xff\xfd\x20"), "Telnet"),
        std::tuple(std::string("\xff\xfb\x01"), "Telnet"),
        std::tuple(std::string("\x03\x00\x00\x13\x0e", 5), "RDP"),
        std::tuple(std::string("\x4a\x00\x00\x00\x0a"
                               "8.0.36\x00",
                               12),
                   "MySQL"),
        std::tuple(std::string("\x5d\x00\x00\x00\x0a"
                               "5.5.5-10.11.6-MariaDB",
                               26),
                   "MySQL"),
        std::tuple(std::string("\x47\x00\x00\x00\xff\x6a\x04Host '192.0.2.1' is not allowed", 36),
                   "MySQL")));

// RFC 4253 4.2: an SSH server may write any lines before its identification.
TEST(Identification, AGreetingBeforeAnIdentificationIsItsText) {
  const auto seen = read("220 visitors today\r\nSSH-2.0-x\r\n");
  EXPECT_EQ(seen.state, State::identified);
  EXPECT_EQ(seen.other_protocol, "");
  EXPECT_EQ(read("HTTP/1.1 400 Bad Request\r\n").state, State::not_ssh) << "unmistakable";
}

TEST(Identification, GreetingsCountOnlyOnTheFirstLine) {
  EXPECT_EQ(read("Welcome\r\n220 is the number of our building\r\nSSH-2.0-x\r\n").state,
            State::identified);
}

TEST(Identification, TextThatOnlyResemblesAGreeting) {
  EXPECT_EQ(read("2200 users\r\n").state, State::reading);
  EXPECT_EQ(read("*** OK\r\n").state, State::reading);
}

TEST(Identification, AGreetingWithoutItsNewlineCountsAtTheEnd) {
  EXPECT_EQ(read_to_the_end("HTTP/1.0 400 Bad").other_protocol, "HTTP");
}

// A cut line says nothing about what the whole one would have been.
TEST(Identification, CutIdentification) {
  auto cut = [](std::string_view bytes) {
    IdentificationReader reader;
    reader.feed(bytes);
    return reader.cut_short();
  };
  for (const char* start : {"S", "SSH", "SSH-", "SSH-2", "SSH-2.0-Open", "hello\nSSH-1.5-x"}) {
    EXPECT_TRUE(cut(start)) << start;
  }
  for (const char* other : {"", "hello\n", "SSL", "SSH-2.0-x\n", "ssh-"}) {
    EXPECT_FALSE(cut(other)) << other;
  }
}

}  // namespace
}  // namespace probe
