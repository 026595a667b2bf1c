// Lines for sshd; and the same files given to this machine's own libwrap.

#include "local/wrapper_rules.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "proc_folder.h"

namespace local {
namespace {

using Words = std::vector<std::string>;
using testing::IsEmpty;

std::vector<model::WrapperRule> deny(const std::string& text) {
  return parse_wrapper_file(text, {"/etc/hosts.deny", false, true}).rules;
}

TEST(WrapperFile, KeepsWhatIsForSshd) {
  const auto rules = deny(
      "# sshd: ALL\n"
      "vsftpd: ALL\n"
      "\n"
      "sshd: 192.0.2.1, 192.0.2.2 .example.com [2001:db8::]/32 EXCEPT 192.0.2.3\n"
      "in.telnetd, SSHD : \\\n 198.51.100.\n"
      "ALL: PARANOID\n");
  ASSERT_EQ(rules.size(), 3U);
  EXPECT_EQ(rules[0].clients, (Words{"192.0.2.1", "192.0.2.2", ".example.com", "[2001:db8::]/32",
                                     "EXCEPT", "192.0.2.3"}));
  EXPECT_EQ(rules[0].where, "/etc/hosts.deny:4");
  EXPECT_FALSE(rules[0].allow);
  EXPECT_TRUE(rules[0].certain);
  EXPECT_EQ(rules[1].clients, (Words{"198.51.100."}));
  EXPECT_EQ(rules[1].where, "/etc/hosts.deny:6") << "the last of the line's, as libwrap counts";
  EXPECT_EQ(rules[2].clients, (Words{"PARANOID"}));
  EXPECT_TRUE(
      parse_wrapper_file("sshd: ALL\n", {"/etc/hosts.allow", true, true}).rules.at(0).allow);
}

TEST(WrapperFile, Daemons) {
  for (const auto* text : {"sshd", "SsHd", "ALL", "all", "KNOWN", "a sshd", "a,sshd",
                           "ALL EXCEPT a", "s*", "ss?d", "*", "sshd@ALL", "ALL EXCEPT a EXCEPT b",
                           "ALL EXCEPT ALL EXCEPT sshd", "sshd sshd@192.0.2.1"}) {
    const auto rules = deny(std::string(text) + ": ALL\n");
    ASSERT_EQ(rules.size(), 1U) << text;
    EXPECT_TRUE(rules[0].certain) << text;
  }
  for (const auto* text :
       {"ssh", "ssh.", ".hd", "sshd2", "sshd-session", "UNKNOWN", "ALL EXCEPT sshd", "EXCEPT",
        "sshd EXCEPT ALL", "s?d", "", "a@192.0.2.1", "sshd.", ".sshd", "LOCAL"}) {
    EXPECT_THAT(deny(std::string(text) + ": ALL\n"), IsEmpty()) << text;
  }
  for (const auto* text : {"sshd@192.0.2.1", "ALL@[2001:db8::1]", "ALL EXCEPT sshd@192.0.2.1"}) {
    const auto rules = deny(std::string(text) + ": ALL\n");
    ASSERT_EQ(rules.size(), 1U) << text;
    EXPECT_FALSE(rules[0].certain) << text;
    EXPECT_EQ(rules[0].clients, (Words{"ALL"})) << text;
  }
}

TEST(WrapperFile, OptionsGiveTheVerdict) {
  const auto allow = [](const std::string& options) {
    return deny("sshd: ALL : " + options + "\n").at(0).allow;
  };
  EXPECT_TRUE(allow("ALLOW"));
  EXPECT_TRUE(allow("spawn /bin/echo a\\:b & : allow"));
  EXPECT_TRUE(allow("severity auth.info : nice : rfc931 5 : ALLOW"));
  EXPECT_FALSE(allow("DENY"));
  EXPECT_FALSE(allow("spawn (/bin/echo %a)"));
  EXPECT_FALSE(allow("twist /bin/echo no"));
  EXPECT_FALSE(allow("allow : spawn x")) << "not at the end";
  const auto in_allow = [](const std::string& options) {
    return parse_wrapper_file("sshd: ALL : " + options + "\n", {"x", true, true}).rules.at(0);
  };
  EXPECT_FALSE(in_allow("twist /bin/echo no").allow);
  EXPECT_FALSE(in_allow("DENY").allow);
  EXPECT_TRUE(in_allow("spawn /bin/true").allow);
  EXPECT_TRUE(in_allow("spawn /bin/true").certain);
  EXPECT_FALSE(in_allow("alow").allow) << "libwrap refuses what it does not understand";
  EXPECT_FALSE(in_allow("allow now").allow);
  EXPECT_FALSE(in_allow("banners").allow);
  EXPECT_FALSE(in_allow("aclexec /bin/check %a").certain);
}

TEST(WrapperFile, OfDebianStopsAtALineThatDoesNotEnd) {
  for (const auto* text : {"# comment", "vsftpd: ALL", "sshd: 192.0.2.1", "x\\\n", " "}) {
    const auto rules = deny("sshd: a\n" + std::string(text));
    ASSERT_EQ(rules.size(), 2U) << text;
    EXPECT_EQ(rules[1].clients, (Words{"ALL"})) << text;
    EXPECT_EQ(rules[1].where, "/etc/hosts.deny:2");
    EXPECT_FALSE(rules[1].allow);
    EXPECT_TRUE(rules[1].certain);
    EXPECT_FALSE(parse_wrapper_file(text, {"x", false, false}).rules.at(0).certain);
    EXPECT_THAT(parse_wrapper_file(text, {"x", true, true}).rules, IsEmpty()) << text;
  }
  EXPECT_THAT(deny(""), IsEmpty());
  EXPECT_EQ(deny(std::string("sshd: a\0x\nb\n", 12)).at(0).clients, (Words{"ab"})) << "a NUL byte";
  EXPECT_EQ(deny("sshd: " + std::string(2040, 'a') + "\n").at(0).clients.at(0).size(), 2040U);
  EXPECT_EQ(deny("sshd: " + std::string(2041, 'a') + "\nsshd: b\n").at(0).clients, (Words{"ALL"}));
  EXPECT_EQ(deny("# " + std::string(3000, 'a') + "\nsshd: b\n").size(), 1U);
}

TEST(WrapperFile, IsBounded) {
  std::string text;
  for (std::size_t i = 0; i < kWrapperClientsLimit; ++i) text += "sshd: a\n";
  EXPECT_FALSE(parse_wrapper_file(text, {"x", false, true}).truncated);
  const auto file = parse_wrapper_file(text + "sshd: b\n", {"x", false, true});
  EXPECT_TRUE(file.truncated);
  EXPECT_EQ(file.rules.size(), kWrapperClientsLimit);
  EXPECT_EQ(deny("sshd: a\033b\n").at(0).clients, (Words{"a?b"}));
}

struct CloseLibrary {
  void operator()(void* library) const { ::dlclose(library); }
};

// The library's verdict on 192.0.2.1 from the two files.
class Libwrap {
 public:
  Libwrap() : library_(::dlopen("libwrap.so.0", RTLD_NOW)) {
    if (!library_) return;
    ask_ = reinterpret_cast<decltype(ask_)>(::dlsym(library_.get(), "hosts_ctl"));
    for (const auto& [symbol, path] : {std::pair("hosts_allow_table", &allow_path_),
                                       std::pair("hosts_deny_table", &deny_path_)}) {
      *static_cast<char**>(::dlsym(library_.get(), symbol)) = path->data();
    }
  }
  explicit operator bool() const { return library_ != nullptr; }
  bool lets_in(const std::string& allow, const std::string& deny) {
    folder_.write("allow", allow);
    folder_.write("deny", deny);
    std::string daemon = "sshd";
    std::string unknown = "unknown";
    std::string address = "192.0.2.1";
    return ask_(daemon.data(), unknown.data(), address.data(), unknown.data()) != 0;
  }

