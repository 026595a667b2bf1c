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

using Names = std::unordered_map<unsigned int, std::string>;

// Hosts of containers have thousands; a host that serves whole networks routes them as local.
constexpr std::size_t kAddressLimit = 65536;
constexpr std::size_t kLinkLimit = 65536;

// nullopt: not up, or no such message.
std::optional<std::pair<unsigned int, std::string>> name_of_link_up(const nlmsghdr& message) {
  const auto* link = netlink_header<ifinfomsg>(message);
  if (message.nlmsg_type != RTM_NEWLINK || link == nullptr) return std::nullopt;
  if ((link->ifi_flags & IFF_UP) == 0) return std::nullopt;
  const auto* name = netlink_attribute(message, sizeof *link, IFLA_IFNAME, 1);
  if (name == nullptr) return std::nullopt;
  const auto* text = static_cast<const char*>(mnl_attr_get_payload(name));
  const std::string_view whole(text, ::strnlen(text, mnl_attr_get_payload_len(name)));
  return std::pair(static_cast<unsigned int>(link->ifi_index), base::printable(whole, IF_NAMESIZE));
}

int dump_links(Names& up) {
  struct Request {
    ifinfomsg header{};
    nlattr mask_header{sizeof(nlattr) + sizeof(std::uint32_t), IFLA_EXT_MASK};
    std::uint32_t mask = RTEXT_FILTER_SKIP_STATS;  // most of each message, and locks to read them
  };
  const Request request;
  bool cut = false;
  const int error = netlink_dump(
      {NETLINK_ROUTE, RTM_GETLINK, std::as_bytes(std::span(&request, 1))}, [&] { up.clear(); },
      [&](const nlmsghdr& message) {
        cut = up.size() >= kLinkLimit;
        if (auto link = name_of_link_up(message); link && !cut) up.insert(std::move(*link));
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

std::optional<model::InterfaceAddress> interface_address(const nlmsghdr& message, const Names& up) {
  const auto* header = netlink_header<ifaddrmsg>(message);
  if (message.nlmsg_type != RTM_NEWADDR || header == nullptr) return std::nullopt;
  const auto name = up.find(header->ifa_index);
  if (name == up.end()) return std::nullopt;
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
  return model::InterfaceAddress{*address, name->second};
}

int dump_addresses(const Names& up, std::vector<model::InterfaceAddress>& addresses) {
  const ifaddrmsg request{};
  bool cut = false;
  const int error = netlink_dump(
      {NETLINK_ROUTE, RTM_GETADDR, std::as_bytes(std::span(&request, 1))},
      [&] { addresses.clear(); },
      [&](const nlmsghdr& message) {
        cut = addresses.size() >= kAddressLimit;
        auto address = interface_address(message, up);
        if (address && !cut) addresses.push_back(std::move(*address));
        return !cut;
      });
  return error == 0 && cut ? E2BIG : error;
}

}  // namespace

base::Result<std::vector<model::InterfaceAddress>> interface_addresses() {
  Names up;
  std::vector<model::InterfaceAddress> addresses;
  int error = dump_links(up);
  if (error == 0) error = dump_addresses(up, addresses);
  if (error == 0) return addresses;
  std::string text = "the kernel does not list all addresses of this host: ";
  text += error == E2BIG ? "there are too many" : std::strerror(error);
  if (error == EAFNOSUPPORT) text += "; RestrictAddressFamilies= must name AF_NETLINK";
  return base::Error{text};
}

}  // namespace local
