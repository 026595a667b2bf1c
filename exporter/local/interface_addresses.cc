#include "local/interface_addresses.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/text.h"
#include "local/netlink.h"

namespace local {

namespace {

struct Link {
  std::string name;
  bool up = false;
};
using Links = std::unordered_map<unsigned int, Link>;  // by index
struct Address {
  base::IpAddress address;
  unsigned int link = 0;
};

// Hosts of containers have thousands; a host that serves whole networks routes them as local.
constexpr std::size_t kAddressLimit = 65536;
constexpr std::size_t kLinkLimit = 65536;

std::optional<std::pair<unsigned int, Link>> link_of(const nlmsghdr& message) {
  const auto* header = netlink_header<ifinfomsg>(message);
  if (message.nlmsg_type != RTM_NEWLINK || header == nullptr) return std::nullopt;
  const auto* name = netlink_attribute(message, sizeof *header, IFLA_IFNAME, 1);
  if (name == nullptr) return std::nullopt;
  const auto* text = static_cast<const char*>(mnl_attr_get_payload(name));
  const std::string_view whole(text, ::strnlen(text, mnl_attr_get_payload_len(name)));
  return std::pair(static_cast<unsigned int>(header->ifi_index),
                   Link{base::printable(whole, IF_NAMESIZE), (header->ifi_flags & IFF_UP) != 0});
}

int dump_links(Links& links) {
  struct Request {
    ifinfomsg header{};
    nlattr mask_header{sizeof(nlattr) + sizeof(std::uint32_t), IFLA_EXT_MASK};
    std::uint32_t mask = RTEXT_FILTER_SKIP_STATS;  // most of each message, and locks to read them
  };
  const Request request;
  bool cut = false;
  const int error = netlink_dump(
      {NETLINK_ROUTE, RTM_GETLINK, std::as_bytes(std::span(&request, 1))}, [&] { links.clear(); },
      [&](const nlmsghdr& message) {
        auto link = link_of(message);
        cut = link && links.size() >= kLinkLimit;
        if (link && !cut) links.insert(std::move(*link));
        return !cut;
      });
  return error == 0 && cut ? E2BIG : error;
}

std::optional<base::IpAddress> address_of(const ifaddrmsg& header, const nlattr* attribute) {
  if (header.ifa_family == AF_INET && mnl_attr_get_payload_len(attribute) == sizeof(in_addr)) {
    in_addr v4{};
    std::memcpy(&v4, mnl_attr_get_payload(attribute), sizeof v4);
    return base::IpAddress::from_v4(v4);
  }
  if (header.ifa_family == AF_INET6 && mnl_attr_get_payload_len(attribute) == sizeof(in6_addr)) {
    in6_addr v6{};
    std::memcpy(&v6, mnl_attr_get_payload(attribute), sizeof v6);
    return base::IpAddress::from_v6(v6, IN6_IS_ADDR_LINKLOCAL(&v6) ? header.ifa_index : 0);
  }
  return std::nullopt;
}

bool can_be_bound(std::uint32_t flags) {
  // The kernel lets a socket have an optimistic address (RFC 4429) while it is still checked.
  if ((flags & IFA_F_DADFAILED) != 0) return false;
  return (flags & IFA_F_TENTATIVE) == 0 || (flags & IFA_F_OPTIMISTIC) != 0;
}

std::optional<Address> bindable_address(const nlmsghdr& message) {
  const auto* header = netlink_header<ifaddrmsg>(message);
  if (message.nlmsg_type != RTM_NEWADDR || header == nullptr) return std::nullopt;
  const auto* flags = netlink_attribute(message, sizeof *header, IFA_FLAGS, sizeof(std::uint32_t));
  if (!can_be_bound(flags != nullptr ? mnl_attr_get_u32(flags) : header->ifa_flags)) {
    return std::nullopt;
  }
  // On a link between two points IFA_ADDRESS is the peer's.
  const auto* attribute = netlink_attribute(message, sizeof *header, IFA_LOCAL, 1);
  if (attribute == nullptr) {
    attribute = netlink_attribute(message, sizeof *header, IFA_ADDRESS, 1);
  }
  const auto address = attribute == nullptr ? std::nullopt : address_of(*header, attribute);
  if (!address) return std::nullopt;
  return Address{*address, header->ifa_index};
}

int dump_addresses(std::vector<Address>& addresses) {
  const ifaddrmsg request{};
  bool cut = false;
  const int error = netlink_dump(
      {NETLINK_ROUTE, RTM_GETADDR, std::as_bytes(std::span(&request, 1))},
      [&] { addresses.clear(); },
      [&](const nlmsghdr& message) {
        const auto address = bindable_address(message);
        cut = address && addresses.size() >= kAddressLimit;
        if (address && !cut) addresses.push_back(*address);
        return !cut;
      });
  return error == 0 && cut ? E2BIG : error;
}

}  // namespace

base::Result<std::vector<model::InterfaceAddress>> interface_addresses() {
  // In this order: what has no interface any more has gone together with it.
  std::vector<Address> addresses;
  Links links;
  int error = dump_addresses(addresses);
  if (error == 0) error = dump_links(links);
  if (error != 0) {
    std::string text = "the kernel does not list all addresses of this host: ";
    text += error == E2BIG ? "there are too many" : std::strerror(error);
    if (error == EAFNOSUPPORT) text += "; RestrictAddressFamilies= must name AF_NETLINK";
    return base::Error{text};
  }
  std::vector<model::InterfaceAddress> result;
  for (const auto& [address, index] : addresses) {
    const auto link = links.find(index);
    if (link == links.end()) continue;
    result.push_back({address, link->second.name, link->second.up});
  }
  return result;
}

}  // namespace local
