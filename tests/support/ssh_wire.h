// What SSH servers send before encryption, built from its parts: packets, and the key exchange
// offers of real servers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace test_support {

// The name-lists of a server that offers the same in both directions, as real ones do.
struct ServerAlgorithms {
  std::string kex;
  std::string host_keys;
  std::string ciphers;
  std::string macs;
  std::string compression;
};
ServerAlgorithms openssh_9_2();
ServerAlgorithms openssh_10_0();
ServerAlgorithms dropbear_2022_83();

std::string uint32_bytes(std::uint32_t value);
std::string ssh_string(std::string_view text);

// RFC 4253 6: length, padding length, payload, padding; the padding is the shortest legal one.
std::string binary_packet(std::string_view payload);
// The same with the two lengths as told, right or wrong.
std::string raw_packet(std::uint32_t length, std::uint8_t padding, std::string_view rest);

// From the cookie to the reserved number, without the message number.
std::string kexinit_body(const ServerAlgorithms& server);
std::string kexinit_packet(const ServerAlgorithms& server);
std::string disconnect_message(std::uint32_t reason, std::string_view description);

}  // namespace test_support
