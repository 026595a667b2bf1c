#include "web/listen_address.h"

#include <gmock/gmock.h>

namespace web {
namespace {

std::string civetweb_form(const std::string& text) {
  const auto address = parse_listen_address(text);
  return address ? civetweb_port(*address, false) : "error: " + address.error();
}

TEST(ListenAddress, TakesTheFormsOfUsers) {
  EXPECT_EQ(civetweb_form(":10062"), "+10062");
  EXPECT_EQ(civetweb_form("127.0.0.1:80"), "127.0.0.1:80");
  EXPECT_EQ(civetweb_form("0.0.0.0:0"), "0.0.0.0:0");
  EXPECT_EQ(civetweb_form("[::1]:10062"), "[::1]:10062");
  EXPECT_EQ(civetweb_port(parse_listen_address("[::]:443").value(), true), "[::]:443s");
  EXPECT_TRUE(parse_listen_address("localhost:10062").ok());
}

TEST(ListenAddress, RefusesOthers) {
  for (const char* bad : {"", ":", "10062", "127.0.0.1", ":65536", ":-1", "::1:22", "[::1]",
                          "[::1:22", "127.0.0.1:22s", ":22r", "+22", "127.0.0.1:22,:80"}) {
    EXPECT_FALSE(parse_listen_address(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace web
