// Random configurations: what is printed is read back as the same, and printed the same again.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/text.h"
#include "config/configuration.h"
#include "config/document.h"
#include "config/value.h"
#include "same.h"

namespace config {
namespace {

class Generator {
 public:
  explicit Generator(std::uint32_t seed) : random_(seed) {}

  int number(int low, int high) { return std::uniform_int_distribution(low, high)(random_); }
  bool chance() { return number(0, 2) == 0; }

  // Valid UTF-8 with everything that YAML gives a meaning to.
  std::string text() {
    static const std::vector<std::string> kPieces{"a",
                                                  "Z",
                                                  "0",
                                                  "9",
                                                  " ",
                                                  "-",
                                                  ":",
                                                  ": ",
                                                  " #",
                                                  "\"",
                                                  "'",
                                                  "\\",
                                                  "\n",
                                                  "[",
                                                  "]",
                                                  "{",
                                                  "}",
                                                  ",",
                                                  "&",
                                                  "*",
                                                  "!",
                                                  "|",
                                                  ">",
                                                  "%",
                                                  "@",
                                                  "`",
                                                  "\t",
                                                  "\r",
                                                  "\x01",
                                                  "\x7f",
                                                  "é",
                                                  "\xc2\x85",
                                                  "\u2028",
                                                  "\U0001f600",
                                                  "~",
                                                  "?",
                                                  "=",
                                                  "<<",
                                                  "---",
                                                  "...",
                                                  "null",
                                                  "true",
                                                  "yes",
                                                  "\ufeff",
                                                  ".5",
                                                  "0x1f",
                                                  std::string(1, '\0')};
    std::string result;
    for (int i = number(0, 6); i > 0; --i) {
      result += kPieces[static_cast<std::size_t>(number(0, static_cast<int>(kPieces.size()) - 1))];
    }
    return result;
  }

  void settings(model::ProbeSettings& into) {
    if (chance()) into.interval = std::chrono::milliseconds(number(1'000, 604'800'000));
    if (chance()) into.timeout = std::chrono::milliseconds(number(1, 1'000));
    if (into.timeout > into.interval) into.timeout = into.interval;
    if (chance()) into.depth = static_cast<model::Depth>(number(0, 2));
    if (chance()) into.ip_protocol = static_cast<model::IpProtocol>(number(0, 2));
    if (chance()) into.addresses = static_cast<model::AddressSelection>(number(0, 1));
    if (chance()) into.source_address = base::IpAddress::parse(chance() ? "::1" : "10.1.2.3");
    if (chance()) into.alternative_ports = ports();
    if (chance()) into.control_ports = ports();
    if (chance()) into.client.ciphers = algorithms();
    if (chance()) into.client.kex_algorithms = algorithms();
  }

  Configuration configuration() {
    Configuration result;
    settings(result.probe);
    for (int i = number(0, 8); i > 0; --i) {
      model::Target target;
      target.host = (chance() ? "2001:db8::" : "host-") + std::to_string(i);
      target.port = static_cast<std::uint16_t>(number(1, 65'535));
      target.name = base::format_host_port(target.host, target.port);
      for (int j = number(0, 3); j > 0; --j) {
        target.labels.insert(target.labels.begin(), {"l" + std::to_string(j), text()});
      }
      auto own = result.probe;
      settings(own);
      target.settings = std::make_shared<const model::ProbeSettings>(own);
      result.targets.push_back(std::make_shared<const model::Target>(target));
    }
    for (int i = number(0, 3); i > 0; --i) {
      result.file_sd.push_back({{"/srv/x, \"y'/" + std::to_string(i) + "*.yml", "/e: #/a"}});
    }
    result.modules["default"] = std::make_shared<const model::ProbeSettings>(result.probe);
    for (const auto* name : {"default", "null", "1.5", "on", "a-b"}) {
      auto own = result.probe;
      settings(own);
      if (chance()) result.modules[name] = std::make_shared<const model::ProbeSettings>(own);
    }
    result.probe_endpoint.enabled = chance();
    return result;
  }

 private:
  std::vector<std::uint16_t> ports() {
    std::vector<std::uint16_t> result;
    for (int i = number(0, 16); i > 0; --i) result.push_back(static_cast<std::uint16_t>(i * 4001));
    return result;
  }
  std::vector<std::string> algorithms() {
    std::vector<std::string> result;
    for (int i = number(1, 9); i > 0; --i) {
      result.push_back("[algorithm]#\"{" + std::to_string(i) + "}&*@example.net");
    }
    return result;
  }

  std::mt19937 random_;
};

TEST(Fixpoint, RandomConfigurations) {
  for (std::uint32_t seed = 0; seed < 500; ++seed) {
    auto configuration = Generator(seed).configuration();
    const auto printed = print(configuration);
    auto again = parse(printed, "printed", "/elsewhere");
    ASSERT_TRUE(again.ok()) << again.error() << "\nseed " << seed << "\n" << printed;
    EXPECT_TRUE(same(*again, configuration)) << "seed " << seed << "\n" << printed;
    ASSERT_EQ(print(*again), printed) << "seed " << seed;
  }
}

TEST(Fixpoint, EveryTextIsReadBackAsItIs) {
  Generator generator(1);
  for (int i = 0; i < 20'000; ++i) {
    const auto text = generator.text();
    for (const auto& yaml : {print_text(text), "[" + print_text(text) + "]",
                             "{" + print_text(text) + ": " + print_text(text) + "}"}) {
      Problems problems("f");
      auto node = read_document(yaml, problems);
      ASSERT_TRUE(problems.none()) << problems.error().message << "\n" << yaml;
      while (!node.children.empty()) node = Node(node.children.back());
      ASSERT_EQ(node.kind, Node::Kind::scalar) << yaml;
      ASSERT_EQ(node.text, text) << yaml;
    }
  }
}

TEST(Fixpoint, PlainTextsStayPlain) {
  for (const auto* text : {"ams", "host.example.net:22", "a", "/srv/targets/*.yml", "10.0.0.0/8",
                           "aes128-gcm@openssh.com", "_x"}) {
    EXPECT_EQ(print_text(text), text);
  }
  for (const auto* text :
       {"",           "7",  "1e3", "0x1f", "1.5",  "22:30", "12:30:45", "true", "No",  "NULL",
        "2026-11-24", ".5", "-1",  "- a",  "a: b", "a #b",  "*x",       "@x",   "::1", "a:"}) {
    EXPECT_EQ(print_text(text), "\"" + std::string(text) + "\"");
  }
}

}  // namespace
}  // namespace config
