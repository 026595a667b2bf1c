#include "support/ssh_wire.h"

namespace test_support {

namespace {

const std::string kOpensshMacs =
    "umac-64-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha2-256-etm@openssh.com,"
    "hmac-sha2-512-etm@openssh.com,hmac-sha1-etm@openssh.com,umac-64@openssh.com,"
    "umac-128@openssh.com,hmac-sha2-256,hmac-sha2-512,hmac-sha1";

}  // namespace

// As Debian 12's sshd sends them.
ServerAlgorithms openssh_9_2() {
  return {
      "sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com,curve25519-sha256,"
      "curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,"
      "diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,"
      "diffie-hellman-group18-sha512,diffie-hellman-group14-sha256,"
      "kex-strict-s-v00@openssh.com",
      "ssh-ed25519,rsa-sha2-512,rsa-sha2-256,ecdsa-sha2-nistp256",
      "chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,"
      "aes128-gcm@openssh.com,aes256-gcm@openssh.com",
      kOpensshMacs, "none,zlib@openssh.com"};
}

// myproposal.h of OpenSSH 10.0, server side.
ServerAlgorithms openssh_10_0() {
  return {
      "mlkem768x25519-sha256,sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com,"
      "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,"
      "ecdh-sha2-nistp521,ext-info-s,kex-strict-s-v00@openssh.com",
      "rsa-sha2-512,rsa-sha2-256,ecdsa-sha2-nistp256,ssh-ed25519",
      "chacha20-poly1305@openssh.com,aes128-gcm@openssh.com,aes256-gcm@openssh.com,"
      "aes128-ctr,aes192-ctr,aes256-ctr",
      kOpensshMacs, "none,zlib@openssh.com"};
}

// As Debian 12's dropbear sends them.
ServerAlgorithms dropbear_2022_83() {
  return {
      "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp521,ecdh-sha2-nistp384,"
      "ecdh-sha2-nistp256,diffie-hellman-group14-sha256,diffie-hellman-group14-sha1,"
      "kexguess2@matt.ucc.asn.au,kex-strict-s-v00@openssh.com",
      "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-256,ssh-rsa,ssh-dss",
      "chacha20-poly1305@openssh.com,aes128-ctr,aes256-ctr", "hmac-sha1,hmac-sha2-256",
      "zlib@openssh.com,none"};
}

std::string uint32_bytes(std::uint32_t value) {
  std::string bytes;
  for (unsigned shift : {24U, 16U, 8U, 0U}) bytes += static_cast<char>((value >> shift) & 0xffU);
  return bytes;
}

std::string ssh_string(std::string_view text) {
  return uint32_bytes(static_cast<std::uint32_t>(text.size())) + std::string(text);
}

std::string raw_packet(std::uint32_t length, std::uint8_t padding, std::string_view rest) {
  return uint32_bytes(length) + static_cast<char>(padding) + std::string(rest);
}

std::string binary_packet(std::string_view payload) {
  std::size_t padding = 4;
  while ((5 + payload.size() + padding) % 8 != 0) ++padding;
  return raw_packet(static_cast<std::uint32_t>(1 + payload.size() + padding),
                    static_cast<std::uint8_t>(padding),
                    std::string(payload) + std::string(padding, '\x5a'));
}

std::string kexinit_body(const ServerAlgorithms& server) {
  std::string body(16, '\xc0');
  for (const auto* list : {&server.kex, &server.host_keys, &server.ciphers, &server.ciphers,
                           &server.macs, &server.macs, &server.compression, &server.compression}) {
    body += ssh_string(*list);
  }
  body += ssh_string("") + ssh_string("");  // languages
  body += '\0';                             // first_kex_packet_follows
  return body + uint32_bytes(0);
}

std::string kexinit_packet(const ServerAlgorithms& server) {
  return binary_packet('\x14' + kexinit_body(server));
}

std::string disconnect_message(std::uint32_t reason, std::string_view description) {
  return binary_packet('\x01' + uint32_bytes(reason) + ssh_string(description) + ssh_string(""));
}

}  // namespace test_support
