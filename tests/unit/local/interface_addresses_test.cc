// Addresses of real interfaces, and whether bind(2) agrees.

#include "local/interface_addresses.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "support/host_folder.h"
#include "support/own_network.h"
#include "support/program.h"

namespace {

using base::Fd;
using base::IpAddress;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test_support::HostFolder;

class InterfaceAddresses : public test_support::OwnNetwork {};

void ip_command(const std::string& words) {
  std::vector<std::string> command{"ip"};
  std::size_t from = 0;
  while (from < words.size()) {
    const auto to = std::min(words.find(' ', from), words.size());
    command.push_back(words.substr(from, to - from));
    from = to + 1;
  }
  const auto result = test_support::run_program(command);
  ASSERT_TRUE(result) << "ip is needed";
  EXPECT_EQ(result->exit_code, 0) << words << ": " << result->output;
}

std::set<std::string> addresses() {
  std::set<std::string> texts;
  const auto all = local::interface_addresses();
  EXPECT_TRUE(all);
  for (const auto& one : *all) {
    texts.insert(one.address.to_string() + " " + one.interface + (one.up ? "" : " down"));
  }
  return texts;
}

// 0 or errno.
int bind_error(const IpAddress& address) {
  sockaddr_storage storage{};
  const auto size = address.to_sockaddr(0, storage);
  const Fd fd(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) == 0 ? 0 : errno;
}

int bind_error(const char* address) { return bind_error(IpAddress::parse(address).value()); }

TEST_F(InterfaceAddresses, Loopback) {
  inside([] {
    EXPECT_EQ(addresses(), (std::set<std::string>{"127.0.0.1 lo", "::1 lo"}));
    ip_command("link set lo down");
    EXPECT_EQ(addresses(), std::set<std::string>{"127.0.0.1 lo down"});
    EXPECT_EQ(bind_error("127.0.0.1"), 0);
    EXPECT_EQ(bind_error("::1"), EADDRNOTAVAIL);
  });
}

TEST_F(InterfaceAddresses, AddressesThatCanBeBound) {
  inside([] {
    ip_command("link add left type veth peer name right");
    ip_command("link set left up");
    ip_command("address add 192.0.2.1/24 dev left");
    ip_command("address add 192.0.2.2/32 dev right");  // down
    ip_command("address add 198.51.100.1 peer 198.51.100.2 dev left");
    ip_command("address add 203.0.113.9/24 dev left label left:7");
    // Without a carrier the check for duplicates never ends.
    ip_command("-6 address add 2001:db8::1/64 dev left");
    ip_command("-6 address add 2001:db8::2/64 dev left nodad");
    ip_command("-6 address add 2001:db8::3/64 dev right");
    ip_command("-6 address add 2001:db8::4/64 dev right nodad");
    ip_command("-6 address add fe80::7/64 dev left nodad");
    EXPECT_EQ(addresses(), (std::set<std::string>{"127.0.0.1 lo", "::1 lo", "192.0.2.1 left",
                                                  "192.0.2.2 right down", "198.51.100.1 left",
                                                  "203.0.113.9 left", "2001:db8::2 left",
                                                  "2001:db8::4 right down", "fe80::7%left left"}));
    const auto all = local::interface_addresses();
    for (const auto& one : *all) {
      EXPECT_EQ(bind_error(one.address), 0) << one.address.to_string();
    }
    EXPECT_EQ(bind_error("2001:db8::1"), EADDRNOTAVAIL);
    EXPECT_EQ(bind_error("2001:db8::3"), EADDRNOTAVAIL);
    EXPECT_EQ(bind_error("198.51.100.2"), EADDRNOTAVAIL);
    ip_command("link set left down");
    EXPECT_EQ(addresses(),
              (std::set<std::string>{"127.0.0.1 lo", "::1 lo", "192.0.2.1 left down",
                                     "192.0.2.2 right down", "198.51.100.1 left down",
                                     "203.0.113.9 left down", "2001:db8::4 right down"}));
    EXPECT_EQ(bind_error("192.0.2.1"), 0);
    EXPECT_EQ(bind_error("2001:db8::2"), EADDRNOTAVAIL);
  });
}

TEST_F(InterfaceAddresses, DuplicateAddress) {
  inside([] {
    ip_command("link add left type veth peer name right");
    ip_command("link set left up");
    ip_command("link set right up");
    ip_command("-6 address add 2001:db8::1/64 dev right nodad");
    ip_command("-6 address add 2001:db8::1/64 dev left");
    ip_command("-6 address add 2001:db8::2/64 dev left");
    // The check begins within a second and waits for one more; the kernel marks the duplicate.
    const auto deadline = std::chrono::steady_clock::now() + seconds(30);
    while (!addresses().contains("2001:db8::2 left") &&
           std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(milliseconds(50));
    }
    EXPECT_TRUE(addresses().contains("2001:db8::2 left"));
    EXPECT_TRUE(addresses().contains("2001:db8::1 right"));
    EXPECT_FALSE(addresses().contains("2001:db8::1 left"));
  });
}

TEST_F(InterfaceAddresses, ManyAddresses) {
  inside([] {
    constexpr int kCount = 1000;  // several datagrams
    std::string batch;
    for (int i = 0; i < kCount; ++i) {
      batch += "address add 10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1) +
               "/32 dev lo\n";
    }
    const HostFolder folder;
    folder.write("batch", batch);
    ip_command("-batch " + (folder.path() / "batch").string());
    EXPECT_EQ(addresses().size(), kCount + 2U);
  });
}

}  // namespace
