// Titles as OpenSSH 9.2 and 10.0 wrote them, with users whose names look like other titles.

#include "local/sshd_title.h"

#include <gtest/gtest.h>

#include <random>

namespace local {
namespace {

using Kind = SshdTitle::Kind;
using Words = std::vector<std::string>;
using namespace std::string_literals;

TEST(SshdTitle, OfAListener) {
  const auto title = parse_sshd_title(
      "sshd: /usr/sbin/sshd -D -e -f /tmp/k/conf [listener] 2 of 3-10 startups\0o\0"s);
  EXPECT_EQ(title.kind, Kind::listener);
  EXPECT_EQ(title.command, (Words{"/usr/sbin/sshd", "-D", "-e", "-f", "/tmp/k/conf"}));
  ASSERT_TRUE(title.startups);
  EXPECT_EQ(title.startups->now, 2);
  EXPECT_EQ(title.startups->begin, 3);
  EXPECT_EQ(title.startups->full, 10);
}

TEST(SshdTitle, CutForWantOfRoom) {
  const auto with_numbers =
      parse_sshd_title("sshd: /usr/sbin/sshd -o X11Forwarding no [listener] 0 of 10-100 s");
  EXPECT_EQ(with_numbers.command, (Words{"/usr/sbin/sshd", "-o", "X11Forwarding no"}));
  ASSERT_TRUE(with_numbers.startups);
  EXPECT_EQ(with_numbers.startups->full, 100);
  const std::string whole = "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto title = parse_sshd_title(whole.substr(0, size));
    if (size < whole.find(" [listener]") + 11) {
      EXPECT_NE(title.kind, Kind::listener) << size;
      EXPECT_TRUE(size <= 6 || title.command.empty()) << "its words may be cut " << size;
    } else {
      EXPECT_EQ(title.command, (Words{"/usr/sbin/sshd", "-D"})) << size;
    }
    EXPECT_EQ(title.startups.has_value(), size > whole.find("100 ") + 3) << size;
  }
}

TEST(SshdTitle, NumbersThatAreNone) {
  for (const auto* text : {"-1 of 10-100 startups", "1 of 10-100000000000 startups", "1 of 10 100",
                           " of - ", "1 of -100 startups", "x"}) {
    const auto title = parse_sshd_title("sshd: /usr/sbin/sshd [listener] "s + text);
    EXPECT_EQ(title.kind, Kind::listener);
    EXPECT_FALSE(title.startups) << text;
  }
}

TEST(SshdTitle, OfConnections) {
  struct Case {
    const char* text;
    Kind kind;
    const char* name;
  };
  for (const auto& [text, kind, name] : std::vector<Case>{
           {"sshd: [accepted]", Kind::accepted, "[accepted]"},
           {"sshd-session: [accepted]", Kind::accepted, "[accepted]"},
           {"sshd: [net]", Kind::network, ""},
           {"sshd: unknown [priv]", Kind::monitor, "unknown"},
           {"sshd: unknown [net]", Kind::network, "unknown"},
           {"sshd-auth: plain [net]", Kind::network, "plain"},
           {"sshd: plain [pam]", Kind::helper, "plain"},
           {"sshd: plain@pts/0", Kind::session, "plain@pts/0"},
           {"sshd: plain@pts/2,pts/3", Kind::session, "plain@pts/2,pts/3"},
           {"sshd-session: root@notty", Kind::session, "root@notty"},
           {"sshd: us@er", Kind::session, "us@er"},
           {"sshd: bra[net]@pts/1", Kind::session, "bra[net]@pts/1"},
           {"sshd: bra[net]", Kind::session, "bra[net]"},
           {"sshd: bra[net] [priv]", Kind::monitor, "bra[net]"},
           {"sshd: sp [priv] [priv]", Kind::monitor, "sp [priv]"},
           {"sshd: sp [priv]@notty", Kind::session, "sp [priv]@notty"},
       }) {
    const auto title = parse_sshd_title(text);
    EXPECT_EQ(title.kind, kind) << text;
    EXPECT_EQ(title.name, name) << text;
    EXPECT_TRUE(title.command.empty()) << text;
  }
}

TEST(SshdTitle, WithoutOne) {
  const auto title = parse_sshd_title("/usr/sbin/sshd\0-D\0-o\0Banner a b\0"s);
  EXPECT_EQ(title.kind, Kind::none);
  EXPECT_EQ(title.command, (Words{"/usr/sbin/sshd", "-D", "-o", "Banner a b"}));
  EXPECT_TRUE(parse_sshd_title("").command.empty());
  EXPECT_EQ(parse_sshd_title("sshd\0-D\0"s).command, (Words{"sshd", "-D"}));
}

TEST(SplitTitle, KeepsValuesWithBlanks) {
  EXPECT_EQ(split_title("/usr/sbin/sshd -D -o PasswordAuthentication no -p 22"),
            (Words{"/usr/sbin/sshd", "-D", "-o", "PasswordAuthentication no", "-p", "22"}));
  EXPECT_EQ(split_title("sshd -o Ciphers -aes128-cbc -D"),
            (Words{"sshd", "-o", "Ciphers -aes128-cbc", "-D"}));
  EXPECT_EQ(split_title("sshd -oPort=22 -o Port=23 -Dp 24"),
            (Words{"sshd", "-oPort=22", "-o", "Port=23", "-Dp", "24"}));
  EXPECT_EQ(split_title("sshd -o AllowUsers a b c -D"),
            (Words{"sshd", "-o", "AllowUsers a b c", "-D"}));
  EXPECT_EQ(split_title("sshd -oAllowUsers a b -D"), (Words{"sshd", "-oAllowUsers a b", "-D"}));
  EXPECT_EQ(split_title("sshd -f -odd"), (Words{"sshd", "-f", "-odd"}));
  EXPECT_EQ(split_title("  sshd   -D "), (Words{"sshd", "-D"}));
  EXPECT_TRUE(split_title("").empty());
}

TEST(SplitTitle, IsBounded) {
  std::string text = "sshd";
  for (int i = 0; i < 255; ++i) text += " -D";
  EXPECT_EQ(split_title(text).size(), 256U);
  EXPECT_TRUE(split_title(text + " -D").empty());
  EXPECT_EQ(split_title("sshd -f " + std::string(4096, 'a')).size(), 3U);
  EXPECT_TRUE(split_title("sshd -f " + std::string(4097, 'a')).empty());
  EXPECT_EQ(split_title("sshd -f /a\033[31m"), (Words{"sshd", "-f", "/a?[31m"}));
}

TEST(Options, AreTakenApart) {
  EXPECT_TRUE(has_flag({"sshd", "-r"}, 'r'));
  EXPECT_TRUE(has_flag({"sshd", "-Der"}, 'r'));
  EXPECT_TRUE(has_flag({"sshd", "-f", "x", "-i"}, 'i'));
  EXPECT_FALSE(has_flag({"sshd", "-fr"}, 'r')) << "a file named r";
  EXPECT_FALSE(has_flag({"sshd", "-f", "-r"}, 'r')) << "a file named -r";
  EXPECT_FALSE(has_flag({"-r"}, 'r')) << "the program's name";
  EXPECT_EQ(option_value({"sshd", "-D", "-f", "/x"}, 'f'), "/x");
  EXPECT_EQ(option_value({"sshd", "-Df/x"}, 'f'), "/x");
  EXPECT_EQ(option_value({"sshd", "-o", "-f", "-p", "1"}, 'f'), "");
  EXPECT_EQ(option_value({"sshd", "-f"}, 'f'), "");
  EXPECT_EQ(option_value({"sshd", "f", "-"}, 'f'), "");
}

TEST(SshdTitle, TakesAnything) {
  std::mt19937 random(3);
  constexpr std::string_view kParts[] = {"sshd: ", "/", "[listener]", " of ", "-", "[net]",
                                         "\0x",    " ", "-o",         "7",    "@", "[priv]"};
  for (int i = 0; i < 50'000; ++i) {
    std::string text = random() % 2 == 0 ? "sshd: " : "";
    for (auto count = random() % 12; count > 0; --count) text += kParts[random() % 12];
    const auto title = parse_sshd_title(text);
    has_flag(title.command, 'r');
    option_value(title.command, 'f');
  }
}

}  // namespace
}  // namespace local
