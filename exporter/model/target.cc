#include "model/target.h"

namespace model {

const ClientProfile& openssh_client_profile() {
  // OpenSSH 10.0: myproposal.h, client side. The -cert- variants precede their plain forms there; a
  // server offers certificates only together with the plain key, so the plain forms decide.
  static const ClientProfile kProfile{
      .kex_algorithms = {"mlkem768x25519-sha256", "sntrup761x25519-sha512",
                         "sntrup761x25519-sha512@openssh.com", "curve25519-sha256",
                         "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384",
                         "ecdh-sha2-nistp521"},
      .host_key_algorithms =
          {"ssh-ed25519-cert-v01@openssh.com", "ecdsa-sha2-nistp256-cert-v01@openssh.com",
           "ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp521-cert-v01@openssh.com",
           "sk-ssh-ed25519-cert-v01@openssh.com", "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
           "rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com", "ssh-ed25519",
           "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
           "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", "rsa-sha2-512",
           "rsa-sha2-256"},
      .ciphers = {"chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com",
                  "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr"},
      .macs = {"umac-64-etm@openssh.com", "umac-128-etm@openssh.com",
               "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com",
               "hmac-sha1-etm@openssh.com", "umac-64@openssh.com", "umac-128@openssh.com",
               "hmac-sha2-256", "hmac-sha2-512", "hmac-sha1"}};
  return kProfile;
}

const char* name_of(Depth depth) {
  switch (depth) {
    case Depth::connect:
      return "connect";
    case Depth::banner:
      return "banner";
    case Depth::kexinit:
      return "kexinit";
  }
  return "";
}

const char* name_of(IpProtocol protocol) {
  switch (protocol) {
    case IpProtocol::any:
      return "any";
    case IpProtocol::ipv4:
      return "ipv4";
    case IpProtocol::ipv6:
      return "ipv6";
  }
  return "";
}

const char* name_of(AddressSelection selection) {
  switch (selection) {
    case AddressSelection::all:
      return "all";
    case AddressSelection::first:
      return "first";
  }
  return "";
}

}  // namespace model