 private:
  const ProcFolder folder_;
  std::string allow_path_ = folder_.path() / "allow";
  std::string deny_path_ = folder_.path() / "deny";
  std::unique_ptr<void, CloseLibrary> library_;
  int (*ask_)(char*, char*, char*, char*) = nullptr;
};

// Enough of a judgement for the clients that the test uses.
bool we_let_in(const std::string& allow, const std::string& deny) {
  for (const auto& file : {parse_wrapper_file(allow, {"a", true, true}),
                           parse_wrapper_file(deny, {"d", false, true})}) {
    for (const auto& rule : file.rules) {
      const auto& first = rule.clients.empty() ? "" : rule.clients.front();
      if (first == "ALL" || first == "192.0.2.1") return rule.allow;
    }
  }
  return true;
}

TEST(WrapperFile, MeansWhatLibwrapReads) {
  Libwrap libwrap;
  if (!libwrap) GTEST_SKIP() << "there is no libwrap";
  ASSERT_FALSE(libwrap.lets_in("", "ALL: ALL\n"));
  std::mt19937 random(11);
  const auto pick = [&random](const Words& words) { return words[random() % words.size()]; };
  const Words daemons{
      "sshd",   "ALL",    "a",     "SSHD",          "sshd, a", "ALL EXCEPT sshd",
      "ssh.",   ".hd",    "s*d",   "KNOWN",         "UNKNOWN", "ALL EXCEPT a EXCEPT b",
      "",       "sshd\t", "s?hd",  "a EXCEPT sshd", "sshd.",   "sshd EXCEPT a",
      "EXCEPT", ".sshd",  " sshd", "sshd,",         "# sshd",  "ALL EXCEPT ALL EXCEPT sshd"};
  const Words clients{"ALL", "192.0.2.1", "192.0.2.2", " ALL ", "192.0.2.1,a"};
  const Words options{"",
                      "",
                      ": allow",
                      ": deny",
                      ": ALLOW ",
                      ": DENY",
                      ": bad",
                      ": allow : deny",
                      ": nice : allow",
                      ":",
                      ": allow x",
                      ": banners",
                      ": keepalive",
                      ":deny",
                      ": allow:",
                      ": keepalive : deny",
                      ": severity auth.info : deny",
                      ": nice=1",
                      ": linger",
                      ": umask 022 : allow",
                      ": setenv A b\\:c : allow"};
  const Words ends{"\n",
                   "\n",
                   "\n",
                   " \n",

                   "\r\n",
                   "\n\n",
                   "\n#",

                   "\n#" + std::string(2045, 'a') + "\n",
                   "\n#" + std::string(2046, 'a') + "\n"};
  for (int i = 0; i < 1000; ++i) {
    std::string files[2];
    for (auto& file : files) {
      for (auto lines = random() % 4; lines > 0; --lines) {
        file += pick(daemons) + (random() % 16 == 0 ? " " : ":") + pick(clients) + pick(options) +
                pick(ends);
      }
    }
    for (auto& file : files) {
      if (!file.empty() && random() % 8 == 0) file.pop_back();
    }
    ASSERT_EQ(we_let_in(files[0], files[1]), libwrap.lets_in(files[0], files[1]))
        << "hosts.allow:\n"
        << files[0] << "\nhosts.deny:\n"
        << files[1];
  }
}

}  // namespace
}  // namespace local
